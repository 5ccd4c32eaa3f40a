//! How a delivery can end, and the answer that each end gets.
//!
//! The list is closed: its codes are what answers say, what log lines say and what is counted. The
//! provider counts any 2xx as delivered and repeats on anything else, so 2xx stands only for events
//! that the origin has, and for late ones that the settings keep from it.

#[cfg(test)]
mod tests;

use nextapi_webhook::Error;
use serde::Serialize;

/// Seconds after which a delivery may be tried again when the ledger could not be reached.
const LEDGER_RETRY_AFTER_SECONDS: u64 = 5;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The origin has the event: it answered 2xx.
    Forwarded,
    /// The origin has had the event since an earlier delivery.
    Duplicate,
    /// The event came after a newer one of its job, and the settings want such events dropped.
    LateDropped,
    /// Another delivery of the same event is being forwarded, and nobody knows yet how that ends.
    InFlight {
        /// Seconds until that attempt counts as lost, at least 1.
        retry_after_seconds: u64,
    },
    /// The client's address is not one of those that may deliver.
    SourceRefused,
    /// Too many deliveries from the client's address had no valid signature.
    RateLimited {
        /// Seconds until deliveries from there are looked at again, at least 1.
        retry_after_seconds: u64,
    },
    /// None of the signature headers is there.
    SignatureMissing,
    /// The signature header cannot be read.
    SignatureMalformed,
    /// The signature was not made over this body with one of our keys.
    SignatureMismatch,
    /// Authentic, but too old.
    TimestampExpired,
    /// Authentic, but from too far in the future.
    TimestampAhead,
    /// The body is longer than we read.
    BodyTooLarge,
    /// The path is known, the method is not.
    MethodNotAllowed {
        /// The methods that the path knows.
        allow: &'static str,
    },
    /// The path is unknown.
    NotFound,
    /// An operator's query makes no sense.
    QueryInvalid,
    /// The origin answered, and neither 2xx nor 5xx.
    OriginRejected,
    /// The origin answered 5xx.
    OriginFailed,
    /// The origin did not answer within its deadline. It may have acted all the same.
    OriginTimeout,
    /// The origin could not be reached, or broke the connection. It may have acted all the same.
    OriginUnreachable,
    /// The ledger could not be reached, or could not read or write.
    LedgerUnavailable,
    /// The settings are refused.
    Misconfigured,
    /// The worker itself failed, and nobody knows what was done.
    InternalError,
}

/// What became of the request to the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OriginResult {
    /// It answered with this status.
    Status(u16),
    /// It did not answer within the deadline.
    TimedOut,
    /// There was no connection, or it broke.
    Unreachable,
}

impl From<OriginResult> for Outcome {
    fn from(result: OriginResult) -> Self {
        match result {
            OriginResult::Status(200..=299) => Self::Forwarded,
            OriginResult::Status(500..=599) => Self::OriginFailed,
            // Redirects are not followed: the body was signed for one receiver.
            OriginResult::Status(_) => Self::OriginRejected,
            OriginResult::TimedOut => Self::OriginTimeout,
            OriginResult::Unreachable => Self::OriginUnreachable,
        }
    }
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error.code() {
            "signature_malformed" => Self::SignatureMalformed,
            "timestamp_expired" => Self::TimestampExpired,
            "timestamp_ahead" => Self::TimestampAhead,
            // A reason that a later verifier adds is a refusal as well.
            _ => Self::SignatureMismatch,
        }
    }
}

impl Outcome {
    /// All codes.
    pub(crate) const CODES: [&str; 22] = [
        "forwarded",
        "duplicate",
        "late_dropped",
        "in_flight",
        "source_refused",
        "rate_limited",
        "signature_missing",
        "signature_malformed",
        "signature_mismatch",
        "timestamp_expired",
        "timestamp_ahead",
        "body_too_large",
        "method_not_allowed",
        "not_found",
        "query_invalid",
        "origin_rejected",
        "origin_failed",
        "origin_timeout",
        "origin_unreachable",
        "ledger_unavailable",
        "misconfigured",
        "internal_error",
    ];

    /// Another attempt is under way, and its lease ends in `remaining_ms`.
    pub(crate) const fn in_flight(remaining_ms: u64) -> Self {
        Self::InFlight { retry_after_seconds: remaining_ms.div_ceil(1_000) }
    }

    /// Whether the delivery had no valid signature, as everything has that an outsider sends. One
    /// that is authentic but stale is none of these.
    pub(crate) const fn is_forgery(self) -> bool {
        matches!(self, Self::SignatureMissing | Self::SignatureMalformed | Self::SignatureMismatch)
    }

