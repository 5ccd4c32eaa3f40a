//! The log line of one delivery.
//!
//! It holds names, sizes and times, which are enough to find a delivery again at the
//! provider, here and at the origin. It never holds a body, a secret, a header's value other than
//! the correlation id and the trace's ids, or a URL.
//!
//! Where OpenTelemetry's semantic conventions have a name for exactly what a field says, the field has that
//! name; `docs/observability.md` has the table. The line is one flat object: a nested one would be a map for some
//! receivers and a text for others. `links` is the exception, as in the model of a span.

mod data_point;
mod token_record;

use nextapi_webhook::{Event, EventError};
use serde::{Serialize, Serializer};

use crate::authentic::Authentic;
use crate::ledger::event_meta::EventMeta;
use crate::outcome::Outcome;
use crate::time::rfc3339;
use crate::trace::{Span, TraceContext};
pub use data_point::DataPoint;
pub(crate) use token_record::TokenRecord;

/// What became of the claim in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The ledger knows that the origin has the event.
    Committed,
    /// The origin has the event, but this attempt no longer holds it: a newer one has claimed it since, an
    /// admin has reopened it, or its row is gone.
    CommitRefused,
    /// The origin has the event, but the ledger could not be told: it may get it once more.
    CommitFailed,
    /// The next delivery is granted at once.
    Released,
    /// This attempt no longer holds the event, as above.
    ReleaseRefused,
    /// The ledger could not be told: the next delivery is granted once the lease has run out.
    ReleaseFailed,
}

impl Settlement {
    /// The name in logs and data points.
    const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::CommitRefused => "commit_refused",
            Self::CommitFailed => "commit_failed",
            Self::Released => "released",
            Self::ReleaseRefused => "release_refused",
            Self::ReleaseFailed => "release_failed",
        }
    }
}

impl Serialize for Settlement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What is known of one delivery. It is filled in while the delivery goes its way, and what was not
/// reached is left out.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(default)]
pub(crate) struct Record {
    /// When the delivery arrived, RFC 3339.
    pub(crate) time: String,
    /// The name of this delivery.
    pub(crate) correlation_id: String,
    /// The trace that the delivery is part of. The two ids are known of every delivery but one whose machine was lost.
    #[serde(skip_serializing_if = "String::is_empty")]
    trace_id: String,
    /// The edge's own span, which is the parent of what the origin does.
    #[serde(skip_serializing_if = "String::is_empty")]
    span_id: String,
    /// Of an attempt that an object makes, the span in which the event became owed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Span>,
    outcome: &'static str,
    /// The outcome once more, if it is a failure.
    #[serde(skip_serializing_if = "Option::is_none", rename = "error.type")]
    error_type: Option<&'static str>,
    /// The status of the response, unless this is an attempt for whose outcome nobody waits.
    #[serde(skip_serializing_if = "Option::is_none", rename = "http.response.status_code")]
    status: Option<u16>,
    /// Whether this is such an attempt.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub(crate) is_attempt: bool,
    /// Why the signature was refused, or could not be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    /// Who the job is for, by the field of the body that `TENANT_FIELD` names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// What the job cost, as the number stands in the body: [`line`](Self::line) writes it as it is.
    #[serde(skip)]
    credits: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_unreadable: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_index: Option<usize>,
    /// How old the signature was, in seconds; negative if it was ahead of the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) age_seconds: Option<i64>,
    /// The length of the body.
    #[serde(skip_serializing_if = "Option::is_none", rename = "http.request.body.size")]
    pub(crate) body_bytes: Option<usize>,
    /// Why the platform gave no MACs of a long body, which was hashed in Rust instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) macs_error: Option<String>,
    /// The number of the attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u64>,
    /// How often the origin was asked before, unless this is the first time.
    #[serde(skip_serializing_if = "Option::is_none", rename = "http.request.resend_count")]
    resend_count: Option<u64>,
    /// Whether a newer event of the job was delivered before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order: Option<&'static str>,
    /// The status that the origin answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin_status: Option<u16>,
    /// What became of the claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) settlement: Option<Settlement>,
    /// Why the ledger did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ledger_error: Option<String>,
    /// Why the rate limiter did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limiter_error: Option<String>,
    /// What is wrong with the settings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<String>,
    /// Milliseconds of reading and verifying.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verify_ms: Option<u64>,
    /// Of the claim in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) claim_ms: Option<u64>,
    /// Until the origin's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin_ms: Option<u64>,
    /// Of commit or release in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit_ms: Option<u64>,
}

/// Bytes that the line of a delivery has room for before it grows.
const TYPICAL_BYTES: usize = 1_024;

impl Record {
    /// The record of a delivery that has just arrived.
    pub(crate) fn new(time: String, correlation_id: String) -> Self {
        Self { time, correlation_id, ..Self::default() }
    }

    /// Notes the edge's span.
    pub(crate) fn note_trace(&mut self, trace: &TraceContext) {
        let Span { trace_id, span_id } = trace.span();
        self.trace_id.clone_from(trace_id);
        self.span_id.clone_from(span_id);
    }

    /// Notes the span in which the event became owed.
    pub(crate) fn note_link(&mut self, accepted: &TraceContext) {
        self.links.push(accepted.span().clone());
    }

