//! The steps of a delivery, each by itself.

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
    authenticate(&settings_with(&[]), header, body, UnixTime::from_secs(now)).map_err(Outcome::from)
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
        let pause = |tries| pause_before_retry_ms(Settlement::CommitFailed, false, tries, random);
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
