//! Every outcome and its answer.

use nextapi_webhook::{Key, MAX_HEADER_BYTES, MAX_SIGNATURES, Tolerance, UnixTime, Verifier};
use serde_json::json;

use super::*;

/// Outcome, status, code and extra header.
type Row = (Outcome, u16, &'static str, Option<(&'static str, &'static str)>);

/// Every outcome as clients see it. A line that has to change here breaks them.
const TABLE: [Row; 33] = [
    (Outcome::Accepted, 200, "accepted", None),
    (Outcome::Forwarded, 200, "forwarded", None),
    (Outcome::Duplicate, 200, "duplicate", None),
    (Outcome::LateDropped, 200, "late_dropped", None),
    (Outcome::InFlight { retry_after_seconds: 7 }, 409, "in_flight", Some(("retry-after", "7"))),
    (Outcome::TokenRefused, 404, "token_refused", None),
    (Outcome::Forbidden, 403, "forbidden", None),
    (Outcome::SourceRefused, 403, "source_refused", None),
    (
        Outcome::RateLimited { retry_after_seconds: 60 },
        429,
        "rate_limited",
        Some(("retry-after", "60")),
    ),
    (Outcome::SignatureMissing, 400, "signature_missing", None),
    (Outcome::SignatureMalformed, 400, "signature_malformed", None),
    (Outcome::SignatureMismatch, 401, "signature_mismatch", None),
    (Outcome::TimestampExpired, 401, "timestamp_expired", None),
    (Outcome::TimestampAhead, 401, "timestamp_ahead", None),
    (Outcome::BodyTooLarge, 413, "body_too_large", None),
    (Outcome::BodyTimeout, 408, "body_timeout", None),
    (Outcome::BodyCut, 400, "body_cut", None),
    (
        Outcome::MethodNotAllowed { allow: "POST" },
        405,
        "method_not_allowed",
        Some(("allow", "POST")),
    ),
    (Outcome::NotFound, 404, "not_found", None),
    (Outcome::QueryInvalid, 400, "query_invalid", None),
    (Outcome::RequestInvalid, 400, "request_invalid", None),
    (Outcome::JobsNotKept, 409, "jobs_not_kept", None),
    (Outcome::ReplayRefused, 409, "replay_refused", None),
    (Outcome::StillOwed, 409, "still_owed", None),
    (Outcome::OriginRejected, 502, "origin_rejected", None),
    (Outcome::OriginFailed, 502, "origin_failed", None),
    (Outcome::OriginTimeout, 504, "origin_timeout", None),
    (Outcome::OriginUnreachable, 502, "origin_unreachable", None),
    (Outcome::Paused, 503, "paused", Some(("retry-after", "60"))),
    (Outcome::BodyGone, 409, "body_gone", None),
    (Outcome::LedgerUnavailable, 503, "ledger_unavailable", Some(("retry-after", "5"))),
    (Outcome::Misconfigured, 500, "misconfigured", None),
    (Outcome::InternalError, 500, "internal_error", None),
];

#[test]
fn every_outcome_has_its_status_code_and_header() {
    for (outcome, status, code, header) in TABLE {
        let response = outcome.response();
        assert_eq!(outcome.code(), code);
        assert_eq!(outcome.status(), status, "{code}");
        assert_eq!(response.status, status, "{code}");
        let expected = [Some(("content-type", "application/json")), header];
        let headers = response.headers.iter().map(|(name, value)| (*name, value.as_str()));
        assert!(headers.eq(expected.into_iter().flatten()), "{code}");
    }
}

#[test]
fn the_list_of_codes_is_complete() {
    assert_eq!(TABLE.map(|(_, _, code, _)| code), Outcome::CODES);
}

#[test]
fn every_code_is_documented() {
    let page = include_str!("../../../../docs/answers.md");
    for code in Outcome::CODES {
        assert!(page.contains(&format!("`{code}`")), "{code}");
    }
}

#[test]
fn bodies_have_the_providers_shape() {
    for (outcome, status, code, _) in
        TABLE.iter().copied().filter(|row| row.0 != Outcome::TokenRefused)
    {
        let body: serde_json::Value = serde_json::from_str(&outcome.response().body).unwrap();
        let expected = if status == 200 {
            json!({ "status": code })
        } else {
            json!({ "error": { "code": code, "message": outcome.description().2 } })
        };
        assert_eq!(body, expected);
    }
    assert_eq!(Outcome::Forwarded.response().body, r#"{"status":"forwarded"}"#);
    assert_eq!(
        Outcome::NotFound.response().body,
        r#"{"error":{"code":"not_found","message":"There is nothing at this path."}}"#,
    );
}

#[test]
fn a_refused_token_is_answered_like_a_path_that_is_not_there() {
    assert_eq!(Outcome::TokenRefused.response(), Outcome::NotFound.response());
}

#[test]
fn success_is_answered_only_for_what_the_origin_has_is_owed_or_shall_not_have() {
    for (outcome, status, ..) in TABLE {
        let settled = matches!(
            outcome,
            Outcome::Accepted | Outcome::Forwarded | Outcome::Duplicate | Outcome::LateDropped
        );
        assert_eq!((200..300).contains(&status), settled, "{outcome:?}");
    }
}

#[test]
fn only_what_an_outsider_sends_counts_as_forgery() {
    let forgeries: Vec<_> =
        TABLE.iter().filter(|(outcome, ..)| outcome.is_forgery()).map(|row| row.2).collect();
    assert_eq!(forgeries, ["signature_missing", "signature_malformed", "signature_mismatch"]);
}

#[test]
fn only_2xx_of_the_origin_counts_as_forwarded() {
    for status in 0..=999 {
        let expected = match status {
            200..=299 => Outcome::Forwarded,
            500..=599 => Outcome::OriginFailed,
            _ => Outcome::OriginRejected,
        };
        assert_eq!(Outcome::from(OriginResult::Status(status)), expected, "{status}");
    }
    assert_eq!(Outcome::from(OriginResult::TimedOut), Outcome::OriginTimeout);
    assert_eq!(Outcome::from(OriginResult::Unreachable), Outcome::OriginUnreachable);
}

#[test]
fn every_refusal_of_the_verifier_is_one_of_ours() {
    let key = || Key::new(b"secret").unwrap();
    let verifier = Verifier::<1>::new([key()], Tolerance::DEFAULT).unwrap();
    let signed = |at| key().sign(UnixTime::from_secs(at), b"").to_string();
    for (header, outcome) in [
        ("x".repeat(MAX_HEADER_BYTES + 1), Outcome::SignatureMalformed),
        ("v=1".to_owned(), Outcome::SignatureMalformed),
        ("t=1,t=1".to_owned(), Outcome::SignatureMalformed),
        ("t=+1".to_owned(), Outcome::SignatureMalformed),
        ("t=1".to_owned(), Outcome::SignatureMalformed),
        (format!("t=1{}", ",v=1".repeat(MAX_SIGNATURES + 1)), Outcome::SignatureMalformed),
        (signed(1_000).replace("t=1", "t=2"), Outcome::SignatureMismatch),
        (signed(700), Outcome::TimestampExpired),
        (signed(1_300), Outcome::TimestampAhead),
    ] {
        let error = verifier.verify(&header, b"", UnixTime::from_secs(1_000)).unwrap_err();
        assert_eq!(Outcome::from(error), outcome, "{header}");
        assert_eq!(error.code(), outcome.code());
    }
}

#[test]
fn a_retry_is_never_asked_for_at_once() {
    for outcome in [
        Outcome::InFlight { retry_after_seconds: 0 },
        Outcome::RateLimited { retry_after_seconds: 0 },
    ] {
        assert!(outcome.response().headers.contains(&("retry-after", "1".to_owned())));
    }
}
