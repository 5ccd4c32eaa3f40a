//! The paths for admins.

use nextapi_testkit::{Delivery, EventBody, Gate, Job, LocalEdgeBuilder, Reply, Shape, Status};
use nextapi_webhook::UnixTime;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::setup::{PATIENCE, Setup, key, succeeded};

const TOKEN: &str = "canary-of-the-admin-token";

fn with_token(edge: LocalEdgeBuilder) -> LocalEdgeBuilder {
    edge.setting("ADMIN_TOKEN", TOKEN)
}

/// An admin's request, and the status and body of its answer.
pub(crate) async fn ask(
    setup: &Setup,
    method: Method,
    path: &str,
    token: Option<&str>,
) -> (u16, String) {
    let client = reqwest::Client::new();
    let request = client.request(method, format!("{}_edge/{path}", setup.edge.url()));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let answer = request.send().await.unwrap();
    assert!(answer.headers().contains_key("x-correlation-id"));
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn get(setup: &Setup, path: &str) -> Value {
    let (status, body) = ask(setup, Method::GET, path, Some(TOKEN)).await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn event_of(job: &Job, status: Status) -> Delivery {
    let event = job.event(Shape::Envelope, status).unwrap();
    Delivery::signed(event, &key(), UnixTime::now()).unwrap()
}

/// The key of the newest event that the origin has got.
fn last_key(setup: &Setup) -> String {
    setup.origin.received().last().unwrap().idempotency_key().unwrap().to_owned()
}

#[tokio::test]
async fn without_the_right_token_there_is_nothing() {
    let setup = Setup::with(with_token).await;
    let other = Setup::start().await;
    let (status, nothing) = ask(&setup, Method::GET, "nothing-here", None).await;
    assert_eq!(status, 404);
    for path in ["status", "metrics", "events", "events/x/reopen"] {
        for method in [Method::GET, Method::POST] {
            let ask = |setup, token| ask(setup, method.clone(), path, token);
            // Where no token is set, no token is right. Wrong ones are answered late.
            let answers = tokio::join!(
                ask(&setup, None),
                ask(&setup, Some("")),
                ask(&setup, Some("wrong-token-of-some-length")),
                ask(&other, Some(TOKEN)),
            );
            for answer in [answers.0, answers.1, answers.2, answers.3] {
                assert_eq!(answer, (404, nothing.clone()), "{method} {path}");
            }
        }
    }
    let (status, _) = ask(&setup, Method::POST, "status", Some(TOKEN)).await;
    assert_eq!(status, 405);
}

#[tokio::test]
async fn the_status_shows_what_happened_and_no_secret() {
    let setup = Setup::with(with_token).await;
    let delivery = succeeded();
    setup.expect(&delivery, 200, "forwarded").await;
    setup.expect(&delivery, 200, "duplicate").await;
    setup.expect(&delivery.clone().with_body("{}"), 401, "signature_mismatch").await;
    setup.origin.reply_next(Reply::status(StatusCode::INTERNAL_SERVER_ERROR));
    setup.expect(&succeeded(), 502, "origin_failed").await;

    let status = get(&setup, "status").await;
    for (outcome, times) in
        [("forwarded", 1), ("duplicate", 1), ("signature_mismatch", 1), ("origin_failed", 1)]
    {
        assert_eq!(status["outcomes"][outcome], times, "{outcome} in {status}");
    }
    assert_eq!(status["events"], serde_json::json!({ "done": 1, "open": 1 }));
    assert_eq!(status["settings"]["webhook_secrets"], 1);
    assert_eq!(status["settings"]["ledger_shards"], 16);
    assert_eq!(status["shards"].as_array().unwrap().len(), 16);
    assert_eq!(status["shard_counts"][0]["shards"], 16);
    assert_eq!(status["warnings"], serde_json::json!([]));
    let text = status.to_string();
    for canary in ["canary", "tenant=7"] {
        assert!(!text.contains(canary), "{text}");
    }

    let (code, metrics) = ask(&setup, Method::GET, "metrics", Some(TOKEN)).await;
    assert_eq!(code, 200);
    for line in [
        "nextapi_edge_deliveries_total{outcome=\"forwarded\"} 1",
        "nextapi_edge_deliveries_total{outcome=\"origin_timeout\"} 0",
        "nextapi_edge_ledger_shards_changed 0",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line} in {metrics}");
    }
}

/// Once for each isolate, not with each delivery.
#[tokio::test]
async fn a_misspelled_setting_is_warned_of() {
    let setup = Setup::with(|edge| with_token(edge).setting("RETENTION_HOUR", "canary")).await;
    for _ in 0..3 {
        setup.expect(&succeeded(), 200, "forwarded").await;
    }
    let warning = "RETENTION_HOUR is not a setting and is ignored: did you mean RETENTION_HOURS?";
    assert_eq!(get(&setup, "status").await["warnings"], serde_json::json!([warning]));
    let mut forwarded = 0;
    let last = |line: &str| {
        forwarded += usize::from(line.contains("\"forwarded\""));
        forwarded == 3
    };
    setup.edge.wait_for_log(last, PATIENCE).await.unwrap();
    let logs = setup.edge.logs();
    assert_eq!(logs.iter().filter(|line| line.contains(warning)).count(), 1, "{logs:?}");
    assert!(!logs.concat().contains("canary"), "{logs:?}");
}

/// Counts are in the ledger, so they outlive the isolate.
#[tokio::test]
async fn counts_outlive_a_restart() {
    let mut setup = Setup::with(with_token).await;
    // The first event that the origin gets takes along what was counted before, and itself.
    setup.expect(&succeeded().with_body("{}"), 401, "signature_mismatch").await;
    setup.expect(&succeeded(), 200, "forwarded").await;
    setup.edge.restart().await.unwrap();
    let status = get(&setup, "status").await;
    assert_eq!(status["outcomes"]["forwarded"], 1);
    assert_eq!(status["outcomes"]["signature_mismatch"], 1, "{status}");
}

#[tokio::test]
async fn events_are_filtered_and_listed_page_by_page() {
    let setup = Setup::with(with_token).await;
    let job = Job::random(UnixTime::now()).unwrap();
    for status in [Status::Queued, Status::Running, Status::Succeeded] {
        setup.expect(&event_of(&job, status), 200, "forwarded").await;
    }
    let key = last_key(&setup);
    setup.origin.reply_next(Reply::status(StatusCode::BAD_REQUEST));
    setup.expect(&succeeded(), 502, "origin_rejected").await;

    let all = get(&setup, "events").await;
    assert_eq!(all["events"].as_array().unwrap().len(), 4);
    let latest = &all["events"][0];
    assert_eq!(
        (&latest["state"], &latest["last_outcome"]),
        (&"open".into(), &"origin_rejected".into())
    );

    let of_job = get(&setup, &format!("events?job={}", job.id())).await;
    let types: Vec<_> =
        of_job["events"].as_array().unwrap().iter().map(|event| &event["event_type"]).collect();
    assert_eq!(types, ["job.succeeded", "job.running", "job.queued"]);
    assert_eq!(of_job["events"][0]["key"], key);

    let filtered = get(&setup, "events?state=done&type=job.running").await;
    assert_eq!(filtered["events"].as_array().unwrap().len(), 1);
    // Page by page it is the same list.
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(&setup, &format!("events?limit=3{cursor}")).await;
        listed.extend(page["events"].as_array().unwrap().clone());
        let Some(next) = page["cursor"].as_str() else { break };
        assert_eq!(listed.len() % 3, 0, "only the last page is short");
        cursor = format!("&cursor={next}");
    }
    assert_eq!(Value::from(listed), all["events"]);

    assert_eq!(all["looked_at"], 4);

    let mut one = get(&setup, &format!("events/{key}")).await;
    let trail = one.as_object_mut().unwrap().remove("trail").unwrap();
    assert_eq!(one, of_job["events"][0]);
    let id = received_id(&setup, 2);
    let expected = [
        entry("delivery", None, "claimed", None, &id),
        entry("attempt", Some(1), "forwarded", Some(200), &id),
    ];
    assert_eq!(without_times(trail), expected);
    assert_eq!((&one["attempts"], &one["job_id"]), (&1.into(), &job.id().into()));

    let unknown = key.replace(['0', '1', '2', '3', '4'], "f");
    let (status, _) = ask(&setup, Method::GET, &format!("events/{unknown}"), Some(TOKEN)).await;
    assert_eq!(status, 404);
    let (status, body) = ask(&setup, Method::GET, "events?limit=1000", Some(TOKEN)).await;
    assert_eq!(status, 400);
    assert!(body.contains("query_invalid") && body.contains("from 1 to 100"), "{body}");
    // It would find nothing, or worse, everything.
    for query in ["job=a%0Ab", "job=a%00b", "type=%00", "job="] {
        let (status, body) =
            ask(&setup, Method::GET, &format!("events?{query}"), Some(TOKEN)).await;
        assert_eq!(status, 400, "{query}: {body}");
    }
}

