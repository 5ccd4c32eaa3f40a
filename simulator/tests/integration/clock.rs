//! Everything goes by the simulator's clock, which tests move.

use core::time::Duration;

use http::Method;
use nextapi_simulator::{
    ApiKeys, Behaviour, Client, Clock, DeliveryOutcome, Environment, Simulator, SimulatorBuilder,
};
use nextapi_testkit::{Origin, Reply};
use nextapi_webhook::{Key, Tolerance, UnixTime, Verifier};
use serde_json::json;

use crate::support::{SECRET, SOON, builder, example, quick};

/// 2023-11-14T22:13:20Z
const START: u64 = 1_700_000_000;
const HOUR: Duration = Duration::from_hours(1);

fn standing_clock() -> Clock {
    Clock::standing_at(UnixTime::from_secs(START))
}

/// Its jobs take an hour of its clock.
fn standing_builder(origin: &Origin) -> SimulatorBuilder {
    let behaviour = Behaviour { job_duration: HOUR, retry_scale: 1.0, ..quick() };
    builder(&origin.url(), behaviour).clock(standing_clock())
}

async fn standing(origin: &Origin) -> (Simulator, Client) {
    let keys = ApiKeys::generate().unwrap();
    let simulator = standing_builder(origin).start(keys).await.unwrap();
    let client = Client::of(&simulator, Environment::Live).unwrap();
    (simulator, client)
}

#[tokio::test]
async fn an_idempotency_key_is_known_for_24_hours_of_the_clock() {
    let origin = Origin::start().await.unwrap();
    let (simulator, client) = standing(&origin).await;
    let submit = || async {
        let headers = [("idempotency-key", "order-7")];
        client.submit(&headers, &example()).await.unwrap().id().unwrap()
    };
    let first = submit().await;
    simulator.clock().advance(Duration::from_secs(86_399));
    assert_eq!(submit().await, first);
    simulator.clock().advance(Duration::from_secs(1));
    assert_ne!(submit().await, first);
}

#[tokio::test]
async fn a_rate_limit_is_one_of_the_clocks_minutes() {
    let origin = Origin::start().await.unwrap();
    let (simulator, client) = standing(&origin).await;
    let status = || async { client.get("/v1/video/generations").await.unwrap().status };
    for _ in 0..600 {
        assert_eq!(status().await, 200);
    }
    assert_eq!(status().await, 429);
    simulator.clock().advance(Duration::from_secs(59));
    assert_eq!(status().await, 429);
    simulator.clock().advance(Duration::from_secs(1));
    assert_eq!(status().await, 200);
}

#[tokio::test]
async fn jobs_events_signatures_and_retries_go_by_it() {
    let origin = Origin::start().await.unwrap();
    origin.reply_next(Reply::close());
    let (ended, mut attempts) = tokio::sync::mpsc::unbounded_channel();
    let simulator = standing_builder(&origin)
        .on_delivery(move |record| ended.send(record.outcome()).unwrap_or_default())
        .start(ApiKeys::generate().unwrap())
        .await
        .unwrap();
    let client = Client::of(&simulator, Environment::Live).unwrap();
    let id = client.submit(&[], &example()).await.unwrap().id().unwrap();
    assert_eq!(attempts.recv().await, Some(DeliveryOutcome::NoAnswer));
    // The documented minute, and a tenth.
    simulator.clock().advance(Duration::from_secs(66));
    let received = origin.wait_for(2, SOON).await.unwrap();
    let keys = [Key::new(SECRET.as_bytes()).unwrap()];
    let verifier: Verifier<1> = Verifier::new(keys, Tolerance::DEFAULT).unwrap();
    for (request, time) in received.iter().zip([START, START + 66]) {
        let signature = request.header("x-nextapi-signature").unwrap();
        assert!(signature.starts_with(&format!("t={time},")), "{signature}");
        let verdict = verifier.verify(signature, request.body(), UnixTime::from_secs(time));
        assert_eq!(verdict.unwrap().key_index(), 0);
    }

    simulator.clock().advance(HOUR);
    let received = origin.wait_for(4, SOON).await.unwrap();
    assert_eq!(received[3].header("x-nextapi-event").unwrap(), "job.succeeded");
    let answer = client.get(&format!("/v1/video/generations/{id}")).await.unwrap();
    assert_eq!(
        (&answer.body["status"], &answer.body["created_at"]),
        (&json!("succeeded"), &json!(START))
    );
}

#[tokio::test]
async fn every_answer_is_dated_by_it_and_it_can_be_moved_over_http() {
    let origin = Origin::start().await.unwrap();
    let (_simulator, client) = standing(&origin).await;
    let advance = json!({ "advance_seconds": 86_400 }).to_string();
    let moved = client.call(Method::POST, "/_provider/clock", &[], advance).await.unwrap();
    assert_eq!(moved.body, json!({ "now": "2023-11-15T22:13:20.000Z" }));
    for path in ["/v1/video/generations", "/_provider/clock", "/nowhere"] {
        let answer = client.get(path).await.unwrap();
        assert_eq!(answer.headers["date"], "Wed, 15 Nov 2023 22:13:20 GMT", "{path}");
    }
    for body in ["", "{}", "{\"advance_seconds\":-1}", "{\"advance_seconds\":3155760001}"] {
        let refused = client.call(Method::POST, "/_provider/clock", &[], body.to_owned()).await;
        assert_eq!(refused.unwrap().error(), (400, "invalid_request"), "{body}");
    }
}
