//! The verifier beside an independent oracle: `oracle.mjs`, run by node, with the HMAC, SHA-256 and
//! JSON reader of node. It was written from the documented words and holds two verifiers:
//!
//! - the **sample** verifier of the provider's documentation, which has its say on every header of
//!   the documented shape;
//! - the full **grammar** of this crate's README, several keys, and every reason for refusal.
//!
//! The cases are random, but the same on every run: `ORACLE_SEED` chooses others, `ORACLE_CASES`
//! more of them. Each test counts what its cases were and fails if one of the answers hardly occurs:
//! two verifiers that refuse everything agree as well.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod deliveries;
mod draft;
mod events;
mod random;

use core::str::FromStr;
use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Command, Stdio};
use std::thread;

use nextapi_webhook::{Error, EventKey, Key, Tolerance, UnixTime, Verified, Verifier};
use serde_json::{Value, json};

use crate::deliveries::{KINDS, Kind};
use crate::draft::Delivery;
use crate::random::Random;

const SEED: u64 = 0x6e65_7874_6170_6921;

/// Deliveries, and a fifth as many bodies of events.
const CASES: usize = 24_000;

fn from_environment<N: FromStr>(name: &str) -> Option<N> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a decimal number: {text:?}")))
}

/// The seed, and how many cases: at least as many as there are without `ORACLE_CASES`.
fn seed_and_cases() -> (u64, usize) {
    let seed = from_environment("ORACLE_SEED").unwrap_or(SEED);
    let cases = from_environment("ORACLE_CASES").unwrap_or(CASES);
    println!("ORACLE_SEED={seed}");
    (seed, cases.max(CASES))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            digits.push(char::from(b"0123456789abcdef"[usize::from(half)]));
        }
    }
    digits
}

/// What the oracle answers to the questions, in their order. One process answers all of them.
fn ask(questions: Vec<Value>) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/oracle.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("this test needs node 20 or later on the path: {error}"));
    let mut to_node = BufWriter::new(node.stdin.take().unwrap());
    let from_node = BufReader::new(node.stdout.take().unwrap());
    let expected = questions.len();
    // From a thread of its own, because node stops reading while nobody reads its answers. Should it
    // end early, writing fails and its answers are too few, which is seen below.
    let writer = thread::spawn(move || {
        questions.iter().try_for_each(|question| writeln!(to_node, "{question}"))
    });
    let answers: Vec<Value> =
        from_node.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let written = writer.join().unwrap();
    let status = node.wait().unwrap();
    assert!(status.success() && written.is_ok(), "the oracle failed: {status}, {written:?}");
    assert_eq!(answers.len(), expected, "answers of the oracle");
    answers
}

/// The verdict in the oracle's words.
fn in_words(verdict: Result<Verified, Error>) -> String {
    match verdict {
        Ok(verified) => {
            format!("accepted key={} age={}", verified.key_index(), verified.age_secs())
        }
        Err(Error::TimestampExpired { age, .. }) => format!("timestamp_expired age={age}"),
        Err(Error::TimestampAhead { ahead, .. }) => format!("timestamp_ahead ahead={ahead}"),
        Err(error) => error.code().to_owned(),
    }
}

/// In one call or in pieces: the verdict has to be the same, so the oracle is not told which.
fn verify(delivery: &Delivery, random: &Random) -> Result<Verified, Error> {
    let keys = delivery.secrets.iter().map(|secret| Key::new(secret).unwrap());
    let tolerance = Tolerance::new(delivery.past, delivery.future);
    let verifier = Verifier::<4>::new(keys, tolerance).unwrap();
    let now = UnixTime::from_secs(delivery.now);
    if random.one_in(2) {
        return verifier.verify(&delivery.header, &delivery.body, now).map(Verified::without_body);
    }
    let mut stream = verifier.begin(&delivery.header)?;
    let mut rest = delivery.body.as_slice();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(random.below(rest.len().min(150)) + 1);
        stream.update(piece);
        rest = after;
    }
    stream.finish(now)
}

