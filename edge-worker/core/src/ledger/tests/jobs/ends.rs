//! A job has one end, whichever way it comes.

use super::*;

#[test]
fn nothing_is_made_where_there_is_an_end_or_one_in_flight() {
    /// An end in a state, and whether another one is made.
    type Case = (&'static str, fn(&mut Shard), bool);
    let cases: [Case; 8] = [
        ("none", |_| {}, true),
        ("in flight", |shard| drop(shard.deliver(false, "c", "job.succeeded", "")), false),
        (
            "lease run out",
            |shard| {
                shard.deliver(false, "c", "job.succeeded", "");
                shard.wait(HOUR_MS);
            },
            true,
        ),
        (
            "failed, and the provider's to repeat",
            |shard| {
                shard.deliver(false, "c", "job.succeeded", "");
                shard.release("c", 500);
            },
            true,
        ),
        (
            "delivered",
            |shard| {
                shard.deliver(false, "c", "job.succeeded", "");
                shard.commit("c");
            },
            false,
        ),
        ("owed", |shard| drop(shard.deliver(true, "c", "job.succeeded", "")), false),
        (
            "dead",
            |shard| {
                shard.deliver(true, "c", "job.succeeded", "");
                shard.release("c", 400);
            },
            false,
        ),
        (
            "reopened",
            |shard| {
                shard.deliver(false, "c", "job.succeeded", "");
                shard.commit("c");
                shard.call(Call::Reopen { key: "c".to_owned() });
            },
            false,
        ),
    ];
    for (case, prepare, is_made) in cases {
        let mut shard = Shard::new();
        shard.register();
        shard.observe("succeeded");
        shard.wait(GRACE_MS);
        prepare(&mut shard);
        assert_eq!(shard.observe("succeeded"), is_made, "{case}");
        let expected = if is_made { Reply::Stored } else { Reply::Duplicate };
        assert_eq!(shard.make_end("succeeded"), expected, "{case}");
        assert_eq!(shard.make_end("succeeded"), Reply::Duplicate, "{case}: once");
        assert_eq!(shard.count("reconciled"), u64::from(is_made), "{case}");
    }
}

#[test]
fn a_made_end_is_owed_and_goes_out_with_the_alarm() {
    let mut shard = Shard::new();
    assert_eq!(shard.make_end("succeeded"), Reply::Absent, "the job is not known");
    shard.register();
    assert_eq!(shard.make_end("succeeded"), Reply::Stored);
    assert_eq!(shard.store.alarm_ms(), Some(START_MS + 1_000));
    let job = shard.job();
    assert_eq!(
        (job.ended_by.as_deref(), job.credits),
        (Some("reconciliation"), Credits::parse("1.05"))
    );
    assert_eq!(shard.due(), (0, None));
    assert_eq!(shard.take().as_deref(), Some("made-succeeded"));
    // A shard that is full keeps it for later.
    let mut shard = Shard::new();
    shard.register();
    shard.policy.most_bytes = 0;
    assert_eq!(shard.make_end("succeeded"), Reply::Full);
    assert_eq!(shard.job().state, "open");
    // It waits for the events of its job before it.
    let mut shard = Shard::new();
    shard.deliver(true, "b", "job.running", "");
    assert_eq!(shard.make_end("succeeded"), Reply::Stored);
    assert_eq!(shard.take(), None);
    shard.commit("b");
    assert_eq!(shard.take().as_deref(), Some("made-succeeded"));
    // An end of another job, or another end.
    let Call::MakeEnd { observation, key, meta, head, .. } = make_end("succeeded") else {
        panic!()
    };
    for (job_id, event_type) in [("job_2", "job.succeeded"), ("job_1", "job.failed")] {
        let (key, head, observation) = (key.clone(), head.clone(), observation.clone());
        let (job_id, event_type) = (Some(job_id.to_owned()), Some(event_type.to_owned()));
        let meta = EventMeta { event_type, job_id, ..meta.clone() };
        assert!(
            shard.try_call(Call::MakeEnd { observation, key, meta, head, body_bytes: 1 }).is_err()
        );
    }
}

#[test]
fn a_genuine_end_that_says_the_same_is_absorbed() {
    let granted = Reply::Granted { token: 1, order: Order::InOrder };
    let accepted = Reply::Accepted { token: 1, order: Order::InOrder };
    for (state, through, durable) in [
        ("waiting", Reply::InFlight { remaining_ms: 1 }, Reply::Duplicate),
        ("claimed", Reply::InFlight { remaining_ms: 30_000 }, Reply::Duplicate),
        ("done", Reply::Duplicate, Reply::Duplicate),
        ("dead", granted, accepted),
    ] {
        for (is_durable, expected) in [(false, through), (true, durable)] {
            // The credits are the same, or not known.
            for credits in ["1.05", ""] {
                let mut shard = Shard::with_made_end(state);
                let reply = shard.deliver(is_durable, "c", "job.succeeded", credits);
                assert_eq!(reply, expected, "{state}, durable: {is_durable}");
                let job = shard.job();
                let is_absorbed = expected == Reply::Duplicate;
                assert_eq!(job.alias_key.is_some(), is_absorbed, "{state}, {is_durable}");
                assert!(!job.is_conflict);
                assert_eq!(shard.count("end_conflict"), 0);
                let again = shard.deliver(is_durable, "c", "job.succeeded", credits);
                let is_owed = state == "dead" && is_durable;
                let is_in_flight = state == "dead" && !is_durable;
                if is_owed {
                    assert_eq!(again, Reply::Duplicate);
                } else if is_in_flight {
                    assert_eq!(again, Reply::InFlight { remaining_ms: 30_000 });
                } else {
                    assert_eq!(again, expected, "and again");
                }
            }
        }
    }
}

/// A job that is followed under another name is forgotten here, but never one that has ended.
#[test]
fn only_an_open_job_is_followed_no_longer() {
    let forget = || Call::ForgetJob { job_id: "job_1".to_owned() };
    let mut shard = Shard::new();
    assert_eq!(shard.call(forget()), Reply::Absent);
    shard.register();
    assert_eq!(shard.call(forget()), Reply::Ok);
    assert_eq!(shard.call(forget()), Reply::Absent);
    let mut shard = Shard::with_made_end("done");
    assert_eq!(shard.call(forget()), Reply::Ended);
    assert!(shard.job().end_key.is_some(), "what another name is asked for");
}

/// What a job has cost may be known from its webhook only.
#[test]
fn the_credits_of_an_absorbed_end_count() {
    let mut shard = Shard::new();
    shard.register();
    for _ in 0..2 {
        shard.wait(GRACE_MS);
        shard.observe("succeeded");
    }
    assert_eq!(shard.call(make_end("succeeded")), Reply::Stored);
    assert_eq!(shard.deliver(true, "c", "job.succeeded", "1.05"), Reply::Duplicate);
    let job = shard.job();
    assert_eq!((job.credits, job.is_conflict), (Credits::parse("1.05"), false));
    assert_eq!(job.ended_by.as_deref(), Some("reconciliation"));
}

/// The provider goes on until it has a 200; the made end's delivery gives it one.
#[test]
fn a_genuine_end_in_flight_is_a_duplicate_once_the_made_one_is_delivered() {
    let mut shard = Shard::with_made_end("claimed");
    assert!(matches!(shard.deliver(false, "c", "job.succeeded", "1.05"), Reply::InFlight { .. }));
    shard.commit("made-succeeded");
    assert_eq!(shard.deliver(false, "c", "job.succeeded", "1.05"), Reply::Duplicate);
    assert_eq!(shard.job().alias_key.as_deref(), Some("c"));
}

#[test]
fn a_genuine_end_that_says_something_else_is_forwarded_as_late_and_noted() {
    for is_durable in [false, true] {
        for (event_type, credits) in [("job.failed", ""), ("job.succeeded", "1.06")] {
            let mut shard = Shard::with_made_end("done");
            let reply = shard.deliver(is_durable, "c", event_type, credits);
            let late = Order::Late;
            let expected = if is_durable {
                Reply::Accepted { token: 1, order: late }
            } else {
                Reply::Granted { token: 1, order: late }
            };
            assert_eq!(reply, expected, "{event_type}");
            shard.wait(HOUR_MS);
            shard.deliver(is_durable, "c", event_type, credits);
            let job = shard.job();
            assert!(job.is_conflict);
            assert_eq!(shard.count("end_conflict"), 1, "counted once");
            assert_eq!(
                (job.end_key.as_deref(), job.ended_by.as_deref()),
                (Some("c"), Some("webhook"))
            );
            assert_eq!(job.ended_ms, Some(START_MS));
        }
    }
}

/// The state that a made end has in each mode: waiting, whoever is answered when.
#[test]
fn a_made_end_that_fails_is_tried_again_and_dies_like_any_other() {
    let mut shard = Shard::with_made_end("claimed");
    shard.release("made-succeeded", 500);
    let entry = shard.store.find("made-succeeded").unwrap().unwrap();
    assert!(matches!(entry.state, EventState::Waiting { due_ms: Some(_) }));
    assert_eq!(Shard::with_made_end("dead").job().state, "ended");
}
