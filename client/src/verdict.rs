//! What an attempt's outcome means: the one table that every operation goes by.

use crate::{ErrorCode, ErrorKind, Millis, Outcome, TransportError};

/// Which operation is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// A submission: the only one that costs something.
    Submit,
    /// A look at one job.
    Retrieve {
        /// Whether the provider has known this id before: then 404 may be a replica that lags behind.
        seen: bool,
    },
    /// A page of the list.
    List,
}

/// What an outcome means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is what was asked for.
    Success,
    /// The same request may be sent again, the same bytes under the same key.
    Retry {
        /// What went wrong.
        kind: ErrorKind,
        /// Not earlier than this, whatever the backoff says.
        not_before: Option<Millis>,
    },
    /// The request was refused.
    Refused(ErrorKind),
    /// It will not succeed until somebody acts.
    Blocked(ErrorKind),
    /// Nobody knows whether a submission did anything, and another attempt would not tell.
    Unknown(ErrorKind),
}

/// What the attempts before have left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// Whether one of them may have been acted on: its answer is missing or cannot be read, or was 5xx, 408 or
    /// 425.
    pub maybe_sent: bool,
    /// How many answers were 404.
    pub not_found: u8,
    /// How many answers were 409.
    pub conflicts: u8,
    /// How many answers up to the last were 500, without another one between them.
    pub internal_errors: u8,
}

/// After so many answers alike, another one would not tell more: 404 for a job that was known, 409 after a
/// request that may have been acted on, 500 for a submission, which may be the stored answer of the first.
const ALIKE: u8 = 3;
/// How long a replica may lag behind: three looks take that long three times, with a backoff about a minute.
const NOT_FOUND_WAIT: Millis = 20_000;
/// How long the first request may still be under way.
const CONFLICT_WAIT: Millis = 5_000;

impl History {
    /// Takes an outcome in.
    pub const fn note(&mut self, outcome: &Outcome) {
        let mut internal_errors = 0;
        match *outcome {
            Outcome::Transport(TransportError::NotSent) => internal_errors = self.internal_errors,
            Outcome::Transport(_) => self.maybe_sent = true,
            Outcome::Answer { status, readable, .. } => match status {
                404 => self.not_found = self.not_found.saturating_add(1),
                409 => self.conflicts = self.conflicts.saturating_add(1),
                500 => {
                    internal_errors = self.internal_errors.saturating_add(1);
                    self.maybe_sent = true;
                }
                200..=299 if readable => {}
                300..=407 | 410..=424 | 426..=499 => {}
                _ => self.maybe_sent = true,
            },
        }
        self.internal_errors = internal_errors;
    }
}

/// Judges an outcome that came `now`. `history` is that of the attempts *before*.
///
/// Where status and error code disagree, the stricter one counts. What refuses or blocks a submission refuses
/// this attempt only: if an earlier one may have been acted on, nobody knows what came of that.
#[must_use]
pub fn classify(call: Call, history: &History, outcome: &Outcome, now: Millis) -> Verdict {
    let (status, code, readable, limit) = match *outcome {
        Outcome::Transport(error) => {
            let kind = match error {
                TransportError::NotSent => ErrorKind::NotSent,
                TransportError::TimedOut => ErrorKind::TimedOut,
                TransportError::Broken => ErrorKind::Broken,
                TransportError::TooLarge => ErrorKind::TooLarge,
            };
            return Verdict::Retry { kind, not_before: None };
        }
        Outcome::Answer { status, code, readable, limit } => (status, code, readable, limit),
    };
    let mut verdict = by_status(call, *history, status, readable);
    if let Some(by_code) = code.and_then(|code| by_code(code, status))
        && strictness(&by_code) > strictness(&verdict)
    {
        verdict = by_code;
    }
    match verdict {
        Verdict::Refused(kind) | Verdict::Blocked(kind)
            if call == Call::Submit && history.maybe_sent =>
        {
            Verdict::Unknown(kind)
        }
        Verdict::Retry { kind, .. } => {
            let asked =
                if kind == ErrorKind::RateLimited { limit.wait() } else { limit.retry_after };
            let own = match kind {
                ErrorKind::NotFound => Some(NOT_FOUND_WAIT),
                ErrorKind::Conflict => Some(CONFLICT_WAIT),
                _ => None,
            };
            Verdict::Retry { kind, not_before: asked.max(own).map(|wait| now.saturating_add(wait)) }
        }
        verdict => verdict,
    }
}

const fn by_status(call: Call, history: History, status: u16, readable: bool) -> Verdict {
    match status {
        200..=299 if readable => Verdict::Success,
        300..=399 => Verdict::Refused(ErrorKind::Redirected),
        401 => Verdict::Blocked(ErrorKind::Unauthorized),
        402 => Verdict::Blocked(ErrorKind::InsufficientCredits),
        403 => Verdict::Blocked(ErrorKind::Forbidden),
        404 => match call {
            Call::Retrieve { seen: true } if again(history.not_found) => retry(ErrorKind::NotFound),
            Call::Retrieve { seen: true } => Verdict::Blocked(ErrorKind::NotFound),
            _ => Verdict::Refused(ErrorKind::NotFound),
        },
        409 => match call {
            Call::Submit if history.maybe_sent && again(history.conflicts) => {
                retry(ErrorKind::Conflict)
            }
            _ => Verdict::Refused(ErrorKind::Conflict),
        },
        408 | 425 | 501..=599 => retry(ErrorKind::Unavailable),
        429 => retry(ErrorKind::RateLimited),
        400..=499 => Verdict::Refused(ErrorKind::InvalidRequest),
        500 => match call {
            Call::Submit if !again(history.internal_errors) => {
                Verdict::Unknown(ErrorKind::InternalError)
            }
            _ => retry(ErrorKind::InternalError),
        },
        _ => retry(ErrorKind::Unreadable),
    }
}

/// What a code says by itself. `invalid_request` says nothing new beside 404 and 409, for which the provider has
/// no codes of their own.
const fn by_code(code: ErrorCode, status: u16) -> Option<Verdict> {
    match code {
        ErrorCode::InvalidRequest if status == 404 || status == 409 => None,
        ErrorCode::InvalidRequest => Some(Verdict::Refused(ErrorKind::InvalidRequest)),
        ErrorCode::Unauthorized => Some(Verdict::Blocked(ErrorKind::Unauthorized)),
        ErrorCode::InsufficientCredits => Some(Verdict::Blocked(ErrorKind::InsufficientCredits)),
        ErrorCode::RateLimitExceeded => Some(retry(ErrorKind::RateLimited)),
        ErrorCode::InternalError => Some(retry(ErrorKind::InternalError)),
    }
}

/// Whether an answer may be followed by another attempt, with so many like it before.
const fn again(before: u8) -> bool {
    before < ALIKE.saturating_sub(1)
}

const fn retry(kind: ErrorKind) -> Verdict {
    Verdict::Retry { kind, not_before: None }
}

const fn strictness(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Success => 0,
        Verdict::Retry { .. } => 1,
        Verdict::Refused(_) => 2,
        // 403 with `insufficient_credits` is about credits.
        Verdict::Blocked(ErrorKind::InsufficientCredits) => 4,
        Verdict::Blocked(_) => 3,
        Verdict::Unknown(_) => 5,
    }
}
