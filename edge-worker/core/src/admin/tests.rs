//! Who may do what: every route with every kind of token, and no token in anything that leaves the machine.

use serde_json::{Value, json};

use super::route::AdminRoute;
use crate::isolate::{Bindings, Isolate};
use crate::ledger::bulk_replay::Steering;
use crate::ledger::message::{Call, Reply};
use crate::machine::{Input, Machine, Output};
use crate::request::Request;
use crate::settings::tests::settings_with;
use crate::trace::Random;
use crate::watch::WatchPage;

const NOW_MS: u64 = 1_700_000_000_000;
const KEY: &str = "event-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const READER: &str = "canary-of-the-reader";
const OPERATOR: &str = "canary-of-the-operator";
const SUBMITTER: &str = "canary-of-the-submitter";
const WRONG: &str = "canary-that-is-wrong";

/// One request, which route it is, and whether the roles `read`, `operate` and `submit` open it.
struct Row {
    method: &'static str,
    path: &'static str,
    is_its_route: fn(&AdminRoute) -> bool,
    opens: [bool; 3],
}

/// Makes the rows, and a `match` over their routes: without a row for each route it does not compile.
macro_rules! table {
    ($($pattern:pat, $method:literal, $path:literal, $opens:expr;)*) => {
        const ROWS: &[Row] = &[$(Row {
            method: $method,
            path: $path,
            is_its_route: |route| matches!(route, $pattern),
            opens: $opens,
        }),*];

        #[allow(dead_code, reason = "the compiler checks it")]
        const fn has_a_row(route: &AdminRoute) {
            match route { $($pattern => {})* }
        }
    };
}

const ANYBODY: [bool; 3] = [true, true, true];
const WHO_READS: [bool; 3] = [true, true, false];
const WHO_OPERATES: [bool; 3] = [false, true, false];
const WHO_SUBMITS: [bool; 3] = [false, true, true];

table! {
    AdminRoute::Whoami, "GET", "whoami", ANYBODY;
    AdminRoute::Status, "GET", "status", WHO_READS;
    AdminRoute::Metrics, "GET", "metrics", WHO_READS;
    AdminRoute::Events { .. }, "GET", "events", WHO_READS;
    AdminRoute::Event(_), "GET", "events/KEY", WHO_READS;
    AdminRoute::Reopen(_), "POST", "events/KEY/reopen", WHO_OPERATES;
    AdminRoute::Replay(_), "POST", "events/KEY/replay", WHO_OPERATES;
    AdminRoute::NewReplay, "POST", "replays", WHO_OPERATES;
    AdminRoute::Replays, "GET", "replays", WHO_READS;
    AdminRoute::BulkReplay(_), "GET", "replays/r-1", WHO_READS;
    AdminRoute::SteerReplay { steering: Steering::Pause, .. }, "POST", "replays/r-1/pause", WHO_OPERATES;
    AdminRoute::SteerReplay { steering: Steering::Resume, .. }, "POST", "replays/r-1/resume", WHO_OPERATES;
    AdminRoute::SteerReplay { steering: Steering::Cancel, .. }, "POST", "replays/r-1/cancel", WHO_OPERATES;
    AdminRoute::RegisterJob, "POST", "jobs", WHO_SUBMITS;
    AdminRoute::Jobs { .. }, "GET", "jobs", WHO_READS;
    AdminRoute::Job(_), "GET", "jobs/job_1", WHO_READS;
    AdminRoute::Costs, "GET", "costs", WHO_READS;
    AdminRoute::Audit { .. }, "GET", "audit", WHO_READS;
    AdminRoute::Watch(WatchPage::History), "GET", "history", WHO_READS;
    AdminRoute::Watch(WatchPage::Alerts), "GET", "alerts", WHO_READS;
    AdminRoute::Pause { is_paused: true }, "POST", "pause", WHO_OPERATES;
    AdminRoute::Pause { is_paused: false }, "POST", "resume", WHO_OPERATES;
}