    /// Notes what an authentic delivery says of itself.
    pub(crate) fn note_authentic(&mut self, authentic: &Authentic) {
        let meta = authentic.meta();
        self.key_index = Some(authentic.key_index);
        self.age_seconds = Some(authentic.age_seconds);
        self.event_key = Some(authentic.key.to_string());
        self.event_id = meta.event_id;
        self.event_type = meta.event_type;
        self.job_id = meta.job_id;
        self.tenant.clone_from(&authentic.tenant);
        self.credits = authentic.event.as_ref().ok().and_then(Event::credits).map(str::to_owned);
        self.event_unreadable = authentic.event.as_ref().err().map(EventError::code);
    }

    /// Notes what is stored of an event that is owed.
    pub(crate) fn note_owed(&mut self, key: &str, meta: EventMeta, body_bytes: usize) {
        self.event_key = Some(key.to_owned());
        self.event_id = meta.event_id;
        self.event_type = meta.event_type;
        self.job_id = meta.job_id;
        self.body_bytes = Some(body_bytes);
    }

    /// The line, now that the outcome is known.
    pub(crate) fn line(&mut self, outcome: Outcome) -> String {
        self.outcome = outcome.code();
        self.error_type = outcome.is_failure().then(|| outcome.code());
        self.resend_count =
            self.attempt.and_then(|attempt| attempt.checked_sub(1)).filter(|count| *count > 0);
        self.status = (!self.is_attempt).then(|| outcome.status());
        let mut line = Vec::with_capacity(TYPICAL_BYTES);
        let written = serde_json::to_writer(&mut line, self).ok();
        // The verifier has read it as a JSON number, so it can stand in JSON. It is written by hand because
        // it must not go through a binary fraction; the means that serde_json has for that make the worker
        // larger by a tenth.
        if let (Some(credits), Some(b'}')) = (&self.credits, line.last()) {
            line.pop();
            line.extend([br#","credits":"#, credits.as_bytes(), b"}"].concat());
        }
        // Nothing in a record can fail to be written as JSON; a line without detail would still
        // count.
        written
            .and_then(|()| String::from_utf8(line).ok())
            .unwrap_or_else(|| format!(r#"{{"outcome":"{}"}}"#, self.outcome))
    }
}

/// What an admin's action is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    /// An event, by its key.
    Event(&'a str),
    /// A bulk replay, by its name.
    Replay(&'a str),
    /// A job, by its id, and who it is for.
    Job(&'a str, Option<&'a str>),
}

/// The log line of an admin's action.
#[derive(Debug, Serialize)]
pub(crate) struct AdminRecord<'a> {
    time: String,
    correlation_id: &'a str,
    /// The name of who did it.
    by: &'a str,
    operation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    /// `ok`, or the code of why not.
    result: &'static str,
    /// That code, if it is one.
    #[serde(skip_serializing_if = "Option::is_none", rename = "error.type")]
    error_type: Option<&'static str>,
}

impl<'a> AdminRecord<'a> {
    /// The record of an operation, on something or on all events.
    pub(crate) fn new(
        now_ms: u64,
        correlation_id: &'a str,
        by: &'a str,
        operation: &'static str,
        target: Option<Target<'a>>,
        result: Result<(), Outcome>,
    ) -> Self {
        let error_type = result.err().map(Outcome::code);
        let mut record = Self {
            time: rfc3339(now_ms),
            correlation_id,
            by,
            operation,
            event_key: None,
            replay_id: None,
            job_id: None,
            tenant: None,
            result: error_type.unwrap_or("ok"),
            error_type,
        };
        match target {
            Some(Target::Event(key)) => record.event_key = Some(key),
            Some(Target::Replay(id)) => record.replay_id = Some(id),
            Some(Target::Job(id, tenant)) => (record.job_id, record.tenant) = (Some(id), tenant),
            None => {}
        }
        record
    }

    /// The line.
    pub(crate) fn line(&self) -> String {
        // Texts can always be written as JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
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

    fn parsed(line: &str) -> Value {
        assert!(!line.contains('\n'), "one line for one delivery");
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn the_line_of_a_forwarded_event_is_pinned() {
        let body = br#"{"id":"evt_1","type":"job.succeeded","data":{"job":{"id":"job_1","prompt":"canary","cost_credits":1.5}}}"#;
        let mut record = record_of(body);
        record.attempt = Some(2);
        record.order = Some("in-order");
        record.origin_status = Some(204);
        record.settlement = Some(Settlement::Committed);
        record.note_times([0, 3, 40, 2]);
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

    #[test]
    fn the_line_of_an_admins_intervention_is_pinned() {
        for (result, word, error) in
            [(Ok(()), "ok", None), (Err(Outcome::NotFound), "not_found", Some("not_found"))]
        {
            let record = AdminRecord::new(
                1_700_000_000_000,
                "c-1",
                "ann",
                "reopen",
                Some(Target::Event("event-00")),
                result,
            );
            let mut expected = json!({
                "time": "2023-11-14T22:13:20.000Z",
                "correlation_id": "c-1",
                "by": "ann",
                "operation": "reopen",
                "event_key": "event-00",
                "result": word,
            });
            if let Some(error) = error {
                expected["error.type"] = error.into();
            }
            assert_eq!(parsed(&record.line()), expected);
        }
    }

    #[test]
    fn the_line_of_a_registration_is_pinned() {
        let target = Some(Target::Job("job_1", Some("acme")));
        let record = AdminRecord::new(0, "c-1", "submit", "register_job", target, Ok(()));
        let expected = json!({
            "time": "1970-01-01T00:00:00.000Z",
            "correlation_id": "c-1",
            "by": "submit",
            "operation": "register_job",
            "job_id": "job_1",
            "tenant": "acme",
            "result": "ok",
        });
        assert_eq!(parsed(&record.line()), expected);
    }
}
