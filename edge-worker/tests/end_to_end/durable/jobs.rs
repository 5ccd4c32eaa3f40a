//! Registered jobs, what they cost, and who did what.

use http::StatusCode;
use nextapi_testkit::{Delivery, Job, Reply, Shape, Status};
use nextapi_webhook::UnixTime;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::Durable;
use super::admin::{TOKEN, ask, replay, status};
use crate::admin::{entry, without_times};
use crate::setup::{PATIENCE, key};

const SUBMITTER: &str = "the-token-of-who-submits";

/// Several objects, so that lists are put together.
async fn with_jobs() -> Durable {
    Durable::with(|edge| {
        edge.setting("ADMIN_TOKEN", TOKEN)
            .setting("SUBMIT_TOKEN", SUBMITTER)
            .setting("LEDGER_SHARDS", "4")
            .setting("TENANT_FIELD", "data.job.id")
    })
    .await
}

async fn send(
    durable: &Durable,
    token: &str,
    method: Method,
    path: &str,
    body: &str,
) -> (u16, Value) {
    let url = format!("{}_edge/{path}", durable.setup.edge.url());
    let request = Client::new().request(method, url).bearer_auth(token).body(body.to_owned());
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

async fn register(durable: &Durable, job: &Value) {
    for _ in 0..2 {
        let answer = send(durable, SUBMITTER, Method::POST, "jobs", &job.to_string()).await;
        assert_eq!(answer, (200, json!({ "status": "registered" })), "and once more");
    }
}

fn event(job: &Job, status: Status) -> Delivery {
    let event = job.event(Shape::Envelope, status).unwrap();
    Delivery::signed(event, &key(), UnixTime::now()).unwrap()
}

#[tokio::test]
async fn who_submits_registers_and_sees_nothing() {
    let durable = with_jobs().await;
    register(&durable, &json!({ "id": "job_1", "tenant": "acme" })).await;
    let is_it = |line: &str| line.contains("register_job");
    let line = durable.setup.edge.wait_for_log(is_it, PATIENCE).await.unwrap();
    assert!(line.contains(r#""job_id":"job_1","tenant":"acme","result":"ok""#), "{line}");
    assert!(line.contains(r#""by":"submit""#), "{line}");

    let refused = send(&durable, SUBMITTER, Method::POST, "jobs", r#"{"id":"a","x":1}"#).await;
    assert_eq!((refused.0, &refused.1["error"]["code"]), (400, &"request_invalid".into()));
    let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(4_096));
    assert_eq!(send(&durable, SUBMITTER, Method::POST, "jobs", &long).await.0, 413);
    for (method, path) in [
        (Method::GET, "jobs"),
        (Method::GET, "jobs/job_1"),
        (Method::GET, "costs"),
        (Method::GET, "audit"),
        (Method::GET, "status"),
        (Method::GET, "metrics"),
        (Method::GET, "events"),
        (Method::POST, "replays"),
        (Method::POST, "pause"),
    ] {
        let answer = send(&durable, SUBMITTER, method.clone(), path, "").await;
        assert_eq!(
            (answer.0, &answer.1["error"]["code"]),
            (403, &"forbidden".into()),
            "{method} {path}"
        );
    }
    assert_eq!(send(&durable, "another-token-altogether", Method::POST, "jobs", "{}").await.0, 404);
    assert_eq!(status(&durable).await["shards"][0]["paused"], false);
}

#[tokio::test]
async fn jobs_are_listed_over_all_objects_page_by_page() {
    let durable = with_jobs().await;
    // One that lies further back is soon forgotten.
    let now = status(&durable).await["time"].clone();
    for number in 0..7 {
        let deadline = if number == 3 { now.clone() } else { "2999-01-01T00:00:00Z".into() };
        let tenant = if number % 2 == 0 { "even" } else { "odd" };
        let id = format!("job {number}");
        register(&durable, &json!({ "id": id, "tenant": tenant, "deadline": deadline })).await;
    }
    let ids = |page: &Value| -> Vec<_> {
        let jobs = page["jobs"].as_array().unwrap();
        jobs.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    };
    let (mut shown, mut path) = (Vec::new(), "jobs?limit=3".to_owned());
    loop {
        let (_, page) = ask(&durable, Method::GET, &path).await;
        shown.extend(ids(&page));
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("jobs?limit=3&cursor={cursor}");
    }
    assert_eq!(shown, [6, 5, 4, 3, 2, 1, 0].map(|number| format!("job {number}")));
    assert_eq!(ids(&ask(&durable, Method::GET, "jobs?state=overdue").await.1), ["job 3"]);
    let odd = ids(&ask(&durable, Method::GET, "jobs?tenant=odd").await.1);
    assert_eq!(odd, ["job 5", "job 3", "job 1"]);
    assert_eq!(ask(&durable, Method::GET, "jobs/job%203").await.1["state"], "overdue");
    let warnings = status(&durable).await["warnings"].to_string();
    assert!(
        warnings.contains("1 jobs are overdue: look at /_edge/jobs?state=overdue"),
        "{warnings}"
    );
}

#[tokio::test]
async fn a_job_has_a_timeline_and_its_money_counts() {
    let durable = with_jobs().await;
    let job = Job::random(UnixTime::now()).unwrap();
    register(&durable, &json!({ "id": job.id(), "tenant": "acme", "estimated_credits": 1.05 }))
        .await;
    let money = |page: &Value| {
        let total = &page["total"];
        ["reserved", "settled", "paid_not_delivered"]
            .map(|it| total[it].as_str().unwrap().to_owned())
    };
    let costs = || ask(&durable, Method::GET, "costs");
    assert_eq!(money(&costs().await.1), ["1.05", "0", "0"]);

    durable.accept(&event(&job, Status::Queued)).await;
    durable.committed(1).await;
    durable.setup.origin.reply_with(|_| Reply::status(StatusCode::SERVICE_UNAVAILABLE));
    durable.accept(&event(&job, Status::Succeeded)).await;
    durable.attempted("origin_failed").await;
    let path = format!("jobs/{}", job.id());
    let (_, page) = ask(&durable, Method::GET, &path).await;
    assert_eq!((&page["state"], &page["status"]), (&"ended".into(), &"succeeded".into()));
    assert_eq!((&page["tenant"], &page["credits"]), (&"acme".into(), &"1.05".into()));
    assert_eq!(page["ended_by"], "webhook");
    let events = page["events"].as_array().unwrap();
    let types: Vec<_> = events.iter().map(|it| it["event_type"].as_str().unwrap()).collect();
    assert_eq!(types, ["job.queued", "job.succeeded"], "{page}");
    assert_eq!(events[1]["last_outcome"], "origin_failed", "{page}");
    assert_eq!(events[1]["key"], page["end_event"]);
    let trail = without_times(events[0]["trail"].clone());
    let id = durable.setup.origin.received()[0].header("x-correlation-id").unwrap().to_owned();
    let expected = [
        entry("delivery", None, "accepted", None, &id),
        entry("attempt", Some(1), "forwarded", Some(200), &id),
    ];
    assert_eq!(trail, expected);
    let trail = without_times(events[1]["trail"].clone());
    assert_eq!(
        (&trail[1]["outcome"], &trail[1]["origin_status"]),
        (&"origin_failed".into(), &503.into())
    );
    assert!(events[0]["next_attempt"].is_null(), "{page}");
    assert_eq!(money(&costs().await.1), ["0", "1.05", "1.05"], "paid, and not delivered");

    durable.setup.origin.reply_with(|_| Reply::default());
    durable.committed(2).await;
    let (_, page) = costs().await;
    assert_eq!(money(&page), ["0", "1.05", "0"]);
    let tenant = &page["tenants"][0];
    assert_eq!((&tenant["tenant"], &tenant["succeeded"]), (&"acme".into(), &1.into()));
    assert_eq!((&tenant["p50"], &tenant["p95"]), (&"1.05".into(), &"1.05".into()));
    let seconds = &tenant["seconds_to_end"];
    assert_eq!((&seconds["jobs"], &seconds["complete"]), (&1.into(), &true.into()), "{page}");
    assert!(seconds["p50"].as_u64().unwrap() < 60 && seconds["p50"] == seconds["p95"], "{page}");
    // The tenant of an event is that of its job.
    let other = Job::random(UnixTime::now()).unwrap();
    durable.accept(&event(&other, Status::Queued)).await;
    for (tenant, number) in [("acme", 2), (other.id(), 1), ("nobody", 0)] {
        let (_, list) = ask(&durable, Method::GET, &format!("events?tenant={tenant}")).await;
        assert_eq!(list["events"].as_array().unwrap().len(), number, "{tenant}: {list}");
    }
    assert_eq!(status(&durable).await["credits"]["settled"], "1.05");
    let url = format!("{}_edge/metrics", durable.setup.edge.url());
    let metrics = Client::new().get(url).bearer_auth(TOKEN).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(metrics.contains("\nnextapi_edge_credits{kind=\"settled\"} 1.05\n"), "{metrics}");
    // By the field of the signed body, in the lines of the delivery and of the object's attempts.
    let is_named = |line: &str| line.contains(&format!(r#""tenant":"{}""#, job.id()));
    let lines = durable.setup.edge.logs();
    assert!(lines.iter().any(|it| is_named(it) && it.contains(r#""outcome":"accepted""#)));
    assert!(lines.iter().any(|it| is_named(it) && it.contains(r#""is_attempt":true"#)));
    assert_eq!(ask(&durable, Method::GET, "jobs/job_unknown").await.0, 404);
}

#[tokio::test]
async fn the_log_tells_who_did_what_and_a_pause_once() {
    let durable = with_jobs().await;
    durable.setup.origin.reply_next(Reply::status(StatusCode::UNAUTHORIZED));
    let dead = event(&Job::random(UnixTime::now()).unwrap(), Status::Succeeded);
    durable.accept(&dead).await;
    durable.attempted("origin_rejected").await;
    assert_eq!(replay(&durable, &dead).await.0, 200);
    ask(&durable, Method::POST, "pause").await;
    ask(&durable, Method::POST, "resume").await;
    let (mut acts, mut path) = (Vec::new(), "audit?limit=1".to_owned());
    loop {
        let (_, page) = ask(&durable, Method::GET, &path).await;
        for entry in page["entries"].as_array().unwrap() {
            assert_eq!((&entry["by"], &entry["result"]), (&"admin".into(), &"ok".into()));
            let about = entry["about"].as_str().map(str::to_owned);
            let act = entry["act"].as_str().unwrap().to_owned();
            acts.push((act, about, entry["shards"].as_u64().unwrap()));
        }
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("audit?limit=1&cursor={cursor}");
    }
    let key = nextapi_webhook::EventKey::of_unverified(dead.body()).to_string();
    let expected = [("resume", None, 4), ("pause", None, 4), ("replay", Some(key), 1)];
    assert_eq!(acts, expected.map(|(act, about, shards)| (act.to_owned(), about, shards)));
}
