//! The platform computes the MACs of long bodies, the Rust code those of short ones. The verdict is the
//! same on both ways, and if the platform fails, the Rust code does its work.
//!
//! `make end-to-end` runs all tests of this folder a second time, with all MACs from the platform.

use core::time::Duration;
use std::time::Instant;

use nextapi_testkit::{Delivery, EventBody, Gate, Reply};
use nextapi_webhook::{Key, UnixTime};

use crate::faults::{attempts, start, with_fault, with_faults};
use crate::raw::Connection;
use crate::setup::{PATIENCE, SECRET, Setup, Way, record, signed_bytes};

/// The longest body that is hashed in Rust.
const HAND_OVER_LIMIT: usize = 16_384;
/// What is signed in front of the body: ten digits and a dot.
const PREFIX: usize = 11;
/// The default of `MAX_BODY_BYTES`.
const CAP: usize = 262_144;
/// How long the platform may take for MACs.
const MACS_TIMEOUT: Duration = Duration::from_secs(3);

/// An event of this size, or as long as it has to be; no two are the same.
fn event(size: usize) -> Vec<u8> {
    let front = format!(
        r#"{{"id":"evt_{:016x}","type":"job.succeeded","data":{{"job_id":"job_1","prompt":""#,
        fastrand::u64(..)
    );
    let back = r#""}}"#;
    let filling = "x".repeat(size.saturating_sub(front.len() + back.len()));
    [&front, filling.as_str(), back].concat().into()
}

fn long() -> Delivery {
    signed_bytes(event(2 * HAND_OVER_LIMIT))
}

fn signed_with(secret: &str, body: Vec<u8>) -> Delivery {
    let key = Key::new(secret.as_bytes()).unwrap();
    Delivery::signed(EventBody::new("job.succeeded", body), &key, UnixTime::now()).unwrap()
}

async fn with_way(way: Way) -> Setup {
    Setup::with(|edge| way.choose(edge)).await
}

/// An edge whose platform fails in this way.
async fn with_macs(fault: &str) -> Setup {
    with_faults(|edge| Way::ByLength.choose(edge).setting("FAULT_MACS", fault)).await
}

/// The lines of the worker that begin with this.
fn lines(setup: &Setup, beginning: &str) -> Vec<String> {
    setup.edge.logs().into_iter().filter(|line| line.starts_with(beginning)).collect()
}

fn is_computing(line: &str) -> bool {
    line.starts_with("fault: the platform computes")
}

