//! The events that there have been.

use serde_json::{Value, json};

/// An event, and what has become of it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) job_id: String,
    pub(crate) attempts: u32,
    pub(crate) delivered: bool,
    pub(crate) dropped: bool,
}

impl EventRecord {
    /// The event's id, which redelivery is asked for by. In bodies without an id it does not occur.
    #[must_use]
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// The event's type.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The job that it is about; empty for an event that is about none.
    #[must_use]
    pub fn job_id(&self) -> &str {
        &self.job_id
    }

    /// First attempt and retries so far, that under way included.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether any attempt was answered 2xx.
    #[must_use]
    pub const fn delivered(&self) -> bool {
        self.delivered
    }

    /// Whether no attempt is ever made, on purpose, unless somebody asks for it.
    #[must_use]
    pub const fn dropped(&self) -> bool {
        self.dropped
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "event_id": self.event_id,
            "event_type": self.event_type,
            "job_id": (!self.job_id.is_empty()).then_some(&self.job_id),
            "attempts": self.attempts,
            "delivered": self.delivered,
            "dropped": self.dropped,
        })
    }
}
