//! One line per delivery, and nothing in it that must not be.

use http::StatusCode;
use nextapi_testkit::{Delivery, EventBody, Reply};
use nextapi_webhook::UnixTime;

use crate::setup::{PATIENCE, SECRET, Setup, key, record};

const BODY: &str = r#"{"id":"evt_logged","type":"job.succeeded","data":{"job":{"id":"job_logged",
    "prompt":"canary of the prompt","video_url":"https://example.com/v?canary=query","credits":1.5}}}"#;

fn delivery() -> Delivery {
    let event = EventBody::new("job.succeeded", BODY);
    Delivery::signed(event, &key(), UnixTime::now()).unwrap()
}

#[tokio::test]
async fn a_line_tells_the_whole_story_of_a_delivery() {
    let setup = Setup::start().await;
    let delivery = delivery().with_header("x-correlation-id", "corr-1").unwrap();
    setup.expect(&delivery, 200, "forwarded").await;
    let line = setup.log_line("forwarded").await;
    for (field, value) in [
        ("correlation_id", serde_json::json!("corr-1")),
        ("http.response.status_code", 200.into()),
        ("event_id", "evt_logged".into()),
        ("event_type", "job.succeeded".into()),
        ("job_id", "job_logged".into()),
        ("key_index", 0.into()),
        ("attempt", 1.into()),
        ("credits", 1.5.into()),
        ("http.request.body.size", BODY.len().into()),
    ] {
        assert_eq!(line[field], value, "{field} in {line}");
    }
    for field in
        ["time", "event_key", "trace_id", "span_id", "age_seconds", "verify_ms", "origin_ms"]
    {
        assert!(!line[field].is_null(), "{field} in {line}");
    }
}

#[tokio::test]
async fn exactly_one_line_per_delivery() {
    let setup = Setup::start().await;
    let delivery = delivery();
    setup.expect(&delivery, 200, "forwarded").await;
    setup.expect(&delivery, 200, "duplicate").await;
    setup.expect(&delivery.with_body("{}"), 401, "signature_mismatch").await;
    setup.log_line("signature_mismatch").await;
    let outcomes: Vec<_> = setup
        .edge
        .logs()
        .iter()
        .filter_map(|line| record(line))
        .map(|record| record["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(outcomes, ["forwarded", "duplicate", "signature_mismatch"]);
}

#[tokio::test]
async fn no_line_and_no_answer_holds_a_secret_or_content() {
    let secrets = [
        ("ORIGIN_AUTHORIZATION", "Bearer canary-of-the-origin-token"),
        ("EDGE_SIGNING_SECRET", "canary-of-the-edge-secret"),
    ];
    let mut setup = Setup::with(|edge| {
        secrets.iter().fold(edge, |edge, (name, value)| edge.setting(*name, *value))
    })
    .await;
    let delivery = delivery();
    let mut said = String::new();
    let stale = Delivery::signed(
        EventBody::new("job.succeeded", BODY),
        &key(),
        crate::setup::seconds_from_now(-1_000),
    );
    setup.origin.reply_next(Reply::status(StatusCode::INTERNAL_SERVER_ERROR).with_body("canary"));
    let tampered = delivery.clone().with_body(format!("{BODY} "));
    for delivery in [&delivery, &delivery, &delivery, &stale.unwrap(), &tampered] {
        let answer = setup.send(delivery).await;
        said.push_str(&String::from_utf8_lossy(answer.body()));
    }
    setup.origin.refuse().await;
    let unreachable = Delivery::signed(
        EventBody::new("job.failed", BODY.replace("succeeded", "failed")),
        &key(),
        UnixTime::now(),
    );
    setup.expect(&unreachable.unwrap(), 502, "origin_unreachable").await;
    setup.log_line("origin_unreachable").await;
    setup.edge.wait_for_log(|line| line.contains("signature_mismatch"), PATIENCE).await.unwrap();

    said.push_str(&setup.edge.logs().concat());
    for canary in ["canary", SECRET, "tenant=7"] {
        assert!(!said.contains(canary), "{canary:?} in {said}");
    }
}
