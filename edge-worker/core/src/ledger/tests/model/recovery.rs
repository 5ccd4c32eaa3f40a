//! What follows when nothing goes wrong any more.

use std::collections::{BTreeSet, HashSet};

use stateright::Model as _;

use super::edge::{Action, Edge};
use super::system::{Promise, System, Taken};
use crate::ledger::message::Reply;

/// More states than any recovery has; one that has more does not come to an end.
const MOST_STATES: usize = 500;

/// Whether every event is delivered from here on: the provider sends it until it is answered 2xx,
/// and calls that were given up reach the object in between, in any order, or never.
///
/// Asked where no attempt is under way. That is enough: without faults every attempt ends after a
/// bounded number of steps, so such a state follows on every state.
pub(crate) fn is_certain(edge: &Edge, system: &System) -> bool {
    if !system.attempts.is_empty() {
        return true;
    }
    let quiet = System {
        faults_left: 0,
        setbacks_left: 0,
        reopens_left: 0,
        broken: BTreeSet::new(),
        ..system.clone()
    };
    (0..edge.events.len()).all(|event| is_delivered(edge, &quiet.clone().normalised(), event))
}

/// Goes through all that can follow. None of it is a circle: a stray arrives once, a delivery is
/// refused only while a lease runs, and then the next one waits for a tick of that lease, unless a
/// stray ends it before.
fn is_delivered(edge: &Edge, system: &System, event: usize) -> bool {
    let (mut seen, mut open) = (HashSet::new(), vec![system.clone()]);
    while let Some(mut system) = open.pop() {
        if seen.len() > MOST_STATES || is_lost(&system) {
            return false;
        }
        if !seen.insert(system.clone()) {
            continue;
        }
        let next = |action| edge.next_state(&system, action);
        open.extend((0..system.strays.len()).map(Action::Arrive).filter_map(next));
        match system.attempts.first().map(|attempt| attempt.taken) {
            Some(None) => open.extend(next(Action::Answer(0, Taken::Accepted))),
            // With its end the event is delivered.
            Some(Some(_)) => {
                if next(Action::Settle(0)).is_none_or(|settled| is_lost(&settled)) {
                    return false;
                }
            }
            None => {
                let answer = edge.claim(&mut system.clone(), event);
                if !matches!(answer, Reply::InFlight { .. }) {
                    system.sends_left[event] = 1;
                    let sent = edge.next_state(&system, Action::Send(event));
                    // Without an attempt it was acknowledged.
                    open.extend(sent.filter(|sent| !sent.attempts.is_empty() || is_lost(sent)));
                } else if let Some(later) = next(Action::Tick) {
                    open.push(later);
                } else {
                    return false;
                }
            }
        }
    }
    true
}

/// Whether something was acknowledged that the origin does not have. The other promises are not
/// what recovery is about.
fn is_lost(system: &System) -> bool {
    system.broken.contains(&Promise::NothingLost)
}
