//! What must hold in every state, what must occur in some, and what follows when nothing goes wrong any more.

use stateright::{Model as _, Property};

use super::edge::{Action, Edge};
use super::system::{Bulk, History, Promise, System, Taken};
use crate::ledger::bulk_replay::ReplayState;
use crate::ledger::entry::{Entry, EventState};

pub(super) const NOTHING_LOST: &str = "what was answered 2xx is owed, delivered or dead";
pub(super) const NOTHING_REPEATED: &str = "again only what nobody can know the outcome of";
pub(super) const ONE_ATTEMPT: &str = "one attempt of an event, and of a lane";
pub(super) const IN_ORDER: &str = "the events of a lane go out in order";
pub(super) const HOLDING_IS_FREE: &str = "only attempts count as attempts";
pub(super) const NEVER_ASLEEP: &str = "something will happen to every owed event";
pub(super) const RECOVERS: &str =
    "if alarms ring, every accepted event is delivered or dead in the end";

pub(super) const REPLAYED_ONCE: &str = "a bulk replay releases an event once";
pub(super) const NOTHING_LEFT_OUT: &str = "a bulk replay that is done has left out nothing";

/// All that must hold.
pub(super) const PROMISES: [&str; 9] = [
    NOTHING_LOST,
    NOTHING_REPEATED,
    ONE_ATTEMPT,
    IN_ORDER,
    HOLDING_IS_FREE,
    NEVER_ASLEEP,
    RECOVERS,
    REPLAYED_ONCE,
    NOTHING_LEFT_OUT,
];

pub(super) fn all(edge: &Edge) -> Vec<Property<Edge>> {
    let mut properties: Vec<Property<Edge>> = vec![
        Property::always(NOTHING_LOST, |_, system| keeps(system, Promise::NothingLost)),
        Property::always(NOTHING_REPEATED, |_, system| keeps(system, Promise::NothingRepeated)),
        Property::always(ONE_ATTEMPT, |_, system| keeps(system, Promise::OneAttempt)),
        Property::always(IN_ORDER, |_, system| keeps(system, Promise::InOrder)),
        Property::always(HOLDING_IS_FREE, |_, system| keeps(system, Promise::HoldingIsFree)),
        Property::always(NEVER_ASLEEP, |_, system| keeps(system, Promise::NeverAsleep)),
        Property::always(RECOVERS, recovers),
        Property::always(REPLAYED_ONCE, |_, system| keeps(system, Promise::ReplayedOnce)),
        Property::always(NOTHING_LEFT_OUT, |_, system| keeps(system, Promise::NothingLeftOut)),
        // Not promises, but signs that the model goes where it should.
        Property::sometimes("delivered", |_, system| is_in(system, "done")),
        Property::sometimes("taken twice", |_, system| any(system, |it| it.taken > 1)),
        Property::sometimes("an orphan", |_, system: &System| {
            system.attempts.is_empty() && is_in(system, "claimed")
        }),
        Property::sometimes("the object delivers", |_, system: &System| system.is_ringing()),
        Property::sometimes("dead", |_, system| is_in(system, "dead")),
        Property::sometimes("held", |_, system: &System| system.store.gate.breaker.is_counting()),
    ];
    if edge.bulk.is_some() {
        properties.push(Property::sometimes("replayed and delivered", |_, system: &System| {
            system.histories.iter().any(|it| it.bulk == Bulk::Released) && is_in(system, "done")
        }));
        properties.push(Property::sometimes("all replayed", |_, system: &System| {
            system.store.replays.values().any(|replay| replay.state == ReplayState::Done)
        }));
    }
    if edge.events.len() > 1 && edge.policy.is_ordered {
        properties.push(Property::sometimes("blocked", |_, system: &System| {
            let mut rows = system.store.rows.values();
            rows.any(|entry| entry.state == EventState::Waiting { due_ms: None })
        }));
    }
    properties
}

fn keeps(system: &System, promise: Promise) -> bool {
    !system.broken.contains(&promise)
}

fn any(system: &System, is_it: fn(&History) -> bool) -> bool {
    system.histories.iter().any(is_it)
}

fn is_in(system: &System, state: &str) -> bool {
    system.store.rows.values().any(|entry| entry.state.name() == state)
}

fn is_replaying(system: &System) -> bool {
    system.store.replays.values().any(|replay| replay.state == ReplayState::Running)
}

/// More steps than any recovery has.
const MOST_STEPS: usize = 400;

/// Whether all that is owed is delivered, or dead, from here on, if nothing is sent any more and every alarm
/// rings: attempts end, then time passes until the alarm rings. Calls that were given up never arrive; that they
/// may at any time is what the other properties look at.
fn recovers(edge: &Edge, system: &System) -> bool {
    let mut system = System { strays: Vec::new(), ..system.clone() };
    for _ in 0..MOST_STEPS {
        let action = if let Some(attempt) = system.attempts.first() {
            if attempt.taken.is_none() {
                Action::Answer(0, Taken::Accepted)
            } else {
                Action::Settle(0)
            }
        } else if !system.store.rows.values().any(Entry::is_in_lane) && !is_replaying(&system) {
            return true;
        } else if system.store.gate.is_paused {
            Action::Pause(false)
        } else if system.can_ring() {
            Action::Ring
        } else {
            Action::Tick
        };
        match edge.next_state(&system, action) {
            Some(next) => system = next,
            None => return false,
        }
    }
    false
}
