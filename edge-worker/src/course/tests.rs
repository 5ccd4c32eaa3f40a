//! Courses without a platform: each step by hand.

use nextapi_webhook::{Key, UnixTime};

use super::*;
use crate::isolate::Bindings;
use crate::ledger::message::{Answer as LedgerAnswer, Call, Unanswered};
use crate::ledger::order::Order;
use crate::outcome::OriginResult;
use crate::settings::tests::{SECRET, settings_with};

const NOW_MS: u64 = 1_700_000_000_000;
const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded","data":{"job_id":"job_1"}}"#;
const GRANTED: LedgerAnswer = LedgerAnswer::Granted { token: 1, order: Order::InOrder };

fn isolate(bindings: Bindings) -> Isolate {
    Isolate::new(Ok(settings_with(&[("ADMIN_TOKEN", "0123456789abcdef")])), bindings)
}

/// Begins a delivery, signed over `BODY`, with more header lines.
fn begin(isolate: &mut Isolate, more: &str) -> (Course, Effect) {
    let key = Key::new(SECRET.as_bytes()).unwrap();
    let signature = key.sign(UnixTime::from_secs(NOW_MS / 1_000), BODY);
    let head = format!("POST https://edge.test/webhook\nx-nextapi-signature:{signature}\n{more}");
    let head = Head::new(&head);
    Course::begin(isolate, head, Random::from_bytes(&[7; 40]), NOW_MS)
}

fn body(bytes: &[u8]) -> Event {
    Event::Body { bytes: bytes.to_vec(), is_cut: false }
}

fn headers() -> Event {
    Event::Headers("user-agent:NextAPI/1\ncookie:a=b\n".to_owned())
}

fn answered(answer: LedgerAnswer) -> Event {
    Event::Answered(vec![Ok(answer)])
}

/// The code of an answer, and its log line.
fn code(effect: Effect) -> (String, String) {
    let Effect::Answer { answer, log, .. } = effect else { panic!("no answer: {effect:?}") };
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let code = body.get("status").unwrap_or_else(|| &body["error"]["code"]);
    (code.as_str().unwrap().to_owned(), log.unwrap_or_default())
}

fn call(effect: Effect) -> Call {
    let Effect::Ask(mut calls) = effect else { panic!("no call: {effect:?}") };
    assert_eq!(calls.len(), 1);
    calls.remove(0).1
}

#[test]
fn a_delivery_is_claimed_forwarded_and_committed() {
    let isolate = &mut isolate(Bindings::default());
    let (mut course, effect) = begin(isolate, "x-correlation-id:c-1\n");
    assert!(matches!(effect, Effect::Read { limit: 262_144, is_bounded: false }));
    let effect = course.resume(isolate, body(BODY), NOW_MS + 1);
    assert!(matches!(call(effect), Call::Claim { .. }));
    let effect = course.resume(isolate, answered(GRANTED), NOW_MS + 3);
    assert!(matches!(effect, Effect::Headers));
    let effect = course.resume(isolate, headers(), NOW_MS + 3);
    let Effect::Forward { url, headers, deadline_ms } = effect else { panic!("{effect:?}") };
    assert!(url.starts_with("https://origin.example/"));
    assert_eq!(deadline_ms, 7_000);
    assert!(headers.contains(&("x-edge-attempt".to_owned(), "1".to_owned())));
    assert!(headers.contains(&("user-agent".to_owned(), "NextAPI/1".to_owned())));
    let effect = course.resume(isolate, Event::Origin(OriginResult::Status(204)), NOW_MS + 7);
    let Call::Commit { token: 1, tally, .. } = call(effect) else { panic!("no commit") };
    assert_eq!(tally.encode(), "forwarded:1");
    let (code, log) = code(course.resume(isolate, answered(LedgerAnswer::Ok), NOW_MS + 15));
    assert_eq!(code, "forwarded");
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert_eq!(log["settlement"], "committed");
    assert_eq!(log["correlation_id"], "c-1");
    let milliseconds = serde_json::json!({ "verify": 1, "claim": 2, "origin": 4, "commit": 8 });
    assert_eq!(log["milliseconds"], milliseconds);
    assert!(isolate.take_tally().is_empty(), "it went along");
}

/// Only then does the platform see to it that no more is read than was declared.
#[test]
fn a_body_is_bounded_if_its_length_is_declared_and_it_has_no_chunks() {
    for (more, expected) in [
        ("content-length:62\n", true),
        ("", false),
        ("content-length:x\n", false),
        ("content-length:62\ntransfer-encoding:chunked\n", false),
    ] {
        let (_, effect) = begin(&mut isolate(Bindings::default()), more);
        let Effect::Read { is_bounded, .. } = effect else { panic!("{effect:?}") };
        assert_eq!(is_bounded, expected, "{more}");
    }
}

