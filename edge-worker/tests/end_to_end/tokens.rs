//! Tokens with names and roles.

use nextapi_testkit::Delivery;
use reqwest::Method;
use serde_json::{Value, json};

use crate::admin::ask;
use crate::rate_limit::{ATTACKER, LIMITER, from};
use crate::setup::{PATIENCE, Setup, record, succeeded};

const READER: &str = "canary-of-the-reader";
const OPERATOR: &str = "canary-of-the-operator";
/// The one that the operator had before, and that is still taken.
const FORMER: &str = "canary-of-the-former-token";
const SUBMITTER: &str = "canary-of-the-submitter";
const WRONG: &str = "canary-that-is-wrong";

async fn with_tokens() -> Setup {
    let tokens = [
        format!("grafana:read:{READER}"),
        format!("ann:operate:{OPERATOR}"),
        format!("ann:operate:{FORMER}"),
        format!("shop:submit:{SUBMITTER}"),
    ];
    Setup::with(|edge| {
        edge.setting("ADMIN_TOKENS", tokens.join("\n")).service("RATE_LIMITER", LIMITER)
    })
    .await
}

async fn json_of(setup: &Setup, method: Method, path: &str, token: &str) -> (u16, Value) {
    let (status, body) = ask(setup, method, path, Some(token)).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// Every path with every role. A registration without a body is malformed, for whom it is open to.
#[tokio::test]
async fn every_path_is_open_to_its_roles() {
    let setup = with_tokens().await;
    let key = format!("event-{}", "0".repeat(64));
    let [reopen, replay, event] =
        ["/reopen", "/replay", ""].map(|end| format!("events/{key}{end}"));
    for (method, path, read, operate, submit) in [
        (Method::GET, "whoami", 200, 200, 200),
        (Method::GET, "status", 200, 200, 403),
        (Method::GET, "metrics", 200, 200, 403),
        (Method::GET, "events", 200, 200, 403),
        (Method::GET, &event, 404, 404, 403),
        (Method::GET, "replays", 200, 200, 403),
        (Method::GET, "replays/r-1", 404, 404, 403),
        (Method::GET, "jobs", 200, 200, 403),
        (Method::GET, "jobs/job_1", 404, 404, 403),
        (Method::GET, "costs", 200, 200, 403),
        (Method::GET, "audit", 200, 200, 403),
        (Method::POST, &reopen, 403, 404, 403),
        (Method::POST, &replay, 403, 404, 403),
        (Method::POST, "replays", 403, 400, 403),
        (Method::POST, "replays/r-1/cancel", 403, 404, 403),
        (Method::POST, "pause", 403, 200, 403),
        (Method::POST, "resume", 403, 200, 403),
        (Method::POST, "jobs", 403, 400, 400),
    ] {
        for (token, expected) in [(READER, read), (OPERATOR, operate), (SUBMITTER, submit)] {
            let (status, body) = ask(&setup, method.clone(), path, Some(token)).await;
            assert_eq!(status, expected, "{method} {path} {token}: {body}");
            assert_eq!(body.contains(r#""code":"forbidden""#), status == 403, "{body}");
        }
    }
}

#[tokio::test]
async fn an_act_is_logged_under_its_name_and_no_token_is_written_down() {
    let setup = with_tokens().await;
    let (status, who) = json_of(&setup, Method::GET, "whoami", FORMER).await;
    assert_eq!((status, &who["name"], &who["role"]), (200, &json!("ann"), &json!("operate")));
    assert!(who["time"].is_string(), "{who}");
    for (token, path) in [(OPERATOR, "pause"), (FORMER, "resume")] {
        assert_eq!(json_of(&setup, Method::POST, path, token).await.0, 200);
    }
    assert_eq!(json_of(&setup, Method::POST, "pause", READER).await.0, 403);
    assert_eq!(json_of(&setup, Method::GET, "status", WRONG).await.0, 404);
    setup.log_line("token_refused").await;
    let forbidden = setup.log_line("forbidden").await;
    assert_eq!((&forbidden["by"], &forbidden["role"]), (&"grafana".into(), &"read".into()));

    let (_, audit) = json_of(&setup, Method::GET, "audit", READER).await;
    let acts = audit["entries"].as_array().unwrap();
    let acts: Vec<_> = acts.iter().map(|act| (act["by"].as_str(), act["act"].as_str())).collect();
    assert_eq!(acts, [(Some("ann"), Some("resume")), (Some("ann"), Some("pause"))]);
    let (_, status) = json_of(&setup, Method::GET, "status", READER).await;
    assert_eq!(status["settings"]["tokens"][0], json!({ "name": "grafana", "role": "read" }));
    assert_eq!(status["outcomes"]["token_refused"], 1, "{status}");
    assert_eq!(status["outcomes"]["forbidden"], 1, "{status}");
    let said = format!("{audit} {status} {}", setup.edge.logs().concat());
    assert!(!said.contains("canary"), "{said}");
}

/// It cannot lock out who has a token, and shares the attacker's address.
#[tokio::test]
async fn who_guesses_tokens_is_blocked_and_the_right_token_gets_in_from_there() {
    let setup = with_tokens().await;
    let whoami = |token| {
        let client = reqwest::Client::new();
        let request = client.get(format!("{}_edge/whoami", setup.edge.url()));
        let request = request.bearer_auth(token).header("cf-connecting-ip", ATTACKER);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let guesses = tokio::join!(whoami(WRONG), whoami(WRONG), whoami(WRONG), whoami(WRONG));
    assert_eq!(guesses, (404, 404, 404, 404));
    let mut refused = 0;
    let all_refused = |line: &str| {
        let is_it = |it: Value| it["outcome"] == "token_refused" && it["client"] == ATTACKER;
        refused += usize::from(record(line).is_some_and(is_it));
        refused == 4
    };
    setup.edge.wait_for_log(all_refused, PATIENCE).await.unwrap();
    let delivery: Delivery = succeeded();
    setup.expect(&from(ATTACKER, &delivery), 429, "rate_limited").await;
    assert_eq!((whoami(WRONG).await, whoami(READER).await), (404, 200));
    setup.expect(&delivery, 200, "forwarded").await;
}
