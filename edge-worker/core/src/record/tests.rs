//! The log lines of deliveries and attempts, pinned.

use nextapi_webhook::{Key, UnixTime};
use serde_json::{Value, json};

use super::*;
use crate::authentic::authenticate;
use crate::settings::tests::{SECRET, settings_with};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn authentic(body: &[u8]) -> Authentic {
    let key = Key::new(SECRET.as_bytes()).unwrap();
    let header = key.sign(UnixTime::from_secs(1_699_999_990), body).to_string();
    authenticate(&settings_with(&[]), &header, body, NOW).unwrap()
}

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID: &str = "b7ad6b7169203331";

fn trace() -> TraceContext {
    TraceContext::parse(&format!("00-{TRACE_ID}-{SPAN_ID}-01")).unwrap()
}

impl Record {
    /// Notes how long verify, claim, origin and commit took, in milliseconds.
    pub(crate) fn note_times(&mut self, times: [u64; 4]) {
        [self.verify_ms, self.claim_ms, self.origin_ms, self.commit_ms] = times.map(Some);
    }
}

pub(crate) fn record_of(body: &[u8]) -> Record {
    let mut record = Record::new("2023-11-14T22:13:20.000Z".to_owned(), "c-1".to_owned());
    record.note_trace(&trace());
    record.body_bytes = Some(body.len());
    record.note_authentic(&authentic(body));
    record
}

pub(crate) fn parsed(line: &str) -> Value {
    assert!(!line.contains('\n'), "one line for one delivery");
    serde_json::from_str(line).unwrap()
}

/// The body and the record of an event that was forwarded at the second attempt.
pub(crate) fn forwarded() -> (&'static [u8], Record) {
    let body = br#"{"id":"evt_1","type":"job.succeeded","data":{"job":{"id":"job_1","prompt":"canary","cost_credits":1.5}}}"#;
    let mut record = record_of(body);
    record.attempt = Some(2);
    record.order = Some("in-order");
    record.origin_status = Some(204);
    record.settlement = Some(Settlement::Committed);
    record.note_times([0, 3, 40, 2]);
    (body, record)
}

#[test]
fn the_line_of_a_forwarded_event_is_pinned() {
    let (body, mut record) = forwarded();
    let line = record.line(Outcome::Forwarded);
    assert_eq!(
        parsed(&line),
        json!({
            "time": "2023-11-14T22:13:20.000Z",
            "correlation_id": "c-1",
            "trace_id": TRACE_ID,
            "span_id": SPAN_ID,
            "outcome": "forwarded",
            "http.response.status_code": 200,
            "event_key": nextapi_webhook::EventKey::of_unverified(body).to_string(),
            "event_id": "evt_1",
            "event_type": "job.succeeded",
            "job_id": "job_1",
            "credits": 1.5,
            "key_index": 0,
            "age_seconds": 10,
            "http.request.body.size": body.len(),
            "attempt": 2,
            "http.request.resend_count": 1,
            "order": "in-order",
            "origin_status": 204,
            "settlement": "committed",
            "verify_ms": 0,
            "claim_ms": 3,
            "origin_ms": 40,
            "commit_ms": 2,
        }),
    );
    assert!(!line.contains("canary"), "{line}");
}

#[test]
fn the_tenant_stands_in_the_line_if_a_setting_says_where_it_is() {
    let body =
        br#"{"id":"evt_1","type":"job.queued","data":{"job":{"id":"job_1"},"tenant":"acme"}}"#;
    let line = |settings: &[(&str, &str)]| {
        let key = Key::new(SECRET.as_bytes()).unwrap();
        let header = key.sign(NOW, body).to_string();
        let authentic = authenticate(&settings_with(settings), &header, body, NOW).unwrap();
        let mut record = Record::new("t".to_owned(), "c-1".to_owned());
        record.note_authentic(&authentic);
        parsed(&record.line(Outcome::Accepted))
    };
    assert_eq!(line(&[("TENANT_FIELD", "data.tenant")])["tenant"], "acme");
    assert_eq!(line(&[("TENANT_FIELD", "data.other")]).get("tenant"), None);
    assert_eq!(line(&[]).get("tenant"), None);
}

#[test]
fn the_line_of_an_attempt_is_linked_to_the_span_that_accepted_the_event() {
    let mut record = record_of(b"{}");
    record.note_link(&trace());
    record.is_attempt = true;
    record.attempt = Some(1);
    let line = parsed(&record.line(Outcome::OriginFailed));
    assert_eq!(line["links"], json!([{ "trace_id": TRACE_ID, "span_id": SPAN_ID }]));
    assert_eq!(line["error.type"], "origin_failed");
    for absent in ["http.response.status_code", "http.request.resend_count"] {
        assert_eq!(line.get(absent), None, "{absent}");
    }
}

/// Nested objects are maps for some receivers of logs, and texts for others.
#[test]
fn the_line_is_flat_but_for_links() {
    let mut record = record_of(b"{}");
    record.note_link(&trace());
    record.note_times([0, 3, 40, 2]);
    let line = parsed(&record.line(Outcome::Forwarded));
    let nested = line.as_object().unwrap().iter().filter(|(_, value)| value.is_object());
    assert_eq!(nested.count(), 0, "{line}");
}

#[test]
fn an_event_that_cannot_be_read_says_why() {
    let line = record_of(b"canary, not JSON").line(Outcome::Forwarded);
    assert_eq!(parsed(&line)["event_unreadable"], "event_unreadable");
    assert!(!line.contains("canary"), "{line}");
}

#[test]
fn a_refused_delivery_has_only_what_was_reached() {
    let mut record = Record::new("t".to_owned(), "c-1".to_owned());
    record.reason = Some("no header".to_owned());
    assert_eq!(
        parsed(&record.line(Outcome::SignatureMissing)),
        json!({
            "time": "t",
            "correlation_id": "c-1",
            "outcome": "signature_missing",
            "error.type": "signature_missing",
            "http.response.status_code": 400,
            "reason": "no header",
        }),
    );
}

#[test]
fn a_text_with_line_feeds_and_quotes_stays_one_line() {
    let mut record = Record::new("t".to_owned(), "c-1".to_owned());
    record.ledger_error = Some("first\nsecond \"quoted\"".to_owned());
    let line = record.line(Outcome::LedgerUnavailable);
    assert_eq!(parsed(&line)["ledger_error"], "first\nsecond \"quoted\"");
}
