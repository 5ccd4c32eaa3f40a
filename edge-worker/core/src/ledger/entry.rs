//! One event's row, and the transitions that it can make.
//!
//! | call | from | to | answer |
//! | --- | --- | --- | --- |
//! | claim | absent, open, dropped, or lease run out | claimed, one attempt more | granted, with a token |
//! | claim | the same, but late, and late events are dropped | dropped | late, dropped |
//! | claim | reopened | claimed, one attempt more | granted, with a token |
//! | claim | claimed, lease running | – | in flight, time left |
//! | claim | done | – | duplicate |
//! | commit | claimed or dropped, by that token | done | ok |
//! | commit | done by that token | – | ok |
//! | release | claimed by that token | open, attempts kept | ok |
//! | commit, release | anything else | – | superseded |
//! | reopen | claimed, lease running | – | in flight, time left |
//! | reopen | absent | – | absent |
//! | reopen | anything else | reopened, attempts kept | ok |
//!
//! # The token
//!
//! The token of a claim is a fencing token: the row's number of attempts. Every claim that is granted
//! increments it, and nothing resets it (a release and a reopening both keep it), so only the newest
//! claim's token equals the row's number. A random token would prove no more. Only the sweep starts the numbers again, by deleting the row; it does so a retention
//! after the last transition, at least 36 hours, while a claim's holder lives for less than a minute.
//!
//! Commit is the one transition that may be asked for twice, because its answer can get lost while
//! the origin has the event already. So done by the same token is a success, not a refusal.

use super::event_meta::EventMeta;
use super::order::{JobStage, LateEvents, Order};
use crate::outcome::Outcome;

/// Counts the attempts of one event; the newest attempt's number is what fences off older ones.
pub(crate) type Token = u64;

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum EventState {
    /// An attempt is under way. Past the end of its lease it counts as lost.
    Claimed {
        /// When the lease ends, in milliseconds since 1970.
        lease_end_ms: u64,
    },
    /// The last attempt failed; the next delivery may try again.
    Open,
    /// The origin has the event. Final, unless an admin reopens it.
    Done,
    /// The event came late and was acknowledged without being forwarded.
    Dropped,
    /// An admin wants the next delivery forwarded, whatever happened before.
    Reopened,
}

impl EventState {
    /// The names of all states, as in the tables and in listings.
    pub(crate) const NAMES: [&str; 5] = ["claimed", "open", "done", "dropped", "reopened"];

    /// The state's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Open => "open",
            Self::Done => "done",
            Self::Dropped => "dropped",
            Self::Reopened => "reopened",
        }
    }
}

/// An event's row without its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    /// Where the event stands.
    pub(crate) state: EventState,
    /// How many claims were granted.
    pub(crate) attempts: Token,
    /// When the first claim was granted, in milliseconds since 1970.
    pub(crate) first_ms: u64,
    /// When the last transition was made, in milliseconds since 1970.
    pub(crate) last_ms: u64,
    /// Code of the last reported outcome or intervention.
    pub(crate) last_outcome: Option<String>,
    /// What the event is.
    pub(crate) meta: EventMeta,
}

/// The settings that the ledger goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// How long a claim holds, in milliseconds.
    pub(crate) lease_ms: u64,
    /// How long an event is remembered after its last transition, in milliseconds.
    pub(crate) retention_ms: u64,
    /// What becomes of late events.
    pub(crate) late_events: LateEvents,
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The claimant alone may forward. The entry is to be stored first; its attempts are the token.
    Granted(Entry, Order),
    /// Another attempt is under way.
    InFlight {
        /// Milliseconds until its lease ends, at least 1.
        remaining_ms: u64,
    },
    /// The origin has the event.
    Duplicate,
    /// The event is late and not to be forwarded. The entry is to be stored first.
    LateDropped(Entry),
}

/// The answer to a commit or a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Granted, once the entry is stored.
    Store(Entry),
    /// Applied already: nothing is to be stored.
    Unchanged,
    /// This attempt no longer holds the event: a newer one has claimed it, an admin has reopened it, or
    /// its row is gone.
    Superseded,
}

