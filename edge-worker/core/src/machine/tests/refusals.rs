//! Deliveries that are refused, and how much is read of them.

use super::*;

/// Only then is the exact length known before reading.
#[test]
fn a_length_counts_if_it_is_declared_and_the_body_has_no_chunks() {
    for (more, expected) in [
        (&[("content-length", "62")][..], Some(62)),
        (&[], None),
        (&[("content-length", "x")], None),
        (&[("content-length", "62"), ("transfer-encoding", "chunked")], None),
    ] {
        let run = Run::begin(Bindings::default(), more);
        let Output::ReadBody { length, .. } = run.output else { panic!("{:?}", run.output) };
        assert_eq!(length, expected, "{more:?}");
    }
}

#[test]
fn what_is_refused_never_reaches_the_ledger() {
    for (more, input, expected) in [
        (&[("content-length", "262145")][..], None, "body_too_large"),
        (&[], Some(Input::BodyTooLarge), "body_too_large"),
        (&[], Some(Input::BodyTimedOut), "body_timeout"),
        (&[], Some(Input::BodyCut), "body_cut"),
        (&[], Some(body(b"{}")), "signature_mismatch"),
    ] {
        let mut run = Run::begin(Bindings::default(), more);
        if let Some(input) = input {
            run.handle(input, NOW_MS);
        }
        assert_eq!(run.code().0, expected);
    }
}

#[test]
fn a_malformed_signature_costs_no_read() {
    let headers = [("x-nextapi-signature", "t=1,v=00")];
    let run = Run::webhook(isolate(Bindings::default()), &headers);
    assert_eq!(run.code().0, "signature_malformed");
}

/// The driver should not have read it, but who decides is the machine.
#[test]
fn a_body_over_the_limit_is_refused_even_if_it_was_read() {
    for (length, code) in [(262_144, "signature_mismatch"), (262_145, "body_too_large")] {
        let mut run = Run::begin(Bindings::default(), &[]);
        run.handle(Input::Body(vec![b' '; length]), NOW_MS);
        assert_eq!(run.code().0, code, "{length}");
    }
}

#[test]
fn a_forger_is_counted_and_then_refused_before_reading() {
    let mut run = Run::begin(Bindings { rate_limiter: true, ..Bindings::default() }, &[FROM]);
    let output = run.handle(body(b"{}"), NOW_MS);
    assert!(matches!(output, Output::CheckRateLimit { key, .. } if key == "192.0.2.7"));
    run.handle(Input::RateLimit(Ok(false)), NOW_MS);
    assert_eq!(run.code().0, "signature_mismatch");
    let run = Run::delivery(run.isolate, &[FROM]);
    assert_eq!(run.code().0, "rate_limited");
    let other = Run::delivery(run.isolate, &[("cf-connecting-ip", "192.0.2.8")]);
    assert!(matches!(other.output, Output::ReadBody { .. }));
}

/// Who makes us read all that we ever read is counted; whose connection is slow or breaks is not.
#[test]
fn an_oversize_body_counts_and_a_cut_one_does_not() {
    for (input, is_counted) in
        [(Input::BodyTooLarge, true), (Input::BodyCut, false), (Input::BodyTimedOut, false)]
    {
        let mut run = Run::begin(Bindings { rate_limiter: true, ..Bindings::default() }, &[FROM]);
        let shown = format!("{input:?}");
        let is_asked = matches!(run.handle(input, NOW_MS), Output::CheckRateLimit { .. });
        assert_eq!(is_asked, is_counted, "{shown}");
    }
}
