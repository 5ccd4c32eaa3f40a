//! What a job has cost, by whoever knows it.

use super::*;

/// A job that is registered after its end was delivered.
fn registered_late(event_type: &str, credits: &str) -> Shard {
    let mut shard = Shard::new();
    let followed = core::mem::take(&mut shard.policy.jobs);
    shard.deliver(true, "c", event_type, credits);
    shard.commit("c");
    shard.policy.jobs = followed;
    shard.register();
    shard
}

/// A job that has ended is not looked at again, so a wrong price would stay.
#[test]
fn only_what_the_api_says_of_the_same_end_is_a_price() {
    for (event_type, status, price) in [
        ("job.succeeded", "succeeded", Some("1.05")),
        // A replica that lags behind, which has billed nothing yet, or names what it has reserved.
        ("job.succeeded", "running", None),
        ("job.succeeded", "failed", None),
        ("job.failed", "succeeded", None),
    ] {
        let mut shard = registered_late(event_type, "");
        let credits = Credits::parse("1.05");
        shard.call(Call::Observe(vec![Observation { credits, ..seen(status) }]));
        let job = shard.job();
        assert_eq!(job.state, "ended", "{status}");
        assert_eq!(job.credits, price.and_then(Credits::parse), "{event_type}, {status}");
    }
}

#[test]
fn the_webhook_tells_a_price_that_the_api_did_not() {
    let mut shard = Shard::new();
    shard.register();
    let Call::MakeEnd { observation, key, meta, head, body_bytes } = make_end("succeeded") else {
        panic!()
    };
    let observation = Observation { credits: None, ..observation };
    shard.call(Call::MakeEnd { observation, key, meta, head, body_bytes });
    assert_eq!(shard.take().as_deref(), Some("made-succeeded"));
    shard.commit("made-succeeded");
    assert_eq!(shard.job().credits, None);
    assert_eq!(shard.deliver(true, "c", "job.succeeded", "1.05"), Reply::Duplicate);
    assert_eq!(shard.job().credits, Credits::parse("1.05"));
    // A third one that says something else is no duplicate of these.
    assert_ne!(shard.deliver(true, "d", "job.succeeded", "2"), Reply::Duplicate);
    assert!(shard.job().is_conflict);
}
