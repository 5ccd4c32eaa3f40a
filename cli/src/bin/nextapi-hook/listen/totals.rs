//! What came in all.

use core::fmt;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::arrival::{Answered, Arrival};

/// The types that are counted by name; any other one counts as `other`, so that a stranger cannot
/// make us remember every name that he thinks of.
const TYPES: [&str; 9] = [
    "job.queued",
    "job.running",
    "job.succeeded",
    "job.failed",
    "queued",
    "running",
    "succeeded",
    "failed",
    "batch.completed",
];

/// What came since the start.
#[derive(Default)]
pub(super) struct Totals {
    requests: u64,
    refused: u64,
    events: u64,
    duplicates: u64,
    not_well: u64,
    types: BTreeMap<&'static str, u64>,
}

impl Totals {
    /// How many requests came.
    pub(super) const fn requests(&self) -> u64 {
        self.requests
    }

    /// How many requests were let in.
    pub(super) const fn let_in(&self) -> u64 {
        self.requests.saturating_sub(self.refused)
    }

    pub(super) fn add(&mut self, arrival: &Arrival) {
        let one_more = |count: &mut u64| *count = count.saturating_add(1);
        one_more(&mut self.requests);
        match arrival.answered {
            Answered::Refused(_) => return one_more(&mut self.refused),
            Answered::With(status) if status.is_success() => {}
            Answered::With(_) | Answered::Never => one_more(&mut self.not_well),
        }
        if arrival.duplicates > 0 {
            return one_more(&mut self.duplicates);
        }
        one_more(&mut self.events);
        let kind = arrival.kind().unwrap_or("unreadable");
        let kind = TYPES.into_iter().find(|known| *known == kind);
        one_more(self.types.entry(kind.unwrap_or("other")).or_default());
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "kind": "summary",
            "requests": self.requests,
            "events": self.events,
            "duplicates": self.duplicates,
            "refused": self.refused,
            "not_2xx": self.not_well,
            "types": self.types,
        })
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "received: requests {}, events {}, duplicates {}, refused {}, not answered 2xx {}",
            self.requests, self.events, self.duplicates, self.refused, self.not_well
        )?;
        for (kind, count) in &self.types {
            write!(f, "\n  {count:>6}  {kind}")?;
        }
        Ok(())
    }
}