/// The log line of this delivery.
async fn line_of(setup: &Setup, delivery: &Delivery) -> serde_json::Value {
    let key = nextapi_webhook::EventKey::of_unverified(delivery.body()).to_string();
    let is_it = |line: &str| record(line).is_some_and(|record| record["event_key"] == key);
    record(&setup.edge.wait_for_log(is_it, PATIENCE).await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_platform_gets_what_is_long_and_keys_that_can_do_nothing_but_sign() {
    let secrets = format!("whsec_newer {SECRET}");
    let setup =
        Setup::with(|edge| Way::ByLength.choose(edge).setting("WEBHOOK_SECRETS", secrets)).await;
    for size in [HAND_OVER_LIMIT, HAND_OVER_LIMIT + 1, HAND_OVER_LIMIT, CAP] {
        setup.expect(&signed_bytes(event(size)), 200, "forwarded").await;
    }
    let computed =
        |size: usize| format!("fault: the platform computes a MAC of {} bytes", size + PREFIX);
    let [long, longest] = [computed(HAND_OVER_LIMIT + 1), computed(CAP)];
    let expected = [long.clone(), long, longest.clone(), longest];
    assert_eq!(lines(&setup, "fault: the platform computes"), expected);
    // One for each secret, once.
    let imported = "fault: a key is imported, extractable: false, usages: sign";
    assert_eq!(lines(&setup, "fault: a key is imported"), [imported; 2]);
}

/// However it is sent, and whoever computes its MAC.
#[tokio::test]
async fn a_forged_body_of_any_size_is_refused_the_same() {
    for way in Way::ALL {
        let setup = with_way(way).await;
        for size in [0, 1, HAND_OVER_LIMIT, HAND_OVER_LIMIT + 1, 65_535, 65_536, 65_537, CAP] {
            let body = if size < 100 { vec![b'1'; size] } else { event(size) };
            let genuine = signed_bytes(body.clone());
            let mut tampered = body.clone();
            match tampered.last_mut() {
                Some(byte) => *byte ^= 1,
                None => tampered.push(b'1'),
            }
            let of_another_body = genuine.clone().with_body(tampered);
            let by_another_key = signed_with("whsec_of_somebody_else", body.clone());
            for forged in [&of_another_body, &by_another_key] {
                let answer = setup.expect(forged, 401, "signature_mismatch").await;
                let text = String::from_utf8_lossy(answer.body()).into_owned();
                assert!(text.contains("signature_mismatch"), "{way:?}, {size} bytes: {text}");

                let mut connection = Connection::open(&setup).await;
                connection.write_head(forged, &["Transfer-Encoding: chunked"]).await;
                for piece in forged.body().chunks(10_007) {
                    connection.write_chunk(piece).await;
                }
                connection.write_chunk(b"").await;
                let (status, answer) = connection.read_answer().await;
                assert!(answer.contains(&text), "{way:?}, {size} bytes: {status} {answer}");
                assert_eq!(status, 401);
            }
            assert_eq!(setup.origin.count(), 0, "{way:?}, {size} bytes");
        }
    }
}

#[tokio::test]
async fn a_genuine_body_of_any_size_arrives() {
    for way in Way::ALL {
        let setup = with_way(way).await;
        let sizes =
            [100, HAND_OVER_LIMIT, HAND_OVER_LIMIT + 1, 65_535, 65_536, 65_537, 150_000, CAP];
        for size in sizes {
            let delivery = signed_bytes(event(size));
            setup.expect(&delivery, 200, "forwarded").await;
            setup.expect(&delivery, 200, "duplicate").await;
            let received = setup.origin.received();
            assert!(received.last().unwrap().body() == delivery.body(), "{way:?}, {size} bytes");
        }
        assert_eq!(setup.origin.count(), sizes.len());
        let is_computed = !lines(&setup, "fault: the platform computes").is_empty();
        assert_eq!(is_computed, way != Way::Rust, "{way:?}");
    }
}

/// While a secret is being changed, and the provider may sign with either.
#[tokio::test]
async fn each_of_two_secrets_holds() {
    for way in Way::ALL {
        let secrets = format!("whsec_newer {SECRET}");
        let setup = Setup::with(|edge| way.choose(edge).setting("WEBHOOK_SECRETS", secrets)).await;
        for size in [200, 2 * HAND_OVER_LIMIT] {
            for (index, secret) in ["whsec_newer", SECRET].into_iter().enumerate() {
                let delivery = signed_with(secret, event(size));
                setup.expect(&delivery, 200, "forwarded").await;
                let line = line_of(&setup, &delivery).await;
                assert_eq!(line["key_index"], index, "{way:?}: {line}");
            }
            let forged = signed_with(&format!("whsec_newer{SECRET}"), event(size));
            setup.expect(&forged, 401, "signature_mismatch").await;
        }
    }
}

/// Nobody gets in by it, and nothing is lost.
#[tokio::test]
async fn if_the_platform_fails_the_rust_code_hashes() {
    for (fault, reason) in [
        ("no-keys", "fault: no key"),
        ("reject", "fault: no MAC"),
        ("short", "malformed MAC: 31 bytes"),
        ("long", "malformed MAC: 64 bytes"),
    ] {
        let setup = with_macs(fault).await;
        for _ in 0..2 {
            let delivery = long();
            setup.expect(&delivery, 200, "forwarded").await;
            let line = line_of(&setup, &delivery).await;
            assert_eq!(line["macs_error"], reason, "{line}");
            let forged = delivery.with_body(event(2 * HAND_OVER_LIMIT));
            setup.expect(&forged, 401, "signature_mismatch").await;
        }
        let short = signed_bytes(event(200));
        setup.expect(&short, 200, "forwarded").await;
        assert!(line_of(&setup, &short).await["macs_error"].is_null());
        assert_eq!(setup.origin.count(), 3);
    }
}

/// The signature that anybody can write for a platform that gives nothing but zeros.
#[tokio::test]
async fn a_platform_that_gives_zeros_lets_nobody_in() {
    let setup = with_macs("zeros").await;
    let signature = format!("t={},v1={}", UnixTime::now().as_secs(), "00".repeat(32));
    let forged = long().with_header("x-nextapi-signature", &signature).unwrap();
    setup.expect(&forged, 401, "signature_mismatch").await;
    assert_eq!(setup.origin.count(), 0);
}

#[tokio::test]
async fn a_platform_that_hangs_costs_its_deadline() {
    let setup = with_macs("hang-once").await;
    let delivery = long();
    let started = Instant::now();
    setup.expect(&delivery, 200, "forwarded").await;
    let took = started.elapsed();
    assert!(took >= MACS_TIMEOUT, "{took:?}");
    let line = line_of(&setup, &delivery).await;
    assert_eq!(line["macs_error"], "no MACs within 3000 ms", "{line}");
    let next = long();
    setup.expect(&next, 200, "forwarded").await;
    assert!(line_of(&setup, &next).await["macs_error"].is_null());
}

/// They come while the origin is thinking about the event.
#[tokio::test]
async fn macs_that_come_late_change_nothing() {
    let setup = with_macs("late-once").await;
    let gate = Gate::new();
    setup.origin.reply_next(Reply::default().when(&gate));
    let delivery = long();
    let sending = start(&setup, &delivery);
    setup.origin.wait_for(1, PATIENCE).await.unwrap();
    let is_late = |line: &str| line == "fault: a MAC comes late";
    setup.edge.wait_for_log(is_late, PATIENCE).await.unwrap();
    gate.open();
    assert_eq!(sending.await.unwrap().unwrap().to_string(), "200 forwarded");
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(attempts(&setup, &delivery), [1]);
}

/// Nothing is stored before the signature holds, so a crash before that leaves nothing behind.
#[tokio::test]
async fn a_crash_while_the_platform_computes_loses_nothing() {
    let mut setup = with_macs("hang-once").await;
    let delivery = long();
    let sending = start(&setup, &delivery);
    setup.edge.wait_for_log(is_computing, PATIENCE).await.unwrap();
    setup.edge.kill().await;
    assert!(sending.await.unwrap().is_err(), "the provider has no answer");
    assert_eq!(setup.origin.count(), 0);
    setup.edge.restart().await.unwrap();
    setup.expect(&delivery, 200, "forwarded").await;
    assert_eq!(attempts(&setup, &delivery), [1]);
}

/// It takes along what is under way, as at any other step.
#[tokio::test]
async fn a_panic_while_the_platform_computes_loses_nothing() {
    let setup = with_macs("hang-once").await;
    let delivery = long();
    let sending = start(&setup, &delivery);
    setup.edge.wait_for_log(is_computing, PATIENCE).await.unwrap();
    setup.expect(&with_fault(&long(), "panic-before-verifying"), 500, "internal_error").await;
    assert_eq!(sending.await.unwrap().unwrap().to_string(), "500 internal_error");
    assert_eq!(setup.origin.count(), 0);
    setup.expect(&delivery, 200, "forwarded").await;
    assert!(line_of(&setup, &delivery).await["macs_error"].is_null());
    assert_eq!(attempts(&setup, &delivery), [1]);
}