    /// The stable name of this outcome. A code never changes its meaning.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Duplicate => "duplicate",
            Self::LateDropped => "late_dropped",
            Self::InFlight { .. } => "in_flight",
            Self::SourceRefused => "source_refused",
            Self::RateLimited { .. } => "rate_limited",
            Self::SignatureMissing => "signature_missing",
            Self::SignatureMalformed => "signature_malformed",
            Self::SignatureMismatch => "signature_mismatch",
            Self::TimestampExpired => "timestamp_expired",
            Self::TimestampAhead => "timestamp_ahead",
            Self::BodyTooLarge => "body_too_large",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::QueryInvalid => "query_invalid",
            Self::OriginRejected => "origin_rejected",
            Self::OriginFailed => "origin_failed",
            Self::OriginTimeout => "origin_timeout",
            Self::OriginUnreachable => "origin_unreachable",
            Self::LedgerUnavailable => "ledger_unavailable",
            Self::Misconfigured => "misconfigured",
            Self::InternalError => "internal_error",
        }
    }

    /// The HTTP status.
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Forwarded | Self::Duplicate | Self::LateDropped => 200,
            Self::SignatureMissing | Self::SignatureMalformed | Self::QueryInvalid => 400,
            Self::SignatureMismatch | Self::TimestampExpired | Self::TimestampAhead => 401,
            Self::SourceRefused => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::InFlight { .. } => 409,
            Self::BodyTooLarge => 413,
            Self::RateLimited { .. } => 429,
            Self::Misconfigured | Self::InternalError => 500,
            Self::OriginRejected | Self::OriginFailed | Self::OriginUnreachable => 502,
            Self::LedgerUnavailable => 503,
            Self::OriginTimeout => 504,
        }
    }

    /// A sentence for whoever reads the answer. It tells nothing that the code does not.
    const fn message(self) -> &'static str {
        match self {
            Self::Forwarded => "The origin has the event.",
            Self::Duplicate => "The origin has had the event since an earlier delivery.",
            Self::LateDropped => "A newer event of the job was delivered before.",
            Self::InFlight { .. } => "Another delivery of this event is under way.",
            Self::SourceRefused => "Deliveries are not accepted from this address.",
            Self::RateLimited { .. } => "Too many deliveries without a valid signature.",
            Self::SignatureMissing => "The request has no signature header.",
            Self::SignatureMalformed => "The signature header cannot be read.",
            Self::SignatureMismatch => "The signature does not match the body.",
            Self::TimestampExpired => "The signature is too old.",
            Self::TimestampAhead => "The signature's timestamp is too far in the future.",
            Self::BodyTooLarge => "The body is too large.",
            Self::MethodNotAllowed { .. } => "The path does not take this method.",
            Self::NotFound => "There is nothing at this path.",
            Self::QueryInvalid => "The query makes no sense.",
            Self::OriginRejected => "The origin did not accept the event.",
            Self::OriginFailed => "The origin failed to handle the event.",
            Self::OriginTimeout => "The origin did not answer in time.",
            Self::OriginUnreachable => "The origin could not be reached.",
            Self::LedgerUnavailable => "The ledger of events could not be reached.",
            Self::Misconfigured => {
                "The worker's settings are refused; its health check names them."
            }
            Self::InternalError => "The worker failed.",
        }
    }

    /// The answer to the request.
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::Forwarded | Self::Duplicate | Self::LateDropped => Answer::ok(self.code()),
            _ => self.answer_saying(self.message()),
        }
    }

    /// The error answer of this outcome, with a message of its own.
    pub(crate) fn answer_saying(self, message: &str) -> Answer {
        let body = in_json(&Body::Error { code: self.code(), message });
        Answer { status: self.status(), extra_header: self.extra_header(), ..Answer::json(body) }
    }

    fn extra_header(self) -> Option<(&'static str, String)> {
        match self {
            Self::InFlight { retry_after_seconds } | Self::RateLimited { retry_after_seconds } => {
                Some(("retry-after", retry_after_seconds.max(1).to_string()))
            }
            Self::LedgerUnavailable => {
                Some(("retry-after", LEDGER_RETRY_AFTER_SECONDS.to_string()))
            }
            Self::MethodNotAllowed { allow } => Some(("allow", allow.to_owned())),
            _ => None,
        }
    }
}

/// An answer, still without the platform's types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// A header beside those that every answer has.
    pub(crate) extra_header: Option<(&'static str, String)>,
    /// What the body is.
    pub(crate) content_type: &'static str,
    /// The body.
    pub(crate) body: String,
}

impl Answer {
    /// A good end: `{"status":"…"}`.
    pub(crate) fn ok(status: &str) -> Self {
        Self::json(in_json(&Body::Status(status)))
    }

    /// A good end with a body of JSON.
    pub(crate) const fn json(body: String) -> Self {
        Self { status: 200, extra_header: None, content_type: "application/json", body }
    }
}

/// The body of an answer, in the provider's own shape.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Body<'a> {
    Status(&'a str),
    Error { code: &'static str, message: &'a str },
}

fn in_json(body: &Body<'_>) -> String {
    // Texts can always be written as JSON. Were that to change, the status would still be right.
    serde_json::to_string(body).unwrap_or_default()
}
