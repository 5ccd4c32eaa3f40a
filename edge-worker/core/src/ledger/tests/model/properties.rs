//! What must hold in every state, and what must occur in some.

use stateright::Property;

use super::edge::Edge;
use super::recovery;
use super::system::{History, Promise, System};
use crate::ledger::order::LateEvents;

pub(super) const NOTHING_LOST: &str = "a 2xx only for what the origin has confirmed, or is dropped";
pub(super) const NOTHING_REPEATED: &str = "again only what nobody can know the outcome of";
pub(super) const ONE_ATTEMPT: &str = "while an attempt runs, no second one and no 2xx";
pub(super) const STALE_IS_REFUSED: &str = "only the newest attempt changes the row";
pub(super) const RIGHT_ORDER: &str = "late is late, and an end is never dropped";
pub(super) const RECOVERS: &str = "once nothing goes wrong, every event is delivered";

/// All that must hold.
pub(super) const PROMISES: [&str; 6] =
    [NOTHING_LOST, NOTHING_REPEATED, ONE_ATTEMPT, STALE_IS_REFUSED, RIGHT_ORDER, RECOVERS];

pub(crate) fn all(edge: &Edge) -> Vec<Property<Edge>> {
    let mut properties: Vec<Property<Edge>> = vec![
        Property::always(NOTHING_LOST, |_, system| keeps(system, Promise::NothingLost)),
        Property::always(NOTHING_REPEATED, |_, system| keeps(system, Promise::NothingRepeated)),
        Property::always(ONE_ATTEMPT, |_, system| keeps(system, Promise::OneAttempt)),
        Property::always(STALE_IS_REFUSED, |_, system| keeps(system, Promise::StaleIsRefused)),
        Property::always(RIGHT_ORDER, |_, system| keeps(system, Promise::RightOrder)),
        Property::always(RECOVERS, recovery::is_certain),
        // Not promises, but signs that the model goes where it should.
        Property::sometimes("committed", |_, system| any(system, |it| it.is_committed)),
        Property::sometimes("taken twice", |_, system| any(system, |it| it.taken > 1)),
        Property::sometimes("held by nobody", |_, system: &System| {
            system.attempts.is_empty() && is_in(system, "claimed")
        }),
    ];
    if edge.reopens > 0 {
        properties.push(Property::sometimes("reopened", |_, system| is_in(system, "reopened")));
    }
    if edge.late_events == LateEvents::Drop {
        properties.push(Property::sometimes("dropped", |_, system| is_in(system, "dropped")));
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
