//! The transitions that a row can make.
//!
//! | call | from | to | answer |
//! | --- | --- | --- | --- |
//! | claim | absent, open, dropped, or lease run out | claimed, one attempt more | granted, with a token |
//! | claim | the same, but late, and late events are dropped | dropped | late, dropped |
//! | claim | reopened | claimed, one attempt more | granted, with a token |
//! | claim | claimed, lease running | – | in flight, time left |
//! | claim, accept | done, or owed already | – | duplicate |
//! | accept | as for a claim | claimed and owed, one attempt more | accepted, with a token |
//! | accept | the same, but something keeps it from going out | waiting and owed | stored |
//! | accept | claimed, lease running, not owed | claimed and owed | stored |
//! | take | waiting, due; or claimed and owed, lease run out | claimed, one attempt more | granted, with a token |
//! | take | the same, with all its attempts made | dead | – |
//! | commit | claimed or dropped, by that token | done, no longer owed | ok |
//! | commit | waiting or dead, by the token of any attempt since it was accepted or replayed | done, no longer owed | ok |
//! | commit | done by that token | – | ok |
//! | release | claimed by that token | open, attempts kept | ok |
//! | release | claimed and owed, by that token | waiting or dead | ok |
//! | commit, release | anything else | – | superseded |
//! | make end | absent | waiting and owed | stored |
//! | reopen | claimed, lease running | – | in flight, time left |
//! | reopen | owed | – | owed |
//! | reopen | absent | – | absent |
//! | reopen | anything else | reopened, attempts kept | ok |
//! | replay | waiting or dead, or done with its bytes kept | waiting, as if accepted now, attempts kept | ok |
//! | replay | claimed and owed | – | in flight, time left |
//! | replay | absent | – | absent |
//! | replay | anything else: the bytes are gone | – | gone |
//!
//! An owed event has its bytes on disk. It leaves that state by a commit, or, as a dead letter, after
//! `DEAD_RETENTION_DAYS`.
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
//!
//! While nothing of an owed event is under way, an older attempt may commit as well: it has outlived its lease, a newer
//! one has failed since, and what the origin has is known now. Otherwise the event would go out again for nothing. An
//! attempt from before a reopening or a replay may not: somebody wants the event to go out again.

use super::{ATTEMPT_LOST, Entry, EventState, Token};
use crate::ledger::event_meta::EventMeta;
use crate::ledger::order::{JobStage, Order};
use crate::ledger::owed::{Failure, Owed};
use crate::ledger::policy::Policy;
use crate::outcome::Outcome;

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

/// The answer to an acceptance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Accept {
    /// The claimant forwards at once. The entry is to be stored first, with the bytes.
    Granted(Entry, Order),
    /// The edge forwards later, or an attempt is under way already. The entry is to be stored first, with the
    /// bytes.
    Stored(Entry),
    /// The origin has the event, or it is on disk.
    Duplicate,
    /// The event is late and not to be forwarded. The entry is to be stored.
    LateDropped(Entry),
}

/// The answer to a commit or a release.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "one at a time")]
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
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub(crate) enum Reopen {
    /// Granted, once the entry is stored.
    Store(Entry),
    /// An attempt is under way, and its outcome is still unknown.
    InFlight {
        /// Milliseconds until its lease ends, at least 1.
        remaining_ms: u64,
    },
    /// The edge owes the event itself: it is replayed instead.
    Owed,
    /// There is no such event.
    Absent,
}

/// The answer to a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub(crate) enum Replay {
    /// Granted, once the entry is stored: the event waits, behind all others of its job.
    Store(Entry),
    /// An attempt is under way, and its outcome is still unknown.
    InFlight {
        /// Milliseconds until its lease ends, at least 1.
        remaining_ms: u64,
    },
    /// The event's bytes are not kept any more.
    Gone,
    /// There is no such event.
    Absent,
}

/// Asks for the right to forward an event. `furthest` is the stage of its job that the origin has
/// been told of.
pub(crate) fn claim(
    entry: Option<Entry>,
    meta: EventMeta,
    furthest: Option<JobStage>,
    policy: &Policy,
    now_ms: u64,
) -> Claim {
    let entry = entry.unwrap_or_else(|| Entry::new(meta, now_ms));
    let stage = entry.meta.stage();
    let order = Order::of(stage, furthest);
    match entry.state {
        EventState::Done | EventState::Waiting { .. } | EventState::Dead => Claim::Duplicate,
        // The edge owes it, and makes the next attempt itself.
        EventState::Claimed { .. } if entry.owed.is_some() => Claim::Duplicate,
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
        | EventState::Reopened => Claim::Granted(entry.claimed(policy, now_ms), order),
    }
}

