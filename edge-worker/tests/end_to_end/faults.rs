//! Faults inside the worker: panics, a ledger that fails, and time that runs fast. A bundle of its own has
//! them, `build-faults`, which wraps the product and strikes at the request of the header `x-fault`.
//!
//! # What a panic does
//!
//! A panic traps, and the instance of the wasm code is gone, in the worker and in those of the
//! ledger's objects that run in the same isolate. The entry module sees the trap and makes a new
//! instance. Requests that were under way in the old one are answered 500 `internal_error` at their
//! next step. So a panic costs what a crash costs: the outcome of attempts under way is unknown, their
//! leases run out, and the events come again under the same `Idempotency-Key`.

use nextapi_testkit::{Answer, Delivery, Gate, LocalEdgeBuilder, Reply};

use crate::restarts::wait_as_told;
use crate::setup::{PATIENCE, Setup, edge_dir, succeeded};

async fn with_faults(choose: impl FnOnce(LocalEdgeBuilder) -> LocalEdgeBuilder) -> Setup {
    let edge = |edge: LocalEdgeBuilder| {
        edge.bundle("build-faults")
            // One object, so that what breaks in it could touch every event.
            .setting("LEDGER_SHARDS", "1")
            .setting("ORIGIN_TIMEOUT_MS", "500")
            .setting("LEASE_SECONDS", "6")
    };
    Setup::with(|builder| choose(edge(builder))).await
}

fn with_fault(delivery: &Delivery, fault: &str) -> Delivery {
    delivery.clone().with_header("x-fault", fault).unwrap()
}

/// Sends in the background.
fn start(setup: &Setup, delivery: &Delivery) -> tokio::task::JoinHandle<anyhow::Result<Answer>> {
    let (provider, delivery) = (setup.provider.clone(), delivery.clone());
    tokio::spawn(async move { provider.send(&delivery).await })
}

/// Delivers the event as the provider does, until it is no longer in flight.
async fn deliver(setup: &Setup, delivery: &Delivery) -> Answer {
    loop {
        let answer = setup.send(delivery).await;
        if answer.status() != 409 {
            return answer;
        }
        wait_as_told(&answer).await;
    }
}

/// Following requests, also many at once, are served.
async fn serves(setup: &Setup) {
    let sends: Vec<_> = (0..16).map(|_| start(setup, &succeeded())).collect();
    for send in sends {
        assert_eq!(send.await.unwrap().unwrap().to_string(), "200 forwarded");
    }
    setup.expect(&succeeded(), 200, "forwarded").await;
    let health = reqwest::get(format!("{}healthz", setup.edge.url())).await.unwrap();
    assert_eq!(health.status(), 200);
}

/// The numbers of the attempts that reached the origin for this event, which all had the same key.
fn attempts(setup: &Setup, delivery: &Delivery) -> Vec<u64> {
    let key = nextapi_webhook::EventKey::of(delivery.body()).to_string();
    let received = setup.origin.received();
    let same = received.iter().filter(|request| request.body() == delivery.body());
    same.map(|request| {
        assert_eq!(request.idempotency_key(), Some(key.as_str()));
        request.attempt().unwrap()
    })
    .collect()
}

#[tokio::test]
async fn a_panic_before_verifying_costs_one_answer() {
    let setup = with_faults(|edge| edge).await;
    for _ in 0..3 {
        let delivery = succeeded();
        let struck = with_fault(&delivery, "panic-before-verifying");
        let struck = struck.with_header("x-correlation-id", "c-1").unwrap();
        let answer = setup.expect(&struck, 500, "internal_error").await;
        assert_eq!(answer.header("x-correlation-id"), Some("c-1"));
        setup.log_line("internal_error").await;
        serves(&setup).await;
        setup.expect(&delivery, 200, "forwarded").await;
        assert_eq!(attempts(&setup, &delivery), [1]);
    }
}

/// The origin has answered 2xx, and nobody has noted it: the one case in which it gets an event again.
#[tokio::test]
async fn a_panic_after_the_origin_s_answer_brings_the_event_once_more() {
    let setup = with_faults(|edge| edge).await;
    let delivery = succeeded();
    setup.expect(&with_fault(&delivery, "panic-after-origin"), 500, "internal_error").await;
    serves(&setup).await;
    setup.expect(&delivery, 409, "in_flight").await;
    assert_eq!(deliver(&setup, &delivery).await.to_string(), "200 forwarded");
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(attempts(&setup, &delivery), [1, 2]);
}

