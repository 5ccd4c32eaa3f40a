//! Settings that would break a promise are refused, by name, and nothing fails open.

use nextapi_testkit::{Deliverer, Delivery, EventBody, LocalEdgeBuilder};
use nextapi_webhook::{Key, UnixTime};
use serde_json::json;

use crate::setup::{PATIENCE, SECRET, Setup, succeeded};

/// Starts an edge with one bad setting and checks what everybody is told.
async fn refused(name: &str, choose: impl FnOnce(LocalEdgeBuilder) -> LocalEdgeBuilder) {
    let setup = Setup::with(choose).await;
    setup_refuses(&setup, &[name]).await;
}

/// Checks what everybody is told of bad settings with these names.
async fn setup_refuses(setup: &Setup, names: &[impl AsRef<str>]) {
    let names: Vec<_> = names.iter().map(AsRef::as_ref).collect();
    let answer = setup.expect(&succeeded(), 500, "misconfigured").await;
    // The provider is told no more than that.
    let body = String::from_utf8(answer.body().to_vec()).unwrap();
    assert!(!body.contains(SECRET), "{body}");

    let health = reqwest::get(format!("{}healthz", setup.edge.url())).await.unwrap();
    assert_eq!(health.status(), 500, "{names:?}");
    let health = health.text().await.unwrap();
    let names_all = |text: &str| names.iter().all(|name| text.contains(name));
    assert!(health.contains("misconfigured") && names_all(&health), "{names:?}: {health}");

    let is_logged = |line: &str| line.contains("misconfigured") && names_all(line);
    setup.edge.wait_for_log(is_logged, PATIENCE).await.unwrap();
    assert!(!setup.edge.logs().concat().contains(SECRET), "the log shows the secret");
    assert_eq!(setup.origin.count(), 0, "{names:?}");
}

async fn refused_value(name: &str, value: &str) {
    refused(name, |edge| edge.setting(name, value)).await;
}

#[tokio::test]
async fn no_secret() {
    refused("WEBHOOK_SECRETS", |edge| edge.without_setting("WEBHOOK_SECRETS")).await;
}

/// An unset variable in a deployment script arrives as an empty one. With an empty key anybody
/// could sign.
#[tokio::test]
async fn empty_secret() {
    for value in ["", " ", "\n\t"] {
        refused_value("WEBHOOK_SECRETS", value).await;
    }
}

const SECRETS: [&str; 5] = [
    "WEBHOOK_SECRETS",
    "ADMIN_TOKEN",
    "ADMIN_TOKENS",
    "ORIGIN_AUTHORIZATION",
    "EDGE_SIGNING_SECRET",
];

/// What is not a text has no bytes of its own. Made into a text, it would be one that anybody can guess.
#[tokio::test]
async fn secrets_that_are_not_texts() {
    for (value, texts) in [
        (json!(null), &["null", ""][..]),
        (json!(true), &["true"]),
        (json!(12_345_678_901_234_567_u64), &["12345678901234567", "12345678901234568"]),
        (json!(["whsec_one_of_a_list"]), &["whsec_one_of_a_list", r#"["whsec_one_of_a_list"]"#]),
        (json!({}), &["[object Object]", "{}"]),
    ] {
        let all = Setup::with(|edge| {
            SECRETS.iter().fold(edge, |edge, name| edge.json_setting(*name, value.clone()))
        })
        .await;
        setup_refuses(&all, &SECRETS.map(|name| format!("{name} is not a text"))).await;

        let one = Setup::with(|edge| edge.json_setting("WEBHOOK_SECRETS", value.clone())).await;
        for key in texts.iter().filter_map(|text| Key::new(text.as_bytes()).ok()) {
            let event = EventBody::new("job.queued", r#"{"id":"evt_1","type":"job.queued"}"#);
            let forged = Delivery::signed(event, &key, UnixTime::now()).unwrap();
            one.expect(&forged, 500, "misconfigured").await;
        }
        assert_eq!(one.origin.count(), 0, "{value}");

        let admin = Setup::with(|edge| edge.json_setting("ADMIN_TOKEN", value.clone())).await;
        for text in texts {
            let url = format!("{}_edge/status", admin.edge.url());
            let request = reqwest::Client::new().get(url).bearer_auth(text);
            assert_eq!(request.send().await.unwrap().status(), 404, "{value}");
        }
    }
}

#[tokio::test]
async fn other_settings_may_be_numbers() {
    let setup = Setup::with(|edge| {
        edge.json_setting("MAX_BODY_BYTES", 1_000)
            .json_setting("LEDGER_SHARDS", 3)
            .json_setting("RETENTION_HOURS", 36)
    })
    .await;
    setup.expect(&succeeded(), 200, "forwarded").await;
    setup.expect(&crate::setup::signed_bytes(vec![b'x'; 1_001]), 413, "body_too_large").await;
    for value in [json!(1.5), json!(-1), json!(true), json!([16])] {
        refused("LEDGER_SHARDS", |edge| edge.json_setting("LEDGER_SHARDS", value)).await;
    }
}

#[tokio::test]
async fn too_many_secrets() {
    refused_value("WEBHOOK_SECRETS", &"whsec_a ".repeat(9)).await;
}

#[tokio::test]
async fn no_origin() {
    refused("ORIGIN_URL", |edge| edge.without_setting("ORIGIN_URL")).await;
    refused_value("ORIGIN_URL", "").await;
}

#[tokio::test]
async fn unusable_origins() {
    for url in ["not a url", "/relative", "ftp://origin.test/", "file:///etc/passwd"] {
        refused_value("ORIGIN_URL", url).await;
    }
    // Well-formed but for its host, which is no Punycode.
    refused_value("ORIGIN_URL", "https://xn--a.example/").await;
    refused_value("ORIGIN_URL", "https://user:password@origin.test/").await;
}

#[tokio::test]
async fn an_origin_that_is_the_worker_itself() {
    let setup = Setup::with(|edge| edge.setting("ORIGIN_URL", "http://edge.test/webhook")).await;
    // The worker goes by the name that the request is addressed to.
    let delivery = succeeded().with_header("host", "edge.test").unwrap();
    setup.expect(&delivery, 500, "misconfigured").await;
    let client = reqwest::Client::new();
    let health = client
        .get(format!("{}healthz", setup.edge.url()))
        .header("host", "edge.test")
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), 500);
    assert!(health.text().await.unwrap().contains("ORIGIN_URL"));
    let line = setup.log_line("misconfigured").await;
    assert!(line.to_string().contains("ORIGIN_URL"), "{line}");
}

/// The worker knows itself by the name that a request is addressed to, so under another name of its
/// own it does not see the circle when the provider delivers. It does when its own request comes back
/// to it, which is addressed to the origin. So the circle ends after one turn, and the log names it.
#[tokio::test]
async fn an_origin_that_is_the_worker_under_another_name() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://localhost:{port}/webhook");
    let setup = Setup::with(|edge| edge.port(port).setting("ORIGIN_URL", url)).await;
    setup.expect(&succeeded(), 502, "origin_failed").await;
    let outer = setup.log_line("origin_failed").await;
    assert_eq!(outer["origin_status"], 500);
    let inner = setup.log_line("misconfigured").await;
    assert!(inner["problems"].to_string().contains("ORIGIN_URL is the worker itself"), "{inner}");
    let records = setup.edge.logs().iter().filter_map(|line| crate::setup::record(line)).count();
    assert_eq!(records, 2);
}