/// The answer to a reopening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reopen {
    /// Granted, once the entry is stored.
    Store(Entry),
    /// An attempt is under way, and its outcome is still unknown.
    InFlight {
        /// Milliseconds until its lease ends, at least 1.
        remaining_ms: u64,
    },
    /// There is no such event.
    Absent,
}

/// Asks for the right to forward an event. `furthest` is the stage of its job that the origin has
/// been told of.
pub(crate) fn claim(
    entry: Option<Entry>,
    meta: EventMeta,
    furthest: Option<JobStage>,
    policy: Policy,
    now_ms: u64,
) -> Claim {
    let entry = entry.unwrap_or(Entry {
        state: EventState::Open,
        attempts: 0,
        first_ms: now_ms,
        last_ms: now_ms,
        last_outcome: None,
        meta,
    });
    let stage = entry.meta.stage();
    let order = Order::of(stage, furthest);
    match entry.state {
        EventState::Done => Claim::Duplicate,
        EventState::Claimed { lease_end_ms } if now_ms < lease_end_ms => {
            Claim::InFlight { remaining_ms: lease_end_ms.saturating_sub(now_ms) }
        }
        EventState::Claimed { .. } | EventState::Open | EventState::Dropped
            if policy.late_events.drops(order, stage) =>
        {
            Claim::LateDropped(entry.ended(
                EventState::Dropped,
                Outcome::LateDropped.code(),
                now_ms,
            ))
        }
        EventState::Claimed { .. }
        | EventState::Open
        | EventState::Dropped
        | EventState::Reopened => {
            let lease_end_ms = now_ms.saturating_add(policy.lease_ms);
            let entry = Entry {
                state: EventState::Claimed { lease_end_ms },
                attempts: entry.attempts.saturating_add(1),
                last_ms: now_ms,
                ..entry
            };
            Claim::Granted(entry, order)
        }
    }
}

/// Notes that the origin has the event. A lease that has run out does not matter as long as nobody
/// else has claimed the event since.
pub(crate) fn commit(entry: Option<Entry>, token: Token, now_ms: u64) -> Change {
    match entry {
        Some(entry) if entry.attempts == token => match entry.state {
            EventState::Claimed { .. } | EventState::Dropped => {
                Change::Store(entry.ended(EventState::Done, Outcome::Forwarded.code(), now_ms))
            }
            EventState::Done => Change::Unchanged,
            EventState::Open | EventState::Reopened => Change::Superseded,
        },
        _ => Change::Superseded,
    }
}

/// Notes that an attempt failed, so that the next delivery need not wait for the lease to end.
pub(crate) fn release(entry: Option<Entry>, token: Token, outcome: &str, now_ms: u64) -> Change {
    match entry {
        Some(entry)
            if entry.attempts == token && matches!(entry.state, EventState::Claimed { .. }) =>
        {
            Change::Store(entry.ended(EventState::Open, outcome, now_ms))
        }
        _ => Change::Superseded,
    }
}

/// Forwards the next delivery of an event, even if the origin has the event or it is late.
///
/// The row stays, and its attempts with it: were it deleted, the tokens would start again, and an
/// attempt from before could pass for one from after.
pub(crate) fn reopen(entry: Option<Entry>, now_ms: u64) -> Reopen {
    match entry {
        None => Reopen::Absent,
        Some(Entry { state: EventState::Claimed { lease_end_ms }, .. })
            if now_ms < lease_end_ms =>
        {
            Reopen::InFlight { remaining_ms: lease_end_ms.saturating_sub(now_ms) }
        }
        Some(entry) => Reopen::Store(entry.ended(EventState::Reopened, "reopened", now_ms)),
    }
}

impl Entry {
    fn ended(self, state: EventState, outcome: &str, now_ms: u64) -> Self {
        Self { state, last_ms: now_ms, last_outcome: Some(outcome.to_owned()), ..self }
    }
}