#[tokio::test]
async fn events_are_found_by_outcome_id_and_time() {
    let setup = Setup::with(with_token).await;
    let job = Job::random(UnixTime::now()).unwrap();
    for status in [Status::Queued, Status::Running] {
        setup.expect(&event_of(&job, status), 200, "forwarded").await;
    }
    setup.origin.reply_next(Reply::status(StatusCode::INTERNAL_SERVER_ERROR));
    setup.expect(&event_of(&job, Status::Succeeded), 502, "origin_failed").await;
    let all = get(&setup, "events").await["events"].clone();
    let list =
        async |query: String| get(&setup, &format!("events?{query}")).await["events"].clone();
    let of = |numbers: &[usize]| -> Value {
        numbers.iter().map(|number| all[*number].clone()).collect()
    };

    assert_eq!(list("outcome=origin_failed".to_owned()).await, of(&[0]));
    assert_eq!(list("outcome=forwarded".to_owned()).await, of(&[1, 2]));
    let id = all[1]["event_id"].as_str().unwrap();
    assert_eq!(list(format!("id={id}")).await, of(&[1]));
    assert_eq!(list("id=evt_of_nothing".to_owned()).await, of(&[]));
    let bound = all[1]["last"].as_str().unwrap();
    // Two may have been taken in the same millisecond: what is sure is that the bound itself is in one of the two.
    let (since, until) =
        (list(format!("since={bound}")).await, list(format!("until={bound}")).await);
    let keys = |events: &Value| -> Vec<_> {
        events.as_array().unwrap().iter().map(|event| event["key"].clone()).collect()
    };
    assert!(keys(&since).contains(&all[1]["key"]) && !keys(&until).contains(&all[1]["key"]));
    assert_eq!([keys(&since), keys(&until)].concat(), keys(&all));

    let (status, body) = ask(&setup, Method::GET, "events?tenant=acme", Some(TOKEN)).await;
    assert!(status == 409 && body.contains("jobs_not_kept"), "{status} {body}");
    for (query, name) in
        [("since=x", "`since`"), ("until=x", "`until`"), ("outcome=", "`outcome`"), ("id=", "`id`")]
    {
        let (status, body) =
            ask(&setup, Method::GET, &format!("events?{query}"), Some(TOKEN)).await;
        assert!(status == 400 && body.contains(name), "{status} {body}");
    }
}

