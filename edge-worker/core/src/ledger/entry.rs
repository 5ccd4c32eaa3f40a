//! One event's row. Which transitions it can make stands in [`transitions`].

mod state;
mod transitions;

use super::event_meta::EventMeta;
use super::owed::Owed;
use super::policy::Policy;
use super::trail::TrailEntry;
pub(crate) use state::EventState;
pub(crate) use transitions::{
    Accept, Change, Claim, Reopen, Replay, accept, claim, commit, release, reopen, replay, take,
};

/// Counts the attempts of one event; the newest attempt's number is what fences off older ones.
pub(crate) type Token = u64;

/// What is noted of an attempt whose end nobody has reported.
pub(crate) const ATTEMPT_LOST: &str = "attempt_lost";

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
