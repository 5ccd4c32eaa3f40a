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

#[cfg(test)]
mod tests {
    use nextapi_webhook::Key;

    use super::*;
    use crate::settings::tests::{SECRET, settings_with};

    const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded","data":{"job_id":"job_1"}}"#;
    const SIGNED_AT: u64 = 1_700_000_000;

    fn header(secret: &str, body: &[u8]) -> String {
        let key = Key::new(secret.as_bytes()).unwrap();
        key.sign(UnixTime::from_secs(SIGNED_AT), body).to_string()
    }

    fn authenticated(header: &str, body: &[u8], now: u64) -> Result<Authentic, Outcome> {
        authenticate(&settings_with(&[]), header, body, UnixTime::from_secs(now))
            .map_err(Outcome::from)
    }

    #[test]
    fn routes() {
        let refused = |allow| Route::Nowhere(Outcome::MethodNotAllowed { allow });
        for (method, path, expected) in [
            ("POST", "/webhook", Route::Delivery),
            ("GET", "/webhook", refused("POST")),
            ("HEAD", "/webhook", refused("POST")),
            ("OPTIONS", "/webhook", refused("POST")),
            ("GET", "/healthz", Route::Health),
            ("HEAD", "/healthz", Route::Health),
            ("POST", "/healthz", refused("GET, HEAD")),
            ("POST", "/", Route::Nowhere(Outcome::NotFound)),
            ("POST", "/webhook/", Route::Nowhere(Outcome::NotFound)),
            ("POST", "/Webhook", Route::Nowhere(Outcome::NotFound)),
            ("GET", "/_edge", Route::Nowhere(Outcome::NotFound)),
            ("GET", "/_edge/status", Route::Operator),
            ("POST", "/_edge/anything", Route::Operator),
        ] {
            assert_eq!(route(method, path, Some("/webhook")), expected, "{method} {path}");
        }
    }

    #[test]
    fn without_a_known_path_every_post_may_be_a_delivery() {
        assert_eq!(route("POST", "/anything", None), Route::Delivery);
        assert_eq!(route("GET", "/healthz", None), Route::Health);
    }

    #[test]
    fn who_may_not_deliver_is_refused_before_who_fails_too_often() {
        let address = client_address::parse("192.0.2.7");
        let limited = Err(Outcome::RateLimited { retry_after_seconds: 9 });
        let anywhere = settings_with(&[]);
        assert_eq!(admit(&anywhere, None, None), Ok(()));
        assert_eq!(admit(&anywhere, address, None), Ok(()));
        assert_eq!(admit(&anywhere, address, Some(9)), limited);
        let listed = settings_with(&[("SOURCE_ADDRESSES", "192.0.2.0/24")]);
        assert_eq!(admit(&listed, address, None), Ok(()));
        assert_eq!(admit(&listed, address, Some(9)), limited);
        for other in [None, client_address::parse("198.51.100.7")] {
            assert_eq!(admit(&listed, other, None), Err(Outcome::SourceRefused));
            assert_eq!(admit(&listed, other, Some(9)), Err(Outcome::SourceRefused));
        }
    }

    #[test]
    fn only_a_number_declares_a_length() {
        for header in ["", "x", "-6", "+6", "5, 6", "0x5", "184467440737095516150"] {
            assert_eq!(declared_length(Some(header)), None, "{header}");
        }
        assert_eq!(declared_length(None), None);
        for length in [0, 5, 262_145, u64::MAX] {
            assert_eq!(declared_length(Some(&length.to_string())), Some(length));
        }
        assert_eq!(declared_length(Some(" 007 ")), Some(7));
    }

    #[test]
    fn an_authentic_delivery_has_a_key_and_facts() {
        let authentic = authenticated(&header(SECRET, BODY), BODY, SIGNED_AT + 299).unwrap();
        assert_eq!((authentic.key_index, authentic.age_seconds), (0, 299));
        assert_eq!(authentic.key, EventKey::of(BODY));
        assert_eq!(
            authentic.claim(),
            Call::Claim {
                key: authentic.key.to_string(),
                facts: Facts {
                    event_id: Some("evt_1".to_owned()),
                    event_type: Some("job.succeeded".to_owned()),
                    job_id: Some("job_1".to_owned()),
                },
            },
        );
    }

    #[test]
    fn a_flat_body_goes_by_its_status() {
        let body = br#"{"id":"vid_1","job_id":"job_1","status":"failed"}"#;
        let authentic = authenticated(&header(SECRET, body), body, SIGNED_AT).unwrap();
        assert_eq!(authentic.facts().event_type.as_deref(), Some("failed"));
    }

    #[test]
    fn an_authentic_body_that_cannot_be_read_is_keyed_by_its_bytes() {
        for body in [&b""[..], b"not JSON", b"\xff\x00", b"[1]", b"{}"] {
            let authentic = authenticated(&header(SECRET, body), body, SIGNED_AT).unwrap();
            assert_eq!(authentic.key, EventKey::of_body(body));
            assert_eq!(authentic.facts(), Facts::default());
        }
    }

