//! Shards that are away for a while.

use super::api::ended;
use super::world::{SECOND_MS, World};

/// What a shard was not told of is shown again.
#[test]
fn a_shard_that_is_away_misses_nothing() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all"), ("LEDGER_SHARDS", "4")]);
    world.round();
    world.now_ms += 10 * SECOND_MS;
    world.api.jobs = (0..100).map(|id| ended(id, world.now_ms / 1_000)).collect();
    world.ledger.silent = vec!["shard-1".to_owned()];
    world.run_for(180);
    let made = world.ledger.made.len();
    assert!((1..100).contains(&made), "{made}");
    // Longer than what a walk reads again.
    world.now_ms += 3_600 * SECOND_MS;
    world.ledger.silent.clear();
    world.run_for(180);
    assert_eq!(world.ledger.made.len(), 100);
}

/// The walk takes several rounds, and a shard was away in the first one only.
#[test]
fn what_was_missed_in_an_earlier_round_is_shown_again() {
    let settings =
        [("RECONCILE_JOBS", "all"), ("LEDGER_SHARDS", "4"), ("RECONCILE_REQUESTS_PER_MINUTE", "1")];
    let mut world = World::new(&settings);
    world.round();
    world.now_ms += 4_600 * SECOND_MS;
    world.api.jobs = (0..150).map(|id| ended(id, world.now_ms / 1_000 - 30 * id as u64)).collect();
    world.ledger.silent = vec!["shard-1".to_owned()];
    world.round();
    world.ledger.silent.clear();
    world.run_for(4 * 3_600);
    assert_eq!(world.ledger.made.len(), 150);
}

#[test]
fn nobody_is_followed_twice_because_a_shard_was_away() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    world.round();
    world.now_ms += 10 * SECOND_MS;
    world.api.jobs = vec![ended(7, world.now_ms / 1_000)];
    world.ledger.known.insert("vid_7".to_owned(), world.now_ms);
    world.ledger.came.push("vid_7".to_owned());
    world.ledger.silent = vec![world.ledger.shard_of("vid_7")];
    world.run_for(120);
    world.ledger.silent.clear();
    world.run_for(120);
    assert!(world.ledger.made.is_empty(), "{:?}", world.ledger.made.keys());
}

/// Without a reply nobody knows by which of its names a job is known.
#[test]
fn a_job_gets_no_new_name_because_a_shard_was_away_for_a_moment() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    world.round();
    world.now_ms += 10 * SECOND_MS;
    world.api.jobs = vec![ended(7, world.now_ms / 1_000)];
    world.ledger.silent_once = Some(world.ledger.shard_of("vid_7"));
    world.run_for(180);
    assert_eq!(world.ledger.silent_once, None);
    assert_eq!(world.ledger.made.keys().collect::<Vec<_>>(), ["job_7"]);
}