#[test]
fn a_failed_attempt_is_released_and_not_acknowledged() {
    for (result, expected) in [
        (OriginResult::Status(500), "origin_failed"),
        (OriginResult::Status(302), "origin_rejected"),
        (OriginResult::TimedOut, "origin_timeout"),
        (OriginResult::Unreachable, "origin_unreachable"),
    ] {
        let isolate = &mut isolate(Bindings::default());
        let (mut course, _) = begin(isolate, "");
        course.resume(isolate, body(BODY), NOW_MS);
        course.resume(isolate, answered(GRANTED), NOW_MS);
        course.resume(isolate, headers(), NOW_MS);
        let effect = course.resume(isolate, Event::Origin(result), NOW_MS);
        assert!(matches!(call(effect), Call::Release { token: 1, .. }));
        assert_eq!(code(course.resume(isolate, answered(LedgerAnswer::Ok), NOW_MS)).0, expected);
    }
}

#[test]
fn a_commit_without_an_answer_is_tried_again_and_its_counts_are_kept() {
    let isolate = &mut isolate(Bindings::default());
    let (mut course, _) = begin(isolate, "");
    course.resume(isolate, body(BODY), NOW_MS);
    course.resume(isolate, answered(GRANTED), NOW_MS);
    course.resume(isolate, headers(), NOW_MS);
    let mut effect = course.resume(isolate, Event::Origin(OriginResult::Status(200)), NOW_MS);
    let mut pauses = 0;
    let code = loop {
        assert!(matches!(call(effect), Call::Commit { .. }));
        let none = || Err(Unanswered::from("broken".to_owned()));
        effect = course.resume(isolate, Event::Answered(vec![none()]), NOW_MS);
        if !matches!(effect, Effect::Pause { .. }) {
            break code(effect).0;
        }
        pauses += 1;
        effect = course.resume(isolate, Event::Paused, NOW_MS);
    };
    assert_eq!((code.as_str(), pauses), ("forwarded", 3));
    assert_eq!(isolate.take_tally().encode(), "forwarded:1");
}

#[test]
fn what_is_refused_never_reaches_the_ledger() {
    for (more, event, expected) in [
        ("content-length:262145\n", None, "body_too_large"),
        ("", Some(Event::BodyTooLarge), "body_too_large"),
        ("", Some(body(b"{}")), "signature_mismatch"),
    ] {
        let isolate = &mut isolate(Bindings::default());
        let (mut course, mut effect) = begin(isolate, more);
        if let Some(event) = event {
            effect = course.resume(isolate, event, NOW_MS);
        }
        assert_eq!(code(effect).0, expected);
    }
}

#[test]
fn a_forger_is_counted_and_then_refused_before_reading() {
    let isolate = &mut isolate(Bindings { rate_limiter: true, ..Bindings::default() });
    let from = "cf-connecting-ip:192.0.2.7\n";
    let (mut course, _) = begin(isolate, from);
    let effect = course.resume(isolate, body(b"{}"), NOW_MS);
    assert!(matches!(&effect, Effect::Limit { key } if key == "192.0.2.7"), "{effect:?}");
    let effect = course.resume(isolate, Event::Limited(Ok(false)), NOW_MS);
    assert_eq!(code(effect).0, "signature_mismatch");
    assert_eq!(code(begin(isolate, from).1).0, "rate_limited");
    assert!(matches!(begin(isolate, "cf-connecting-ip:192.0.2.8\n").1, Effect::Read { .. }));
}

/// Whatever the platform comes back with, nothing is acknowledged that the origin may not have.
#[test]
fn an_event_out_of_turn_is_never_a_success() {
    let events = || {
        [
            Event::BodyTooLarge,
            Event::Paused,
            Event::Limited(Ok(true)),
            headers(),
            Event::Answered(Vec::new()),
            Event::Answered(vec![Ok(LedgerAnswer::Ok)]),
        ]
    };
    for step in 0..4 {
        for event in events() {
            let isolate = &mut isolate(Bindings::default());
            let (mut course, _) = begin(isolate, "");
            let before = [body(BODY), answered(GRANTED), headers()];
            for event in before.into_iter().take(step) {
                course.resume(isolate, event, NOW_MS);
            }
            let shown = format!("{event:?} at {step}");
            let mut effect = course.resume(isolate, event, NOW_MS);
            for _ in 0..8 {
                if let Effect::Answer { answer, .. } = &effect {
                    assert!(answer.status >= 400, "{shown}");
                    break;
                }
                effect = course.resume(isolate, Event::Answered(Vec::new()), NOW_MS);
            }
        }
    }
}

#[test]
fn an_operator_asks_every_shard() {
    let isolate = &mut isolate(Bindings::default());
    let head =
        Head::new("GET https://edge.test/_edge/status\nauthorization:Bearer 0123456789abcdef\n");
    let (mut course, effect) = Course::begin(isolate, head, Random::from_bytes(&[]), NOW_MS);
    let Effect::Ask(calls) = effect else { panic!("{effect:?}") };
    assert_eq!(calls.len(), 16);
    let broken = || Err(Unanswered::from("broken".to_owned()));
    let event = Event::Answered((0..16).map(|_| broken()).collect());
    let Effect::Answer { answer, .. } = course.resume(isolate, event, NOW_MS) else {
        panic!("no answer")
    };
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("16 of 16 shards did not answer"), "{}", answer.body);
}
