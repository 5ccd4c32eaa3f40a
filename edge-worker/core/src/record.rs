//! The log line of one delivery.
//!
//! It holds names, sizes and times, which are enough to find a delivery again at the
//! provider, here and at the origin. It never holds a body, a secret, a header's value other than
//! the correlation id and the trace's ids, or a URL.
//!
//! Where OpenTelemetry's semantic conventions have a name for exactly what a field says, the field has that
//! name; `docs/observability.md` has the table. The line is one flat object: a nested one would be a map for some
//! receivers and a text for others. `links` is the exception, as in the model of a span.

mod admin_record;
mod data_point;
mod settlement;
#[cfg(test)]
mod tests;
mod token_record;

use nextapi_webhook::{Event, EventError};
use serde::Serialize;

use crate::authentic::Authentic;
use crate::ledger::event_meta::EventMeta;
use crate::outcome::Outcome;
use crate::trace::{Span, TraceContext};
pub(crate) use admin_record::{AdminRecord, Target};
pub use data_point::DataPoint;
pub(crate) use settlement::Settlement;
pub(crate) use token_record::TokenRecord;

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
