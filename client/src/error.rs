//! Why an operation ended without a result.

use alloc::boxed::Box;
use core::fmt;

use crate::Millis;

/// What went wrong: a closed list to count failures by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// No connection could be made.
    NotSent,
    /// The answer did not come in time.
    TimedOut,
    /// The connection broke.
    Broken,
    /// The answer is too large.
    TooLarge,
    /// The answer is not what the provider documents.
    Unreadable,
    /// The provider answered with a redirect, which is never followed.
    Redirected,
    /// The provider does not accept the request.
    InvalidRequest,
    /// The API key is not known, or belongs to the other environment.
    Unauthorized,
    /// The API key may not do this.
    Forbidden,
    /// The account has too few credits.
    InsufficientCredits,
    /// There is no such job.
    NotFound,
    /// The idempotency key was used for another request, or the first one is still under way.
    Conflict,
    /// The limit on requests is used up.
    RateLimited,
    /// The provider cannot answer now.
    Unavailable,
    /// The provider failed.
    InternalError,
    /// The first request is so old that the provider may have forgotten its idempotency key.
    KeyExpired,
    /// The request was sent under another API key before, for which idempotency keys are others.
    OtherApiKey,
    /// Another body was sent under this idempotency key before.
    OtherBody,
    /// The job stays in a status that this version does not know.
    UnknownStatus,
    /// The job has succeeded, and stays without a URL.
    NoUrl,
    /// The job has not changed for too long.
    Stalled,
    /// The job is not over in the time that was given to it.
    NotOver,
    /// The operation had ended before.
    Finished,
}

impl ErrorKind {
    /// A short name, for records and counters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.words().0
    }

    /// The short name, and a sentence for a person.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotSent => ("not_sent", "no connection to the provider could be made"),
            Self::TimedOut => ("timed_out", "the provider's answer did not come in time"),
            Self::Broken => ("broken", "the connection to the provider broke"),
            Self::TooLarge => ("too_large", "the provider's answer is too large"),
            Self::Unreadable => ("unreadable", "the provider's answer is not what it documents"),
            Self::Redirected => {
                ("redirected", "the provider answered with a redirect, which is not followed")
            }
            Self::InvalidRequest => ("invalid_request", "the provider does not accept the request"),
            Self::Unauthorized => ("unauthorized", "the provider does not accept the API key"),
            Self::Forbidden => ("forbidden", "the API key may not do this"),
            Self::InsufficientCredits => {
                ("insufficient_credits", "the account has too few credits")
            }
            Self::NotFound => ("not_found", "the provider knows no such job"),
            Self::Conflict => ("conflict", "the idempotency key is in use for another request"),
            Self::RateLimited => ("rate_limited", "the API key's limit on requests is used up"),
            Self::Unavailable => ("unavailable", "the provider cannot answer now"),
            Self::InternalError => ("internal_error", "the provider failed"),
            Self::KeyExpired => {
                ("key_expired", "the idempotency key is too old for another attempt")
            }
            Self::OtherApiKey => {
                ("other_api_key", "the request was sent under another API key before")
            }
            Self::OtherBody => {
                ("other_body", "another body was sent under this idempotency key before")
            }
            Self::UnknownStatus => {
                ("unknown_status", "the job is in a status that is not known here")
            }
            Self::NoUrl => ("no_url", "the job has succeeded, but there is no URL of its video"),
            Self::Stalled => ("stalled", "the job has not changed for too long"),
            Self::NotOver => ("not_over", "the job is not over in the time given to it"),
            Self::Finished => ("finished", "the operation had ended before"),
        }
    }
}

/// What an error says about the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// It was refused, and did nothing. The same request will be refused again.
    Refused,
    /// It did nothing, and will not until somebody acts: on credentials, on credits.
    Blocked,
    /// A limit was reached before there was an answer. A submission did nothing; it may be tried again later.
    Exhausted,
    /// Nobody knows whether it did anything. A submission must not be repeated under another key before a
    /// person has looked at the list of jobs.
    Unknown,
}

/// The limit that an operation has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cap {
    /// [`RetryConfig::max_attempts`](crate::RetryConfig::max_attempts).
    Attempts,
    /// [`RetryConfig::operation_timeout`](crate::RetryConfig::operation_timeout).
    Time,
    /// The provider asks for a longer wait than
    /// [`RetryConfig::max_server_delay`](crate::RetryConfig::max_server_delay).
    ServerDelay,
    /// The API key's [retry quota](crate::KeyLimits).
    Quota,
    /// The caller's [`Veto`](crate::Veto).
    Veto,
}

impl Cap {
    const fn words(self) -> &'static str {
        match self {
            Self::Attempts => "no attempts are left",
            Self::Time => "no time is left",
            Self::ServerDelay => "the provider asks for a longer wait than is allowed",
            Self::Quota => "the retry quota of the API key is used up",
            Self::Veto => "another attempt was forbidden",
        }
    }
}

/// Why an operation ended without a result. Its text says it to a person in one sentence. Neither text nor
/// `Debug` holds a key, a prompt, a URL or what the provider says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// What it says about the request.
    pub disposition: Disposition,
    /// What went wrong last.
    pub kind: ErrorKind,
    /// The limit that was reached, if the last attempt could have been repeated.
    pub cap: Option<Cap>,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// How many requests were sent, those before a crash included.
    pub attempts: u32,
    /// When the provider would take requests again, if it has said so and that is too late.
    pub retry_at: Option<Millis>,
    provider_message: Option<Box<str>>,
}

/// Of what the provider says, this many bytes are kept at most.
const MAX_MESSAGE_BYTES: usize = 1_000;

impl Error {
    pub(crate) const fn new(disposition: Disposition, kind: ErrorKind) -> Self {
        Self {
            disposition,
            kind,
            cap: None,
            status: None,
            attempts: 0,
            retry_at: None,
            provider_message: None,
        }
    }

    pub(crate) fn says(&mut self, message: Option<Box<str>>) {
        self.provider_message =
            message.map(|text| match text.floor_char_boundary(MAX_MESSAGE_BYTES) {
                end if end < text.len() => text.get(..end).unwrap_or_default().into(),
                _ => text,
            });
    }

    /// What the provider says in its last answer, its first 1,000 bytes. It may repeat what was sent, a prompt for
    /// one, so it is for a person's eyes and no log.
    #[must_use]
    pub fn provider_message(&self) -> Option<&str> {
        self.provider_message.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.disposition {
            Disposition::Refused => "refused",
            Disposition::Blocked => "blocked",
            Disposition::Exhausted => "given up",
            Disposition::Unknown => "outcome unknown",
        })?;
        write!(f, ": {}", self.kind.words().1)?;
        if let Some(status) = self.status {
            write!(f, " (HTTP {status})")?;
        }
        if let Some(cap) = self.cap {
            write!(f, "; {}", cap.words())?;
        }
        match self.attempts {
            0 => Ok(()),
            1 => f.write_str("; 1 request was sent"),
            many => write!(f, "; {many} requests were sent"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("disposition", &self.disposition)
            .field("kind", &self.kind)
            .field("cap", &self.cap)
            .field("status", &self.status)
            .field("attempts", &self.attempts)
            .field("retry_at", &self.retry_at)
            .finish_non_exhaustive()
    }
}

impl core::error::Error for Error {}
