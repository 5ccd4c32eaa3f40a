//! Long bodies, whose MACs the platform computes: the same verdict as over a short body.

use super::*;

const OTHER_SECRET: &str = "whsec_other";
const SIGNED_AT: u64 = NOW_MS / 1_000;

fn mac(secret: &str, body: &[u8]) -> Vec<u8> {
    let key = Key::new(secret.as_bytes()).unwrap();
    key.sign(UnixTime::from_secs(SIGNED_AT), body).mac().to_vec()
}

/// The platform's answer, with keys of these secrets.
fn macs(secrets: &[&str], body: &[u8]) -> Input {
    Input::Macs(Ok(secrets.iter().flat_map(|secret| mac(secret, body)).collect()))
}

/// A delivery of `BODY`, up to the platform's MACs: `BODY` counts as long.
fn long(secrets: &str, signed_with: &str) -> Run {
    let settings = settings_with(&[("WEBHOOK_SECRETS", secrets), THROUGH]);
    let bindings = Bindings { rate_limiter: true, ..Bindings::default() };
    let signature = signature(signed_with, BODY);
    let headers = [("x-nextapi-signature", signature.as_str()), FROM];
    Run::webhook(Isolate::new(Ok(settings), bindings), &headers)
}

fn computing(secrets: &str, signed_with: &str) -> Run {
    let mut run = long(secrets, signed_with);
    let output = run.handle(Input::LongBody(BODY.len()), NOW_MS);
    assert_eq!(*output, Output::ComputeMacs { deadline_ms: 3_000 });
    run
}

/// What it has come to: the response and the log line, or the call.
fn end(run: &mut Run) -> String {
    if let Output::CheckRateLimit { key, .. } = &run.output {
        let counted = format!("counted for {key}: ");
        run.handle(Input::RateLimit(Ok(true)), NOW_MS);
        return counted + &end(run);
    }
    match &run.output {
        Output::CallLedger { calls, .. } => calls[0].message.clone(),
        Output::Respond { response, log, .. } => {
            format!("{} {} {log:?}", response.status, response.body)
        }
        output => panic!("no end: {output:?}"),
    }
}

#[test]
fn both_ways_lead_to_the_same_end() {
    let both = format!("{OTHER_SECRET} {SECRET}");
    let secrets = [&[SECRET][..], &[OTHER_SECRET, SECRET]];
    for (settings, secrets) in [SECRET, both.as_str()].into_iter().zip(secrets) {
        for signed_with in [SECRET, OTHER_SECRET, "whsec_forged"] {
            for age in [0, 299, 300, -299, -300] {
                let now_ms = SIGNED_AT.checked_add_signed(age).unwrap() * 1_000;
                let mut here = long(settings, signed_with);
                here.handle(body(BODY), now_ms);
                let mut platform = computing(settings, signed_with);
                let output = platform.handle(macs(secrets, BODY), now_ms);
                if *output == Output::HandOverBody {
                    platform.handle(body(BODY), now_ms);
                }
                let shown = format!("{settings}, {signed_with}, {age} s");
                assert_eq!(end(&mut here), end(&mut platform), "{shown}");
                let (here, platform) = (here.isolate.take_counts(), platform.isolate.take_counts());
                assert_eq!(here, platform, "{shown}");
            }
        }
    }
}

/// By nobody's MAC but that of the body itself.
#[test]
fn a_forged_long_body_is_refused_without_being_handed_over() {
    for wrong in [
        macs(&[SECRET], b"{}"),
        macs(&[OTHER_SECRET], BODY),
        Input::Macs(Ok(vec![0; 32])),
        Input::Macs(Ok(vec![0xff; 32])),
    ] {
        let mut run = computing(SECRET, SECRET);
        let output = run.handle(wrong, NOW_MS);
        assert!(matches!(output, Output::CheckRateLimit { .. }), "{output:?}");
        run.handle(Input::RateLimit(Ok(true)), NOW_MS);
        assert_eq!(run.code().0, "signature_mismatch");
    }
}

