//! The audit log: what admins and the reconciler did, and what came of it. It is kept for as long as events.

use serde::Serialize;

use super::alarm;
use super::bulk_replay::Steering;
use super::message::{Call, Reply};
use super::policy::Policy;
use super::store::Store;
use crate::json::from_json;

/// Who acts if a call does not say so.
const ADMIN: &str = "admin";

/// Who makes ends.
const RECONCILER: &str = "reconciler";

/// A place in the log, the latest first.
///
/// Entries of several shards may stand at the same place: who merges their logs must not cut between those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct AuditCursor {
    /// When the entry shown last was made, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// That entry's number.
    pub(crate) id: u64,
}

from_json!(AuditCursor { at_ms = required, id = required });

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
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

from_json!(AuditEntry {
    id = required,
    at_ms = required,
    by = required,
    act = required,
    about = required,
    result = required,
});

impl AuditEntry {
    /// The place of this entry in the log.
    pub(crate) const fn cursor(&self) -> AuditCursor {
        AuditCursor { at_ms: self.at_ms, id: self.id }
    }
}

/// Where a shard keeps its log.
///
/// # Errors
/// As for [`Store`].
pub(crate) trait AuditStore {
    /// Adds an entry; its number is the next one of its millisecond.
    fn add_audit(&mut self, entry: &AuditEntry) -> Result<(), String>;

    /// The entries behind a place, the latest first.
    fn audit(&self, cursor: Option<AuditCursor>, limit: u32) -> Result<Vec<AuditEntry>, String>;

    /// Deletes at most `limit` entries that were made at `due_ms` or before, the oldest first; their number.
    fn forget_audit(&mut self, due_ms: u64, limit: u32) -> Result<u32, String>;

    /// When the oldest entry was made.
    fn oldest_audit_ms(&self) -> Result<Option<u64>, String>;
}

/// What a call does, if it is an act: what, to what, and who does it unless the call says so.
pub(crate) struct Act {
    name: &'static str,
    about: String,
    by: &'static str,
}

impl Act {
    /// The act that a call is.
    pub(crate) fn of(call: &Call) -> Option<Self> {
        let (name, about, by) = match call {
            Call::Reopen { key } => ("reopen", key, ADMIN),
            Call::Replay { key, .. } => ("replay", key, ADMIN),
            Call::StartReplay(new) => ("start_replay", &new.id, ADMIN),
            Call::SteerReplay { id, steering } => (
                match steering {
                    Steering::Pause => "pause_replay",
                    Steering::Resume => "resume_replay",
                    Steering::Cancel => "cancel_replay",
                },
                id,
                ADMIN,
            ),
            Call::Pause { is_paused: true } => ("pause", &String::new(), ADMIN),
            Call::Pause { is_paused: false } => ("resume", &String::new(), ADMIN),
            Call::MakeEnd { observation, .. } => ("make_end", &observation.job_id, RECONCILER),
            _ => return None,
        };
        Some(Self { name, about: about.clone(), by })
    }
}

/// Notes an act with its reply. One that was about nothing in this shard has not happened here, and nothing is made
/// of an end that is not needed.
///
/// # Errors
/// The store's message.
pub(crate) fn note(
    store: &mut impl Store,
    act: Act,
    by: Option<&str>,
    reply: &Reply,
    policy: &Policy,
    now_ms: u64,
) -> Result<(), String> {
    let result = match reply {
        Reply::Ok => "ok",
        Reply::Stored => "stored",
        Reply::Planned { .. } => "planned",
        Reply::InFlight { .. } => "in_flight",
        Reply::Duplicate if act.by != RECONCILER => "duplicate",
        Reply::Gone => "gone",
        Reply::Full => "full",
        Reply::Ended => "ended",
        _ => return Ok(()),
    };
    store.add_audit(&AuditEntry {
        id: 0,
        at_ms: now_ms,
        by: by.unwrap_or(act.by).to_owned(),
        act: act.name.to_owned(),
        about: act.about,
        result: result.to_owned(),
    })?;
    alarm::ensure(store, now_ms.saturating_add(policy.retention_ms), now_ms);
    Ok(())
}
