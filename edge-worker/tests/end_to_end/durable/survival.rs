//! Whatever ends after `accepted`, the event reaches the origin, without any traffic that would help.

use core::time::Duration;
use std::time::Instant;

use http::StatusCode;
use nextapi_testkit::{Gate, LocalEdgeBuilder, Reply};

use super::Durable;
use crate::faults::attempts;
use crate::setup::{PATIENCE, succeeded};

#[tokio::test]
async fn the_answer_does_not_wait_for_the_origin() {
    let durable = Durable::start().await;
    let gate = Gate::new();
    durable.setup.origin.reply_next(Reply::default().when(&gate));
    let delivery = succeeded();
    durable.accept(&delivery).await;
    durable.setup.origin.wait_for(1, PATIENCE).await.unwrap();
    assert_eq!(durable.states(), ["claimed"]);
    durable.setup.expect(&delivery, 200, "duplicate").await;
    gate.open();
    durable.committed(1).await;
    durable.setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(attempts(&durable.setup, &delivery), [1]);
    let received = &durable.setup.origin.received()[0];
    assert_eq!(received.body(), delivery.body());
    for name in ["content-type", "x-nextapi-signature", "x-nextapi-event"] {
        assert_eq!(
            received.header(name),
            delivery.headers().get(name).map(|it| it.to_str().unwrap())
        );
    }
}

/// An outage: what came while the origin was away is all there afterwards.
#[tokio::test]
async fn an_outage_costs_time_and_no_event() {
    let mut durable = Durable::start().await;
    durable.setup.origin.refuse().await;
    let deliveries: Vec<_> = (0..20).map(|_| succeeded()).collect();
    for delivery in &deliveries {
        durable.accept(delivery).await;
    }
    durable.attempted("origin_unreachable").await;
    assert_eq!(durable.setup.origin.count(), 0);
    durable.setup.origin.accept().await.unwrap();
    durable.committed(20).await;
    for delivery in &deliveries {
        let attempts = attempts(&durable.setup, delivery);
        assert_eq!(attempts.len(), 1, "{attempts:?}");
        assert!(attempts[0] >= 2, "the first was refused: {attempts:?}");
    }
}

/// The engine is killed right after `accepted`, started again, and left alone.
#[tokio::test]
async fn an_orphan_is_delivered_within_a_minute_and_without_traffic() {
    let mut durable = Durable::start().await;
    durable.setup.origin.refuse().await;
    let deliveries: Vec<_> = (0..3).map(|_| succeeded()).collect();
    for delivery in &deliveries {
        durable.accept(delivery).await;
    }
    durable.setup.edge.kill().await;
    durable.setup.origin.accept().await.unwrap();
    durable.setup.edge.restart().await.unwrap();
    let started = Instant::now();
    durable.setup.origin.wait_for(3, PATIENCE).await.unwrap();
    assert!(started.elapsed() < Duration::from_mins(1));
    durable.committed(3).await;
}

/// The origin has acted and was not heard: the event comes again under the same key.
#[tokio::test]
async fn an_answer_that_was_not_recorded_brings_the_event_once_more() {
    let mut durable = Durable::start().await;
    let gate = Gate::new();
    durable.setup.origin.reply_next(Reply::default().when(&gate));
    let delivery = succeeded();
    durable.accept(&delivery).await;
    durable.setup.origin.wait_for(1, PATIENCE).await.unwrap();
    durable.setup.edge.kill().await;
    durable.setup.edge.restart().await.unwrap();
    durable.setup.origin.wait_for(2, PATIENCE).await.unwrap();
    durable.committed(1).await;
    assert_eq!(attempts(&durable.setup, &delivery), [1, 2]);
    gate.open();
}

/// While the origin takes its time under a lease, the alarm rings and leaves the event alone.
#[tokio::test]
async fn worker_and_alarm_never_deliver_at_the_same_time() {
    let durable = Durable::with(|edge| {
        edge.setting("ORIGIN_TIMEOUT_MS", "6000").setting("LEASE_SECONDS", "11")
    })
    .await;
    let gate = Gate::new();
    durable.setup.origin.reply_next(Reply::default().when(&gate));
    let slow = succeeded();
    durable.accept(&slow).await;
    // The retries of another event keep the alarm ringing meanwhile.
    let other = succeeded();
    let bytes = other.body().clone();
    durable.setup.origin.reply_with(move |request| {
        let is_other = request.body() == &bytes && request.attempt() < Some(4);
        Reply::status(if is_other { StatusCode::BAD_GATEWAY } else { StatusCode::OK })
    });
    durable.accept(&other).await;
    durable.setup.origin.wait_for(5, PATIENCE).await.unwrap();
    assert_eq!(attempts(&durable.setup, &slow), [1]);
    gate.open();
    durable.committed(2).await;
    assert_eq!(attempts(&durable.setup, &slow), [1]);
    assert_eq!(attempts(&durable.setup, &other), [1, 2, 3, 4]);
}

/// The slots of an object are all taken by attempts of which no answer comes. `through` needs none of them: the
/// provider has its answer in time.
#[tokio::test]
async fn an_object_that_hangs_does_not_keep_through_waiting() {
    let storage = tempfile::tempdir().unwrap();
    let edge = |edge: LocalEdgeBuilder| {
        edge.storage(storage.path())
            .setting("ORIGIN_TIMEOUT_MS", "9000")
            .setting("LEASE_SECONDS", "14")
    };
    let mut durable = Durable::with(edge).await;
    durable.setup.origin.refuse().await;
    let owed: Vec<_> = (0..12).map(|_| succeeded()).collect();
    for delivery in &owed {
        durable.accept(delivery).await;
    }
    durable.setup.edge.kill().await;
    drop(durable);

    let through = Durable::with(|builder| edge(builder).setting("DELIVERY", "through")).await;
    let bodies: Vec<_> = owed.iter().map(|delivery| delivery.body().clone()).collect();
    through.setup.origin.reply_with(move |request| {
        if bodies.contains(request.body()) { Reply::hang() } else { Reply::default() }
    });
    // The first call wakes the object, whose alarm takes all slots.
    through.setup.expect(&succeeded(), 200, "forwarded").await;
    through.setup.origin.wait_for(1 + 5, PATIENCE).await.unwrap();
    through.setup.expect(&succeeded(), 200, "forwarded").await;
}
