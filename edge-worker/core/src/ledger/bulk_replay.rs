//! A shard's part of a bulk replay, and how it goes on.
//!
//! | what happens | running | paused | cancelled, done |
//! | --- | --- | --- | --- |
//! | an event is released: it waits, as after a replay of one | count it, and wait for an interval | never | never |
//! | no event is left | done | – | – |
//! | one of its attempts fails | count it; the last one allowed in a row pauses | count it | count it |
//! | the origin takes one of its events | count it, and no failure stands | the same | count it |
//! | an admin pauses, resumes, cancels | paused, –, cancelled | –, running, cancelled | – |
//!
//! What was released goes its own way: it is tried again like any owed event, whatever becomes of the replay.
//!
//! # Once, and none left out
//!
//! The events are looked through by the time of their last change, from the place of the one seen last. An event
//! that is released has changed just now, so it lies behind the end of the selection, which is never later than
//! the start. Should the clock have been set back, an event still carries the replay that it was part of last.
//! The place moves in the same step in which the event is released: one is never on disk without the other.

mod request;
mod state;

use serde::Serialize;

use super::entry::{Entry, EventState};
use super::listing::Cursor;
use crate::json::from_json;
pub(crate) use request::{NewReplay, Selection};
pub(crate) use state::{ReplayState, Steering};

/// After how many failed attempts in a row a shard's part pauses. By default the breaker opens then as well.
pub(crate) const MOST_FAILURES: u32 = 5;

/// What is made up for at most of the time in which nothing was released, in milliseconds: alarms are a second
/// apart and come a little late.
const CATCH_UP_MS: u64 = 2_000;

/// A shard's part of a bulk replay.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct BulkReplay {
    /// Names it, also to the origin.
    pub(crate) id: String,
    /// Which events.
    pub(crate) selection: Selection,
    /// How many a second, over all shards.
    pub(crate) rate: u32,
    /// The shard's pause between two of them, in milliseconds.
    pub(crate) interval_ms: u64,
    /// Where it stands.
    pub(crate) state: ReplayState,
    /// When it was started, in milliseconds since 1970.
    pub(crate) started_ms: u64,
    /// When its state changed last, in milliseconds since 1970.
    pub(crate) changed_ms: u64,
    /// When the next event may be released, in milliseconds since 1970.
    pub(crate) next_ms: u64,
    /// The place of the event seen last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Cursor>,
    /// How many events there were at the start, up to [`COUNT_LIMIT`](super::figures::COUNT_LIMIT).
    pub(crate) events: u64,
    /// How many were released.
    pub(crate) released: u64,
    /// How many could not be, because they had changed in the meantime.
    pub(crate) skipped: u64,
    /// How many of those released the origin has taken.
    pub(crate) delivered: u64,
    /// How many of those released are dead letters.
    pub(crate) dead: u64,
    /// How many of its attempts have failed since the last success.
    pub(crate) failures: u32,
    /// Code of the last failure's outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_failure: Option<String>,
}

from_json!(BulkReplay {
    id = required,
    selection = required,
    rate = required,
    interval_ms = required,
    state = required,
    started_ms = required,
    changed_ms = required,
    next_ms = required,
    after = or_default,
    events = required,
    released = required,
    skipped = or_default,
    delivered = required,
    dead = required,
    failures = required,
    last_failure = or_default,
});

impl BulkReplay {
    /// One that starts now, with so many events.
    pub(crate) fn new(new: NewReplay, events: u64, now_ms: u64) -> Self {
        let NewReplay { id, selection, rate, interval_ms } = new;
        let until_ms = selection.until_ms.min(now_ms);
        Self {
            id,
            selection: Selection { until_ms, ..selection },
            rate,
            interval_ms,
            state: ReplayState::Running,
            started_ms: now_ms,
            changed_ms: now_ms,
            next_ms: now_ms,
            after: None,
            events,
            released: 0,
            skipped: 0,
            delivered: 0,
            dead: 0,
            failures: 0,
            last_failure: None,
        }
    }

