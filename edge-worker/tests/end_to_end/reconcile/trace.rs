//! Rounds in WASM, recorded, and the same natively.

use std::collections::BTreeMap;

use nextapi_edge_core::{
    Bindings, Isolate, Random, RawSettings, Round, RoundInput, Settings, TransportError, Url,
};
use nextapi_simulator::ApiFaults;
use serde_json::{Value, json};

use super::{EDGE_SECRET, World, silent};
use crate::setup::SECRET;

/// What every random byte is while rounds are recorded.
const RANDOM: u8 = 7;

/// As the platform would, as far as these tests need it.
fn parse_url(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let host = rest.split('/').next()?.to_owned();
    let (href, protocol) = (text.to_owned(), format!("{scheme}:"));
    Some(Url { href, protocol, username: String::new(), password: String::new(), host })
}

fn isolate(world: &World) -> Isolate {
    let api_url = format!("{}v1", world.simulator.url());
    let settings = BTreeMap::from([
        ("WEBHOOK_SECRETS", SECRET),
        ("ORIGIN_URL", "http://127.0.0.1/"),
        ("EDGE_SIGNING_SECRET", EDGE_SECRET),
        ("NEXTAPI_API_KEY", &world.api_key),
        ("NEXTAPI_API_URL", &api_url),
        ("RECONCILE_AFTER_SECONDS", "1"),
        ("RECONCILE_JOBS", "all"),
        ("LEDGER_SHARDS", "2"),
    ]);
    let tagged: BTreeMap<_, _> =
        settings.iter().map(|(name, text)| (name, json!({ "text": text }))).collect();
    let raw = RawSettings::from_json(&serde_json::to_string(&tagged).unwrap()).unwrap();
    Isolate::new(Settings::read(&raw, &parse_url), Bindings::default())
}

fn input(record: &Value) -> RoundInput {
    let input = &record["input"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match record["method"].as_str().unwrap() {
        "kept" => RoundInput::Kept,
        "replied" => RoundInput::LedgerReplies(text(input)),
        "answered" => {
            let status = input["status"].as_u64().unwrap().try_into().unwrap();
            RoundInput::answer(status, &text(&input["headers"]), text(&input["body"]).into_bytes())
        }
        "failed" => RoundInput::NoAnswer(match input.as_str().unwrap() {
            "timed_out" => TransportError::TimedOut,
            "too_large" => TransportError::TooLarge,
            _ => TransportError::Broken,
        }),
        other => panic!("{other}"),
    }
}

/// The client's core decides the same in both: what to ask, what an answer means, when to go on.
#[tokio::test]
async fn a_recorded_trace_is_decided_alike_natively() {
    let api_faults = ApiFaults { fail_before: 0.3, cut_answer: 0.1, ..ApiFaults::default() };
    let world = World::choosing(super::Behaviour { api_faults, ..silent() }, &[], |edge| {
        edge.bundle("build-faults").setting("FAULT_TRACE", "rounds")
    })
    .await;
    for number in 0..15 {
        world.submit(number).await;
    }
    world.ended(15).await;

    let isolate = isolate(&world);
    let (mut round, mut methods) = (None, BTreeMap::<String, usize>::new());
    for line in world.setup.edge.logs() {
        let Some((_, record)) = line.split_once("trace: ") else { continue };
        let record: Value = serde_json::from_str(record).unwrap();
        let now_ms = record["now"].as_u64().unwrap();
        let (next, output) = if record["method"] == "begin" {
            let memory = record["input"].as_str().unwrap();
            Round::begin(&isolate, memory, &Random::from_bytes(&[RANDOM; Random::BYTES]), now_ms)
        } else {
            let round: Round = round.take().expect("a round is under way");
            round.handle(input(&record), now_ms)
        };
        round = next;
        assert_eq!(
            serde_json::to_value(&output).unwrap(),
            record["output"],
            "{}",
            record["method"]
        );
        *methods.entry(record["method"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let seen: Vec<_> = methods.keys().map(String::as_str).collect();
    assert!(
        ["answered", "begin", "kept", "replied"].iter().all(|it| seen.contains(it)),
        "{methods:?}"
    );
}
