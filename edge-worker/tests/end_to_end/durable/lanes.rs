//! The events of a job reach the origin in the order in which they were accepted, and hold nobody else up.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use http::StatusCode;
use nextapi_testkit::{Delivery, Gate, Reply};

use super::{Durable, job_events, quiet};
use crate::faults::attempts;
use crate::setup::{PATIENCE, succeeded};

fn is_one_of(bytes: &[u8], deliveries: &[Delivery]) -> bool {
    deliveries.iter().any(|delivery| delivery.body() == bytes)
}

/// Job A always fails, and its later events wait for the first. Everything else flows.
#[tokio::test]
async fn a_blocked_lane_delays_no_other() {
    let durable = Durable::start().await;
    let blocked = job_events();
    let bodies = blocked.clone();
    durable.setup.origin.reply_with(move |request| {
        let is_blocked = is_one_of(request.body(), &bodies);
        Reply::status(if is_blocked { StatusCode::BAD_GATEWAY } else { StatusCode::OK })
    });
    for delivery in &blocked {
        durable.accept(delivery).await;
    }
    for _ in 0..10 {
        durable.accept(&succeeded()).await;
    }
    durable.committed(10).await;
    let first = || attempts(&durable.setup, &blocked[0]).len();
    let before = first();
    while first() < before + 2 {
        durable.setup.origin.wait_for(durable.setup.origin.count() + 1, PATIENCE).await.unwrap();
    }
    for waiting in &blocked[1..] {
        assert_eq!(attempts(&durable.setup, waiting), [0_u64; 0]);
    }
}

#[tokio::test]
async fn a_job_s_events_come_in_the_order_in_which_they_were_accepted() {
    let durable = Durable::start().await;
    for _ in 0..3 {
        durable.setup.origin.reply_next(Reply::status(StatusCode::SERVICE_UNAVAILABLE));
    }
    let events = job_events();
    for delivery in &events {
        durable.accept(delivery).await;
    }
    durable.committed(3).await;
    let received = durable.setup.origin.received();
    let order: Vec<_> = received
        .iter()
        .map(|request| events.iter().position(|it| it.body() == request.body()).unwrap())
        .collect();
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(order.last(), Some(&2));
    assert!(received.iter().all(|it| it.header("x-edge-order") == Some("in-order")));
}

/// A dead letter does not hold its lane up.
#[tokio::test]
async fn a_dead_letter_frees_its_lane() {
    let durable = Durable::start().await;
    durable.setup.origin.reply_next(Reply::status(StatusCode::UNPROCESSABLE_ENTITY));
    let events = job_events();
    for delivery in &events {
        durable.accept(delivery).await;
    }
    durable.committed(2).await;
    assert_eq!(events.iter().map(|it| attempts(&durable.setup, it)).collect::<Vec<_>>(), [[1]; 3]);
}

#[tokio::test]
async fn without_order_nothing_waits() {
    let durable = Durable::with(|edge| edge.setting("ORDER", "none")).await;
    let gate = Gate::new();
    durable.setup.origin.reply_next(Reply::default().when(&gate));
    let events = job_events();
    for delivery in &events {
        durable.accept(delivery).await;
    }
    durable.setup.origin.wait_for(3, PATIENCE).await.unwrap();
    gate.open();
    durable.committed(3).await;
}

/// With sixty events and an origin that takes a while for each, none times out for want of a
/// connection, and never are there more under way from the object than it has connections for.
#[tokio::test]
async fn an_object_has_at_most_five_attempts_under_way() {
    let mut durable = Durable::with(|edge| {
        edge.setting("ORIGIN_TIMEOUT_MS", "8000").setting("LEASE_SECONDS", "20")
    })
    .await;
    durable.setup.origin.refuse().await;
    for _ in 0..60 {
        durable.accept(&succeeded()).await;
    }
    quiet(Duration::from_millis(1_500)).await;
    let under_way = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    durable.setup.origin.reply_with({
        let most = Arc::clone(&most);
        move |_| {
            let ended = Arc::clone(&under_way);
            let order = Ordering::SeqCst;
            most.fetch_max(under_way.fetch_add(1, order) + 1, order);
            Reply::default().after(Duration::from_secs(1)).on_answer(move || {
                ended.fetch_sub(1, order);
            })
        }
    });
    durable.setup.origin.accept().await.unwrap();
    durable.committed(60).await;
    let most = most.load(Ordering::SeqCst);
    assert!((2..=5).contains(&most), "{most} at once");
    assert_eq!(durable.setup.origin.count(), 60, "none timed out");
}
