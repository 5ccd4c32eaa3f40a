//! A delivery that is authentic, through the ledger to the origin.

use super::*;

#[test]
fn a_delivery_is_claimed_forwarded_and_committed() {
    let mut run = Run::begin(Bindings::default(), &[("x-correlation-id", "c-1")]);
    let expected = Output::ReadBody {
        limit: 262_144,
        length: None,
        prefix: "1700000000.".to_owned(),
        hand_over_limit: verifying::HAND_OVER_LIMIT,
        deadline_ms: 10_000,
    };
    assert_eq!(run.output, expected);
    run.handle(body(BODY), NOW_MS + 1);
    assert!(matches!(run.call(), Call::Claim { .. }));
    let Output::Forward { url, headers, deadline_ms } = run.handle(replied(&GRANTED), NOW_MS + 3)
    else {
        panic!("not forwarded")
    };
    assert!(url.starts_with("https://origin.example/"));
    assert_eq!(*deadline_ms, 7_000);
    assert!(headers.contains(&("x-edge-attempt".to_owned(), "1".to_owned())));
    assert!(headers.contains(&("user-agent".to_owned(), "NextAPI/1".to_owned())));
    assert!(!headers.iter().any(|(name, _)| name == "cookie"));
    run.handle(Input::Origin(OriginResult::Status(204)), NOW_MS + 7);
    let Call::Commit { token: 1, counts, .. } = run.call() else { panic!("no commit") };
    assert_eq!(counts, Counts::from("forwarded:1"));
    run.handle(replied(&Reply::Ok), NOW_MS + 15);
    let (code, log) = run.code();
    assert_eq!(code, "forwarded");
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    assert_eq!(log["settlement"], "committed");
    assert_eq!(log["correlation_id"], "c-1");
    let times = ["verify_ms", "claim_ms", "origin_ms", "commit_ms"].map(|name| log[name].as_u64());
    assert_eq!(times, [1, 2, 4, 8].map(Some));
    assert!(run.isolate.take_counts().is_empty(), "it went along");
}

/// Otherwise the messages are those from before there were jobs.
#[test]
fn what_an_event_says_of_its_job_is_told_where_jobs_are_followed() {
    const PAID: &[u8] = br#"{"id":"evt_1","type":"job.succeeded","data":{"job":{"id":"job_1",
        "credits":1.05,"metadata":{"tenant":"acme"}}}}"#;
    let signature = signature(SECRET, PAID);
    let some = |text: &str| Some(text.to_owned());
    for (token, expected) in [
        (None, (None, None)),
        (Some(("SUBMIT_TOKEN", "0123456789abcdef")), (some("1.05"), some("acme"))),
    ] {
        let mut values = vec![THROUGH, ("TENANT_FIELD", "data.job.metadata.tenant")];
        values.extend(token);
        let isolate = Isolate::new(Ok(settings_with(&values)), Bindings::default());
        let mut run = Run::webhook(isolate, &[("x-nextapi-signature", &signature)]);
        run.handle(body(PAID), NOW_MS);
        let Call::Claim { meta, .. } = run.call() else { panic!() };
        assert_eq!((meta.credits.map(|it| it.to_string()), meta.tenant), expected);
    }
}

#[test]
fn a_failed_attempt_is_released_and_not_acknowledged() {
    for (result, expected) in [
        (OriginResult::Status(500), "origin_failed"),
        (OriginResult::Status(302), "origin_rejected"),
        (OriginResult::TimedOut, "origin_timeout"),
        (OriginResult::Unreachable, "origin_unreachable"),
    ] {
        let mut run = Run::to_origin();
        run.handle(Input::Origin(result), NOW_MS);
        let Call::Release { token: 1, outcome, .. } = run.call() else { panic!("no release") };
        assert_eq!(outcome, expected);
        run.handle(replied(&Reply::Ok), NOW_MS);
        assert_eq!(run.code().0, expected);
    }
}

#[test]
fn a_commit_without_a_reply_is_tried_again_and_its_counts_are_kept() {
    let mut run = Run::to_origin();
    run.handle(Input::Origin(OriginResult::Status(200)), NOW_MS);
    let mut pauses = 0;
    loop {
        assert!(matches!(run.call(), Call::Commit { .. }));
        if !matches!(run.handle(broken(), NOW_MS), Output::Wait { .. }) {
            break;
        }
        pauses += 1;
        run.handle(Input::Waited, NOW_MS);
    }
    assert_eq!((run.code().0.as_str(), pauses), ("forwarded", 3));
    assert_eq!(run.isolate.take_counts(), Counts::from("forwarded:1"));
}

/// Once, if the connection to the object broke, and never for any other reason.
#[test]
fn a_claim_is_made_once_more_if_the_object_was_disconnected() {
    let error = |more: &str| {
        Input::LedgerReplies(format!(
            r#"{{"error":{{"message":"broken","retryable":true{more}}}}}"#
        ))
    };
    for settings in [&[][..], &[THROUGH]] {
        let begin_claim = || {
            let isolate = Isolate::new(Ok(settings_with(settings)), Bindings::default());
            let mut run = Run::delivery(isolate, &[]);
            run.handle(body(BODY), NOW_MS);
            run
        };
        let mut run = begin_claim();
        let first = run.output.clone();
        assert_eq!(*run.handle(error(""), NOW_MS), first);
        run.handle(error(""), NOW_MS);
        assert_eq!(run.code().0, "ledger_unavailable");
        for input in [error(r#","overloaded":true"#), broken()] {
            let mut run = begin_claim();
            run.handle(input, NOW_MS);
            assert_eq!(run.code().0, "ledger_unavailable");
        }
    }
}

/// Whatever the driver comes with, nothing is acknowledged that the origin may not have.
#[test]
fn an_input_out_of_turn_is_never_a_success() {
    let inputs = || {
        [
            Input::BodyTooLarge,
            Input::Waited,
            Input::RateLimit(Ok(true)),
            Input::LedgerReplies(String::new()),
            Input::LedgerReplies("{}".to_owned()),
            Input::Macs(Ok(vec![0; 32])),
            Input::Macs(Err(String::new())),
            replied(&Reply::Ok),
        ]
    };
    for step in 0..3 {
        for input in inputs() {
            let mut run = Run::begin(Bindings::default(), &[]);
            for input in [body(BODY), replied(&GRANTED)].into_iter().take(step) {
                run.handle(input, NOW_MS);
            }
            let shown = format!("{input:?} at {step}");
            run.handle(input, NOW_MS);
            for _ in 0..8 {
                if let Output::Respond { response, .. } = &run.output {
                    assert!(response.status >= 400, "{shown}");
                    break;
                }
                run.handle(Input::LedgerReplies(String::new()), NOW_MS);
            }
            assert!(run.machine.is_none(), "{shown}");
        }
    }
}

#[test]
fn what_is_printed_for_debugging_holds_no_secret() {
    let settings =
        settings_with(&[("ORIGIN_AUTHORIZATION", "Bearer canary_of_the_origin"), THROUGH]);
    let mut run = Run::delivery(Isolate::new(Ok(settings), Bindings::default()), &[]);
    let input = body(BODY);
    assert!(!format!("{input:?}").contains("evt_1"));
    run.handle(input, NOW_MS);
    let shown = format!("{:?}", run.handle(replied(&GRANTED), NOW_MS));
    assert!(!shown.contains("canary"), "{shown}");
}
