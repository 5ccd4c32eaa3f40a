//! The model checker for `DELIVERY = durable`: as `model`, on the same machine and the same transitions, with the
//! object's alarm and the attempts that it makes.
//!
//! # Bounds
//!
//! | | one event | a job, in order | a job, without order |
//! | --- | --- | --- | --- |
//! | events | 1 | 2 | 2 |
//! | deliveries of each | 2 | 1 | 1 |
//! | faults: deaths of a Worker or of the object, calls given up, alarms that fail, failures and refusals of the origin | 3 | 3 | 2 |
//! | replays; pauses | 1; 1 | 1; 0 | 0; 0 |
//! | lease; the longest from claim to commit; least time to an alarm or a retry | 2 ticks; 1 tick; 1 tick | the same | the same |
//! | attempts of an event; failures that open the breaker | 3; 2 | the same | the same |
//! | states | 17,731 | 64,718 | 10,438 |
//!
//! An alarm may ring at any time from when it is due. Time passes only as long as it matters. A call that is given
//! up may have no effect, or have it at any later time, after everything else. A Worker's commit that is tried
//! again is one call that arrives late.
//!
//! Not in the model: clocks that are set back or ahead, the sweep of what is older than a retention, and a change
//! of the settings.

mod edge;
mod faults;
mod properties;
mod steps;
mod system;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model as _};

use self::edge::{Edge, Event, Object, new_isolate, policy};
use self::properties::{
    HOLDING_IS_FREE, IN_ORDER, NEVER_ASLEEP, NOTHING_LEFT_OUT, NOTHING_LOST, NOTHING_REPEATED,
    ONE_ATTEMPT, PROMISES, RECOVERS, REPLAYED_ONCE,
};
use super::model;
use crate::ledger::breaker::BreakerPolicy;
use crate::ledger::policy::Policy;

fn event(event_type: &str) -> Event {
    let (key, accepting) = model::first_call(&mut new_isolate(), event_type);
    Event { key, accepting }
}

/// One event, delivered again.
fn one_event() -> Edge {
    Edge {
        object: faults::SOUND,
        policy: policy(),
        events: vec![event("job.succeeded")],
        sends: 2,
        faults: 3,
        replays: 1,
        pauses: 1,
        bulk: None,
    }
}

/// Two events of one job.
fn a_job() -> Edge {
    Edge {
        events: vec![event("job.running"), event("job.succeeded")],
        sends: 1,
        faults: 3,
        pauses: 0,
        ..one_event()
    }
}

/// Two events of one job, and a bulk replay of those that the origin has refused.
fn a_bulk_replay() -> Edge {
    Edge { policy: sensitive(), replays: 0, faults: 2, bulk: Some("dead"), ..a_job() }
}

/// With a breaker that opens at the first failure: there are too few first tries here for two.
fn sensitive() -> Policy {
    let policy = policy();
    Policy { breaker: BreakerPolicy { failures: 1, ..policy.breaker }, ..policy }
}

/// One event whose bytes are kept, and a bulk replay of what the origin has.
fn a_bulk_replay_of_delivered_events() -> Edge {
    let policy = Policy { keep_bodies_ms: 40 * system::TICK_MS, ..sensitive() };
    Edge { policy, sends: 1, faults: 2, replays: 0, pauses: 1, bulk: Some("done"), ..one_event() }
}

fn without_order() -> Edge {
    let policy = Policy { is_ordered: false, ..policy() };
    Edge { policy, replays: 0, faults: 2, ..a_job() }
}

/// Goes through all states, and checks that every promise is kept.
fn assert_kept(edge: Edge, least_states: usize) {
    let checker = edge.checker().threads(2).spawn_bfs().join();
    println!("{} states, depth {}", checker.unique_state_count(), checker.max_depth());
    for (property, path) in checker.discoveries() {
        // A history of a sign that the model goes where it should is none of a broken promise.
        if PROMISES.contains(&property) {
            println!("{property}: {:?}", path.into_actions());
        }
    }
    checker.assert_properties();
    assert!(checker.unique_state_count() >= least_states, "the model has lost states");
}

