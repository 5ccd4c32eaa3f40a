//! What is decided on the way of one delivery. Pure; [`course`](crate::course) walks the way.
//!
//! 1. Method and path; the client's address; `Content-Length` over the cap is refused before
//!    reading. Then the body is read, once, never more than the cap.
//! 2. The signature header is parsed: bounded, no allocation.
//! 3. One MAC per active key over `t` + `.` + body, and freshness, in one constant-time verdict.
//!    Only an authentic delivery learns that it was stale.
//! 4. Id, type and job are read from the signed bytes; they give the event key.
//! 5. `claim` in the ledger. Nothing is stored, and no object is called, before the signature holds.
//! 6. The same bytes go to the one configured origin, with a deadline.
//! 7. Origin 2xx: `commit`. Anything else: `release`, and a non-2xx to the provider, so that its
//!    retry comes.
//!
//! | step | ends the way with |
//! | --- | --- |
//! | 1, path | `not_found`, `method_not_allowed` |
//! | 1 | `misconfigured`, `source_refused`, `rate_limited`, `body_too_large`, `signature_missing` |
//! | 2 | `signature_malformed` |
//! | 3 | `signature_mismatch`, `timestamp_expired`, `timestamp_ahead` |
//! | 4 | nothing: an authentic event is forwarded whether we can read it or not |
//! | 5 | `duplicate`, `late_dropped`, `in_flight`, `ledger_unavailable` |
//! | 7 | `forwarded`, or `origin_rejected`, `origin_failed`, `origin_timeout`, `origin_unreachable` |

#[cfg(test)]
mod tests;

use core::net::IpAddr;

use nextapi_webhook::{Error, Event, EventError, EventKey, UnixTime};

use crate::client_address;
use crate::ledger::entry::{Facts, Token};
use crate::ledger::message::{Answer, Call, Unanswered};
use crate::ledger::order::Order;
use crate::operator;
use crate::outcome::Outcome;
use crate::record::Settlement;
use crate::settings::{HEALTH_PATH, Settings};
use crate::tally::Tally;

/// Pauses before a commit is tried again, in milliseconds. Each is made up to twice as long at
/// random. The calls themselves are bounded as well, so that the whole ends within the time that the
/// platform gives to work that outlives its request.
const COMMIT_PAUSES_MS: [u32; 3] = [50, 150, 450];

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The health check.
    Health,
    /// A path for operators, or one that could be.
    Operator,
    /// A delivery.
    Delivery,
    /// Nowhere.
    Nowhere(Outcome),
}

/// Step 1: method and path. While the settings are refused `webhook_path` may be unknown; then every
/// path may be the webhook's, and a delivery must learn that the settings are at fault.
pub(crate) fn route(method: &str, path: &str, webhook_path: Option<&str>) -> Route {
    let refused = |allow| Route::Nowhere(Outcome::MethodNotAllowed { allow });
    if path == HEALTH_PATH {
        return if matches!(method, "GET" | "HEAD") { Route::Health } else { refused("GET, HEAD") };
    }
    if operator::is_operators(path) {
        return Route::Operator;
    }
    if webhook_path.is_some_and(|webhook_path| webhook_path != path) {
        return Route::Nowhere(Outcome::NotFound);
    }
    if method == "POST" { Route::Delivery } else { refused("POST") }
}

/// Step 1: the body's length, in bytes, as `Content-Length` declares it. One that is missing or makes no
/// sense declares none; what is read is counted then.
pub(crate) fn declared_length(content_length: Option<&str>) -> Option<u64> {
    let length = content_length?.trim();
    let is_number = length.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| length.parse().ok()).flatten()
}

/// Step 1: whether a delivery from this address is looked at at all. `refused_seconds` is for how
/// long the rate limiter's no still stands.
pub(crate) fn admit(
    settings: &Settings,
    address: Option<IpAddr>,
    refused_seconds: Option<u64>,
) -> Result<(), Outcome> {
    if !client_address::is_accepted(settings.source_networks.as_deref(), address) {
        return Err(Outcome::SourceRefused);
    }
    match refused_seconds {
        Some(retry_after_seconds) => Err(Outcome::RateLimited { retry_after_seconds }),
        None => Ok(()),
    }
}

/// A delivery whose signature holds.
#[derive(Clone, Debug)]
pub(crate) struct Authentic {
    /// Which key matched; 0 is the newest.
    pub(crate) key_index: usize,
    /// How old the signature was; negative if it was ahead of the clock.
    pub(crate) age_seconds: i64,
    /// What the body says, or why it cannot be read.
    pub(crate) event: Result<Event, EventError>,
    /// The name of the event, equal for all its deliveries.
    pub(crate) key: EventKey,
}

