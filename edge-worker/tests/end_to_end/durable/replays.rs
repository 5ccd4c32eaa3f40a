//! Replays of many events, and of events that the origin has.

use core::time::Duration;
use std::collections::BTreeMap;

use http::StatusCode;
use nextapi_testkit::{Delivery, Reply};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::admin::{TOKEN, ask, replay, status};
use super::{Durable, database};
use crate::faults::attempts;
use crate::setup::{PATIENCE, succeeded};

async fn with_settings(settings: &[(&str, &str)]) -> Durable {
    Durable::with(|edge| {
        let edge = edge.setting("ADMIN_TOKEN", TOKEN);
        settings.iter().fold(edge, |edge, (name, value)| edge.setting(*name, *value))
    })
    .await
}

/// Asks for a bulk replay.
async fn bulk(durable: &Durable, body: String) -> (u16, Value) {
    let url = format!("{}_edge/replays", durable.setup.edge.url());
    let answer = Client::new().post(url).bearer_auth(TOKEN).body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

/// So many dead letters.
async fn dead_letters(durable: &Durable, count: usize) -> Vec<Delivery> {
    durable.setup.origin.reply_with(|_| Reply::status(StatusCode::UNAUTHORIZED));
    let deliveries: Vec<_> = (0..count).map(|_| succeeded()).collect();
    for delivery in &deliveries {
        durable.accept(delivery).await;
    }
    let mut found = 0;
    let all = |line: &str| {
        let is_it = |line: Value| line["outcome"] == "origin_rejected";
        found += usize::from(super::attempt_line(line).is_some_and(is_it));
        found >= count
    };
    durable.setup.edge.wait_for_log(all, PATIENCE).await.unwrap();
    deliveries
}

/// Asks for the replay of this id until it is in a state.
async fn wait_for_state(durable: &Durable, id: &str, state: &str) -> Value {
    let waited = async {
        loop {
            let (_, page) = ask(durable, Method::GET, &format!("replays/{id}")).await;
            let is_settled = page["delivered"].as_u64() >= page["released"].as_u64();
            if page["state"] == state && (state != "done" || is_settled) {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("the replay comes to this state")
}

/// How often the origin got each event under this id, by `Idempotency-Key`.
fn replayed(durable: &Durable, id: &str) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for request in durable.setup.origin.received() {
        if request.header("x-edge-replay") == Some(id) {
            let key = request.header("idempotency-key").unwrap().to_owned();
            *times.entry(key).or_default() += 1;
        }
    }
    times
}

fn bodies(durable: &Durable) -> [i64; 2] {
    let connection = database(durable.storage.path());
    ["SELECT count(body) FROM event", "SELECT count(body) FROM kept"]
        .map(|count| connection.query_row(count, [], |row| row.get(0)).unwrap())
}

#[tokio::test]
async fn by_default_the_bytes_of_a_delivered_event_are_gone() {
    let durable = with_settings(&[]).await;
    let delivery = succeeded();
    durable.accept(&delivery).await;
    durable.committed(1).await;
    assert_eq!(bodies(&durable), [0, 0]);
    let (answered, body) = replay(&durable, &delivery).await;
    assert_eq!((answered, &body["error"]["code"]), (409, &"body_gone".into()));
    assert_eq!(attempts(&durable.setup, &delivery), [1]);
}

#[tokio::test]
async fn a_delivered_event_whose_bytes_are_kept_is_delivered_again() {
    let durable = with_settings(&[("KEEP_BODIES_HOURS", "1")]).await;
    let delivery = succeeded();
    durable.accept(&delivery).await;
    durable.committed(1).await;
    assert_eq!(bodies(&durable), [0, 1]);
    let (answered, body) = replay(&durable, &delivery).await;
    assert_eq!((answered, &body["status"]), (200, &"replayed".into()));
    durable.committed(2).await;
    assert_eq!(bodies(&durable), [0, 1]);
    let received = durable.setup.origin.received();
    assert_eq!(attempts(&durable.setup, &delivery), [1, 2]);
    assert_eq!(received[0].body(), received[1].body());
    assert_eq!(received[0].header("idempotency-key"), received[1].header("idempotency-key"));
    assert!(received[1].header("x-edge-replay").is_some());
}

/// Killed in the middle, and left alone after that: each event comes under the replay's id, and again only if its
/// attempt was under way.
#[tokio::test]
async fn a_bulk_replay_survives_a_kill() {
    const EVENTS: usize = 12;
    let mut durable = with_settings(&[]).await;
    dead_letters(&durable, EVENTS).await;
    let (answered, plan) = bulk(&durable, json!({ "state": "dead" }).to_string()).await;
    assert_eq!((answered, &plan["status"], &plan["events"]), (200, &"planned".into(), &12.into()));
    assert_eq!(durable.setup.origin.count(), EVENTS, "a plan does nothing");

    durable.setup.origin.reply_with(|_| Reply::default());
    let start = json!({ "state": "dead", "start": true, "rate": 4 }).to_string();
    let (answered, started) = bulk(&durable, start).await;
    assert_eq!((answered, &started["status"]), (200, &"started".into()), "{started}");
    let id = started["id"].as_str().unwrap().to_owned();
    durable.setup.origin.wait_for(EVENTS + 3, PATIENCE).await.unwrap();
    durable.setup.edge.kill().await;
    let before = replayed(&durable, &id);
    assert!(before.len() < EVENTS, "the kill came too late");
    durable.setup.edge.restart().await.unwrap();
    let page = wait_for_state(&durable, &id, "done").await;
    assert_eq!((&page["released"], &page["delivered"]), (&12.into(), &12.into()), "{page}");
    let times = replayed(&durable, &id);
    assert_eq!(times.len(), EVENTS);
    // Those whose commit the kill may have taken along.
    let again: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(
        again.iter().all(|(key, times)| **times == 2 && before.contains_key(*key)),
        "{again:?}"
    );
    assert!(again.len() <= 5, "{again:?}");
    let (_, list) = ask(&durable, Method::GET, "replays").await;
    assert_eq!(list["replays"][0]["id"], id.as_str());
}

#[tokio::test]
async fn a_bulk_replay_pauses_itself_and_is_resumed() {
    let durable = with_settings(&[]).await;
    dead_letters(&durable, 30).await;
    let start = json!({ "state": "dead", "start": true, "rate": 1000 }).to_string();
    let (_, started) = bulk(&durable, start).await;
    let id = started["id"].as_str().unwrap().to_owned();
    let page = wait_for_state(&durable, &id, "paused").await;
    let reason = page["paused"][0]["reason"].as_str().unwrap();
    assert!(reason.ends_with("in a row have failed, the last one with origin_rejected"), "{page}");
    assert!(status(&durable).await["warnings"].to_string().contains("a bulk replay is paused"));
    durable.setup.origin.reply_with(|_| Reply::default());
    assert_eq!(ask(&durable, Method::POST, &format!("replays/{id}/resume")).await.0, 200);
    let waited = async {
        while ask(&durable, Method::GET, &format!("replays/{id}")).await.1["state"] != "done" {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("it goes on");
    let times = replayed(&durable, &id);
    assert!(times.len() == 30 && times.values().all(|times| *times == 1), "{times:?}");
    let cancel = ask(&durable, Method::POST, &format!("replays/{id}/cancel")).await;
    assert_eq!((cancel.0, &cancel.1["error"]["code"]), (409, &"replay_refused".into()));
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_in_words() {
    let durable = with_settings(&[]).await;
    for (body, status, code, about) in [
        ("{}".to_owned(), 400, "request_invalid", "`state` is missing"),
        (r#"{"state":"dead","rate":0}"#.to_owned(), 400, "request_invalid", "`rate` is not"),
        (" ".repeat(16_385), 413, "body_too_large", "more than 16384 bytes"),
    ] {
        let (answered, page) = bulk(&durable, body).await;
        assert_eq!((answered, &page["error"]["code"]), (status, &code.into()));
        assert!(page["error"]["message"].to_string().contains(about), "{page}");
    }
    assert_eq!(ask(&durable, Method::GET, "replays/r-1").await.0, 404);
}
