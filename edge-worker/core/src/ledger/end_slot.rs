//! A job's end slot: one end of a job reaches the origin, whichever way it comes.
//!
//! | the made end | a genuine end arrives that says the same |
//! | --- | --- |
//! | is delivered | a duplicate; its key is noted |
//! | is under way, or waits | with `through` in flight; with `durable` a duplicate, since the edge owes the made one |
//! | is dead, or an admin has reopened it | forwarded |
//!
//! One that says something else is forwarded, and noted as a conflict. The other way round nothing is made as long
//! as the ledger has an end, owes one, or one is in flight: see [`standing`].

use super::entry::{Entry, EventState};
use super::job_row::{Ending, JobEnd};

/// Where a job stands whose end is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The ledger has an end, or owes one.
    Has(JobEnd),
    /// An attempt of an end is under way that the edge does not owe.
    InFlight,
    /// There is no end, or one that has failed at the origin and that is the provider's to deliver again.
    Free,
}

/// Looks through the events of a job's end, each with its key.
pub(crate) fn standing(ends: &[(String, Entry)], now_ms: u64) -> Standing {
    let mut is_in_flight = false;
    for (key, entry) in ends {
        let has = match entry.state {
            EventState::Done
            | EventState::Waiting { .. }
            | EventState::Dead
            | EventState::Reopened => true,
            EventState::Claimed { .. } if entry.owed.is_some() => true,
            EventState::Claimed { lease_end_ms } => {
                is_in_flight |= now_ms < lease_end_ms;
                false
            }
            EventState::Open | EventState::Dropped => false,
        };
        let ending = entry.meta.event_type.as_deref().and_then(Ending::of);
        if let Some(ending) = ending.filter(|_| has) {
            return Standing::Has(JobEnd { key: key.clone(), ending, credits: None });
        }
    }
    if is_in_flight { Standing::InFlight } else { Standing::Free }
}

/// What the made end of a job means for a genuine one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Nothing: the genuine one goes its way.
    Free,
    /// The origin has it.
    Delivered,
    /// The edge delivers it.
    InFlight {
        /// Milliseconds until more is known, at least 1.
        remaining_ms: u64,
    },
    /// It says something else.
    Conflict,
}

/// Holds a genuine end against the made one, whose row is `entry`.
pub(crate) fn slot(made: &JobEnd, entry: Option<&Entry>, genuine: &JobEnd, now_ms: u64) -> Slot {
    if made.key == genuine.key {
        return Slot::Free;
    }
    if !made.says_as(genuine) {
        return Slot::Conflict;
    }
    let remaining = |until_ms: u64| until_ms.saturating_sub(now_ms).max(1);
    match entry.map(|entry| entry.state) {
        Some(EventState::Done) => Slot::Delivered,
        Some(EventState::Claimed { lease_end_ms }) => {
            Slot::InFlight { remaining_ms: remaining(lease_end_ms) }
        }
        Some(EventState::Waiting { due_ms }) => {
            Slot::InFlight { remaining_ms: remaining(due_ms.unwrap_or(0)) }
        }
        Some(EventState::Dead | EventState::Open | EventState::Dropped | EventState::Reopened)
        | None => Slot::Free,
    }
}
