//! A client that sends forgeries too often is not listened to for a while, and nobody else notices.
//!
//! The platform's binding is played by a worker of a few lines; what it is asked is on its log.

use http::StatusCode;
use nextapi_testkit::{Delivery, Reply};

use crate::raw::Connection;
use crate::setup::{PATIENCE, Setup, record, seconds_from_now, signed, succeeded};

/// Says no to the fourth call with a key and to all that follow, as the platform's does in a period.
pub(crate) const LIMITER: &str = r#"
    import { WorkerEntrypoint } from "cloudflare:workers";
    const counts = new Map();
    export default class extends WorkerEntrypoint {
        limit({ key }) {
            const count = (counts.get(key) ?? 0) + 1;
            counts.set(key, count);
            console.log(`limiter: ${key}`);
            return { success: count <= 3 };
        }
    }
"#;

pub(crate) const ATTACKER: &str = "192.0.2.66";
const PROVIDER: &str = "198.51.100.1";

async fn limited() -> Setup {
    Setup::with(|edge| edge.service("RATE_LIMITER", LIMITER)).await
}

pub(crate) fn from(address: &str, delivery: &Delivery) -> Delivery {
    delivery.clone().with_header("cf-connecting-ip", address).unwrap()
}

fn forged() -> Delivery {
    let delivery = succeeded();
    let body = [delivery.body(), &b" "[..]].concat();
    delivery.with_body(body)
}

/// What the limiter was asked so far.
async fn asked(setup: &Setup) -> Vec<String> {
    // The log is read as it comes. What was said before this delivery, which nobody counts, stands
    // before its line.
    let last = nextapi_testkit::random_hex::<8>().unwrap();
    let stale = signed(seconds_from_now(-1_000)).with_header("x-correlation-id", &last).unwrap();
    setup.expect(&stale, 401, "timestamp_expired").await;
    setup.edge.wait_for_log(|line| line.contains(&last), PATIENCE).await.unwrap();
    let logs = setup.edge.logs();
    logs.iter().filter_map(|line| Some(line.strip_prefix("limiter: ")?.to_owned())).collect()
}

/// Sends forgeries until the limiter has said no.
async fn exhaust(setup: &Setup, address: &str) {
    for _ in 0..4 {
        setup.expect(&from(address, &forged()), 401, "signature_mismatch").await;
    }
}

#[tokio::test]
async fn who_fails_too_often_is_refused_and_nobody_else_is() {
    let setup = limited().await;
    exhaust(&setup, ATTACKER).await;
    let answer = setup.expect(&from(ATTACKER, &forged()), 429, "rate_limited").await;
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    // The price: what holds is refused as well, if it comes from there. It is not lost.
    let delivery = succeeded();
    setup.expect(&from(ATTACKER, &delivery), 429, "rate_limited").await;
    setup.expect(&from(PROVIDER, &delivery), 200, "forwarded").await;
    setup.expect(&from(PROVIDER, &forged()), 401, "signature_mismatch").await;
    assert_eq!(setup.origin.count(), 1);
    // While a client is refused, the limiter is not asked.
    assert_eq!(asked(&setup).await, [ATTACKER, ATTACKER, ATTACKER, ATTACKER, PROVIDER]);
}

/// Not one byte of the body is sent, and none is waited for.
#[tokio::test]
async fn who_is_refused_is_refused_before_reading() {
    let setup = limited().await;
    exhaust(&setup, ATTACKER).await;
    let mut connection = Connection::open(&setup).await;
    let lines = ["Content-Length: 100", &format!("CF-Connecting-IP: {ATTACKER}")];
    connection.write_head(&succeeded(), &lines).await;
    let (status, answer) = connection.read_answer().await;
    assert_eq!(status, 429, "{answer}");
    let record = setup.log_line("rate_limited").await;
    assert!(record.get("http.request.body.size").is_none(), "{record}");
}

#[tokio::test]
async fn only_deliveries_without_a_valid_signature_are_counted() {
    let setup = limited().await;
    let delivery = succeeded();
    setup.expect(&from(PROVIDER, &delivery), 200, "forwarded").await;
    setup.expect(&from(PROVIDER, &delivery), 200, "duplicate").await;
    let stale = signed(seconds_from_now(-1_000));
    setup.expect(&from(PROVIDER, &stale), 401, "timestamp_expired").await;
    let ahead = signed(seconds_from_now(1_000));
    setup.expect(&from(PROVIDER, &ahead), 401, "timestamp_ahead").await;
    let large = forged().with_body(vec![b'x'; 300_000]);
    setup.expect(&from(PROVIDER, &large), 413, "body_too_large").await;
    setup.origin.reply_next(Reply::status(StatusCode::BAD_GATEWAY));
    setup.expect(&from(PROVIDER, &succeeded()), 502, "origin_failed").await;
    // Where the client is not known, nobody can be counted.
    setup.expect(&forged(), 401, "signature_mismatch").await;
    setup.expect(&from("unknown", &forged()), 401, "signature_mismatch").await;
    assert_eq!(asked(&setup).await, [""; 0]);

    let event = nextapi_testkit::EventBody::new("job.queued", "{}");
    let unsigned = Delivery::unsigned(event).unwrap();
    setup.expect(&from(ATTACKER, &unsigned), 400, "signature_missing").await;
    let malformed = unsigned.with_header("x-nextapi-signature", "nonsense").unwrap();
    setup.expect(&from(ATTACKER, &malformed), 400, "signature_malformed").await;
    setup.expect(&from(ATTACKER, &forged()), 401, "signature_mismatch").await;
    assert_eq!(asked(&setup).await, [ATTACKER; 3]);
}

