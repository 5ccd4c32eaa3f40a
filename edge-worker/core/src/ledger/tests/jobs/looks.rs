//! When the API is asked about a job, and what its answer means.

use super::*;
use crate::ledger::tests::sqlite::fresh_store;

#[test]
fn the_api_is_asked_once_nothing_is_heard_for_the_grace() {
    let mut shard = Shard::new();
    shard.register();
    assert_eq!(shard.due(), (0, Some(GRACE_MS)));
    shard.wait(GRACE_MS - 1);
    assert_eq!(shard.due(), (0, Some(1)));
    shard.deliver(true, "a", "job.running", "");
    shard.wait(1);
    assert_eq!(shard.due(), (0, Some(GRACE_MS - 1)), "an event has come");
    shard.wait(GRACE_MS - 1);
    let jobs = vec![DueJob { job_id: "job_1".to_owned(), known_ms: START_MS }];
    let due = shard.call(Call::DueJobs { limit: 10 });
    assert_eq!(due, Reply::DueJobs { jobs, next_ms: None });
    assert_eq!(shard.call(Call::DueJobs { limit: 10 }), due, "a pure read");
    let full = Reply::DueJobs { jobs: Vec::new(), next_ms: Some(shard.now_ms) };
    assert_eq!(shard.call(Call::DueJobs { limit: 0 }), full);
}

/// The same on SQLite, where the event is looked for by a statement.
#[test]
fn on_sqlite_an_event_keeps_a_look_back() {
    let (mut store, policy) = (fresh_store(), settings_with(&[FOLLOWING]).policy);
    let mut call =
        |call, now_ms| protocol::answer(&mut store, call, &policy, START_MS + now_ms).unwrap();
    call(Call::RegisterJob(new_job()), 0);
    let meta = EventMeta { job_id: Some("job_1".to_owned()), ..EventMeta::default() };
    call(Call::Claim { key: "a".to_owned(), meta, correlation_id: None }, GRACE_MS - 1);
    let next_ms = Some(START_MS + 2 * GRACE_MS - 1);
    let due = call(Call::DueJobs { limit: 1 }, GRACE_MS);
    assert_eq!(due, Reply::DueJobs { jobs: Vec::new(), next_ms });
    let jobs = vec![DueJob { job_id: "job_1".to_owned(), known_ms: START_MS }];
    let next_ms = Some(START_MS + 2 * GRACE_MS - 1);
    let due = call(Call::DueJobs { limit: 1 }, 2 * GRACE_MS - 1);
    assert_eq!(due, Reply::DueJobs { jobs, next_ms }, "as many as were asked for: perhaps more");
}

#[test]
fn looks_at_an_open_job_come_less_and_less_often() {
    let mut shard = Shard::new();
    shard.register();
    let mut pauses = Vec::new();
    for _ in 0..5 {
        assert!(!shard.observe("running"));
        let (due, pause_ms) = shard.due();
        assert_eq!(due, 0);
        // What is shown meanwhile is no look, and writes nothing.
        let job = shard.job();
        assert!(!shard.observe("running"));
        assert_eq!(shard.job(), job);
        pauses.push(pause_ms.unwrap() / MINUTE_MS);
        shard.wait(pause_ms.unwrap());
    }
    assert_eq!(pauses, [10, 20, 40, 60, 60]);
    let job = shard.job();
    assert_eq!(
        (job.looks, job.shown.as_deref(), job.shown_ms),
        (5, Some("running"), Some(START_MS))
    );
    // Past its deadline it is overdue, at once and with no write, and looked at every hour.
    let mut shard = Shard::new();
    shard.register();
    shard.wait(DAY_MS);
    assert_eq!(shard.job().state, "overdue");
    let filter = JobFilter { state: Some("overdue".to_owned()), limit: 9, ..JobFilter::default() };
    assert_eq!(shard.call(Call::Jobs(filter)), Reply::Jobs(vec![shard.job()]));
    assert!(!shard.observe("running"));
    assert_eq!(shard.due(), (0, Some(HOUR_MS)));
}

