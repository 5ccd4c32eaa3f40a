//! What is kept from round to round.

use nextapi_client::{WalkState, Watermark};
use serde::Serialize;

use super::budget::Budget;
use crate::json::{self, FromJson, Object, from_json};

/// What is kept from round to round, as JSON. Of one that cannot be read nothing is lost but time: jobs from before
/// are known to the shards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Memory {
    /// When reconciliation began, in milliseconds since 1970. Jobs from before that are left alone.
    pub(super) since_ms: u64,
    /// The requests of the last minute.
    pub(super) budget: Budget,
    /// How many of them a round has reserved that has not come to its end.
    pub(super) reserved: u32,
    /// No request is sent before, in milliseconds since 1970.
    pub(super) not_before_ms: u64,
    /// Rounds in a row that the API has failed.
    pub(super) failures: u32,
    /// Why nothing goes on until somebody acts, if that is so.
    pub(super) trouble: Option<String>,
    /// Where the walk through the list stands that looks for jobs that nobody knows of.
    pub(super) walk: Option<WalkState>,
    /// Where the one stands that looks for jobs that are due.
    pub(super) due_walk: Option<WalkState>,
    /// How many pages that one may still read; none before one has begun. If none is left, jobs are asked for one by
    /// one for a while.
    pub(super) due_pages: Option<u32>,
    /// How many were since then.
    pub(super) singles: u32,
    /// The list is left alone until then, in milliseconds since 1970: it was of no help.
    pub(super) list_not_before_ms: u64,
    /// How often in a row it was not to be had.
    pub(super) list_failures: u32,
    /// Whether a shard was not told what a page of the walk has shown.
    pub(super) is_missed: bool,
    /// Whether the walk has taken the requests that jobs which are due would have needed: then it is their turn.
    pub(super) is_due_first: bool,
    /// Which of the jobs that are due is asked for first. It moves on with each failure, so that one job that the API
    /// cannot answer for does not stand in the way of the others.
    pub(super) turn: u32,
}

from_json!(Memory {
    since_ms = required,
    budget = or_default,
    reserved = or_default,
    not_before_ms = or_default,
    failures = or_default,
    trouble = or_default,
    walk = or_default,
    due_walk = or_default,
    due_pages = or_default,
    singles = or_default,
    list_not_before_ms = or_default,
    list_failures = or_default,
    is_missed = or_default,
    is_due_first = or_default,
    turn = or_default,
});

impl FromJson for WalkState {
    fn from_json(raw: &str) -> Option<Self> {
        let object = Object::read(raw)?;
        Some(Self {
            watermark: object.or_default("watermark")?,
            newest: object.or_default("newest")?,
            limit: object.required("limit")?,
            offset: object.required("offset")?,
            previous: object.required("previous")?,
            restarts: object.required("restarts")?,
            done: object.required("done")?,
        })
    }
}

impl FromJson for Watermark {
    fn from_json(raw: &str) -> Option<Self> {
        let object = Object::read(raw)?;
        Some(Self { created_at: object.required("created_at")?, ids: object.required("ids")? })
    }
}

/// The longest pause after failures, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 5 * 60_000;
/// The first one.
const FIRST_PAUSE_MS: u64 = 5_000;

impl Memory {
    pub(super) fn decode(text: &str, now_ms: u64) -> Self {
        let memory: Self = json::read(text).unwrap_or_default();
        if memory.since_ms == 0 { Self { since_ms: now_ms, ..memory } } else { memory }
    }

    pub(super) fn encode(&self) -> String {
        // Texts and numbers can always be written as JSON. Were that to change, the next round would begin anew.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The API has failed: nothing is asked for a while, which doubles.
    pub(super) fn failed(&mut self, now_ms: u64) {
        let doublings = self.failures.min(10);
        let pause_ms = FIRST_PAUSE_MS.saturating_mul(1 << doublings).min(LONGEST_PAUSE_MS);
        self.failures = self.failures.saturating_add(1);
        self.wait_until(now_ms.saturating_add(pause_ms));
    }

    /// Nothing is asked before then.
    pub(super) fn wait_until(&mut self, ms: u64) {
        self.not_before_ms = self.not_before_ms.max(ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        let mut memory = Memory::decode("", 5);
        assert_eq!(memory.since_ms, 5);
        memory.walk = Some(WalkState {
            watermark: Some(Watermark { created_at: 7, ids: vec!["job_1".into()] }),
            limit: 100,
            ..WalkState::default()
        });
        memory.budget.reserve(1, 1, 9).unwrap();
        memory.trouble = Some("blocked".to_owned());
        assert_eq!(Memory::decode(&memory.encode(), 1_000), memory);
    }

    #[test]
    fn pauses_double_up_to_their_end() {
        let mut memory = Memory::decode("", 1);
        let pauses = [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000].map(|_| {
            memory.not_before_ms = 0;
            memory.failed(0);
            memory.not_before_ms
        });
        assert_eq!(pauses, [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
    }
}