/// Finds a promise that is broken, and says by how many steps.
fn assert_broken(object: Object, edge: &Edge, promise: &'static str) {
    let edge = Edge { object, ..edge.clone() };
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

#[test]
fn one_event_is_delivered_or_dead_in_the_end() {
    assert_kept(one_event(), 17_500);
}

#[test]
fn the_events_of_a_job_are_delivered_in_order_or_dead_in_the_end() {
    assert_kept(a_job(), 63_000);
}

#[test]
fn without_order_events_are_delivered_or_dead_all_the_same() {
    assert_kept(without_order(), 10_300);
}

#[test]
fn a_bulk_replay_releases_each_event_once_and_leaves_out_none() {
    assert_kept(a_bulk_replay(), 1_000);
}

#[test]
fn a_bulk_replay_of_delivered_events_releases_each_once() {
    assert_kept(a_bulk_replay_of_delivered_events(), 1_000);
}

#[test]
fn a_bulk_replay_that_loses_its_place_is_found() {
    assert_broken(faults::PLACE_WITHOUT_RELEASE, &a_bulk_replay(), NOTHING_LEFT_OUT);
    let delivered = a_bulk_replay_of_delivered_events();
    assert_broken(faults::PLACE_WITHOUT_RELEASE, &delivered, NOTHING_LEFT_OUT);
}

#[test]
fn a_killed_bulk_replay_that_begins_again_is_found() {
    assert_broken(faults::RELEASE_WITHOUT_PLACE, &a_bulk_replay(), REPLAYED_ONCE);
    let delivered = a_bulk_replay_of_delivered_events();
    assert_broken(faults::RELEASE_WITHOUT_PLACE, &delivered, REPLAYED_ONCE);
}

#[test]
fn a_bulk_replay_that_breaks_the_order_is_found() {
    assert_broken(faults::BULK_JUMPS_THE_QUEUE, &a_bulk_replay(), IN_ORDER);
}

#[test]
fn an_answer_before_the_store_is_found() {
    assert_broken(faults::ANSWER_BEFORE_STORE, &one_event(), NOTHING_LOST);
}

#[test]
fn an_alarm_that_is_not_set_is_found() {
    assert_broken(faults::ALARM_NOT_SET, &one_event(), NEVER_ASLEEP);
    assert_broken(faults::ALARM_NOT_SET, &one_event(), RECOVERS);
}

#[test]
fn an_alarm_without_a_successor_is_found() {
    assert_broken(faults::NO_SUCCESSOR, &one_event(), NEVER_ASLEEP);
}

#[test]
fn an_attempt_counted_while_held_is_found() {
    assert_broken(faults::HOLDING_COUNTS, &one_event(), HOLDING_IS_FREE);
}

#[test]
fn a_replay_that_breaks_the_order_is_found() {
    assert_broken(faults::REPLAY_JUMPS_THE_QUEUE, &a_job(), IN_ORDER);
}

#[test]
fn a_double_hand_over_of_a_lane_is_found() {
    let job = Edge {
        events: vec![event("job.queued"), event("job.running"), event("job.succeeded")],
        ..a_job()
    };
    assert_broken(faults::DOUBLE_HAND_OVER, &job, ONE_ATTEMPT);
}

#[test]
fn a_lease_that_is_ignored_is_found() {
    assert_broken(faults::LEASE_IS_IGNORED, &one_event(), ONE_ATTEMPT);
}

#[test]
fn a_commit_that_is_not_stored_is_found() {
    assert_broken(faults::COMMIT_IS_LOST, &one_event(), NOTHING_REPEATED);
}

#[test]
fn a_dead_letter_that_is_dropped_is_found() {
    assert_broken(faults::DEAD_IS_DROPPED, &one_event(), NOTHING_LOST);
}
