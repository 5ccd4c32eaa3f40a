//! What an admin sees and does of events that the edge owes.

use core::time::Duration;

use http::StatusCode;
use nextapi_testkit::{Delivery, Reply};
use nextapi_webhook::EventKey;
use reqwest::{Client, Method};
use serde_json::Value;

use super::{Durable, job_events, quiet};
use crate::admin::{entry, without_times};
use crate::faults::attempts;
use crate::setup::{PATIENCE, succeeded};

pub(super) const TOKEN: &str = "0123456789abcdef";

async fn with_token() -> Durable {
    Durable::with(|edge| edge.setting("ADMIN_TOKEN", TOKEN).setting("EDGE_SIGNING_SECRET", "s"))
        .await
}

pub(super) async fn ask(durable: &Durable, method: Method, path: &str) -> (u16, Value) {
    let url = format!("{}_edge/{path}", durable.setup.edge.url());
    let answer = Client::new().request(method, url).bearer_auth(TOKEN).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

pub(super) async fn status(durable: &Durable) -> Value {
    ask(durable, Method::GET, "status").await.1
}

pub(super) async fn replay(durable: &Durable, delivery: &Delivery) -> (u16, Value) {
    let key = EventKey::of_unverified(delivery.body());
    ask(durable, Method::POST, &format!("events/{key}/replay")).await
}

/// A dead letter is found, and once the cause is gone, delivered: under the same key, as a replay.
#[tokio::test]
async fn a_dead_letter_is_replayed() {
    let durable = with_token().await;
    durable.setup.origin.reply_next(Reply::status(StatusCode::UNAUTHORIZED));
    let delivery = succeeded();
    durable.accept(&delivery).await;
    durable.attempted("origin_rejected").await;
    let (_, list) = ask(&durable, Method::GET, "events?state=dead").await;
    let key = EventKey::of_unverified(delivery.body()).to_string();
    assert_eq!(list["events"][0]["key"], key, "{list}");
    let page = status(&durable).await;
    assert_eq!(page["events"]["dead"], 1);
    assert!(page["warnings"].to_string().contains("1 dead letters"), "{page}");

    let (answered, body) = replay(&durable, &delivery).await;
    assert_eq!((answered, &body["status"]), (200, &"replayed".into()));
    durable.committed(1).await;
    let received = durable.setup.origin.received();
    assert_eq!(attempts(&durable.setup, &delivery), [1, 2]);
    assert_eq!(received[0].header("x-edge-replay"), None);
    assert!(received[1].header("x-edge-replay").is_some());

    // All attempts of the object are named after the delivery that was accepted.
    let id = received[0].header("x-correlation-id").unwrap();
    assert_eq!(received[1].header("x-correlation-id"), Some(id));
    let replay_id = received[1].header("x-edge-replay").unwrap();
    let (_, event) = ask(&durable, Method::GET, &format!("events/{key}")).await;
    let expected = [
        entry("delivery", None, "accepted", None, id),
        entry("attempt", Some(1), "origin_rejected", Some(401), id),
        entry("dead", None, "dead", None, ""),
        entry("replay", None, "replayed", None, replay_id),
        entry("attempt", Some(2), "forwarded", Some(200), id),
    ];
    assert_eq!(without_times(event["trail"].clone()), expected);

    // Its bytes are gone now.
    let (answered, body) = replay(&durable, &delivery).await;
    assert_eq!((answered, &body["error"]["code"]), (409, &"body_gone".into()));
    assert_eq!(replay(&durable, &succeeded()).await.0, 404);
}

/// The events of a job that wait go out first, and one after the other.
#[tokio::test]
async fn a_replay_takes_its_place_behind_the_others_of_its_job() {
    let durable = with_token().await;
    let events = job_events();
    durable.setup.origin.reply_next(Reply::status(StatusCode::BAD_REQUEST));
    durable.accept(&events[0]).await;
    durable.attempted("origin_rejected").await;
    durable.setup.origin.reply_next(Reply::unavailable(Duration::from_secs(3)));
    durable.accept(&events[1]).await;
    durable.attempted("origin_failed").await;
    durable.accept(&events[2]).await;
    assert_eq!(replay(&durable, &events[0]).await.0, 200);
    durable.committed(3).await;
    let received = durable.setup.origin.received();
    let order: Vec<_> = received
        .iter()
        .map(|request| events.iter().position(|it| it.body() == request.body()).unwrap())
        .collect();
    assert_eq!(order, [0, 1, 1, 2, 0]);
}

#[tokio::test]
async fn a_pause_holds_events_and_the_resumption_lets_them_go() {
    let durable = with_token().await;
    assert_eq!(ask(&durable, Method::POST, "pause").await.1["status"], "paused");
    for _ in 0..3 {
        durable.accept(&succeeded()).await;
    }
    quiet(Duration::from_secs(2)).await;
    assert_eq!(durable.setup.origin.count(), 0);
    let page = status(&durable).await;
    assert_eq!(
        (&page["events"]["waiting"], &page["shards"][0]["paused"]),
        (&3.into(), &true.into())
    );
    assert!(page["shards"][0]["oldest_waiting"].is_string(), "{page}");
    assert_eq!(ask(&durable, Method::POST, "resume").await.1["status"], "resumed");
    durable.setup.origin.wait_for(3, PATIENCE).await.unwrap();
    durable.committed(3).await;
}

/// A pause outlives the engine.
#[tokio::test]
async fn a_pause_is_on_disk() {
    let mut durable = with_token().await;
    ask(&durable, Method::POST, "pause").await;
    durable.accept(&succeeded()).await;
    durable.setup.edge.restart().await.unwrap();
    quiet(Duration::from_secs(2)).await;
    assert_eq!(durable.setup.origin.count(), 0);
    ask(&durable, Method::POST, "resume").await;
    durable.committed(1).await;
}

#[tokio::test]
async fn with_through_a_pause_refuses_deliveries() {
    let durable =
        Durable::with(|edge| edge.setting("ADMIN_TOKEN", TOKEN).setting("DELIVERY", "through"))
            .await;
    ask(&durable, Method::POST, "pause").await;
    let delivery = succeeded();
    let answer = durable.setup.expect(&delivery, 503, "paused").await;
    assert_eq!(answer.header("retry-after"), Some("60"));
    assert_eq!(durable.setup.origin.count(), 0);
    ask(&durable, Method::POST, "resume").await;
    durable.setup.expect(&delivery, 200, "forwarded").await;
}
