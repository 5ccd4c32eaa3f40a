//! A job that is known by either of its ids.

use super::api::ended;
use super::world::World;
use crate::ledger::job::Observation;
use crate::round_driver::NOW_MS;

#[test]
fn a_job_is_followed_under_the_name_that_the_ledger_has() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    world.round();
    world.ledger.known.insert("vid_7".to_owned(), world.now_ms);
    world.ledger.observed.insert(
        "vid_7".to_owned(),
        Observation {
            job_id: "vid_7".to_owned(),
            status: "not_found".to_owned(),
            credits: None,
            estimated: None,
            created_ms: None,
            is_known_only: true,
        },
    );
    world.api.jobs = vec![ended(8, world.now_ms / 1_000 + 1), ended(7, world.now_ms / 1_000 + 1)];
    world.run_for(120);
    assert_eq!(world.ledger.made.keys().collect::<Vec<_>>(), ["job_8", "vid_7"]);
}

#[test]
fn an_end_that_came_under_another_name_is_not_made() {
    for (came, known) in [("vid_7", "job_7"), ("job_7", "vid_7")] {
        let mut world = World::new(&[]);
        world.api.jobs = vec![ended(7, 0)];
        world.ledger.known.insert(known.to_owned(), NOW_MS);
        world.ledger.came.push(came.to_owned());
        world.round();
        assert!(world.ledger.made.is_empty(), "{came}");
        assert_eq!(world.ledger.forgotten, [known]);
    }
    // A shard that cannot say is no reason to make it.
    let mut world = World::new(&[]);
    world.api.jobs = vec![ended(7, 0)];
    world.know([7]);
    world.ledger.silent = vec![world.ledger.shard_of("vid_7")];
    world.round();
    let is_same = world.ledger.shard_of("job_7") == world.ledger.silent[0];
    assert!(!is_same && world.ledger.made.is_empty());
    world.ledger.silent.clear();
    world.round();
    assert_eq!(world.ledger.made.len(), 1);
}