/// A connection that breaks says nothing about its client. Who makes the edge read as much as it ever
/// reads is counted: nothing can be said of its signature.
#[tokio::test]
async fn a_cut_body_is_not_counted_and_one_without_end_is() {
    let setup = limited().await;
    let delivery = succeeded();
    let mut connection = Connection::open(&setup).await;
    let provider = format!("CF-Connecting-IP: {PROVIDER}");
    connection.write_head(&delivery, &["Content-Length: 10000", &provider]).await;
    connection.write(delivery.body()).await;
    let (status, answer) = connection.finish().await;
    assert!(status == 400 && answer.contains("body_cut"), "{answer}");
    assert_eq!(asked(&setup).await, [""; 0]);

    let mut connection = Connection::open(&setup).await;
    let attacker = format!("CF-Connecting-IP: {ATTACKER}");
    connection.write_head(&delivery, &["Transfer-Encoding: chunked", &attacker]).await;
    for _ in 0..17 {
        connection.write_chunk(&[b'x'; 16_384]).await;
    }
    let (status, answer) = connection.read_answer().await;
    assert_eq!(status, 413, "{answer}");
    assert_eq!(asked(&setup).await, [ATTACKER]);
}

#[tokio::test]
async fn who_has_an_ipv6_address_has_all_of_its_64() {
    let setup = limited().await;
    for last in 1..=4 {
        let address = format!("2001:db8:0:7::{last}");
        setup.expect(&from(&address, &forged()), 401, "signature_mismatch").await;
    }
    setup.expect(&from("2001:db8:0:7:a:b:c:d", &forged()), 429, "rate_limited").await;
    setup.expect(&from("2001:db8:0:8::1", &forged()), 401, "signature_mismatch").await;
    assert_eq!(asked(&setup).await, [&["2001:db8:0:7::"; 4][..], &["2001:db8:0:8::"]].concat());
}

/// Who hangs up while the limiter is asked is counted all the same, and remembered.
#[tokio::test]
async fn hanging_up_is_no_way_out() {
    // The limiter takes its time, so that the client is gone before it replies.
    let slow = LIMITER
        .replace("limit({", "async limit({")
        .replace("return {", "await scheduler.wait(300); return {");
    assert!(slow.contains("async limit") && slow.contains("wait(300); return"));
    let setup = Setup::with(|edge| edge.service("RATE_LIMITER", slow)).await;
    for count in 1..=4 {
        let mut connection = Connection::open(&setup).await;
        let delivery = from(ATTACKER, &forged());
        let length = format!("Content-Length: {}", delivery.body().len());
        connection.write_head(&delivery, &[&length]).await;
        connection.write(delivery.body()).await;
        let mut seen = 0;
        let counted = |line: &str| {
            seen += usize::from(line.starts_with("limiter: "));
            seen == count
        };
        setup.edge.wait_for_log(counted, PATIENCE).await.unwrap();
        connection.reset();
    }
    // The client is remembered before the line is written.
    let mut seen = 0;
    let ended = |line: &str| {
        seen += usize::from(
            record(line).is_some_and(|record| record["http.response.status_code"] == 401),
        );
        seen == 4
    };
    setup.edge.wait_for_log(ended, PATIENCE).await.unwrap();
    setup.expect(&from(ATTACKER, &forged()), 429, "rate_limited").await;
}

/// Whatever goes wrong with the limiter, deliveries are judged by their signatures.
#[tokio::test]
async fn a_limiter_that_is_broken_limits_nobody() {
    for (limit, said) in [
        ("throw new Error('no')", "no"),
        ("return undefined", "malformed answer"),
        ("return { success: 'yes' }", "malformed answer"),
        ("return new Promise(() => {})", ""),
    ] {
        let module = format!(
            "import {{ WorkerEntrypoint }} from 'cloudflare:workers';
             export default class extends WorkerEntrypoint {{ limit() {{ {limit} }} }}"
        );
        let setup = Setup::with(|edge| edge.service("RATE_LIMITER", module)).await;
        for _ in 0..3 {
            setup.expect(&from(ATTACKER, &forged()), 401, "signature_mismatch").await;
        }
        setup.expect(&from(ATTACKER, &succeeded()), 200, "forwarded").await;
        let record = setup.log_line("signature_mismatch").await;
        let error = record["limiter_error"].as_str().unwrap_or_else(|| panic!("{limit}: {record}"));
        assert!(error.contains(said), "{limit}: {error}");
    }
}

#[tokio::test]
async fn a_binding_that_is_no_limiter_limits_nobody() {
    let setup = Setup::with(|edge| edge.setting("RATE_LIMITER", "yes")).await;
    setup.expect(&from(ATTACKER, &forged()), 401, "signature_mismatch").await;
    let record = setup.log_line("signature_mismatch").await;
    assert!(record["limiter_error"].is_string(), "{record}");
}

#[tokio::test]
async fn without_a_limiter_nobody_is_limited() {
    let setup = Setup::start().await;
    for _ in 0..50 {
        setup.expect(&from(ATTACKER, &forged()), 401, "signature_mismatch").await;
    }
    let record = setup.log_line("signature_mismatch").await;
    assert!(record.get("limiter_error").is_none(), "{record}");
}