/// The signature that anybody can write for an engine that gives nothing but zeros or ones.
#[test]
fn a_dead_engine_lets_nobody_in() {
    for (digits, byte) in [("00", 0), ("ff", 0xff)] {
        let signature = format!("t={SIGNED_AT},v1={}", digits.repeat(32));
        let headers = [("x-nextapi-signature", signature.as_str())];
        let mut run = Run::webhook(isolate(Bindings::default()), &headers);
        run.handle(Input::LongBody(BODY.len()), NOW_MS);
        run.handle(Input::Macs(Ok(vec![byte; 32])), NOW_MS);
        assert_eq!(run.code().0, "signature_mismatch");
    }
}

/// Neither lets anybody in nor loses anything: the body is hashed in Rust.
#[test]
fn if_the_platform_fails_the_body_is_hashed_here() {
    let failures = || {
        [
            (Input::Macs(Err("broken".to_owned())), "broken"),
            (Input::Macs(Ok(Vec::new())), "malformed MACs: expected 32 bytes for each key"),
            (Input::Macs(Ok(vec![1; 31])), "malformed MACs: expected 32 bytes for each key"),
            (Input::Macs(Ok(vec![1; 33])), "malformed MACs: expected 32 bytes for each key"),
            (macs(&[SECRET, SECRET], BODY), "malformed MACs: expected 32 bytes for each key"),
            (Input::Waited, OUT_OF_TURN),
            (body(BODY), OUT_OF_TURN),
        ]
    };
    for (failure, reason) in failures() {
        let shown = format!("{failure:?}");
        let mut run = computing(SECRET, SECRET);
        assert_eq!(*run.handle(failure, NOW_MS), Output::HandOverBody, "{shown}");
        run.handle(body(BODY), NOW_MS);
        assert!(matches!(run.call(), Call::Claim { .. }), "{shown}");
        run.handle(broken(), NOW_MS);
        let log: serde_json::Value = serde_json::from_str(&run.code().1).unwrap();
        assert_eq!(log["macs_error"], reason);
    }
    for (failure, _) in failures() {
        let mut run = computing(SECRET, "whsec_forged");
        run.handle(failure, NOW_MS);
        run.handle(body(BODY), NOW_MS);
        run.handle(Input::RateLimit(Ok(true)), NOW_MS);
        assert_eq!(run.code().0, "signature_mismatch");
    }
}

/// A key of the platform's that is missing must not make the others stand for each other.
#[test]
fn a_mac_for_each_key_or_none_counts() {
    let both = format!("{OTHER_SECRET} {SECRET}");
    let mut run = computing(&both, SECRET);
    assert_eq!(*run.handle(macs(&[SECRET], BODY), NOW_MS), Output::HandOverBody);
    run.handle(body(BODY), NOW_MS);
    run.handle(broken(), NOW_MS);
    let log: serde_json::Value = serde_json::from_str(&run.code().1).unwrap();
    assert_eq!(log["key_index"], 1, "{log}");
}

/// MACs that come late, a body that is another one, anything else: never a success, and no claim.
#[test]
fn nothing_but_the_body_takes_the_place_of_the_body() {
    for is_verified in [true, false] {
        for input in [
            macs(&[SECRET], BODY),
            Input::Macs(Err("late".to_owned())),
            Input::LongBody(BODY.len()),
            body(b"{}"),
            Input::Waited,
            replied(&GRANTED),
        ] {
            let shown = format!("{input:?}, verified: {is_verified}");
            let mut run = computing(SECRET, SECRET);
            let answer =
                if is_verified { macs(&[SECRET], BODY) } else { Input::Macs(Err(String::new())) };
            assert_eq!(*run.handle(answer, NOW_MS), Output::HandOverBody, "{shown}");
            run.handle(input, NOW_MS);
            assert_eq!(run.code().0, "internal_error", "{shown}");
        }
    }
}

#[test]
fn a_long_body_over_the_limit_is_refused_before_anything_is_computed() {
    let mut run = long(SECRET, SECRET);
    run.handle(Input::LongBody(262_145), NOW_MS);
    run.handle(Input::RateLimit(Ok(true)), NOW_MS);
    assert_eq!(run.code().0, "body_too_large");
}

#[test]
fn what_is_printed_for_debugging_holds_no_mac() {
    let shown = format!("{:?}", Input::Macs(Ok(vec![0xab; 32])));
    assert_eq!(shown, "Macs(32 bytes)");
}