#[test]
fn verdicts_are_those_of_the_sample_and_of_the_grammar() {
    let (seed, cases) = seed_and_cases();
    let random = Random::new(seed);
    let deliveries: Vec<(&Kind, Delivery)> =
        KINDS.iter().cycle().take(cases).map(|kind| (kind, (kind.make)(&random))).collect();
    let questions = deliveries.iter().map(|(_, delivery)| {
        json!({ "delivery": {
            "secrets": delivery.secrets.iter().map(|secret| hex(secret)).collect::<Vec<_>>(),
            "header": hex(&delivery.header),
            "body": hex(&delivery.body),
            "now": delivery.now.to_string(),
            "past": delivery.past.to_string(),
            "future": delivery.future.to_string(),
        }})
    });
    let answers = ask(questions.collect());

    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut sample_accepts, mut sample_refuses) = (0, 0);
    let mut disagreements = 0;
    for ((kind, delivery), answer) in deliveries.iter().zip(answers) {
        let verdict = verify(delivery, &random);
        let words = in_words(verdict);
        let sample = answer["sample"].as_bool();
        if words != answer["verdict"] || sample.is_some_and(|accepts| accepts != verdict.is_ok()) {
            disagreements += 1;
            let header = delivery.header.escape_ascii();
            eprintln!(
                "{}: header {header}, now {}: we say {words}, oracle {answer}",
                kind.name, delivery.now
            );
        }
        let code = words.split(' ').next().unwrap_or_default().to_owned();
        *verdicts.entry(code).or_default() += 1;
        *accepted.entry(kind.name).or_default() += usize::from(verdict.is_ok());
        sample_accepts += usize::from(sample == Some(true));
        sample_refuses += usize::from(sample == Some(false));
    }
    println!("{} deliveries: {verdicts:?}", deliveries.len());
    println!("accepted, of {} of each kind: {accepted:#?}", cases / KINDS.len());
    println!("the sample accepts {sample_accepts} and refuses {sample_refuses}");
    assert_eq!(disagreements, 0, "disagreements");

    let codes = [
        "accepted",
        "signature_malformed",
        "signature_mismatch",
        "timestamp_ahead",
        "timestamp_expired",
    ];
    assert!(verdicts.keys().eq(codes), "verdicts that occur");
    assert!(verdicts.values().all(|count| count * 40 > cases), "a verdict that hardly occurs");
    for Kind { name, accepted_percent, .. } in &KINDS {
        let percent = accepted[name] * 100 / (cases / KINDS.len());
        assert!(percent >= *accepted_percent, "only {percent} % of {name} are accepted");
        assert_eq!(*accepted_percent == 100, percent >= 100, "{percent} % of {name} are accepted");
    }
    assert!(sample_accepts * 10 > cases, "the sample hardly accepts");
    assert!(sample_refuses * 10 > cases, "the sample hardly refuses");
}

#[test]
fn event_keys_are_those_of_another_json_reader() {
    let (seed, cases) = seed_and_cases();
    let random = Random::new(seed);
    let bodies: Vec<Vec<u8>> = (0..cases / 5).map(|_| events::body(&random)).collect();
    let answers = ask(bodies.iter().map(|body| json!({ "event": hex(body) })).collect());

    let mut excluded: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut of_events, mut of_bodies, mut escaped) = (0, 0, 0);
    let mut disagreements = 0;
    for (body, answer) in bodies.iter().zip(&answers) {
        let key = EventKey::of_unverified(body).to_string();
        if let Some(reason) = answer["excluded"].as_str() {
            *excluded.entry(reason).or_default() += 1;
            continue;
        }
        if key != answer["key"] {
            disagreements += 1;
            eprintln!("{}: we say {key}, oracle {answer}", body.escape_ascii());
        }
        of_events += usize::from(key.starts_with("event-"));
        of_bodies += usize::from(key.starts_with("body-"));
        escaped += usize::from(key.starts_with("event-") && body.contains(&b'\\'));
    }
    println!(
        "{of_events} events ({escaped} with escapes), {of_bodies} bodies, left out: {excluded:?}"
    );
    assert_eq!(disagreements, 0, "disagreements");

    assert!(of_events * 3 > bodies.len(), "hardly any event");
    assert!(escaped * 4 > bodies.len(), "hardly any escape");
    assert!(of_bodies * 10 > bodies.len(), "hardly any body that is no event");
    assert!(excluded.values().sum::<usize>() * 10 < bodies.len(), "too much is left out");
}
