//! How a delivery can end, and the answer that each end gets.
//!
//! The list is closed: its codes are what answers say, what log lines say and what is counted. The
//! provider counts any 2xx as delivered and repeats on anything else, so 2xx stands only for events
//! that the origin has or that are on disk, and for late ones that the settings keep from it.

#[cfg(test)]
mod tests;

use nextapi_webhook::Error;

use crate::response::Response;

/// Seconds after which a delivery may be tried again when the ledger could not be reached.
const LEDGER_RETRY_AFTER_SECONDS: u64 = 5;

/// Seconds after which a delivery may be tried again while an admin has paused deliveries.
const PAUSED_RETRY_AFTER_SECONDS: u64 = 60;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    /// The event is on disk, and the edge delivers it.
    Accepted,
    /// The origin has the event: it answered 2xx.
    Forwarded,
    /// The origin has had the event since an earlier delivery, or it is on disk.
    Duplicate,
    /// The event came after a newer one of its job, and the settings want such events dropped.
    LateDropped,
    /// Another delivery of the same event is being forwarded, and its outcome is still unknown.
    InFlight {
        /// Seconds until that attempt counts as lost, at least 1.
        retry_after_seconds: u64,
    },
    /// A request for admins came with a bearer token that is none of ours. It is counted and logged under this code,
    /// and answered like a path that is not there.
    TokenRefused,
    /// The role of an admin's token is not enough.
    Forbidden,
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
    /// The body is longer than `MAX_BODY_BYTES`.
    BodyTooLarge,
    /// The body was not there in time.
    BodyTimeout,
    /// The connection broke within the body.
    BodyCut,
    /// The path is known, the method is not.
    MethodNotAllowed {
        /// The methods that the path knows.
        allow: &'static str,
    },
    /// The path is unknown.
    NotFound,
    /// An admin's query is malformed.
    QueryInvalid,
    /// The body of an admin's request is malformed.
    RequestInvalid,
    /// Jobs are not kept by these settings.
    JobsNotKept,
    /// A bulk replay cannot be started, or has ended.
    ReplayRefused,
    /// An admin wants a delivery of an event that the edge delivers itself.
    StillOwed,
    /// The origin answered, and neither 2xx nor 5xx.
    OriginRejected,
    /// The origin answered 5xx.
    OriginFailed,
    /// The origin did not answer within its deadline. It may have acted all the same.
    OriginTimeout,
    /// The origin could not be reached, or broke the connection. It may have acted all the same.
    OriginUnreachable,
    /// An admin has paused deliveries.
    Paused,
    /// An admin wants an event delivered anew, and its bytes are not kept any more.
    BodyGone,
    /// The ledger could not be reached, or could not read or write.
    LedgerUnavailable,
    /// The settings are refused.
    Misconfigured,
    /// The worker itself failed, and what it had done is unknown.
    InternalError,
}

/// What became of the request to the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OriginResult {
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
        match error {
            Error::HeaderTooLong { .. }
            | Error::TimestampMissing
            | Error::TimestampRepeated
            | Error::TimestampInvalid
            | Error::SignatureMissing
            | Error::TooManySignatures => Self::SignatureMalformed,
            Error::TimestampExpired { .. } => Self::TimestampExpired,
            Error::TimestampAhead { .. } => Self::TimestampAhead,
            // A reason that a later verifier adds is a refusal as well.
            _ => Self::SignatureMismatch,
        }
    }
}

impl Outcome {
    /// All codes.
    pub(crate) const CODES: [&str; 33] = [
        "accepted",
        "forwarded",
        "duplicate",
        "late_dropped",
        "in_flight",
        "token_refused",
        "forbidden",
        "source_refused",
        "rate_limited",
        "signature_missing",
        "signature_malformed",
        "signature_mismatch",
        "timestamp_expired",
        "timestamp_ahead",
        "body_too_large",
        "body_timeout",
        "body_cut",
        "method_not_allowed",
        "not_found",
        "query_invalid",
        "request_invalid",
        "jobs_not_kept",
        "replay_refused",
        "still_owed",
        "origin_rejected",
        "origin_failed",
        "origin_timeout",
        "origin_unreachable",
        "paused",
        "body_gone",
        "ledger_unavailable",
        "misconfigured",
        "internal_error",
    ];

    /// The outcomes that an attempt can have.
    pub(crate) const OF_ATTEMPTS: [Self; 5] = [
        Self::Forwarded,
        Self::OriginRejected,
        Self::OriginFailed,
        Self::OriginTimeout,
        Self::OriginUnreachable,
    ];

    /// Another attempt is under way, and its lease ends in `remaining_ms`.
    pub(crate) const fn in_flight(remaining_ms: u64) -> Self {
        Self::InFlight { retry_after_seconds: remaining_ms.div_ceil(1_000) }
    }

    /// Whether it is none that was asked for: the provider is told to come again, or the attempt has failed.
    pub(crate) const fn is_failure(self) -> bool {
        self.description().0 >= 300
    }

