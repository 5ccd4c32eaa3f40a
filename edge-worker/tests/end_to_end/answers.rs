//! The table of answers, row by row.

use core::time::Duration;

use nextapi_testkit::{Delivery, EventBody, Gate, Reply, SignatureHeader};
use nextapi_webhook::{Key, Label, UnixTime};
use reqwest::Method;

use crate::setup::{PATIENCE, Setup, key, seconds_from_now, signed, signed_bytes, succeeded};

#[tokio::test]
async fn forwarded_then_duplicate() {
    let setup = Setup::start().await;
    let delivery = succeeded();
    let answer = setup.expect(&delivery, 200, "forwarded").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("x-correlation-id").is_some());
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(setup.origin.count(), 1);
}

#[tokio::test]
async fn in_flight_says_when_to_try_again() {
    let setup = Setup::start().await;
    let gate = Gate::new();
    setup.origin.reply_next(Reply::default().when(&gate));
    let delivery = succeeded();
    let first = setup.send(&delivery);
    let others = async {
        setup.origin.wait_for(1, PATIENCE).await.unwrap();
        let answer = setup.expect(&delivery, 409, "in_flight").await;
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=30).contains(&seconds), "{seconds}");
        gate.open();
    };
    let (first, ()) = tokio::join!(first, others);
    assert_eq!(first.to_string(), "200 forwarded");
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(setup.origin.count(), 1);
}

