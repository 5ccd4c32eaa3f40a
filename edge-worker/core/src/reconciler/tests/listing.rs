//! Jobs that are looked for in the list, and those that it does not have.

use super::api::{ended, running};
use super::world::World;
use crate::round_driver::NOW_MS;

#[test]
fn many_jobs_are_asked_for_by_the_page() {
    let mut world = World::new(&[]);
    let created_s = NOW_MS / 1_000 - 60;
    world.api.jobs = (0..1_000).rev().map(|id| ended(id, created_s)).collect();
    // One that was submitted long ago, and one that the list does not have.
    world.api.jobs.push(ended(5_000, 1));
    world.know((0..1_000).step_by(2).chain([5_000, 6_000]));
    world.run_for(600);
    assert_eq!(world.ledger.made.len(), 501);
    assert!(!world.ledger.made.contains_key("job_1"), "one that the edge does not know of");
    let one_by_one = world.api.asked.iter().filter(|(_, path)| !path.contains('?'));
    assert_eq!(one_by_one.count(), 2);
    assert!(world.api.asked.len() < 30, "{}", world.api.asked.len());
}

/// A job that is due since long ago must not have the whole list read for it, again and again.
#[test]
fn no_more_pages_are_read_than_are_worth_it() {
    let mut world = World::new(&[]);
    world.api.jobs = (0..5_000).rev().map(|id| running(id, NOW_MS / 1_000 - 60)).collect();
    world.ledger.known.insert("job_5000".to_owned(), 1);
    world.know(0..15);
    world.round();
    let pages = world.api.pages_asked();
    assert_eq!((pages, world.api.asked.len()), (3, 10));
}

#[test]
fn with_all_jobs_each_end_since_the_beginning_is_found() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    world.api.jobs = (0..50).rev().map(|id| ended(id, NOW_MS / 1_000 - 10)).collect();
    world.round();
    assert!(world.ledger.made.is_empty(), "the origin would get the past again");
    let mut id = 100;
    for _ in 0..20 {
        for _ in 0..60 {
            world.api.jobs.insert(0, ended(id, world.now_ms / 1_000));
            id += 1;
        }
        // What is deleted pulls the others up.
        world.api.jobs.truncate(500);
        world.run_for(30);
    }
    world.run_for(120);
    assert_eq!(world.ledger.made.len(), id - 100);
    // Few pages find many jobs, those among them that were not over at first.
    for number in 0..500 {
        world.api.jobs.insert(0, running(10_000 + number, world.now_ms / 1_000));
    }
    world.run_for(120);
    for job in &mut world.api.jobs {
        job["status"] = "failed".into();
    }
    world.run_for(900);
    assert_eq!(world.ledger.made.len(), id - 100 + 500);
    assert!(world.api.busiest_minute() <= 60, "{}", world.api.busiest_minute());
}

#[test]
fn without_the_list_jobs_are_asked_for_one_by_one() {
    for (mode, jobs) in [("known", 30), ("all", 3)] {
        for status in [400, 404, 500, 503, 200] {
            let mut world = World::new(&[("RECONCILE_JOBS", mode)]);
            world.api.jobs = (0..jobs).map(|id| ended(id, 0)).collect();
            world.api.odd = vec![("/video/generations?".to_owned(), status)];
            world.know(0..jobs);
            world.run_for(600);
            assert_eq!(world.ledger.made.len(), jobs, "{status} for the list, {mode}");
            let pages = world.api.pages_asked();
            assert!((1..=5).contains(&pages), "{pages}");
        }
    }
}

/// They are too deep in the list for the pages that they are worth.
#[test]
fn what_the_pages_do_not_have_is_asked_for_one_by_one() {
    for jobs in [100, 150, 200] {
        let mut world = World::new(&[("LEDGER_SHARDS", "1")]);
        world.api.jobs = (1_000..7_000).rev().map(|id| running(id, NOW_MS / 1_000)).collect();
        world.api.jobs.extend((0..jobs).map(|id| ended(id, 1)));
        world.ledger.known.extend((0..jobs).map(|id| (format!("job_{id}"), 1_000)));
        world.run_for(1_800);
        assert_eq!(world.ledger.made.len(), jobs);
    }
}

#[test]
fn a_date_that_lies_ahead_ends_no_walk() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    world.round();
    for id in 0..60 {
        world.api.jobs.insert(0, ended(id, world.now_ms / 1_000));
        if id == 5 {
            world.api.jobs.insert(0, ended(1_000, 253_402_300_799));
        }
        world.run_for(60);
    }
    world.run_for(120);
    assert!(world.ledger.made.len() >= 60, "{}", world.ledger.made.len());
}