    /// Whether the delivery had no valid signature, as is true of everything an outsider sends. An
    /// authentic but stale delivery is not a forgery.
    pub(crate) const fn is_forgery(self) -> bool {
        matches!(self, Self::SignatureMissing | Self::SignatureMalformed | Self::SignatureMismatch)
    }

    /// HTTP status, code, and a sentence for whoever reads the response. A code never changes its
    /// meaning, and the sentence tells nothing that the code does not.
    const fn description(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Accepted => (200, "accepted", "The event is stored and will be delivered."),
            Self::Forwarded => (200, "forwarded", "The origin has the event."),
            Self::Duplicate => (200, "duplicate", "The event is known already."),
            Self::LateDropped => (200, "late_dropped", "A newer event of the job came before."),
            Self::InFlight { .. } => {
                (409, "in_flight", "Another delivery of this event is under way.")
            }
            // Nobody learns that there is a token to guess.
            Self::TokenRefused => (404, "token_refused", Self::NotFound.description().2),
            Self::Forbidden => (403, "forbidden", "The role of this token is not enough."),
            Self::SourceRefused => {
                (403, "source_refused", "Deliveries are not accepted from this address.")
            }
            Self::RateLimited { .. } => {
                (429, "rate_limited", "Too many deliveries without a valid signature.")
            }
            Self::SignatureMissing => {
                (400, "signature_missing", "The request has no signature header.")
            }
            Self::SignatureMalformed => {
                (400, "signature_malformed", "The signature header is malformed.")
            }
            Self::SignatureMismatch => {
                (401, "signature_mismatch", "The signature does not match the body.")
            }
            Self::TimestampExpired => (401, "timestamp_expired", "The signature is too old."),
            Self::TimestampAhead => {
                (401, "timestamp_ahead", "The signature's timestamp is too far in the future.")
            }
            Self::BodyTooLarge => (413, "body_too_large", "The body is too large."),
            Self::BodyTimeout => (408, "body_timeout", "The body did not arrive in time."),
            Self::BodyCut => (400, "body_cut", "The connection broke before the body's end."),
            Self::MethodNotAllowed { .. } => {
                (405, "method_not_allowed", "This path does not support the method.")
            }
            Self::NotFound => (404, "not_found", "There is nothing at this path."),
            Self::QueryInvalid => (400, "query_invalid", "The query is malformed."),
            Self::RequestInvalid => {
                (400, "request_invalid", "The body of the request is malformed.")
            }
            Self::JobsNotKept => (
                409,
                "jobs_not_kept",
                "Jobs are not kept: set NEXTAPI_API_KEY, or SUBMIT_TOKEN to have them registered only.",
            ),
            Self::ReplayRefused => (409, "replay_refused", "The replay has ended."),
            Self::StillOwed => (409, "still_owed", "The edge delivers this event itself."),
            Self::OriginRejected => {
                (502, "origin_rejected", "The origin did not accept the event.")
            }
            Self::OriginFailed => (502, "origin_failed", "The origin failed to handle the event."),
            Self::OriginTimeout => (504, "origin_timeout", "The origin did not answer in time."),
            Self::OriginUnreachable => {
                (502, "origin_unreachable", "The origin could not be reached.")
            }
            Self::Paused => (503, "paused", "Deliveries are paused."),
            Self::BodyGone => (409, "body_gone", "The bytes of this event are not kept any more."),
            Self::LedgerUnavailable => {
                (503, "ledger_unavailable", "The ledger of events could not be reached.")
            }
            Self::Misconfigured => {
                (500, "misconfigured", "The settings are refused; the health check names them.")
            }
            Self::InternalError => (500, "internal_error", "The worker failed."),
        }
    }

    /// The stable name of this outcome.
    pub(crate) const fn code(self) -> &'static str {
        self.description().1
    }

    /// The HTTP status.
    pub(crate) const fn status(self) -> u16 {
        self.description().0
    }

    /// The response to the request.
    pub(crate) fn response(self) -> Response {
        if self == Self::TokenRefused {
            return Self::NotFound.response();
        }
        let (status, code, message) = self.description();
        if status == 200 { Response::status(code) } else { self.response_saying(message) }
    }

    /// The error response of this outcome, with a message of its own.
    pub(crate) fn response_saying(self, message: &str) -> Response {
        let (status, code, _) = self.description();
        let response = Response::error(status, code, message);
        match self {
            Self::InFlight { retry_after_seconds } | Self::RateLimited { retry_after_seconds } => {
                response.with_header("retry-after", retry_after_seconds.max(1).to_string())
            }
            Self::Paused => {
                response.with_header("retry-after", PAUSED_RETRY_AFTER_SECONDS.to_string())
            }
            Self::LedgerUnavailable => {
                response.with_header("retry-after", LEDGER_RETRY_AFTER_SECONDS.to_string())
            }
            Self::MethodNotAllowed { allow } => response.with_header("allow", allow.to_owned()),
            _ => response,
        }
    }
}
