//! The spans of a delivery and of its attempts, as the origin's request and the log lines name them.

use serde_json::{Value, json};

use super::*;
use crate::ledger::event_meta::EventMeta;

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
/// The provider's span.
const THEIRS: &str = "b7ad6b7169203331";
/// That of the edge, which accepts: the last eight of the random bytes.
const ACCEPTING: &str = "0707070707070707";
/// That of a later attempt.
const LATER: &str = "0909090909090909";

fn traceparent(span_id: &str) -> String {
    format!("00-{TRACE_ID}-{span_id}-01")
}

fn durable() -> Isolate {
    Isolate::new(Ok(settings_with(&[])), Bindings::default())
}

/// The `traceparent` of the request to the origin.
fn forwarded(output: &Output) -> &str {
    let Output::Forward { headers, .. } = output else { panic!("not forwarded: {output:?}") };
    let header = headers.iter().find(|(name, _)| name == "traceparent");
    &header.expect("a traceparent").1
}

fn line(output: &Output) -> Value {
    serde_json::from_str(&log(output).unwrap()).unwrap()
}

fn ids(line: &Value) -> (&str, &str) {
    (line["trace_id"].as_str().unwrap(), line["span_id"].as_str().unwrap())
}

/// An attempt that an object makes of an event with this head, until its line.
fn attempt(head: &str) -> (String, Value) {
    let attempt = Attempt {
        key: "event-1".to_owned(),
        token: 2,
        order: Order::InOrder,
        meta: EventMeta::default(),
        head: head.to_owned(),
        replay: None,
    };
    let isolate = durable();
    let random = Random::from_bytes(&[9; 40]);
    let (machine, output) =
        Machine::attempt(&isolate, attempt, BODY, &random, NOW_MS).expect("sound settings");
    let mut run = Run { isolate, machine, output };
    let parent = forwarded(&run.output).to_owned();
    run.handle(Input::Origin(OriginResult::Status(503)), NOW_MS);
    (parent, line(run.handle(replied(&Reply::Ok), NOW_MS)))
}

#[test]
fn a_trace_goes_from_the_provider_to_the_origin_and_to_each_attempt() {
    let mut run = Run::delivery(durable(), &[("traceparent", &traceparent(THEIRS))]);
    run.handle(body(BODY), NOW_MS);
    let Call::Accept { head, .. } = run.call() else { panic!() };
    let accepted = replied(&Reply::Accepted { token: 1, order: Order::InOrder });
    let accepting = line(run.handle(accepted, NOW_MS));
    assert_eq!(ids(&accepting), (TRACE_ID, ACCEPTING));
    assert_eq!(accepting.get("links"), None);

    // The first attempt is part of the span that has accepted the event, so there is nothing to be linked to.
    let output = run.handle(Input::Responded, NOW_MS);
    assert_eq!(forwarded(output), traceparent(ACCEPTING));
    run.handle(Input::Origin(OriginResult::Status(503)), NOW_MS);
    let first = line(run.handle(replied(&Reply::Ok), NOW_MS));
    assert_eq!((ids(&first), first.get("links")), ((TRACE_ID, ACCEPTING), None));

    let (parent, line) = attempt(&head);
    assert_eq!(parent, traceparent(LATER));
    assert_eq!(ids(&line), (TRACE_ID, LATER));
    assert_eq!(line["links"], json!([{ "trace_id": TRACE_ID, "span_id": ACCEPTING }]));
    assert_eq!(line["http.request.resend_count"], 1);
}

/// As those of made ends were that an earlier version has stored.
#[test]
fn an_event_without_a_trace_begins_one_and_is_linked_to_nothing() {
    let (parent, line) = attempt(r#"{"correlation_id":"c-1","trace":"","kept":[]}"#);
    assert_eq!(ids(&line), ("09".repeat(16).as_str(), LATER));
    assert_eq!(parent, format!("00-{}-{LATER}-01", "09".repeat(16)));
    assert_eq!(line.get("links"), None);
}

#[test]
fn a_refused_delivery_has_its_span_as_well() {
    let headers = [("traceparent", traceparent(THEIRS)), ("x-nextapi-signature", "t=1".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let line = line(&Run::webhook(durable(), &headers).output);
    assert_eq!(line["error.type"], "signature_malformed");
    assert_eq!(ids(&line), (TRACE_ID, ACCEPTING));
}