/// The correlation id of a request that the origin has got.
fn received_id(setup: &Setup, index: usize) -> String {
    setup.origin.received()[index].header("x-correlation-id").unwrap().to_owned()
}

/// An entry of a trail, apart from its time.
pub(crate) fn entry(
    act: &str,
    attempt: Option<u64>,
    outcome: &str,
    status: Option<u16>,
    id: &str,
) -> Value {
    serde_json::json!({
        "act": act,
        "attempt": attempt,
        "outcome": outcome,
        "origin_status": status,
        "correlation_id": Some(id).filter(|id| !id.is_empty()),
    })
}

/// The entries of a trail apart from their times, which have to follow each other.
pub(crate) fn without_times(mut trail: Value) -> Vec<Value> {
    let mut before = String::new();
    for entry in trail.as_array_mut().unwrap() {
        let at = entry.as_object_mut().unwrap().remove("at").unwrap();
        let at = at.as_str().unwrap().to_owned();
        assert!(at >= before && at.ends_with('Z'), "{at} after {before}");
        before = at;
    }
    trail.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_reopened_event_is_forwarded_again() {
    let setup = Setup::with(with_token).await;
    let delivery = succeeded();
    setup.expect(&delivery, 200, "forwarded").await;
    let key = last_key(&setup);
    let reopen = format!("events/{key}/reopen");
    let (status, body) = ask(&setup, Method::POST, &reopen, Some(TOKEN)).await;
    assert_eq!((status, body.as_str()), (200, r#"{"status":"reopened"}"#));
    let is_it = |line: &str| line.contains(r#""operation":"reopen""#) && line.contains(&key);
    setup.edge.wait_for_log(is_it, PATIENCE).await.unwrap();

    setup.expect(&delivery, 200, "forwarded").await;
    setup.expect(&delivery, 200, "duplicate").await;
    let received = setup.origin.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[1].attempt(), Some(2));
    assert_eq!(received[1].idempotency_key(), Some(key.as_str()));
    let duplicate = setup.log_line("duplicate").await["correlation_id"].take();
    let (first, second) = (received_id(&setup, 0), received_id(&setup, 1));
    let trail = get(&setup, &format!("events/{key}")).await["trail"].take();
    let expected = [
        entry("delivery", None, "claimed", None, &first),
        entry("attempt", Some(1), "forwarded", Some(200), &first),
        entry("reopen", None, "reopened", None, ""),
        entry("delivery", None, "claimed", None, &second),
        entry("attempt", Some(2), "forwarded", Some(200), &second),
        entry("delivery", None, "duplicate", None, duplicate.as_str().unwrap()),
    ];
    assert_eq!(without_times(trail), expected);

    let unknown = format!("events/body-{}/reopen", "0".repeat(64));
    let (status, _) = ask(&setup, Method::POST, &unknown, Some(TOKEN)).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn what_is_under_way_is_not_reopened() {
    let setup = Setup::with(with_token).await;
    let gate = Gate::new();
    setup.origin.reply_next(Reply::default().when(&gate));
    let delivery = succeeded();
    let others = async {
        setup.origin.wait_for(1, PATIENCE).await.unwrap();
        let reopen = format!("events/{}/reopen", last_key(&setup));
        let (status, body) = ask(&setup, Method::POST, &reopen, Some(TOKEN)).await;
        assert_eq!(status, 409, "{body}");
        gate.open();
    };
    let (first, ()) = tokio::join!(setup.send(&delivery), others);
    assert_eq!(first.to_string(), "200 forwarded");
    assert_eq!(setup.origin.count(), 1);
}

#[tokio::test]
async fn another_number_of_shards_is_seen() {
    let storage = tempfile::tempdir().unwrap();
    let with_shards = |edge: LocalEdgeBuilder, shards| {
        with_token(edge).storage(storage.path()).setting("LEDGER_SHARDS", shards)
    };
    let setup = Setup::with(|edge| with_shards(edge, "4")).await;
    setup.expect(&succeeded(), 200, "forwarded").await;
    assert_eq!(get(&setup, "status").await["warnings"], serde_json::json!([]));
    drop(setup);

    let setup = Setup::with(|edge| with_shards(edge, "64")).await;
    let status = get(&setup, "status").await;
    let warning = status["warnings"][0].as_str().unwrap();
    assert!(warning.contains("LEDGER_SHARDS is 64") && warning.contains("4 since"), "{warning}");
    let (_, metrics) = ask(&setup, Method::GET, "metrics", Some(TOKEN)).await;
    assert!(metrics.contains("nextapi_edge_ledger_shards_changed 1"), "{metrics}");
}

#[tokio::test]
async fn bodies_without_an_id_are_listed_as_well() {
    let setup = Setup::with(with_token).await;
    let event = EventBody::new("batch.completed", r#"{"type":"batch.completed"}"#);
    let delivery = Delivery::signed(event, &key(), UnixTime::now()).unwrap();
    setup.expect(&delivery, 200, "forwarded").await;
    let list = get(&setup, "events").await;
    assert_eq!(list["events"][0]["event_id"], Value::Null);
    assert_eq!(list["events"][0]["event_type"], "batch.completed");
    assert!(list["events"][0]["key"].as_str().unwrap().starts_with("body-"));
}
