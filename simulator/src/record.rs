//! The delivery log.

use core::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::moment::Moment;

/// Why an attempt to deliver an event is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryReason {
    /// The event has just happened.
    First,
    /// An earlier attempt has failed.
    Retry,
    /// A second worker does the same at the same moment: a fault on purpose.
    Duplicate,
    /// Somebody has asked for it.
    Redelivery,
}

impl DeliveryReason {
    /// As it stands in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Retry => "retry",
            Self::Duplicate => "duplicate",
            Self::Redelivery => "redelivery",
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// Not yet.
    Pending,
    /// With this HTTP status. Any 2xx is a success.
    Answered(u16),
    /// Without an answer: refused, cut, or timed out.
    NoAnswer,
    /// It never went out: a fault on purpose.
    Lost,
}

impl DeliveryOutcome {
    /// As it stands in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Answered(200..=299) => "delivered",
            Self::Answered(_) => "refused",
            Self::NoAnswer => "no_answer",
            Self::Lost => "lost",
        }
    }

    /// Whether the event counts as delivered: any 2xx.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }

    const fn status(self) -> Option<u16> {
        match self {
            Self::Answered(status) => Some(status),
            _ => None,
        }
    }
}

/// One attempt to deliver an event. It holds neither the body nor the signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    pub(crate) number: u64,
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) job_id: String,
    pub(crate) attempt: u32,
    pub(crate) reason: DeliveryReason,
    pub(crate) outcome: DeliveryOutcome,
    pub(crate) began: Moment,
    pub(crate) took: Option<Duration>,
    pub(crate) next_retry: Option<Moment>,
    #[serde(default)]
    pub(crate) gave_up: bool,
}

impl DeliveryRecord {
    /// Counts attempts, from 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The event's id, which redelivery is asked for by. In flat bodies it does not occur.
    #[must_use]
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// The event's type.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The job that the event is about; empty for an event that is about none.
    #[must_use]
    pub fn job_id(&self) -> &str {
        &self.job_id
    }

    /// The number of the attempt at this event, from 1. A duplicate has the number of its twin, a
    /// redelivery that of the last attempt before it.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Why it was made.
    #[must_use]
    pub const fn reason(&self) -> DeliveryReason {
        self.reason
    }

    /// How it ended.
    #[must_use]
    pub const fn outcome(&self) -> DeliveryOutcome {
        self.outcome
    }

    /// How long it took, once it has ended.
    #[must_use]
    pub const fn took(&self) -> Option<Duration> {
        self.took
    }

    /// Whether it was the last of the event's attempts, and none of them has succeeded. From then
    /// on the event is delivered only if somebody asks for it.
    #[must_use]
    pub const fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// `X-Correlation-Id` of the request.
    pub(crate) fn correlation_id(&self, run: &str) -> String {
        format!("dlv_{run}_{}", self.number)
    }

    pub(crate) fn to_json(&self, run: &str) -> Value {
        json!({
            "id": self.correlation_id(run),
            "event_id": self.event_id,
            "event_type": self.event_type,
            "job_id": (!self.job_id.is_empty()).then_some(&self.job_id),
            "attempt": self.attempt,
            "reason": self.reason.as_str(),
            "outcome": self.outcome.as_str(),
            "status": self.outcome.status(),
            "began_at": self.began.to_rfc_3339(),
            "milliseconds": self.took.and_then(|took| u64::try_from(took.as_millis()).ok()),
            "next_retry_at": self.next_retry.map(Moment::to_rfc_3339),
        })
    }
}
