//! One request at the origin, as it is told.

use core::fmt;

use http::StatusCode;
use nextapi_testkit::Received;
use nextapi_webhook::Event;
use serde_json::{Value, json};

use crate::output::{BAD, GOOD, NOTE, PLAIN, wrapped};

/// What is told of the edge's signature if no secret was given to check it with.
pub(super) const NOT_CHECKED: &str = "not-checked";
/// Characters of a key that are shown: `event-` and twelve digits.
const SHOWN_OF_KEY: usize = 18;

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
            event: Event::read_unverified(request.body()).ok(),
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

/// Facts in lines that fit a terminal; what is not known, or goes without saying, is left out.
impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.event.as_ref();
        let start = [&self.order.to_string(), &self.method, &self.path];
        let mut words: Vec<_> = start.map(|word| (PLAIN, word.clone())).into();
        words.push((PLAIN, self.kind().unwrap_or("unreadable").to_owned()));
        words.push(match self.answered.status() {
            None => (BAD, "answer=never".to_owned()),
            Some(status) => {
                let style = if status.is_success() { GOOD } else { BAD };
                (style, format!("answer={}", status.as_u16()))
            }
        });
        if self.duplicates > 0 {
            words.push((NOTE, format!("duplicates={}", self.duplicates)));
        }
        let edge_signature = (self.edge_signature != NOT_CHECKED).then_some(self.edge_signature);
        let attempt = self.attempt.map(|attempt| attempt.to_string());
        for (name, value) in [
            ("edge-signature", edge_signature),
            ("attempt", attempt.as_deref()),
            ("credits", self.credits()),
            ("key", Some(shortened(&self.key).as_str())),
            ("id", event.and_then(Event::id)),
            ("job", event.and_then(Event::job_id)),
            ("bytes", Some(self.bytes.to_string().as_str())),
        ] {
            words.extend(value.map(|value| (PLAIN, format!("{name}={value}"))));
        }
        f.write_str(&wrapped(words, "", "  "))
    }
}

/// The beginning of a key, which is enough to tell it from others.
fn shortened(key: &str) -> String {
    match key.char_indices().nth(SHOWN_OF_KEY) {
        Some((end, _)) => format!("{}…", key.get(..end).unwrap_or(key)),
        None => key.to_owned(),
    }
}