/// Steps 2 to 4: from a signature header and a body to an event with a name.
pub(crate) fn authenticate(
    settings: &Settings,
    header: &str,
    body: &[u8],
    now: UnixTime,
) -> Result<Authentic, Error> {
    // 2. and 3.
    let verified = settings.verifier.verify(header, body, now)?;
    // 4.
    let event = Event::read(body);
    let key = event.as_ref().ok().and_then(Event::key);
    Ok(Authentic {
        key_index: verified.key_index(),
        age_seconds: verified.age_secs(),
        key: key.unwrap_or_else(|| EventKey::of_body(body)),
        event,
    })
}

/// How old a signature was that holds and is refused for its age; negative if it was ahead.
pub(crate) fn refused_age_seconds(error: Error) -> Option<i64> {
    let limited = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    match error {
        Error::TimestampExpired { age, .. } => Some(limited(age)),
        Error::TimestampAhead { ahead, .. } => Some(limited(ahead).saturating_neg()),
        _ => None,
    }
}

impl Authentic {
    /// The job's id, if it can be read.
    pub(crate) fn job_id(&self) -> Option<&str> {
        self.event.as_ref().ok().and_then(Event::job_id)
    }

    /// What the event is, as far as it can be read.
    pub(crate) fn facts(&self) -> Facts {
        self.event.as_ref().map_or_else(
            |_| Facts::default(),
            |event| Facts {
                event_id: event.id().map(str::to_owned),
                event_type: event.event_type().or(event.status()).map(str::to_owned),
                job_id: event.job_id().map(str::to_owned),
            },
        )
    }

    /// Step 5: the call that asks for the right to forward the event.
    pub(crate) fn claim(&self) -> Call {
        Call::Claim { key: self.key.to_string(), facts: self.facts() }
    }

    /// Step 7: the call that tells the ledger how the attempt ended, and what was counted since the
    /// last time.
    pub(crate) fn settle(&self, token: Token, outcome: Outcome, tally: Tally) -> Call {
        let key = self.key.to_string();
        match outcome {
            Outcome::Forwarded => Call::Commit { key, token, tally },
            _ => Call::Release { key, token, outcome: outcome.code().to_owned(), tally },
        }
    }
}

/// Step 5: what the answer to a claim means. Without a sound answer nothing is forwarded.
pub(crate) fn granted(answer: &Result<Answer, Unanswered>) -> Result<(Token, Order), Outcome> {
    match *answer {
        Ok(Answer::Granted { token, order }) => Ok((token, order)),
        Ok(Answer::Duplicate) => Err(Outcome::Duplicate),
        Ok(Answer::LateDropped) => Err(Outcome::LateDropped),
        Ok(Answer::InFlight { remaining_ms }) => Err(Outcome::in_flight(remaining_ms)),
        _ => Err(Outcome::LedgerUnavailable),
    }
}

/// Step 7: what has become of the claim.
///
/// This never changes the outcome. The provider asks whether the origin has the event, and the
/// origin's answer has said so: to answer a non-2xx because the ledger could not be told would bring
/// the event a second time for certain, instead of perhaps.
pub(crate) fn settlement(outcome: Outcome, answer: &Result<Answer, Unanswered>) -> Settlement {
    match (outcome, answer) {
        (Outcome::Forwarded, Ok(Answer::Ok)) => Settlement::Committed,
        (Outcome::Forwarded, Ok(Answer::Refused)) => Settlement::CommitRefused,
        (Outcome::Forwarded, _) => Settlement::CommitFailed,
        (_, Ok(Answer::Ok)) => Settlement::Released,
        (_, Ok(Answer::Refused)) => Settlement::ReleaseRefused,
        _ => Settlement::ReleaseFailed,
    }
}

/// Step 7: how long to wait before a settlement is tried again after `tries`, or `None` if it was
/// the last try. `random` spreads the tries of many deliveries.
///
/// Only a commit is repeated: a release that got lost costs no more than the rest of the lease. And
/// it is not repeated to an object that has too much to do already.
pub(crate) fn pause_before_retry_ms(
    settlement: Settlement,
    is_overloaded: bool,
    tries: usize,
    random: u8,
) -> Option<u32> {
    if settlement != Settlement::CommitFailed || is_overloaded {
        return None;
    }
    let pause_ms = *COMMIT_PAUSES_MS.get(tries.checked_sub(1)?)?;
    let extra_ms = pause_ms.saturating_mul(u32::from(random)) >> u8::BITS;
    Some(pause_ms.saturating_add(extra_ms))
}
