//! Bearer tokens that are none of ours.

use serde_json::{Value, json};

use super::*;

const ADDRESS: &str = "192.0.2.66";

const LIMITED: Bindings = Bindings { analytics: true, rate_limiter: true };

fn ask_from(isolate: Isolate, authorization: &str, address: &str) -> Run {
    let headers = [
        ("x-correlation-id", "c-1"),
        ("cf-connecting-ip", address),
        ("authorization", authorization),
    ];
    Run::request(isolate, "GET", "/_edge/whoami", &headers)
}

fn ask(isolate: Isolate, authorization: &str) -> Run {
    ask_from(isolate, authorization, ADDRESS)
}

fn line(run: &Run) -> Value {
    serde_json::from_str(&run.code().1).unwrap()
}

/// Goes on to the limiter's answer.
fn limiter_says(mut run: Run, is_within: bool) -> Run {
    run.handle(Input::RateLimit(Ok(is_within)), NOW_MS);
    run
}

#[test]
fn a_wrong_token_is_counted_and_answered_late_whether_or_not_there_is_a_right_one() {
    let without = Isolate::new(Ok(settings_with(&[])), LIMITED);
    for isolate in [isolate(LIMITED), without] {
        let mut run = ask(isolate, "Bearer canary-that-is-wrong");
        let limiter = Output::CheckRateLimit { key: ADDRESS.to_owned(), deadline_ms: 500 };
        assert_eq!(run.output, limiter);
        // What the limiter took is part of the time.
        assert_eq!(run.handle(Input::RateLimit(Ok(true)), NOW_MS + 180), &Output::Wait { ms: 820 });
        run.handle(Input::Waited, NOW_MS + 1_000);
        let Output::Respond { response, data_point, .. } = &run.output else { panic!() };
        let not_found = Outcome::NotFound.response();
        let not_found = not_found.with_header(CORRELATION_ID, "c-1".to_owned());
        assert_eq!((response, data_point), (&not_found, &None));
        let expected = json!({
            "time": "2023-11-14T22:13:20.000Z",
            "correlation_id": "c-1",
            "outcome": "token_refused",
            "error.type": "token_refused",
            "http.response.status_code": 404,
            "client": ADDRESS,
        });
        assert_eq!(line(&run), expected);
        assert_eq!(run.isolate.take_counts(), Counts::from("token_refused:1"));
    }
}

#[test]
fn without_a_limiter_or_an_address_a_wrong_token_is_answered_late_as_well() {
    for (bindings, address, client) in [
        (Bindings::default(), "2001:db8:1:2:3:4:5:6", json!("2001:db8:1:2::")),
        (LIMITED, "unknown", Value::Null),
    ] {
        let mut run = ask_from(isolate(bindings), "Bearer wrong", address);
        assert_eq!(run.output, Output::Wait { ms: 1_000 });
        run.handle(Input::Waited, NOW_MS + 1_000);
        assert_eq!(line(&run)["client"], client);
    }
}

/// So is a request with no token: nobody has guessed.
#[test]
fn a_request_without_a_bearer_token_is_answered_at_once_and_counted_for_nobody() {
    for authorization in ["", "Bearer", "Basic dXNlcjpwYXNz"] {
        let mut run = ask(isolate(LIMITED), authorization);
        assert_eq!(run.code(), ("not_found".to_owned(), String::new()));
        assert_eq!(run.isolate.take_counts(), Counts::from("not_found:1"));
    }
}

#[test]
fn a_client_with_too_many_wrong_tokens_is_blocked_and_the_right_token_gets_in_from_there() {
    let run = ask(isolate(LIMITED), "Bearer wrong");
    let mut run = limiter_says(run, false);
    run.handle(Input::Waited, NOW_MS + 1_000);
    // Its deliveries are not looked at, as after too many forgeries.
    let run = Run::delivery(run.isolate, &[("cf-connecting-ip", ADDRESS)]);
    assert_eq!(run.response().status, 429);
    // Another wrong token costs no call of the limiter, and as long as ever.
    let run = ask(run.isolate, "Bearer wrong");
    assert_eq!(run.output, Output::Wait { ms: 1_000 });
    let run = ask(run.isolate, &format!("Bearer {ADMIN}"));
    assert_eq!(
        run.response().body,
        r#"{"name":"admin","role":"operate","time":"2023-11-14T22:13:20.000Z"}"#
    );
}

/// And the other way round: who has forged deliveries gets in with the right token.
#[test]
fn the_right_token_gets_in_from_where_deliveries_are_forged() {
    let forged = [("cf-connecting-ip", ADDRESS), ("x-nextapi-signature", "nonsense")];
    let run = limiter_says(Run::webhook(isolate(LIMITED), &forged), false);
    let run = ask(run.isolate, &format!("Bearer {ADMIN}"));
    assert_eq!(run.response().status, 200);
}

#[test]
fn a_limiter_that_fails_blocks_nobody_and_is_named() {
    for (input, text) in
        [(Input::RateLimit(Err("broken".to_owned())), "broken"), (Input::Waited, OUT_OF_TURN)]
    {
        let mut run = ask(isolate(LIMITED), "Bearer wrong");
        assert_eq!(run.handle(input, NOW_MS), &Output::Wait { ms: 1_000 });
        run.handle(Input::Waited, NOW_MS);
        assert_eq!(line(&run)["limiter_error"], text);
        let run = ask(run.isolate, "Bearer wrong");
        assert!(matches!(run.output, Output::CheckRateLimit { .. }));
    }
}