    /// Whether it is what a new one wants to be. When that one is asked for again, its end is a later one.
    pub(crate) fn is_as(&self, new: &NewReplay) -> bool {
        let until_ms = self.selection.until_ms;
        (self.rate, self.interval_ms) == (new.rate, new.interval_ms)
            && self.selection == Selection { until_ms, ..new.selection.clone() }
    }

    /// With the event at this place released.
    pub(crate) fn released(self, place: Cursor, now_ms: u64) -> Self {
        let due_ms = self.next_ms.max(now_ms.saturating_sub(CATCH_UP_MS));
        Self {
            released: self.released.saturating_add(1),
            next_ms: due_ms.saturating_add(self.interval_ms),
            after: Some(place),
            ..self
        }
    }

    /// With the event at this place left alone: it was released before, or cannot be.
    pub(crate) fn passed(self, place: Cursor, is_skipped: bool) -> Self {
        let skipped = self.skipped.saturating_add(is_skipped.into());
        Self { skipped, after: Some(place), ..self }
    }

    /// With all events released.
    pub(crate) fn done(self, now_ms: u64) -> Self {
        Self { state: ReplayState::Done, changed_ms: now_ms, ..self }
    }

    /// After an attempt of one of its events has changed that event.
    pub(crate) fn noted(self, before: EventState, after: &Entry, now_ms: u64) -> Self {
        let dead = self.dead.saturating_sub((before == EventState::Dead).into());
        if after.state == EventState::Done {
            let delivered = self.delivered.saturating_add(1);
            return Self { delivered, dead, failures: 0, ..self };
        }
        let is_dead = after.state == EventState::Dead;
        let failures = self.failures.saturating_add(1);
        let pauses = self.state == ReplayState::Running && failures >= MOST_FAILURES;
        let (state, changed_ms) =
            if pauses { (ReplayState::Paused, now_ms) } else { (self.state, self.changed_ms) };
        let dead = dead.saturating_add(is_dead.into());
        let last_failure = after.last_outcome.clone();
        Self { state, changed_ms, dead, failures, last_failure, ..self }
    }

    /// After an admin's act; none if it has ended.
    pub(crate) fn steered(self, steering: Steering, now_ms: u64) -> Option<Self> {
        let state = match (steering, self.state) {
            (_, ReplayState::Cancelled | ReplayState::Done) => return None,
            (Steering::Pause, _) => ReplayState::Paused,
            (Steering::Resume, _) => ReplayState::Running,
            (Steering::Cancel, _) => ReplayState::Cancelled,
        };
        if state == self.state {
            return Some(self);
        }
        let is_resumed = state == ReplayState::Running;
        let (failures, next_ms) =
            if is_resumed { (0, now_ms) } else { (self.failures, self.next_ms) };
        Some(Self { state, failures, next_ms, changed_ms: now_ms, ..self })
    }

