//! One event's row, and the transitions that it can make.
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

use super::event_meta::EventMeta;
use super::order::{JobStage, Order};
use super::owed::{Failure, Owed};
use super::policy::Policy;
use super::trail::TrailEntry;
use crate::outcome::Outcome;

/// Counts the attempts of one event; the newest attempt's number is what fences off older ones.
pub(crate) type Token = u64;

/// What is noted of an attempt whose end nobody has reported.
pub(crate) const ATTEMPT_LOST: &str = "attempt_lost";

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum EventState {
    /// An attempt is under way. Past the end of its lease it counts as lost.
    Claimed {
        /// When the lease ends, in milliseconds since 1970.
        lease_end_ms: u64,
    },
    /// The edge owes the event to the origin and makes the next attempt itself.
    Waiting {
        /// When that is due, in milliseconds since 1970; none while an earlier event of its job is owed.
        due_ms: Option<u64>,
    },
    /// The edge has given the event up; somebody has to look at it.
    Dead,
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
    pub(crate) const NAMES: [&str; 7] =
        ["claimed", "waiting", "dead", "open", "done", "dropped", "reopened"];

    /// The state's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Waiting { .. } => "waiting",
            Self::Dead => "dead",
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
    /// What the edge has promised, if the event's bytes are on disk.
    pub(crate) owed: Option<Owed>,
    /// What the row's trail gets when it is written next. A row that was read has nothing here: nothing is decided
    /// by its trail.
    pub(crate) noted: Vec<TrailEntry>,
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

impl Entry {
    /// A row that is not written yet.
    fn new(meta: EventMeta, now_ms: u64) -> Self {
        Self {
            state: EventState::Open,
            attempts: 0,
            first_ms: now_ms,
            last_ms: now_ms,
            last_outcome: None,
            meta,
            owed: None,
            noted: Vec::new(),
        }
    }

    /// A row, not written yet, of an event that was made here, and that is owed from now on. `due_ms` is when it may go
    /// out; none while an earlier event of its job is owed.
    pub(crate) fn waiting(meta: EventMeta, owed: Owed, due_ms: Option<u64>, now_ms: u64) -> Self {
        let state = EventState::Waiting { due_ms };
        Self { state, owed: Some(owed), ..Self::new(meta, now_ms) }
    }

    fn claimed(self, policy: &Policy, now_ms: u64) -> Self {
        let lease_end_ms = now_ms.saturating_add(policy.lease_ms);
        Self {
            state: EventState::Claimed { lease_end_ms },
            attempts: self.attempts.saturating_add(1),
            last_ms: now_ms,
            owed: self.owed.map(|owed| owed.tried(now_ms)),
            ..self
        }
    }

    fn ended(self, state: EventState, outcome: &str, now_ms: u64) -> Self {
        Self { state, last_ms: now_ms, last_outcome: Some(outcome.to_owned()), ..self }
    }

    /// With more for its trail.
    pub(crate) fn noting(mut self, entries: [Option<TrailEntry>; 2]) -> Self {
        self.noted.extend(entries.into_iter().flatten());
        self
    }

    /// Whether a token is that of an attempt made since the event was accepted, or last replayed.
    fn has_tried(&self, token: Token) -> bool {
        let tries = self.owed.as_ref().map_or(0, |owed| owed.tries);
        self.attempts.checked_sub(token).is_some_and(|newer| newer < tries)
    }

    /// When the alarm has to look at the event again: an owed one whose next attempt is due, or whose lease
    /// may run out with nobody left to settle it.
    pub(crate) const fn due_ms(&self) -> Option<u64> {
        match self.state {
            EventState::Waiting { due_ms } => due_ms,
            EventState::Claimed { lease_end_ms } if self.owed.is_some() => Some(lease_end_ms),
            _ => None,
        }
    }

    /// Whether an owed event is still to be delivered by the edge.
    pub(crate) const fn is_in_lane(&self) -> bool {
        self.owed.is_some()
            && matches!(self.state, EventState::Claimed { .. } | EventState::Waiting { .. })
    }
}