#[tokio::test]
async fn nothing_unauthentic_gets_through() {
    let setup = Setup::start().await;
    let event = || EventBody::new("job.succeeded", r#"{"id":"evt_1","type":"job.succeeded"}"#);
    let unsigned = || Delivery::unsigned(event()).unwrap();
    let with_header = |value: &str| unsigned().with_header("x-nextapi-signature", value).unwrap();
    let other = Key::new(b"whsec_other").unwrap();
    let now = UnixTime::now().as_secs();

    setup.expect(&unsigned(), 400, "signature_missing").await;
    let digits = "0".repeat(64);
    for header in [
        String::new(),
        "nonsense".to_owned(),
        format!("v={digits}"),
        format!("t={now}"),
        format!("t=+{now},v={digits}"),
        format!("t=0{now},v={digits}"),
        format!("t={now},v={}", "0".repeat(63)),
        format!("t={now},t={now},v={digits}"),
        format!("t={now}{}", format!(",v={digits}").repeat(9)),
        "x".repeat(2_000),
    ] {
        setup.expect(&with_header(&header), 400, "signature_malformed").await;
    }
    for forged in [
        Delivery::signed(event(), &other, UnixTime::now()).unwrap(),
        // An outsider does not learn that the clock matters at all.
        Delivery::signed(event(), &other, seconds_from_now(-100_000)).unwrap(),
        Delivery::signed(event(), &key(), UnixTime::now()).unwrap().with_body("{}"),
        with_header(&format!("t={now},v={digits}")),
        with_header(&format!("t=18446744073709551615,v={digits}")),
    ] {
        setup.expect(&forged, 401, "signature_mismatch").await;
    }
    setup.expect(&signed(seconds_from_now(-301)), 401, "timestamp_expired").await;
    setup.expect(&signed(seconds_from_now(320)), 401, "timestamp_ahead").await;
    assert_eq!(setup.origin.count(), 0);
}

#[tokio::test]
async fn every_documented_spelling_of_the_signature_is_accepted() {
    let setup = Setup::start().await;
    for header in [SignatureHeader::NextApi, SignatureHeader::Webhook] {
        for &label in Label::ALL {
            let body = format!(r#"{{"id":"evt_{header:?}_{label}","type":"job.queued"}}"#);
            let delivery = Delivery::unsigned(EventBody::new("job.queued", body))
                .unwrap()
                .sign(&key(), UnixTime::now(), header, label)
                .unwrap();
            setup.expect(&delivery, 200, "forwarded").await;
        }
    }
    assert_eq!(setup.origin.count(), 6);
}

#[tokio::test]
async fn the_first_of_the_two_headers_is_the_one_that_counts() {
    let setup = Setup::start().await;
    let other = Key::new(b"whsec_other").unwrap();
    let good = succeeded();
    let bad_second =
        good.clone().sign(&other, UnixTime::now(), SignatureHeader::Webhook, Label::V).unwrap();
    setup.expect(&bad_second, 200, "forwarded").await;
    let bad_first = succeeded()
        .sign(&key(), UnixTime::now(), SignatureHeader::Webhook, Label::V)
        .unwrap()
        .sign(&other, UnixTime::now(), SignatureHeader::NextApi, Label::V)
        .unwrap();
    setup.expect(&bad_first, 401, "signature_mismatch").await;
}

#[tokio::test]
async fn during_a_rotation_both_secrets_are_accepted() {
    let setup =
        Setup::with(|edge| edge.setting("WEBHOOK_SECRETS", "whsec_new\n\twhsec_old ")).await;
    for secret in ["whsec_new", "whsec_old"] {
        let event = EventBody::new("job.queued", format!(r#"{{"id":"{secret}","type":"a"}}"#));
        let key = Key::new(secret.as_bytes()).unwrap();
        let delivery = Delivery::signed(event, &key, UnixTime::now()).unwrap();
        setup.expect(&delivery, 200, "forwarded").await;
    }
    let lines: Vec<_> =
        setup.edge.logs().iter().filter_map(|line| crate::setup::record(line)).collect();
    let indices: Vec<_> = lines.iter().map(|line| line["key_index"].clone()).collect();
    assert_eq!(indices, [0, 1]);
}

#[tokio::test]
async fn body_too_large() {
    let setup = Setup::with(|edge| edge.setting("MAX_BODY_BYTES", "1000")).await;
    setup.expect(&signed_bytes(vec![b'x'; 1_000]), 200, "forwarded").await;
    setup.expect(&signed_bytes(vec![b'x'; 1_001]), 413, "body_too_large").await;
    assert_eq!(setup.origin.count(), 1);
}

#[tokio::test]
async fn wrong_method_and_unknown_path() {
    let setup = Setup::start().await;
    let client = reqwest::Client::new();
    let ask = async |method: Method, path: &str| {
        let url = format!("{}{path}", setup.edge.url());
        let response = client.request(method, url).send().await.unwrap();
        let allow = response.headers().get("allow").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        (status, allow, response.text().await.unwrap())
    };
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let (status, allow, body) = ask(method.clone(), "webhook").await;
        assert_eq!((status, allow.as_deref()), (405, Some("POST")), "{method}");
        assert!(body.contains("method_not_allowed"), "{body}");
    }
    let (status, allow, _) = ask(Method::POST, "healthz").await;
    assert_eq!((status, allow.as_deref()), (405, Some("GET, HEAD")));
    for path in ["", "webhook/", "webhooks", "WEBHOOK", "_edge/status", "healthz/x"] {
        let (status, _, body) = ask(Method::POST, path).await;
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("not_found"), "{body}");
    }
    let (status, _, body) = ask(Method::GET, "healthz").await;
    assert_eq!((status, body.as_str()), (200, r#"{"status":"ok"}"#));
    let (status, _, body) = ask(Method::HEAD, "healthz").await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert_eq!(setup.origin.count(), 0);
}

#[tokio::test]
async fn another_path_can_be_chosen() {
    let setup = Setup::with(|edge| edge.setting("WEBHOOK_PATH", "/hooks/nextapi")).await;
    setup.expect(&succeeded(), 404, "not_found").await;
    let url = format!("{}hooks/nextapi", setup.edge.url());
    let provider = nextapi_testkit::Deliverer::new(&url).unwrap();
    assert_eq!(provider.send(&succeeded()).await.unwrap().to_string(), "200 forwarded");
}

#[tokio::test]
async fn a_slow_origin_that_answers_in_time_is_no_fault() {
    let setup = Setup::start().await;
    setup.origin.reply_next(Reply::default().after(Duration::from_millis(300)));
    setup.expect(&succeeded(), 200, "forwarded").await;
}
