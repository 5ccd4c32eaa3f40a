//! The model checker goes through everything that can happen between a provider, the worker's
//! isolates, the ledger's object and an origin, and checks in every state what the edge promises.
//!
//! What it checks is the real thing: the worker's own [`Machine`](crate::machine::Machine), from the
//! first byte of a signed delivery to the response, and the ledger's own
//! [`answer`](crate::ledger::protocol::answer) over the store in memory, with the messages between them
//! as they are on the wire. What it adds is what carries: deliveries that come twice or at the same
//! moment, calls that arrive late or never, isolates that die between any two steps, an origin that
//! fails or whose answer is cut, a clock, an admin.
//!
//! # Bounds
//!
//! | | one event | a job |
//! | --- | --- | --- |
//! | events | 1, the end of a job | 2, `job.running` and `job.succeeded` |
//! | deliveries of each, all at once or one after the other | 3 | 2 |
//! | faults: deaths, calls given up, failures of the origin | 3 | 2 |
//! | ticks that the object's clock is set back | 1 | 0 |
//! | times that the admin has an event reopened | 1 | 1 if late events are dropped, else 0 |
//! | lease; the longest from claim to commit | 2 ticks; 1 tick | the same |
//! | states | 30,566 | 17,988 if late events are forwarded, 48,862 if dropped |
//!
//! Time passes only as long as it matters, until the last lease has ended. Every delivery counts as
//! one in an isolate of its own: isolates share nothing that the ledger depends on, and one that dies
//! with several deliveries is as many faults. A call that is given up may have no effect, or have it
//! at once, or at any later time; so a lost call, a lost answer and a slow network are one and the
//! same fault. The first commit is called in time, as the settings see to; what is called again may
//! come after the lease.
//!
//! Not in the model: the sweep, which leaves alone what is younger than an hour; a change of the
//! settings; and a request that the origin acts on after the worker has given it up.
//!
//! # What holds
//!
//! All of [`PROMISES`], with a clock that is set back as well: that only makes a lease longer. If an
//! attempt outlives its lease, or the object's clock is set ahead meanwhile, an event can be
//! forwarded twice at once; it still is not lost, and the ledger still obeys the newest attempt only.

mod edge;
mod faults;
mod properties;
mod recovery;
mod steps;
pub(super) mod system;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model as _};

pub(super) use self::edge::first_call;
use self::edge::{Edge, Ledger, event};
use self::properties::{
    NOTHING_LOST, NOTHING_REPEATED, ONE_ATTEMPT, PROMISES, RECOVERS, RIGHT_ORDER, STALE_IS_REFUSED,
};
use crate::ledger::order::LateEvents;

/// One event, delivered again and again.
fn one_event() -> Edge {
    Edge {
        ledger: faults::SOUND,
        late_events: LateEvents::Forward,
        events: vec![event("job.succeeded")],
        sends: 3,
        faults: 3,
        setbacks: 1,
        reopens: 1,
        is_lease_long: true,
    }
}

/// Two events of one job.
fn a_job(late_events: LateEvents) -> Edge {
    Edge {
        late_events,
        events: vec![event("job.running"), event("job.succeeded")],
        sends: 2,
        faults: 2,
        setbacks: 0,
        ..one_event()
    }
}