/// What is under way when another request panics is lost with the instance: never a success that the
/// ledger does not know, and the event comes again.
#[tokio::test]
async fn a_panic_takes_along_what_is_under_way_and_loses_no_event() {
    let setup = with_faults(|edge| edge).await;
    let gate = Gate::new();
    setup.origin.reply_next(Reply::default().when(&gate));
    let bystander = succeeded();
    let under_way = start(&setup, &bystander);
    setup.origin.wait_for(1, PATIENCE).await.unwrap();
    setup.send(&with_fault(&succeeded(), "panic-before-verifying")).await;
    gate.open();
    assert_eq!(under_way.await.unwrap().unwrap().to_string(), "500 internal_error");
    serves(&setup).await;
    assert_eq!(deliver(&setup, &bystander).await.to_string(), "200 forwarded");
    setup.expect(&bystander, 200, "duplicate").await;
    assert_eq!(attempts(&setup, &bystander), [1, 2]);
}

/// The object is gone with its instance, and comes back with the next one.
#[tokio::test]
async fn a_panic_in_the_object_at_a_claim_loses_no_event() {
    let setup = with_faults(|edge| edge).await;
    let delivery = succeeded();
    setup.expect(&with_fault(&delivery, "panic-at-claim"), 500, "internal_error").await;
    serves(&setup).await;
    setup.expect(&delivery, 200, "forwarded").await;
    assert_eq!(attempts(&setup, &delivery), [1]);
}

#[tokio::test]
async fn a_panic_in_the_object_at_a_commit_brings_the_event_once_more() {
    let setup = with_faults(|edge| edge).await;
    let delivery = succeeded();
    setup.expect(&with_fault(&delivery, "panic-at-commit"), 500, "internal_error").await;
    serves(&setup).await;
    assert_eq!(deliver(&setup, &delivery).await.to_string(), "200 forwarded");
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(attempts(&setup, &delivery), [1, 2]);
}

/// The origin has the event, so the provider is told so. That the ledger does not know it costs one
/// more delivery at most, if the provider ever sends the event again.
#[tokio::test]
async fn a_commit_that_fails_does_not_change_the_answer() {
    let setup = with_faults(|edge| edge).await;
    let delivery = succeeded();
    setup.expect(&with_fault(&delivery, "fail-commit-always"), 200, "forwarded").await;
    let record = setup.log_line("forwarded").await;
    assert_eq!(record["settlement"], "commit_failed");
    let error = record["ledger_error"].as_str().unwrap();
    assert!(error.contains("fault: every commit fails"), "{error}");
    assert_eq!(deliver(&setup, &delivery).await.to_string(), "200 forwarded");
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(attempts(&setup, &delivery), [1, 2]);
}

#[tokio::test]
async fn a_commit_that_fails_once_is_tried_again() {
    let setup = with_faults(|edge| edge).await;
    let delivery = succeeded();
    setup.expect(&with_fault(&delivery, "fail-commit-once"), 200, "forwarded").await;
    let record = setup.log_line("forwarded").await;
    assert_eq!(record["settlement"], "committed");
    assert!(record.get("ledger_error").is_none(), "{record}");
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(attempts(&setup, &delivery), [1]);
}

/// 36 hours in half a minute, with a crash in between: the alarm is on disk, rings, deletes the row, and
/// an event that comes again after that is a new one.
#[tokio::test]
async fn the_alarm_forgets_what_is_older_than_the_retention() {
    let mut setup = with_faults(|edge| {
        edge.setting("FAULT_CLOCK_SPEED", "4000").setting("RETENTION_HOURS", "36")
    })
    .await;
    let delivery = succeeded();
    setup.expect(&delivery, 200, "forwarded").await;
    setup.expect(&delivery, 200, "duplicate").await;
    setup.edge.restart().await.unwrap();
    let deleted = |line: &str| line == "fault: alarm 1, 0 events after";
    setup.edge.wait_for_log(deleted, 4 * PATIENCE).await.unwrap();
    setup.expect(&delivery, 200, "forwarded").await;
    assert_eq!(attempts(&setup, &delivery), [1, 1]);
}

/// None of this can be asked of what is deployed.
#[tokio::test]
async fn the_deployed_bundle_knows_nothing_of_faults() {
    let contains = |bundle: &str| {
        let bundle = edge_dir().join(bundle);
        let files = ["index.js", "nextapi_edge_bg.wasm"]
            .map(|name| std::fs::read(bundle.join(name)).unwrap());
        files.iter().any(|file| file.to_ascii_lowercase().windows(7).any(|part| part == b"x-fault"))
    };
    assert!(contains("build-faults"));
    assert!(!contains("build"));

    let setup = Setup::start().await;
    let delivery = with_fault(&succeeded(), "panic-before-verifying");
    setup.expect(&delivery, 200, "forwarded").await;
    assert_eq!(setup.origin.received()[0].header("x-fault"), None);
}
