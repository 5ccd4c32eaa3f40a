//! The audit log: what admins and the reconciler did, and what came of it. It is kept for as long as events.

use serde::{Deserialize, Serialize};

/// A place in the log, the latest first.
///
/// Entries of several shards may stand at the same place: who merges their logs must not cut between those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct AuditCursor {
    /// When the entry shown last was made, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// That entry's number.
    pub(crate) id: u64,
}

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditEntry {
    /// Its number among those of the same shard and millisecond.
    pub(crate) id: u64,
    /// When it was done, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// Who did it.
    pub(crate) by: String,
    /// What was done, such as `reopen`.
    pub(crate) act: String,
    /// What it was done to: the key of an event, the id of a bulk replay, the id of a job; empty if to all.
    pub(crate) about: String,
    /// What came of it, such as `ok` or `in_flight`.
    pub(crate) result: String,
}

impl AuditEntry {
    /// The place of this entry in the log.
    pub(crate) const fn cursor(&self) -> AuditCursor {
        AuditCursor { at_ms: self.at_ms, id: self.id }
    }
}
