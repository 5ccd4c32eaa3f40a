//! The model checker for reconciliation: one job whose end comes from the provider, late or never, and from the
//! reconciler, on the same transitions that the object makes.
//!
//! | | |
//! | --- | --- |
//! | deliveries of the genuine end, each of which may get lost | 2 |
//! | looks of the reconciler, each of which may come twice or be for nothing | 3 |
//! | faults: lost deliveries and answers, failures of the origin, deaths of a Worker, of the object, of the reconciler between two calls | 2 |
//! | grace, least pause of retries; lease; attempts | 1 tick; 2 ticks; 2 |
//! | ticks | 6 |
//! | states: `durable`, `through`; with ends that differ | 81,951, 136,942; 147,403, 351,240 |
//!
//! Time is the object's clock, and stands in the state. Both modes are checked, with ends that agree and with ends
//! that do not.
//!
//! Not in the model: other events of the job, pauses and replays, clocks that are set back, and what is older than a
//! retention.

mod faults;
mod steps;
mod system;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model, Property};

use self::faults::{Object, SOUND};
use self::system::{Action, Ends, Loop, System};

const ONE_END: &str = "no second end that says the same reaches the origin";
const NOTHING_LOST: &str = "an end that somebody was told of is owed, delivered or dead";
const CONFLICTS_ARE_NOTED: &str =
    "two ends at the origin are a conflict, or the outcome of one was unknown";
const RECOVERS: &str = "once nothing fails an end reaches the origin, or is dead";
const MADE_ARRIVES: &str = "a made end reaches the origin";
const GENUINE_ARRIVES: &str = "a genuine end reaches the origin";
const ABSORBED: &str = "a genuine end is absorbed";

const PROMISES: [&str; 4] = [ONE_END, NOTHING_LOST, CONFLICTS_ARE_NOTED, RECOVERS];

impl Model for Loop {
    type State = System;
    type Action = Action;

    fn init_states(&self) -> Vec<System> {
        vec![System::new(self)]
    }

    fn actions(&self, system: &System, actions: &mut Vec<Action>) {
        Self::possible(system, actions);
    }

    fn next_state(&self, system: &System, action: Action) -> Option<System> {
        let mut next = system.clone();
        self.step(&mut next, action).then(|| next.normalised())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_END, |_, system: &System| !system.has_repeated),
            Property::always(NOTHING_LOST, |_, system: &System| !system.has_lost),
            Property::always(CONFLICTS_ARE_NOTED, |_, system: &System| !system.has_hidden_conflict),
            Property::always(RECOVERS, |model: &Self, system: &System| model.recovers(system)),
            Property::sometimes(MADE_ARRIVES, |_, system: &System| system.made.taken > 0),
            Property::sometimes(GENUINE_ARRIVES, |_, system: &System| system.genuine.taken > 0),
            Property::sometimes(ABSORBED, |model: &Self, system: &System| {
                system.is_absorbed || model.ends == Ends::Conflict
            }),
        ]
    }
}

fn model(is_durable: bool, ends: Ends) -> Loop {
    Loop::new(SOUND, is_durable, ends)
}

fn assert_kept(model: Loop, least_states: usize) {
    let checker = model.checker().threads(2).spawn_bfs().join();
    println!("{} states, depth {}", checker.unique_state_count(), checker.max_depth());
    for (property, path) in checker.discoveries() {
        if PROMISES.contains(&property) {
            println!("{property}: {:?}", path.into_actions());
        }
    }
    checker.assert_properties();
    assert!(checker.unique_state_count() >= least_states, "the model has lost states");
}

fn assert_broken(object: Object, is_durable: bool, promise: &'static str) {
    let model = Loop::new(object, is_durable, Ends::Agree);
    let finish = HasDiscoveries::AllOf(BTreeSet::from([promise]));
    let found = (1..16).find_map(|depth| {
        let bounded = model.clone().checker().target_max_depth(depth);
        bounded.finish_when(finish.clone()).spawn_bfs().join().discovery(promise)
    });
    let actions = found.unwrap_or_else(|| panic!("not found: {promise}")).into_actions();
    println!("broken in {} steps: {promise}: {actions:?}", actions.len());
}

#[test]
fn with_durable_one_end_reaches_the_origin() {
    assert_kept(model(true, Ends::Agree), 80_000);
}

#[test]
fn with_through_one_end_reaches_the_origin() {
    assert_kept(model(false, Ends::Agree), 130_000);
}

#[test]
fn ends_that_differ_both_reach_the_origin_and_are_noted() {
    assert_kept(model(true, Ends::Conflict), 140_000);
    assert_kept(model(false, Ends::Conflict), 340_000);
}

#[test]
fn a_slot_that_is_not_looked_at_is_found() {
    assert_broken(faults::SLOT_NOT_LOOKED_AT, true, ONE_END);
    assert_broken(faults::SLOT_NOT_LOOKED_AT, false, ONE_END);
}

#[test]
fn an_end_that_is_made_without_standing_back_is_found() {
    assert_broken(faults::NO_STANDING_BACK, true, ONE_END);
    assert_broken(faults::NO_STANDING_BACK, false, ONE_END);
}

#[test]
fn a_made_end_that_is_not_stored_is_found() {
    assert_broken(faults::MADE_IS_NOT_STORED, true, NOTHING_LOST);
}

#[test]
fn a_made_end_without_an_alarm_is_found() {
    assert_broken(faults::MADE_WITHOUT_ALARM, false, RECOVERS);
}

/// A job that counts as ended once its end is claimed is never looked at again, whatever becomes of the attempt.
#[test]
fn a_job_that_ends_with_the_claim_is_found() {
    assert_broken(faults::ENDED_AT_THE_CLAIM, false, RECOVERS);
}
