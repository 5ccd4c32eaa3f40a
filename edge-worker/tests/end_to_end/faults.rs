//! Faults inside the worker: panics, exceptions, and a ledger that fails, does not reply or is of another
//! version. A bundle of its own has them, `build-faults`, which wraps the product and strikes at the
//! request of the header `x-fault`.
//!
//! # What a panic does
//!
//! A panic traps, and the instance of the wasm code is gone, in the worker and in those of the
//! ledger's objects that run in the same isolate. The entry module sees the trap and makes a new
//! instance. Requests that were under way in the old one are answered 500 `internal_error` at their
//! next step. So a panic costs what a crash costs: the outcome of attempts under way is unknown, their
//! leases run out, and the events come again under the same `Idempotency-Key`.

use core::time::Duration;
use std::time::Instant;

use nextapi_testkit::{Answer, Deliverer, Delivery, Gate, LocalEdgeBuilder, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::restarts::wait_as_told;
use crate::setup::{PATH, PATIENCE, Setup, edge_dir, record, succeeded};

pub(crate) async fn with_faults(
    choose: impl FnOnce(LocalEdgeBuilder) -> LocalEdgeBuilder,
) -> Setup {
    let edge = |edge: LocalEdgeBuilder| {
        edge.bundle("build-faults")
            // One object, so that what breaks in it could touch every event.
            .setting("LEDGER_SHARDS", "1")
            .setting("ORIGIN_TIMEOUT_MS", "3000")
            .setting("LEASE_SECONDS", "8")
    };
    Setup::with(|builder| choose(edge(builder))).await
}

pub(crate) fn with_fault(delivery: &Delivery, fault: &str) -> Delivery {
    delivery.clone().with_header("x-fault", fault).unwrap()
}

/// Sends in the background.
pub(crate) fn start(
    setup: &Setup,
    delivery: &Delivery,
) -> tokio::task::JoinHandle<anyhow::Result<Answer>> {
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
pub(crate) fn attempts(setup: &Setup, delivery: &Delivery) -> Vec<u64> {
    let key = nextapi_webhook::EventKey::of_unverified(delivery.body()).to_string();
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

/// The object has more calls than it can handle, and one more would make it worse.
#[tokio::test]
async fn a_commit_is_not_tried_again_on_an_overloaded_object() {
    let setup = with_faults(|edge| edge).await;
    let delivery = succeeded();
    setup.expect(&with_fault(&delivery, "overload-commit-once"), 200, "forwarded").await;
    let record = setup.log_line("forwarded").await;
    assert_eq!(record["settlement"], "commit_failed", "{record}");
    let error = record["ledger_error"].as_str().unwrap();
    assert!(error.contains("fault: overloaded"), "{error}");
    assert_eq!(deliver(&setup, &delivery).await.to_string(), "200 forwarded");
    assert_eq!(attempts(&setup, &delivery), [1, 2]);
}

/// The deadline of one call of the ledger.
const LEDGER_TIMEOUT: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_ledger_that_does_not_reply_to_a_claim_is_unavailable() {
    let setup = with_faults(|edge| edge).await;
    let delivery = succeeded();
    let started = Instant::now();
    let struck = with_fault(&delivery, "hang-at-claim");
    let answer = setup.expect(&struck, 503, "ledger_unavailable").await;
    let took = started.elapsed();
    assert!(answer.header("retry-after").is_some());
    assert!(took >= LEDGER_TIMEOUT, "{took:?}");
    let record = setup.log_line("ledger_unavailable").await;
    assert_eq!(record["ledger_error"], "no reply within 3000 ms", "{record}");
    assert_eq!(setup.origin.count(), 0);
    setup.expect(&delivery, 200, "forwarded").await;
    assert_eq!(attempts(&setup, &delivery), [1]);
}

/// Each of the four calls has its deadline, and the answer is the origin's all the same.
#[tokio::test]
async fn a_ledger_that_does_not_reply_to_a_commit_does_not_change_the_answer() {
    let setup = with_faults(|edge| edge).await;
    let delivery = succeeded();
    let url = format!("{}{PATH}", setup.edge.url());
    let provider = Deliverer::with_timeout(&url, PATIENCE).unwrap();
    let started = Instant::now();
    let answer = provider.send(&with_fault(&delivery, "hang-at-commit")).await.unwrap();
    assert_eq!(answer.to_string(), "200 forwarded");
    let took = started.elapsed();
    assert!(took >= 4 * LEDGER_TIMEOUT, "{took:?}");
    let record = setup.log_line("forwarded").await;
    assert_eq!(record["settlement"], "commit_failed", "{record}");
    assert_eq!(record["ledger_error"], "no reply within 3000 ms", "{record}");
    // The lease has run out meanwhile.
    setup.expect(&delivery, 200, "forwarded").await;
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(attempts(&setup, &delivery), [1, 2]);
}

/// During a rollout a Worker meets an object of another version. A claim that one of them does not
/// understand is no claim, whatever the object has done: the event comes again.
#[tokio::test]
async fn a_message_of_another_version_is_answered_try_again() {
    let setup = with_faults(|edge| edge).await;
    for (fault, said) in [
        ("call-of-older-version", "message version 0 is not supported"),
        ("call-of-newer-version", "message version 2 is not supported"),
        ("unknown-call", "malformed call"),
        ("reply-of-older-version", "message version 0 is not supported"),
        ("reply-of-newer-version", "message version 2 is not supported"),
        ("unknown-reply", "malformed reply"),
    ] {
        let struck = with_fault(&succeeded(), fault).with_header("x-correlation-id", fault);
        let struck = struck.unwrap();
        let answer = setup.expect(&struck, 503, "ledger_unavailable").await;
        assert!(answer.header("retry-after").is_some());
        let of_it = |line: &str| record(line).is_some_and(|it| it["correlation_id"] == fault);
        let line = setup.edge.wait_for_log(of_it, PATIENCE).await.unwrap();
        assert!(line.contains(said), "{fault}: {line}");
        assert_eq!(setup.origin.count(), 0, "{fault}");
    }
    serves(&setup).await;
}

/// An exception is no panic: the instance lives on, and must not keep the request's machine for ever.
#[tokio::test]
async fn a_request_that_fails_outside_of_the_rust_code_is_given_up() {
    let setup = with_faults(|edge| edge).await;
    let delivery = succeeded();
    let struck = with_fault(&delivery, "throw-after-origin");
    let struck = struck.with_header("x-correlation-id", "c-1").unwrap();
    let answer = setup.expect(&struck, 500, "internal_error").await;
    assert_eq!(answer.header("x-correlation-id"), Some("c-1"));
    let abandoned = |line: &str| line == "fault: a request was abandoned";
    setup.edge.wait_for_log(abandoned, PATIENCE).await.unwrap();
    setup.log_line("internal_error").await;
    serves(&setup).await;
    assert_eq!(deliver(&setup, &delivery).await.to_string(), "200 forwarded");
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(attempts(&setup, &delivery), [1, 2]);
}

/// The origin has answered, and goes on sending. Its connection ends at once, and not only with its
/// deadline, or with the request, whose commit takes its time here.
#[tokio::test]
async fn a_body_without_end_from_the_origin_is_cut_off() {
    let origin = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", origin.local_addr().unwrap());
    let setup = with_faults(|edge| {
        // The deadline for the origin would cut the connection as well.
        edge.setting("ORIGIN_URL", url)
            .setting("ORIGIN_TIMEOUT_MS", "9000")
            .setting("LEASE_SECONDS", "20")
    })
    .await;
    let delivery = succeeded();
    let sending = start(&setup, &with_fault(&delivery, "hang-at-commit"));

    let (mut connection, _) = origin.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(delivery.body()) {
        assert_ne!(connection.read_buf(&mut request).await.unwrap(), 0);
    }
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.write_all(head).await.unwrap();
    let chunk = [b"4000\r\n".to_vec(), vec![b'x'; 0x4000], b"\r\n".to_vec()].concat();
    let sending_on = async { while connection.write_all(&chunk).await.is_ok() {} };
    let ended = tokio::time::timeout(LEDGER_TIMEOUT, sending_on).await;
    assert!(ended.is_ok(), "the connection is still open");
    assert!(!sending.is_finished(), "the request has ended as well");
    sending.abort();
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

    let setup = Setup::with(|edge| edge.bundle("build")).await;
    let delivery = with_fault(&succeeded(), "panic-before-verifying");
    setup.expect(&delivery, 200, "forwarded").await;
    assert_eq!(setup.origin.received()[0].header("x-fault"), None);
}