#[tokio::test]
async fn retention_shorter_than_the_life_of_a_signature() {
    refused("RETENTION_HOURS", |edge| {
        edge.setting("RETENTION_HOURS", "36").setting("TOLERANCE_PAST_SECONDS", "129600")
    })
    .await;
}

#[tokio::test]
async fn lease_shorter_than_the_deadline() {
    refused("LEASE_SECONDS", |edge| {
        edge.setting("LEASE_SECONDS", "7").setting("ORIGIN_TIMEOUT_MS", "7000")
    })
    .await;
}

#[tokio::test]
async fn numbers_that_are_none_or_out_of_range() {
    for (name, values) in [
        ("TOLERANCE_PAST_SECONDS", &["five", "-1", "0", "1.5", "1e3"][..]),
        ("TOLERANCE_FUTURE_SECONDS", &["", "99999999999999999999"]),
        ("MAX_BODY_BYTES", &["0", "256k", "4194305"]),
        ("ORIGIN_TIMEOUT_MS", &["0", "10000"]),
        ("LEASE_SECONDS", &["0", "x"]),
        ("RETENTION_HOURS", &["0", "-72", "35"]),
        ("LEDGER_SHARDS", &["0", "1000000"]),
    ] {
        for value in values {
            refused_value(name, value).await;
        }
    }
}

#[tokio::test]
async fn names_and_values_that_cannot_stand_in_a_header() {
    refused_value("SIGNATURE_HEADERS", "").await;
    refused_value("SIGNATURE_HEADERS", "x-good, x bad").await;
    refused_value("ORIGIN_AUTHORIZATION", "").await;
    refused_value("ORIGIN_AUTHORIZATION", "Bearer a\nX-Injected: 1").await;
    refused_value("EDGE_SIGNING_SECRET", "").await;
    refused_value("SOURCE_ADDRESSES", "").await;
    refused_value("SOURCE_ADDRESSES", "192.0.2.7/24").await;
    refused_value("WEBHOOK_PATH", "no-slash").await;
    refused_value("WEBHOOK_PATH", "/healthz").await;
}

#[tokio::test]
async fn all_problems_are_named_at_once() {
    let setup = Setup::with(|edge| {
        edge.without_setting("WEBHOOK_SECRETS")
            .setting("ORIGIN_URL", "nowhere")
            .setting("LEDGER_SHARDS", "many")
    })
    .await;
    let health = reqwest::get(format!("{}healthz", setup.edge.url())).await.unwrap();
    let health = health.text().await.unwrap();
    for name in ["WEBHOOK_SECRETS", "ORIGIN_URL", "LEDGER_SHARDS"] {
        assert!(health.contains(name), "{health}");
    }
}

#[tokio::test]
async fn a_wider_past_is_accepted_with_the_retention_that_makes_it_safe() {
    let setup = Setup::with(|edge| edge.setting("TOLERANCE_PAST_SECONDS", "112500")).await;
    let delivery = crate::setup::signed(crate::setup::seconds_from_now(-100_000));
    setup.expect(&delivery, 200, "forwarded").await;
    setup.expect(&delivery, 200, "duplicate").await;
}

#[tokio::test]
async fn other_signature_headers_can_be_named() {
    let setup = Setup::with(|edge| edge.setting("SIGNATURE_HEADERS", "X-Custom")).await;
    let delivery = succeeded();
    setup.expect(&delivery, 400, "signature_missing").await;
    let signature = delivery.headers()["x-nextapi-signature"].clone();
    let custom = delivery.with_header("x-custom", signature.as_bytes()).unwrap();
    let provider = Deliverer::new(&format!("{}webhook", setup.edge.url())).unwrap();
    assert_eq!(provider.send(&custom).await.unwrap().to_string(), "200 forwarded");
}
