//! One event, many deliveries: the origin sees it once.

use std::collections::HashMap;

use nextapi_testkit::{Delivery, Gate, Job, Reply, Shape, Status};
use nextapi_webhook::UnixTime;

use crate::setup::{PATIENCE, Setup, key, signed_bytes, succeeded};

#[tokio::test]
async fn while_one_attempt_runs_no_other_is_acknowledged() {
    let setup = Setup::start().await;
    let gate = Gate::new();
    setup.origin.reply_with({
        let gate = gate.clone();
        move |_| Reply::default().when(&gate)
    });
    let delivery = succeeded();
    let sends = (0..16).map(|_| {
        let (provider, delivery) = (setup.provider.clone(), delivery.clone());
        tokio::spawn(async move { provider.send(&delivery).await.unwrap().to_string() })
    });
    let sends: Vec<_> = sends.collect();

    // All but the one that is being forwarded are answered while the origin is still thinking.
    setup.origin.wait_for(1, PATIENCE).await.unwrap();
    let refused = async {
        let outcome = |line: &str| {
            crate::setup::record(line).map(|record| record["outcome"].as_str().unwrap().to_owned())
        };
        let mut seen = 0;
        let all = |line: &str| {
            seen += usize::from(outcome(line).as_deref() == Some("in_flight"));
            seen == 15
        };
        setup.edge.wait_for_log(all, PATIENCE).await.unwrap();
    };
    refused.await;
    gate.open();

    let mut counted = HashMap::new();
    for send in sends {
        *counted.entry(send.await.unwrap()).or_insert(0) += 1;
    }
    assert_eq!(counted["200 forwarded"], 1, "{counted:?}");
    assert_eq!(counted["409 in_flight"], 15, "{counted:?}");
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(setup.origin.count(), 1);
}

#[tokio::test]
async fn many_deliveries_at_the_same_moment_reach_the_origin_once() {
    let setup = Setup::start().await;
    for _ in 0..10 {
        let before = setup.origin.count();
        let delivery = succeeded();
        let sends: Vec<_> = (0..8)
            .map(|_| {
                let (provider, delivery) = (setup.provider.clone(), delivery.clone());
                tokio::spawn(async move { provider.send(&delivery).await.unwrap().to_string() })
            })
            .collect();
        let mut forwarded = 0;
        for send in sends {
            match send.await.unwrap().as_str() {
                "200 forwarded" => forwarded += 1,
                "200 duplicate" | "409 in_flight" => {}
                other => panic!("unexpected: {other}"),
            }
        }
        assert_eq!((forwarded, setup.origin.count() - before), (1, 1));
    }
}

#[tokio::test]
async fn a_flat_job_is_not_cut_short_by_its_constant_id() {
    let setup = Setup::start().await;
    let job = Job::random(UnixTime::now()).unwrap();
    let deliver = |status| {
        let event = job.event(Shape::Flat, status).unwrap();
        Delivery::signed(event, &key(), UnixTime::now()).unwrap()
    };
    for status in [Status::Running, Status::Succeeded] {
        setup.expect(&deliver(status), 200, "forwarded").await;
        setup.expect(&deliver(status), 200, "duplicate").await;
    }
    assert_eq!(setup.origin.count(), 2);
}

#[tokio::test]
async fn an_unsigned_header_does_not_make_a_new_event() {
    let setup = Setup::start().await;
    let delivery = succeeded();
    setup.expect(&delivery, 200, "forwarded").await;
    let disguised = delivery
        .with_header("x-nextapi-event", "job.failed")
        .unwrap()
        .with_header("idempotency-key", "another")
        .unwrap();
    setup.expect(&disguised, 200, "duplicate").await;
    assert_eq!(setup.origin.count(), 1);
}

#[tokio::test]
async fn a_new_signature_does_not_make_a_new_event() {
    let setup = Setup::start().await;
    let event = || {
        let body = r#"{"id":"evt_resigned","type":"job.succeeded","data":{"job_id":"job_1"}}"#;
        nextapi_testkit::EventBody::new("job.succeeded", body)
    };
    for (offset, code) in [(-10, "forwarded"), (0, "duplicate"), (10, "duplicate")] {
        let at = crate::setup::seconds_from_now(offset);
        setup.expect(&Delivery::signed(event(), &key(), at).unwrap(), 200, code).await;
    }
}

#[tokio::test]
async fn bodies_that_name_no_event_are_known_by_their_bytes() {
    let setup = Setup::start().await;
    for body in ["not json", r#"{"type":"batch.completed","done":1}"#, ""] {
        setup.expect(&signed_bytes(body), 200, "forwarded").await;
        setup.expect(&signed_bytes(body), 200, "duplicate").await;
    }
    setup.expect(&signed_bytes(r#"{"type":"batch.completed","done":2}"#), 200, "forwarded").await;
    assert_eq!(setup.origin.count(), 4);
    let keys: Vec<_> =
        setup.origin.received().iter().map(|r| r.idempotency_key().unwrap().to_owned()).collect();
    assert!(keys.iter().all(|key| key.starts_with("body-")), "{keys:?}");
}