    #[test]
    fn only_an_authentic_delivery_learns_that_it_was_stale() {
        let (late, early) = (SIGNED_AT + 300, SIGNED_AT - 300);
        let outcome = |secret, now| authenticated(&header(secret, BODY), BODY, now).unwrap_err();
        assert_eq!(outcome(SECRET, late), Outcome::TimestampExpired);
        assert_eq!(outcome(SECRET, early), Outcome::TimestampAhead);
        assert_eq!(outcome("wrong", late), Outcome::SignatureMismatch);
        assert_eq!(outcome("wrong", early), Outcome::SignatureMismatch);
        assert_eq!(authenticated("", BODY, late).unwrap_err(), Outcome::SignatureMalformed);
    }

    #[test]
    fn the_age_of_a_refused_signature_is_known_when_it_holds() {
        let expired = Error::TimestampExpired { age: 400, tolerance: 300 };
        let ahead = Error::TimestampAhead { ahead: u64::MAX, tolerance: 300 };
        assert_eq!(refused_age_seconds(expired), Some(400));
        assert_eq!(refused_age_seconds(ahead), Some(-i64::MAX));
        assert_eq!(refused_age_seconds(Error::SignatureMismatch), None);
    }

    #[test]
    fn only_a_grant_lets_an_event_pass() {
        for order in [Order::InOrder, Order::Late] {
            assert_eq!(granted(&Ok(Answer::Granted { token: 7, order })), Ok((7, order)));
        }
        assert_eq!(granted(&Ok(Answer::LateDropped)), Err(Outcome::LateDropped));
        assert_eq!(granted(&Ok(Answer::Duplicate)), Err(Outcome::Duplicate));
        for (remaining_ms, retry_after_seconds) in [(1, 1), (1_000, 1), (1_001, 2), (30_000, 30)] {
            assert_eq!(
                granted(&Ok(Answer::InFlight { remaining_ms })),
                Err(Outcome::InFlight { retry_after_seconds }),
            );
        }
        for odd in [
            Ok(Answer::Ok),
            Ok(Answer::Refused),
            Ok(Answer::Absent),
            Ok(Answer::Rows(Vec::new())),
            Err("broken".to_owned().into()),
        ] {
            assert_eq!(granted(&odd), Err(Outcome::LedgerUnavailable));
        }
    }

    #[test]
    fn only_what_the_origin_has_is_committed() {
        let authentic = authenticated(&header(SECRET, BODY), BODY, SIGNED_AT).unwrap();
        let key = || authentic.key.to_string();
        let tally = || Tally::decode("duplicate:2");
        assert_eq!(
            authentic.settle(3, Outcome::Forwarded, tally()),
            Call::Commit { key: key(), token: 3, tally: tally() },
        );
        for outcome in [
            Outcome::OriginRejected,
            Outcome::OriginFailed,
            Outcome::OriginTimeout,
            Outcome::OriginUnreachable,
        ] {
            assert_eq!(
                authentic.settle(3, outcome, tally()),
                Call::Release {
                    key: key(),
                    token: 3,
                    outcome: outcome.code().to_owned(),
                    tally: tally(),
                },
            );
        }
    }

    #[test]
    fn settlements() {
        let failed = || Err("broken".to_owned().into());
        let (forwarded, rejected) = (Outcome::Forwarded, Outcome::OriginRejected);
        for (outcome, answer, expected) in [
            (forwarded, Ok(Answer::Ok), Settlement::Committed),
            (forwarded, Ok(Answer::Refused), Settlement::CommitRefused),
            (forwarded, Ok(Answer::Duplicate), Settlement::CommitFailed),
            (forwarded, failed(), Settlement::CommitFailed),
            (rejected, Ok(Answer::Ok), Settlement::Released),
            (rejected, Ok(Answer::Refused), Settlement::ReleaseRefused),
            (rejected, Ok(Answer::Duplicate), Settlement::ReleaseFailed),
            (rejected, failed(), Settlement::ReleaseFailed),
        ] {
            assert_eq!(settlement(outcome, &answer), expected);
        }
    }

    #[test]
    fn a_failed_commit_is_tried_again_a_few_times() {
        let pauses = |random| {
            let pause =
                |tries| pause_before_retry_ms(Settlement::CommitFailed, false, tries, random);
            (0..=5).map(pause).collect::<Vec<_>>()
        };
        assert_eq!(pauses(0), [None, Some(50), Some(150), Some(450), None, None]);
        assert_eq!(pauses(255), [None, Some(99), Some(299), Some(898), None, None]);
    }

    #[test]
    fn an_object_that_has_too_much_to_do_is_left_alone() {
        assert_eq!(pause_before_retry_ms(Settlement::CommitFailed, true, 1, 0), None);
    }

    #[test]
    fn nothing_else_is_tried_again() {
        for settlement in [
            Settlement::Committed,
            Settlement::CommitRefused,
            Settlement::Released,
            Settlement::ReleaseRefused,
            Settlement::ReleaseFailed,
        ] {
            assert_eq!(pause_before_retry_ms(settlement, false, 1, 0), None);
        }
    }
}