fn isolate() -> Isolate {
    let tokens = format!("reader:read:{READER} op:operate:{OPERATOR} shop:submit:{SUBMITTER}");
    let settings = settings_with(&[("ADMIN_TOKENS", &tokens)]);
    Isolate::new(Ok(settings), Bindings { rate_limiter: true, ..Bindings::default() })
}

/// Asks, with replies of the ledger that do, and gives every output.
fn outputs(isolate: &mut Isolate, row: &Row, token: Option<&str>) -> Vec<Output> {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("cf-connecting-ip", "192.0.2.66"), ("x-correlation-id", "c-1")];
    headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
    let url = format!("https://edge.test/_edge/{}", row.path.replace("KEY", KEY));
    let request = Request::new(row.method, &url, &headers);
    let random = Random::from_bytes(&[7; 40]);
    let (mut machine, output) = Machine::begin(isolate, request, random, NOW_MS);
    let mut outputs = vec![output];
    while let (Some(waiting), Some(output)) = (machine.take(), outputs.last()) {
        let input = match output {
            Output::ReadBody { .. } if row.path == "jobs" => {
                Input::Body(br#"{"id":"job_1"}"#.to_vec())
            }
            Output::ReadBody { .. } => Input::Body(br#"{"state":"dead","start":true}"#.to_vec()),
            Output::CallLedger { calls, .. } => {
                let replies = calls.iter().map(|_| Reply::Ok.encode()).collect::<Vec<_>>();
                Input::LedgerReplies(replies.join("\n"))
            }
            Output::AskWatch { .. } => {
                Input::Watch(Ok(r#"{"rules":[],"notifications":[]}"#.to_owned()))
            }
            Output::CheckRateLimit { .. } => Input::RateLimit(Ok(true)),
            Output::Wait { .. } => Input::Waited,
            other => panic!("{other:?}"),
        };
        let next = waiting.handle(isolate, input, NOW_MS);
        machine = next.0;
        outputs.push(next.1);
    }
    outputs
}

/// Status and body of the response, and the line about it.
fn response(outputs: &[Output]) -> (u16, Value, Option<Value>) {
    let Some(Output::Respond { response, log, .. }) = outputs.last() else { panic!("{outputs:?}") };
    let parsed = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    (response.status, parsed(&response.body), log.as_deref().map(parsed))
}

#[test]
fn every_route_is_open_to_the_roles_of_its_row_and_to_nobody_else() {
    let not_found =
        json!({ "error": { "code": "not_found", "message": "There is nothing at this path." } });
    for row in ROWS {
        let (method, path) = (row.method, row.path.replace("KEY", KEY));
        let route = AdminRoute::of(method, &format!("/_edge/{path}"), "").unwrap();
        assert!((row.is_its_route)(&route), "{path}: {route:?}");

        let none = outputs(&mut isolate(), row, None);
        assert_eq!((none.len(), response(&none)), (1, (404, not_found.clone(), None)), "{path}");
        let wrong = outputs(&mut isolate(), row, Some(WRONG));
        let (status, body, _) = response(&wrong);
        assert_eq!((wrong.len(), status, &body), (3, 404, &not_found), "{path}");
        for (token, opens) in [READER, OPERATOR, SUBMITTER].into_iter().zip(row.opens) {
            let outputs = outputs(&mut isolate(), row, Some(token));
            let (status, body, log) = response(&outputs);
            assert_eq!(status != 403, opens, "{method} {path} {token}: {body}");
            if opens {
                let is_asked = matches!(
                    outputs[0],
                    Output::CallLedger { .. } | Output::ReadBody { .. } | Output::AskWatch { .. }
                );
                assert!(is_asked || path == "whoami" && status == 200, "{method} {path}: {body}");
            } else {
                // Nothing is read, and nobody is called.
                assert_eq!(outputs.len(), 1, "{method} {path} {token}");
                assert_eq!(body["error"]["code"], "forbidden", "{method} {path} {token}");
                assert_eq!(log.unwrap()["outcome"], "forbidden");
            }
        }
    }
}

#[test]
fn a_role_that_is_too_little_is_named_and_so_is_what_is_enough() {
    let row = |path| ROWS.iter().find(|row| row.path == path).unwrap();
    for (path, token, text) in [
        ("pause", READER, "This token has the role `read`, and the request takes `operate`."),
        (
            "status",
            SUBMITTER,
            "This token has the role `submit`, and the request takes `read` or `operate`.",
        ),
    ] {
        let mut isolate = isolate();
        let (_, body, log) = response(&outputs(&mut isolate, row(path), Some(token)));
        assert_eq!(body["error"]["message"], text);
        let (by, role) = if token == READER { ("reader", "read") } else { ("shop", "submit") };
        let expected = json!({
            "time": "2023-11-14T22:13:20.000Z",
            "correlation_id": "c-1",
            "outcome": "forbidden",
            "error.type": "forbidden",
            "http.response.status_code": 403,
            "client": "192.0.2.66",
            "by": by,
            "role": role,
        });
        assert_eq!(log, Some(expected));
        assert_eq!(isolate.take_counts().get("forbidden"), 1);
    }
}

#[test]
fn a_token_is_told_its_name_and_its_role() {
    for (token, name, role) in
        [(READER, "reader", "read"), (OPERATOR, "op", "operate"), (SUBMITTER, "shop", "submit")]
    {
        let outputs = outputs(&mut isolate(), &ROWS[0], Some(token));
        let expected = json!({ "name": name, "role": role, "time": "2023-11-14T22:13:20.000Z" });
        assert_eq!(response(&outputs), (200, expected, None));
    }
}

/// With what came of it: the log line, and the name that the shards write down.
#[test]
fn every_act_is_done_under_the_name_of_its_token() {
    for row in ROWS.iter().filter(|row| row.method == "POST") {
        for (token, by) in [(OPERATOR, "op"), (SUBMITTER, "shop")] {
            if token == SUBMITTER && row.path != "jobs" {
                continue;
            }
            let outputs = outputs(&mut isolate(), row, Some(token));
            let (_, _, log) = response(&outputs);
            assert_eq!(log.unwrap()["by"], by, "{}", row.path);
            let calls = outputs.iter().find_map(|output| match output {
                Output::CallLedger { calls, .. } => Some(calls),
                _ => None,
            });
            let written = Call::decode_by(&calls.unwrap()[0].message).unwrap().1;
            // The audit log is about acts; a registration is none.
            let expected = (row.path != "jobs").then_some(by);
            assert_eq!(written.as_deref(), expected, "{}", row.path);
        }
    }
}

/// In everything that leaves the machine, and in what is printed of it.
#[test]
fn no_token_is_in_any_call_answer_line_or_debug_output() {
    let mut isolate = isolate();
    let mut lines = String::new();
    for row in ROWS {
        for token in [READER, OPERATOR, SUBMITTER, WRONG] {
            for output in outputs(&mut isolate, row, Some(token)) {
                let text = format!("{output:?} {}", serde_json::to_string(&output).unwrap());
                assert!(!text.contains("canary"), "{text}");
                if let Output::Respond { log: Some(line), .. } = output {
                    lines.push_str(&line);
                }
            }
        }
    }
    for kind in ["token_refused", "forbidden", "register_job", "pause", "replay_start"] {
        assert!(lines.contains(kind), "{kind}");
    }
    let counts = isolate.take_counts();
    let settings = isolate.settings().unwrap();
    let summary = serde_json::to_string(&settings.summary()).unwrap();
    let text = format!("{settings:?} {summary} {counts:?}");
    assert!(text.contains("reader") && !text.contains("canary"), "{text}");
}