    /// Why it is paused, in words.
    pub(crate) fn reason(&self) -> Option<String> {
        if self.state != ReplayState::Paused {
            return None;
        }
        if self.failures < MOST_FAILURES {
            return Some("an admin has paused it".to_owned());
        }
        let outcome = self.last_failure.as_deref().unwrap_or("unknown");
        Some(format!(
            "{} attempts in a row have failed, the last one with {outcome}",
            self.failures
        ))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A replay of dead letters that starts at 1,000 ms.
    pub(crate) fn replay(interval_ms: u64) -> BulkReplay {
        let selection =
            Selection { state: "dead".to_owned(), until_ms: u64::MAX, ..Selection::default() };
        let new = NewReplay { id: "r-1".to_owned(), selection, rate: 10, interval_ms };
        BulkReplay::new(new, 3, 1_000)
    }

    fn place() -> Cursor {
        Cursor { last_ms: 5, key: "event-00".to_owned() }
    }

    fn entry(state: EventState) -> Entry {
        Entry {
            state,
            attempts: 1,
            first_ms: 0,
            last_ms: 0,
            last_outcome: Some("origin_failed".to_owned()),
            meta: crate::ledger::event_meta::EventMeta::default(),
            owed: None,
            noted: Vec::new(),
        }
    }

    const CLAIMED: EventState = EventState::Claimed { lease_end_ms: 9 };

    #[test]
    fn its_end_is_never_later_than_its_start() {
        assert_eq!(replay(5).selection.until_ms, 1_000);
    }

    #[test]
    fn failures_in_a_row_pause_it_and_a_success_between_them_does_not() {
        let failed = |replay: BulkReplay| {
            replay.noted(CLAIMED, &entry(EventState::Waiting { due_ms: None }), 7)
        };
        let mut failing = replay(5);
        for _ in 1..MOST_FAILURES {
            failing = failed(failing);
            assert_eq!((failing.state, failing.reason()), (ReplayState::Running, None));
        }
        let taken = failing.clone().noted(CLAIMED, &entry(EventState::Done), 7);
        assert_eq!((taken.failures, taken.delivered), (0, 1));
        assert_eq!(failed(taken).state, ReplayState::Running);
        let paused = failed(failing);
        assert_eq!((paused.state, paused.changed_ms), (ReplayState::Paused, 7));
        let reason = "5 attempts in a row have failed, the last one with origin_failed";
        assert_eq!(paused.reason().as_deref(), Some(reason));
        let resumed = paused.steered(Steering::Resume, 9).unwrap();
        assert_eq!(
            (resumed.state, resumed.failures, resumed.next_ms),
            (ReplayState::Running, 0, 9)
        );
    }

    #[test]
    fn dead_letters_are_counted_as_long_as_they_are_dead() {
        let dead = replay(5).noted(CLAIMED, &entry(EventState::Dead), 7);
        assert_eq!((dead.dead, dead.failures), (1, 1));
        // A commit that was late.
        let delivered = dead.noted(EventState::Dead, &entry(EventState::Done), 8);
        assert_eq!((delivered.dead, delivered.delivered), (0, 1));
    }

    #[test]
    fn what_has_ended_cannot_be_steered() {
        let acts = [Steering::Pause, Steering::Resume, Steering::Cancel];
        let ended = [replay(5).done(7), replay(5).steered(Steering::Cancel, 7).unwrap()];
        for (replay, act) in ended.iter().flat_map(|replay| acts.map(|act| (replay, act))) {
            assert_eq!(replay.clone().steered(act, 8), None, "{act:?}");
        }
        let paused = replay(5).steered(Steering::Pause, 7).unwrap();
        assert_eq!(paused.reason().as_deref(), Some("an admin has paused it"));
        assert_eq!(paused.clone().steered(Steering::Pause, 9), Some(paused));
        assert_eq!(replay(5).steered(Steering::Resume, 9), Some(replay(5)), "it runs already");
    }

    proptest! {
        /// Whenever the object looks, no more is released than the pace allows, and what is made up for.
        #[test]
        fn the_pace_is_kept(
            interval_ms in 1_u64..20_000,
            waits in proptest::collection::vec(0_u64..30_000, 1..60),
        ) {
            let mut replay = replay(interval_ms);
            let mut now_ms = replay.started_ms;
            let mut times = Vec::new();
            for wait_ms in waits {
                now_ms = now_ms.saturating_add(wait_ms);
                while replay.next_ms <= now_ms && times.len() < 5_000 {
                    replay = replay.released(place(), now_ms);
                    times.push(now_ms);
                }
            }
            for (index, start_ms) in times.iter().enumerate() {
                let in_time = times[index..].iter().filter(|ms| ms.saturating_sub(*start_ms) <= 10_000).count();
                let allowed = (10_000 + CATCH_UP_MS).div_euclid(interval_ms).saturating_add(1);
                prop_assert!(in_time as u64 <= allowed, "{} of {}", in_time, allowed);
            }
        }
    }
}