/// Goes through all states, of which there must be as many as there were when this was written, and
/// checks that every promise is kept.
fn assert_kept(edge: Edge, least_states: usize) {
    let checker = edge.checker().threads(2).spawn_bfs().join();
    println!("{} states, depth {}", checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
    assert!(checker.unique_state_count() >= least_states, "the model has lost states");
}

/// Finds a promise that is broken, and says by how many steps.
fn assert_broken(edge: &Edge, promise: &'static str) {
    let finish = HasDiscoveries::AllOf(BTreeSet::from([promise]));
    // Deeper and deeper, so that the first history found is a shortest one.
    let found = (1..20).find_map(|depth| {
        let bounded = edge.clone().checker().target_max_depth(depth);
        let checker = bounded.finish_when(finish.clone()).spawn_bfs().join();
        checker.discovery(promise)
    });
    let path = found.unwrap_or_else(|| panic!("not found: {promise}"));
    let actions = path.into_actions();
    println!("broken in {} steps: {promise}: {actions:?}", actions.len());
}

fn with(ledger: Ledger, edge: Edge) -> Edge {
    Edge { ledger, ..edge }
}

#[test]
fn one_event_is_neither_lost_nor_repeated() {
    assert_kept(one_event(), 30_000);
}

#[test]
fn the_events_of_a_job_are_neither_lost_nor_repeated() {
    assert_kept(Edge { reopens: 0, ..a_job(LateEvents::Forward) }, 17_000);
}

#[test]
fn late_events_are_dropped_and_nothing_else() {
    assert_kept(a_job(LateEvents::Drop), 48_000);
}

/// The same with one delivery more, and for a job with a clock that is set back and an admin.
#[test]
#[ignore = "takes a minute"]
fn wider_bounds_make_no_difference() {
    assert_kept(Edge { sends: 4, ..one_event() }, 80_000);
    for late_events in [LateEvents::Forward, LateEvents::Drop] {
        assert_kept(Edge { setbacks: 1, ..a_job(late_events) }, 159_000);
    }
}

/// An attempt that outlives its lease, because the settings did not see to it or because the
/// object's clock was set ahead: it can be made twice. Nothing is lost even so.
#[test]
fn without_a_long_enough_lease_an_attempt_can_be_made_twice_but_nothing_is_lost() {
    let edge = Edge { is_lease_long: false, sends: 2, ..one_event() };
    let checker = edge.checker().threads(2).spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    assert!(checker.unique_state_count() >= 23_000, "the model has lost states");
    let broken: Vec<_> =
        PROMISES.into_iter().filter(|promise| checker.discovery(promise).is_some()).collect();
    assert_eq!(broken, [NOTHING_REPEATED, ONE_ATTEMPT]);
}

#[test]
fn a_commit_by_anybody_is_found() {
    assert_broken(&with(faults::commit_by_anybody, one_event()), STALE_IS_REFUSED);
}

#[test]
fn a_release_by_anybody_is_found() {
    assert_broken(&with(faults::release_by_anybody, one_event()), STALE_IS_REFUSED);
    assert_broken(&with(faults::release_by_anybody, one_event()), ONE_ATTEMPT);
}

#[test]
fn a_duplicate_acknowledged_in_flight_is_found() {
    assert_broken(&with(faults::in_flight_is_duplicate, one_event()), ONE_ATTEMPT);
    assert_broken(&with(faults::in_flight_is_duplicate, one_event()), NOTHING_LOST);
}

#[test]
fn a_lease_that_is_ignored_is_found() {
    assert_broken(&with(faults::lease_is_ignored, one_event()), ONE_ATTEMPT);
    assert_broken(&with(faults::lease_is_ignored, one_event()), NOTHING_REPEATED);
}

#[test]
fn a_lease_that_never_ends_is_found() {
    assert_broken(&with(faults::lease_is_endless, one_event()), RECOVERS);
}

#[test]
fn reopening_that_deletes_is_found() {
    assert_broken(&with(faults::reopening_deletes, one_event()), STALE_IS_REFUSED);
}

#[test]
fn a_commit_that_is_not_stored_is_found() {
    assert_broken(&with(faults::commit_is_lost, one_event()), NOTHING_REPEATED);
}

#[test]
fn a_release_that_commits_is_found() {
    assert_broken(&with(faults::release_commits, one_event()), NOTHING_LOST);
}

#[test]
fn a_late_event_that_is_not_marked_is_found() {
    assert_broken(&with(faults::late_is_in_order, a_job(LateEvents::Forward)), RIGHT_ORDER);
}

#[test]
fn an_end_that_is_dropped_is_found() {
    assert_broken(&with(faults::end_is_dropped, a_job(LateEvents::Drop)), RIGHT_ORDER);
}
