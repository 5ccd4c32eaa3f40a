//! Spend limits and the moderation profile: what they refuse, and what is told about it.

use core::time::Duration;

use http::StatusCode;
use nextapi_simulator::{
    ApiKeys, Behaviour, Client, Moderation, Simulator, SimulatorBuilder, SpendLimits,
};
use nextapi_testkit::{Credits, Origin, Received};
use nextapi_webhook::{Event, Key, Tolerance, UnixTime, Verifier};
use serde_json::{Value, json};

use crate::support::{SECRET, SOON, builder, example, quick};

const KEYS: &str = "live:key-1 live:key-2 test:key-3";

/// Jobs run for an hour, unless they are to fail.
fn limited(origin: &Origin, spend_limits: SpendLimits) -> SimulatorBuilder {
    let job_duration = Duration::from_hours(1);
    let behaviour = Behaviour { job_duration, ..quick() };
    builder(&origin.url(), behaviour).spend_limits(spend_limits)
}

async fn start(builder: SimulatorBuilder) -> Simulator {
    builder.start(ApiKeys::parse(KEYS).unwrap()).await.unwrap()
}

async fn submit(simulator: &Simulator, key: &str) -> (u16, String) {
    let client = Client::new(&simulator.url(), key).unwrap();
    let answer = client.submit(&[], &example()).await.unwrap();
    let (status, code) = answer.error();
    (status, code.to_owned())
}

fn done() -> (u16, String) {
    (200, "none".to_owned())
}

fn refused() -> (u16, String) {
    (402, "insufficient_credits".to_owned())
}

/// The events about budgets: type and body.
fn budget_events(received: &[Received]) -> Vec<(&str, Value)> {
    let keys = [Key::new(SECRET.as_bytes()).unwrap()];
    let verifier: Verifier<1> = Verifier::new(keys, Tolerance::DEFAULT).unwrap();
    let mut events = Vec::new();
    for request in received {
        let kind = request.header("x-nextapi-event").unwrap();
        if kind.starts_with("budget.") {
            let signature = request.header("x-nextapi-signature").unwrap();
            let verdict = verifier.verify(signature, request.body(), UnixTime::now());
            assert_eq!(verdict.unwrap().key_index(), 0);
            let event = Event::read_unverified(request.body()).unwrap();
            assert_eq!((event.event_type(), event.id()), (Some(kind), None));
            events.push((kind, serde_json::from_slice(request.body()).unwrap()));
        }
    }
    events
}

#[tokio::test]
async fn an_environment_is_warned_of_its_limit_and_refused_at_it() {
    let origin = Origin::start().await.unwrap();
    // Eight tenths of it are two credits: less than two jobs.
    let environment = Some(Credits::from_thousandths(2_500));
    let limits = SpendLimits { environment, ..SpendLimits::default() };
    let simulator = start(limited(&origin, limits)).await;
    // The keys of an environment share it.
    assert_eq!(submit(&simulator, "key-1").await, done());
    assert_eq!(submit(&simulator, "key-2").await, done());
    for _ in 0..3 {
        assert_eq!(submit(&simulator, "key-1").await, refused());
    }
    assert_eq!(submit(&simulator, "key-3").await, done(), "the other environment has its own");

    let received = origin.wait_for(5, SOON).await.unwrap();
    let events = budget_events(&received);
    let told: Vec<_> = events.iter().map(|(kind, body)| (*kind, body["data"].clone())).collect();
    let data = json!({ "scope": "environment", "environment": "live", "limit": 2.5, "used": 2.1 });
    assert_eq!(told, [("budget.warning", data.clone()), ("budget.exceeded", data)]);
    assert_eq!(simulator.events().len(), 5, "each is told once");
}

#[tokio::test]
async fn a_key_has_a_limit_of_its_own() {
    let origin = Origin::start().await.unwrap();
    let key = Some(Credits::from_thousandths(1_050));
    let simulator = start(limited(&origin, SpendLimits { key, ..SpendLimits::default() })).await;
    for key in ["key-1", "key-2"] {
        assert_eq!(submit(&simulator, key).await, done());
        assert_eq!(submit(&simulator, key).await, refused());
    }
    let received = origin.wait_for(6, SOON).await.unwrap();
    let events = budget_events(&received);
    assert_eq!(events.len(), 4);
    let named = |event: &(&str, Value)| event.1["data"]["api_key"].as_str().unwrap().to_owned();
    assert_eq!(named(&events[0]), named(&events[1]));
    assert_ne!(named(&events[0]), named(&events[2]));
    assert!(received.iter().all(|r| !String::from_utf8_lossy(r.body()).contains("key-1")));
}

#[tokio::test]
async fn what_is_given_back_can_be_spent_again() {
    let origin = Origin::start().await.unwrap();
    let limit = Some(Credits::from_thousandths(1_050));
    let spend_limits = SpendLimits { environment: limit, key: limit, ..SpendLimits::default() };
    let behaviour = Behaviour { failure_rate: 1.0, ..quick() };
    let simulator = start(builder(&origin.url(), behaviour).spend_limits(spend_limits)).await;
    for round in 1..=3 {
        assert_eq!(submit(&simulator, "key-1").await, done());
        // Three events of each job, and the warnings of the first.
        origin.wait_for(3 * round + 2, SOON).await.unwrap();
    }
}

#[tokio::test]
async fn a_prompt_is_refused_by_the_profile_and_nothing_is_made_of_it() {
    let origin = Origin::start().await.unwrap();
    for (profile, status) in [
        (Moderation::refusing(["FOX"]), StatusCode::UNPROCESSABLE_ENTITY),
        (Moderation::refusing(["cat", "fox"]).with_bad_request(), StatusCode::BAD_REQUEST),
    ] {
        let simulator = start(limited(&origin, SpendLimits::default()).moderation(profile)).await;
        let client = Client::new(&simulator.url(), "key-1").unwrap();
        let key = [("idempotency-key", "order-7")];
        let answer = client.submit(&key, &example()).await.unwrap();
        assert_eq!(answer.error(), (status.as_u16(), "invalid_request"));
        assert!(!answer.body.to_string().contains("fox"));
        assert_eq!(client.get("/v1/video/generations").await.unwrap().body["total"], 0);
        let mut other = example();
        other["prompt"] = json!("a bird in the snow");
        // The key was not used up by the refusal.
        client.submit(&key, &other).await.unwrap().id().unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_the_start() {
    let origin = Origin::start().await.unwrap();
    let limits = SpendLimits { warning_percent: 0, ..SpendLimits::default() };
    for (builder, named) in [
        (limited(&origin, limits), "budget-warning"),
        (limited(&origin, SpendLimits::default()).moderation(Moderation::refusing(["a b"])), "a b"),
    ] {
        let error = builder.start(ApiKeys::generate().unwrap()).await.err().unwrap();
        assert!(error.to_string().contains(named), "{error}");
    }
}
