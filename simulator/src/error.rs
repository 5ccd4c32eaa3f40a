//! What the API answers when it refuses.

use core::fmt;

use http::StatusCode;
use serde_json::{Value, json};

/// The documented error codes; the list is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    InvalidRequest,
    Unauthorized,
    RateLimitExceeded,
    InsufficientCredits,
    InternalError,
}

impl ErrorCode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unauthorized => "unauthorized",
            Self::RateLimitExceeded => "rate_limit_exceeded",
            Self::InsufficientCredits => "insufficient_credits",
            Self::InternalError => "internal_error",
        }
    }
}

/// A refusal: status, code, and a message for a person, which never repeats what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl ApiError {
    fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::invalid_with(StatusCode::BAD_REQUEST, message)
    }

    /// `invalid_request` under a status that says more than 400 does. The documentation has no
    /// codes of its own for what is not found, in conflict, or too large.
    pub(crate) fn invalid_with(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, ErrorCode::InvalidRequest, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::invalid_with(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, message)
    }

    pub(crate) fn rate_limited() -> Self {
        let message = "too many requests in this minute; X-RateLimit-Reset says when to go on";
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimitExceeded, message)
    }

    pub(crate) fn insufficient_credits(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, ErrorCode::InsufficientCredits, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::InternalError, message)
    }

    /// No ids can be made.
    pub(crate) fn no_luck() -> Self {
        Self::internal("the system's random generator failed")
    }

    /// A server error that is a fault on purpose.
    pub(crate) fn on_purpose(status: StatusCode) -> Self {
        Self::new(status, ErrorCode::InternalError, "something went wrong, on purpose")
    }

    pub(crate) fn body(&self) -> Value {
        json!({ "error": { "code": self.code.as_str(), "message": self.message } })
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.code.as_str(), self.message)
    }
}