#[test]
fn an_end_is_ripe_when_the_api_has_shown_it_for_the_grace() {
    let mut shard = Shard::new();
    shard.register();
    assert!(!shard.observe("succeeded"));
    assert_eq!(shard.due(), (0, Some(GRACE_MS)));
    shard.wait(GRACE_MS - 1);
    assert!(!shard.observe("succeeded"), "looked at too early");
    assert_eq!(shard.due(), (0, Some(1)));
    shard.wait(1);
    assert!(shard.observe("succeeded"));
    // Nobody has made it: it comes again, and not at once.
    assert_eq!(shard.due(), (0, Some(GRACE_MS)));
    shard.wait(GRACE_MS);
    assert!(shard.observe("succeeded"));
}

#[test]
fn a_status_that_is_not_known_is_kept_and_is_no_end() {
    let mut shard = Shard::new();
    shard.register();
    for _ in 0..4 {
        assert!(!shard.observe("cancelled_by_moderation"));
        shard.wait(HOUR_MS);
    }
    let job = shard.job();
    assert_eq!(
        (job.shown.as_deref(), job.state.as_str()),
        (Some("cancelled_by_moderation"), "open")
    );
    assert!(shard.try_call(make_end("cancelled_by_moderation")).is_err());
    shard.observe(&"\u{e9}".repeat(100));
    assert_eq!(shard.job().shown.unwrap().len(), 64);
}

#[test]
fn another_end_begins_anew_and_a_stale_answer_does_not() {
    let mut shard = Shard::new();
    shard.register();
    shard.observe("failed");
    shard.wait(GRACE_MS);
    assert!(!shard.observe("succeeded"), "another end than before");
    shard.wait(GRACE_MS);
    assert!(!shard.observe("running"), "a job never goes backwards");
    assert!(shard.observe("succeeded"));
}

#[test]
fn what_the_api_shows_of_other_jobs_is_followed_only_if_that_is_wanted() {
    let mut shard = Shard::new();
    let unknown = Reply::Observed { ripe: Vec::new(), unknown: vec!["job_1".to_owned()] };
    assert_eq!(shard.call(Call::Observe(vec![seen("running")])), unknown);
    let appears = |created_ms| Observation { created_ms, is_known_only: false, ..seen("running") };
    // One that may have been here and been forgotten would have its end made again.
    for created_ms in [None, Some(START_MS - 72 * HOUR_MS)] {
        assert_eq!(shard.call(Call::Observe(vec![appears(created_ms)])), unknown);
    }
    let followed = Reply::Observed { ripe: Vec::new(), unknown: Vec::new() };
    let created_ms = Some(START_MS - HOUR_MS);
    assert_eq!(shard.call(Call::Observe(vec![appears(created_ms)])), followed);
    assert_eq!(shard.job().known_ms, START_MS - HOUR_MS);
}

/// An end that was there before the job was followed.
#[test]
fn an_end_that_the_ledger_has_is_found_at_a_look() {
    let mut shard = Shard::new();
    let followed = core::mem::take(&mut shard.policy.jobs);
    shard.deliver(true, "c", "job.succeeded", "1.05");
    shard.commit("c");
    assert!(shard.store.jobs.is_empty());
    shard.policy.jobs = followed;
    shard.register();
    shard.observe("succeeded");
    let job = shard.job();
    assert_eq!((job.state.as_str(), job.end_key.as_deref()), ("ended", Some("c")));
    assert_eq!(job.credits, Credits::parse("1.05"), "as the API has it");
    assert_eq!(shard.make_end("succeeded"), Reply::Duplicate);
}

#[test]
fn a_look_does_not_lie_ahead_because_the_clock_was_set_back() {
    let mut shard = Shard::new();
    shard.register();
    shard.observe("succeeded");
    shard.now_ms -= DAY_MS;
    assert!(!shard.observe("succeeded"));
    assert_eq!(shard.due(), (0, Some(GRACE_MS)));
}

/// A deadline is any time that can be written, and the table holds what JavaScript has exactly.
#[test]
fn a_deadline_that_is_never_reached_can_be_stored() {
    let (mut store, policy) = (fresh_store(), settings_with(&[FOLLOWING]).policy);
    let job = NewJob { deadline_ms: Some(u64::MAX), ..new_job() };
    let reply = protocol::answer(&mut store, Call::RegisterJob(job), &policy, START_MS);
    assert_eq!(reply.unwrap(), Reply::Ok);
}
