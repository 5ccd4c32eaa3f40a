//! How one attempt ended.

use crate::json::Object;
use crate::{HttpResponse, Millis, RateLimit, TransportError};

/// The documented error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// `invalid_request`
    InvalidRequest,
    /// `unauthorized`
    Unauthorized,
    /// `rate_limit_exceeded`
    RateLimitExceeded,
    /// `insufficient_credits`
    InsufficientCredits,
    /// `internal_error`
    InternalError,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::InvalidRequest,
        Self::Unauthorized,
        Self::RateLimitExceeded,
        Self::InsufficientCredits,
        Self::InternalError,
    ];

    /// As it stands in a body.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unauthorized => "unauthorized",
            Self::RateLimitExceeded => "rate_limit_exceeded",
            Self::InsufficientCredits => "insufficient_credits",
            Self::InternalError => "internal_error",
        }
    }

    /// The code in the body of an answer: `{"error":{"code":…}}`. `None` if there is none that is documented:
    /// then the status alone counts.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let code = Object::read(body)?.object("error")?.text("code")?;
        Self::ALL.into_iter().find(|it| *it.as_str() == *code)
    }
}

/// How one attempt ended: what [`classify`](crate::classify) judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Without a whole answer.
    Transport(TransportError),
    /// With an answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The error's code, if it is a documented one.
        code: Option<ErrorCode>,
        /// Whether the body is what was asked for. Of a status other than 2xx it does not count.
        readable: bool,
        /// What the headers say about when to go on.
        limit: RateLimit,
    },
}

impl Outcome {
    /// Reads an answer that came `now`, of which the caller knows whether the body is what was asked for.
    #[must_use]
    pub fn of(response: &HttpResponse<'_>, readable: bool, now: Millis) -> Self {
        // The body of a job that has failed has an `error`, too: the job's.
        let code = if readable { None } else { ErrorCode::read(response.body) };
        Self::Answer {
            status: response.status,
            code,
            readable,
            limit: RateLimit::read(response, now),
        }
    }

    /// The HTTP status, if there was an answer.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Transport(_) => None,
            Self::Answer { status, .. } => Some(*status),
        }
    }
}
