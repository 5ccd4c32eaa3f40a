//! One request at the origin, as it is told.

use core::fmt;

use http::StatusCode;
use nextapi_testkit::Received;
use nextapi_webhook::Event;
use serde_json::{Value, json};

use crate::output::{BAD, GOOD, NOTE};

/// What a request was answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// The answer that was chosen for whoever is let in.
    With(StatusCode),
    /// It did not come through the edge.
    Refused(StatusCode),
    /// Nothing, for ever.
    Never,
}

impl Answered {
    const fn status(self) -> Option<StatusCode> {
        match self {
            Self::With(status) | Self::Refused(status) => Some(status),
            Self::Never => None,
        }
    }
}

/// One request, as it is told: facts from its headers and from the bytes that were signed, none of
/// which is content.
pub(super) struct Arrival {
    order: u64,
    method: String,
    path: String,
    event: Option<Event>,
    attempt: Option<u64>,
    key: String,
    bytes: usize,
    pub(super) duplicates: u64,
    edge_signature: &'static str,
    pub(super) answered: Answered,
}

impl Arrival {
    /// `order` is counted from 1.
    pub(super) fn new(
        order: u64,
        request: &Received,
        key: String,
        duplicates: u64,
        edge_signature: &'static str,
        answered: Answered,
    ) -> Self {
        Self {
            order,
            method: request.method().to_string(),
            path: request.path().to_owned(),
            event: Event::read(request.body()).ok(),
            attempt: request.attempt(),
            key,
            bytes: request.body().len(),
            duplicates,
            edge_signature,
            answered,
        }
    }

    /// The event's type or, for want of one, its status.
    pub(super) fn kind(&self) -> Option<&str> {
        self.event.as_ref().and_then(|event| event.event_type().or(event.status()))
    }

    fn credits(&self) -> Option<&str> {
        self.event.as_ref().and_then(Event::credits)
    }

    pub(super) fn to_json(&self) -> Value {
        let event = self.event.as_ref();
        json!({
            "kind": "request",
            "order": self.order,
            "method": self.method,
            "path": self.path,
            "type": self.kind(),
            "id": event.and_then(Event::id),
            "job_id": event.and_then(Event::job_id),
            "attempt": self.attempt,
            "credits": self.credits(),
            "key": self.key,
            "bytes": self.bytes,
            "duplicates": self.duplicates,
            "edge_signature": self.edge_signature,
            "answer": self.answered.status().map(|status| status.as_u16()),
        })
    }
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.event.as_ref();
        let attempt = self.attempt.map(|attempt| attempt.to_string());
        write!(
            f,
            "{} {} {} {} id={} job={} attempt={} credits={} key={} bytes={} ",
            self.order,
            self.method,
            self.path,
            self.kind().unwrap_or("unreadable"),
            event.and_then(Event::id).unwrap_or("-"),
            event.and_then(Event::job_id).unwrap_or("-"),
            attempt.as_deref().unwrap_or("-"),
            self.credits().unwrap_or("-"),
            self.key,
            self.bytes,
        )?;
        let (duplicates, signature) = (self.duplicates, self.edge_signature);
        if duplicates > 0 {
            write!(f, "{NOTE}duplicates={duplicates}{NOTE:#} ")?;
        } else {
            write!(f, "duplicates=0 ")?;
        }
        write!(f, "edge-signature={signature} ")?;
        match self.answered.status() {
            None => write!(f, "{BAD}answer=never{BAD:#}"),
            Some(status) if status.is_success() => {
                write!(f, "{GOOD}answer={}{GOOD:#}", status.as_u16())
            }
            Some(status) => write!(f, "{BAD}answer={}{BAD:#}", status.as_u16()),
        }
    }
}
