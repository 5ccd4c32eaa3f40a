//! What is forgotten of jobs, and when.

use super::*;

#[test]
fn jobs_are_forgotten_after_their_events() {
    let mut shard = Shard::new();
    shard.deliver(true, "c", "job.succeeded", "");
    shard.commit("c");
    let (mut rings, mut lived_ms) = (0, 0);
    while let Some(alarm_ms) = shard.store.alarm_ms() {
        shard.now_ms = alarm_ms;
        let has_event = shard.store.find("c").unwrap().is_some();
        let swept = alarm::sweep(&mut shard.store, &shard.policy, shard.now_ms).unwrap();
        assert_eq!(swept.expired_jobs, []);
        let is_known = !shard.store.jobs.is_empty();
        assert!(is_known || !has_event, "a job outlives its events");
        lived_ms = shard.now_ms - START_MS;
        rings += 1;
        assert!(rings < 10, "an alarm that finds nothing rings rarely");
    }
    assert!(shard.store.jobs.is_empty());
    assert!((72 * HOUR_MS..=84 * HOUR_MS).contains(&lived_ms), "{}", lived_ms / HOUR_MS);
}

/// Otherwise the genuine end could be forwarded while the made one is still owed.
#[test]
fn a_job_is_not_forgotten_while_its_made_end_is_kept() {
    let mut shard = Shard::with_made_end("dead");
    shard.wait(10 * DAY_MS);
    alarm::sweep(&mut shard.store, &shard.policy, shard.now_ms).unwrap();
    assert_eq!(shard.store.jobs.len(), 1);
    assert!(shard.store.alarm_ms() >= Some(shard.now_ms + HOUR_MS), "no busy loop");
    shard.wait(20 * DAY_MS);
    alarm::sweep(&mut shard.store, &shard.policy, shard.now_ms).unwrap();
    let left = (shard.store.jobs.len(), shard.store.rows.len(), shard.store.alarm_ms());
    assert_eq!(left, (0, 0, None));
}

#[test]
fn a_job_that_never_ends_is_forgotten_aloud() {
    let mut shard = Shard::new();
    shard.register();
    shard.wait(31 * DAY_MS - 1);
    let sweep =
        |shard: &mut Shard| alarm::sweep(&mut shard.store, &shard.policy, shard.now_ms).unwrap();
    assert_eq!(sweep(&mut shard).expired_jobs, []);
    assert_eq!(shard.store.alarm_ms(), Some(shard.now_ms + alarm::LEAST_PAUSE_MS));
    shard.wait(1);
    let swept = sweep(&mut shard);
    assert_eq!(swept.expired_jobs.len(), 1);
    assert!(
        swept.lines(shard.now_ms)[0]
            .contains(r#""expired":"job","job_id":"job_1","tenant":"acme""#)
    );
    assert_eq!(shard.count("expired_job"), 1);
    assert_eq!((shard.store.jobs.len(), shard.store.alarm_ms()), (0, None));
}