/// Takes an event over: its bytes are stored along with the entry, and from then on the edge owes it.
///
/// `entry` is the event as it is, `claimed` what [`claim`] has said of it, and `waits` the state in which it
/// waits, if something keeps it from going out at once.
pub(crate) fn accept(
    entry: Option<Entry>,
    claimed: Claim,
    owed: Owed,
    waits: Option<EventState>,
) -> Accept {
    match (claimed, entry) {
        (Claim::Granted(granted, order), entry) => match waits {
            None => {
                let since_ms = owed.since_ms;
                Accept::Granted(Entry { owed: Some(owed.tried(since_ms)), ..granted }, order)
            }
            Some(state) => {
                let attempts = entry.map_or(0, |entry| entry.attempts);
                Accept::Stored(Entry { state, attempts, owed: Some(owed), ..granted })
            }
        },
        // An attempt that does not owe the event; from now on it does.
        (Claim::InFlight { .. }, Some(entry)) => {
            let since_ms = owed.since_ms;
            Accept::Stored(Entry { owed: Some(owed.tried(since_ms)), ..entry })
        }
        (Claim::LateDropped(entry), _) => Accept::LateDropped(entry),
        (Claim::Duplicate | Claim::InFlight { .. }, _) => Accept::Duplicate,
    }
}

/// Makes the next attempt of an owed event, which is due, or gives it up.
pub(crate) fn take(entry: Entry, policy: &Policy, now_ms: u64) -> Entry {
    let is_lost = matches!(entry.state, EventState::Claimed { .. });
    let is_exhausted = entry
        .owed
        .as_ref()
        .is_none_or(|it| policy.retry.is_exhausted(it.tries, it.since_ms, now_ms));
    if is_lost && is_exhausted {
        return entry.ended(EventState::Dead, ATTEMPT_LOST, now_ms);
    }
    entry.claimed(policy, now_ms)
}

/// Notes that the origin has the event. A lease that has run out does not matter as long as nobody
/// else holds the event.
pub(crate) fn commit(entry: Option<Entry>, token: Token, now_ms: u64) -> Change {
    let Some(entry) = entry else { return Change::Superseded };
    let is_newest = entry.attempts == token;
    let is_granted = match entry.state {
        EventState::Claimed { .. } | EventState::Dropped => is_newest,
        EventState::Waiting { .. } | EventState::Dead => entry.has_tried(token),
        EventState::Done if is_newest => return Change::Unchanged,
        EventState::Done | EventState::Open | EventState::Reopened => false,
    };
    if !is_granted {
        return Change::Superseded;
    }
    let entry = entry.ended(EventState::Done, Outcome::Forwarded.code(), now_ms);
    Change::Store(Entry { owed: None, ..entry })
}

/// Notes that an attempt failed. The next delivery need not wait for the lease to end; an owed event is
/// tried again by the edge itself, or given up.
pub(crate) fn release(
    entry: Option<Entry>,
    token: Token,
    outcome: &str,
    failure: Failure,
    policy: &Policy,
    now_ms: u64,
) -> Change {
    match entry {
        Some(entry)
            if entry.attempts == token && matches!(entry.state, EventState::Claimed { .. }) =>
        {
            let state = entry.owed.as_ref().map_or(EventState::Open, |owed| {
                // Without an answer nobody knows what the origin has.
                let is_retried = failure.status.is_none_or(|it| policy.retried.contains(it));
                let due_ms = policy.retry.next_ms(owed.failed(failure), now_ms);
                match due_ms.filter(|_| is_retried) {
                    Some(due_ms) => EventState::Waiting { due_ms: Some(due_ms) },
                    None => EventState::Dead,
                }
            });
            Change::Store(entry.ended(state, outcome, now_ms))
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
        // The edge makes the next attempt, and no delivery can.
        Some(Entry { owed: Some(_), .. }) => Reopen::Owed,
        Some(entry) => Reopen::Store(entry.ended(EventState::Reopened, "reopened", now_ms)),
    }
}

/// Delivers an event anew, with all its attempts before it. One that waits keeps its place and is due now; a
/// dead letter, or one that the origin has and whose headers are `kept` with its bytes, waits at the place `seq`,
/// behind the other events of its job, if it `is_blocked` by one of them. `id` names the replay to the origin.
pub(crate) fn replay(
    entry: Option<Entry>,
    kept: Option<String>,
    id: &str,
    seq: u64,
    is_blocked: bool,
    now_ms: u64,
) -> Replay {
    let Some(entry) = entry else { return Replay::Absent };
    let owed = match (&entry.owed, entry.state, kept) {
        (Some(owed), ..) => owed.clone(),
        (None, EventState::Done, Some(head)) => {
            Owed { since_ms: 0, tries: 0, seq, head, replay: None }
        }
        (None, ..) => return Replay::Gone,
    };
    let seq = match entry.state {
        EventState::Claimed { lease_end_ms } => {
            let remaining_ms = lease_end_ms.saturating_sub(now_ms).max(1);
            return Replay::InFlight { remaining_ms };
        }
        EventState::Waiting { .. } => owed.seq,
        _ => seq,
    };
    let state = EventState::Waiting { due_ms: (!is_blocked).then_some(now_ms) };
    let owed = Owed { since_ms: now_ms, tries: 0, seq, replay: Some(id.to_owned()), ..owed };
    Replay::Store(Entry { owed: Some(owed), ..entry.ended(state, "replayed", now_ms) })
}
