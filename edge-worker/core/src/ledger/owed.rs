//! An event whose bytes are on disk, and which the edge therefore owes to the origin.

use super::retry::Failed;

/// What is kept of an owed event, beside its body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owed {
    /// When it was first tried since it was accepted, or last replayed, in milliseconds since 1970; until then when
    /// that was. So an event that is held before its first attempt loses none of its time.
    pub(crate) since_ms: u64,
    /// How many attempts were made since then.
    pub(crate) tries: u64,
    /// Its place among the owed events of its job.
    pub(crate) seq: u64,
    /// Headers and names that go along, as [`Head`](crate::forward::Head) writes them.
    pub(crate) head: String,
    /// The replay that it is part of, if it is one.
    pub(crate) replay: Option<String>,
}

/// What is known of an attempt that has failed, apart from its code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The status that the origin answered with; none if there was no answer.
    pub(crate) status: Option<u16>,
    /// How long the origin wants to be left alone, in milliseconds.
    pub(crate) retry_after_ms: Option<u64>,
    /// A random number, which spreads retries.
    pub(crate) jitter: u16,
}

impl Owed {
    /// With one attempt more. The first one starts the time for which the event is tried.
    pub(crate) fn tried(self, now_ms: u64) -> Self {
        let since_ms = if self.tries == 0 { now_ms } else { self.since_ms };
        Self { since_ms, tries: self.tries.saturating_add(1), ..self }
    }

    /// What the schedule of retries goes by.
    pub(crate) const fn failed(&self, failure: Failure) -> Failed {
        let Failure { retry_after_ms, jitter, .. } = failure;
        Failed { tries: self.tries, since_ms: self.since_ms, retry_after_ms, jitter }
    }
}
