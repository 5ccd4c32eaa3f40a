//! Machines without a platform: each step by hand.

mod jobs;
mod long_bodies;
mod tokens;
mod tracing;

use nextapi_webhook::{Key, UnixTime};

use super::*;
use crate::counts::Counts;
use crate::isolate::Bindings;
use crate::ledger::figures::Figures;
use crate::ledger::message::{Call, Reply};
use crate::ledger::order::Order;
use crate::ledger::search::Found;
use crate::outcome::OriginResult;
use crate::settings::tests::{SECRET, settings_with};

const NOW_MS: u64 = 1_700_000_000_000;
const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded","data":{"job_id":"job_1"}}"#;
const GRANTED: Reply = Reply::Granted { token: 1, order: Order::InOrder };

/// With which the answer waits for the origin, so that the tests of the machine can follow it all the way.
const THROUGH: (&str, &str) = ("DELIVERY", "through");

fn isolate(bindings: Bindings) -> Isolate {
    Isolate::new(Ok(settings_with(&[("ADMIN_TOKEN", "0123456789abcdef"), THROUGH])), bindings)
}

/// Begins a delivery, signed over `BODY`, with more headers.
fn begin(isolate: &mut Isolate, more: &[(&str, &str)]) -> Step {
    let key = Key::new(SECRET.as_bytes()).unwrap();
    let signature = key.sign(UnixTime::from_secs(NOW_MS / 1_000), BODY).to_string();
    let mut headers = vec![
        ("x-nextapi-signature", signature.as_str()),
        ("user-agent", "NextAPI/1"),
        ("cookie", "a=b"),
    ];
    headers.extend(more);
    let request = Request::new("POST", "https://edge.test/webhook", &headers);
    Machine::begin(isolate, request, Random::from_bytes(&[7; 40]), NOW_MS)
}

/// A machine that was begun, and where it has come to.
struct Run {
    isolate: Isolate,
    machine: Option<Machine>,
    output: Output,
}

impl Run {
    fn begin(bindings: Bindings, more: &[(&str, &str)]) -> Self {
        let mut isolate = isolate(bindings);
        let (machine, output) = begin(&mut isolate, more);
        Self { isolate, machine, output }
    }

    fn to_origin() -> Self {
        let mut run = Self::begin(Bindings::default(), &[]);
        run.handle(body(BODY), NOW_MS);
        run.handle(replied(&GRANTED), NOW_MS);
        run
    }

    fn handle(&mut self, input: Input, now_ms: u64) -> &Output {
        let machine = self.machine.take().expect("the machine has ended");
        (self.machine, self.output) = machine.handle(&mut self.isolate, input, now_ms);
        assert_eq!(self.machine.is_none(), matches!(self.output, Output::Respond { .. }));
        &self.output
    }

    fn call(&self) -> Call {
        let Output::CallLedger { calls, deadline_ms: 3_000 } = &self.output else {
            panic!("no call: {:?}", self.output)
        };
        assert_eq!(calls.len(), 1);
        Call::decode(&calls[0].message).unwrap()
    }

    /// The code of the response, and its log line.
    fn code(&self) -> (String, String) {
        let Output::Respond { response, log, .. } = &self.output else {
            panic!("no response: {:?}", self.output)
        };
        let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
        let code = body.get("status").unwrap_or_else(|| &body["error"]["code"]);
        (code.as_str().unwrap().to_owned(), log.clone().unwrap_or_default())
    }
}

fn body(bytes: &[u8]) -> Input {
    Input::Body(bytes.to_vec())
}

fn replied(reply: &Reply) -> Input {
    Input::LedgerReplies(reply.encode())
}

fn broken() -> Input {
    Input::LedgerReplies(r#"{"error":{"message":"broken","overloaded":false}}"#.to_owned())
}

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
    let signature = Key::new(SECRET.as_bytes()).unwrap();
    let signature = signature.sign(UnixTime::from_secs(NOW_MS / 1_000), PAID).to_string();
    let some = |text: &str| Some(text.to_owned());
    for (token, expected) in [
        (None, (None, None)),
        (Some(("SUBMIT_TOKEN", "0123456789abcdef")), (some("1.05"), some("acme"))),
    ] {
        let mut values = vec![THROUGH, ("TENANT_FIELD", "data.job.metadata.tenant")];
        values.extend(token);
        let mut isolate = Isolate::new(Ok(settings_with(&values)), Bindings::default());
        let headers = [("x-nextapi-signature", signature.as_str())];
        let request = Request::new("POST", "https://edge.test/webhook", &headers);
        let random = Random::from_bytes(&[7; 40]);
        let (machine, _) = Machine::begin(&mut isolate, request, random, NOW_MS);
        let (machine, output) = machine.unwrap().handle(&mut isolate, body(PAID), NOW_MS);
        let Call::Claim { meta, .. } = (Run { isolate, machine, output }).call() else { panic!() };
        assert_eq!((meta.credits.map(|it| it.to_string()), meta.tenant), expected);
    }
}

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
    let request = Request::new("POST", "https://edge.test/webhook", &headers);
    let mut isolate = isolate(Bindings::default());
    let (machine, output) =
        Machine::begin(&mut isolate, request, Random::from_bytes(&[7; 40]), NOW_MS);
    let run = Run { isolate, machine, output };
    assert_eq!(run.code().0, "signature_malformed");
}

const FROM: (&str, &str) = ("cf-connecting-ip", "192.0.2.7");

#[test]
fn a_forger_is_counted_and_then_refused_before_reading() {
    let mut run = Run::begin(Bindings { rate_limiter: true, ..Bindings::default() }, &[FROM]);
    let output = run.handle(body(b"{}"), NOW_MS);
    assert!(matches!(output, Output::CheckRateLimit { key, .. } if key == "192.0.2.7"));
    run.handle(Input::RateLimit(Ok(false)), NOW_MS);
    assert_eq!(run.code().0, "signature_mismatch");
    let Run { mut isolate, .. } = run;
    let (machine, output) = begin(&mut isolate, &[FROM]);
    let run = Run { isolate, machine, output };
    assert_eq!(run.code().0, "rate_limited");
    let Run { mut isolate, .. } = run;
    let other = begin(&mut isolate, &[("cf-connecting-ip", "192.0.2.8")]).1;
    assert!(matches!(other, Output::ReadBody { .. }));
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

/// The driver should not have read it, but who decides is the machine.
#[test]
fn a_body_over_the_limit_is_refused_even_if_it_was_read() {
    for (length, code) in [(262_144, "signature_mismatch"), (262_145, "body_too_large")] {
        let mut run = Run::begin(Bindings::default(), &[]);
        run.handle(Input::Body(vec![b' '; length]), NOW_MS);
        assert_eq!(run.code().0, code, "{length}");
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
            let mut isolate = Isolate::new(Ok(settings_with(settings)), Bindings::default());
            let (machine, output) = begin(&mut isolate, &[]);
            let mut run = Run { isolate, machine, output };
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

/// Begins a request for a bulk replay; what it comes to with this body.
fn bulk_replay(body: Input) -> Run {
    let mut isolate = isolate(Bindings::default());
    let token = [("authorization", "Bearer 0123456789abcdef")];
    let request = Request::new("POST", "https://edge.test/_edge/replays", &token);
    let random = Random::from_bytes(&[7; 40]);
    let (machine, output) = Machine::begin(&mut isolate, request, random, NOW_MS);
    let Output::ReadBody { limit: 16_384, length: None, deadline_ms: 10_000, .. } = output else {
        panic!("no body is asked for: {output:?}")
    };
    let mut run = Run { isolate, machine, output };
    run.handle(body, NOW_MS);
    run
}

#[test]
fn a_bulk_replay_is_read_and_started_in_every_shard() {
    let mut run = bulk_replay(body(br#"{"state":"dead","start":true,"rate":4}"#));
    let Output::CallLedger { calls, .. } = &run.output else { panic!("{:?}", run.output) };
    // And their figures, which name former numbers of shards.
    assert_eq!(calls.len(), 2 * 16);
    let id = "07070707070707070707070707070707";
    for call in &calls[..16] {
        let Call::StartReplay(new) = Call::decode(&call.message).unwrap() else {
            panic!("{call:?}")
        };
        assert_eq!((new.id.as_str(), new.rate, new.interval_ms), (id, 4, 4_000));
    }
    let planned = Reply::Planned { events: 2, without_bytes: 0 }.encode();
    let figures = Reply::Figures(Figures::default()).encode();
    let replies = [vec![planned; 16], vec![figures; 16]].concat();
    run.handle(Input::LedgerReplies(replies.join("\n")), NOW_MS);
    let (status, line) = run.code();
    assert_eq!(status, "started");
    assert!(line.contains("replay_start") && line.contains(id), "{line}");
}

#[test]
fn a_plan_is_made_where_the_job_is_and_not_logged() {
    let mut run = bulk_replay(body(br#"{"state":"dead","job":"job_2"}"#));
    let Output::CallLedger { calls, .. } = &run.output else { panic!("{:?}", run.output) };
    let shards: Vec<_> = calls.iter().map(|call| call.shard.as_str()).collect();
    assert_eq!(shards, ["shard-12", "shard-12"], "the plan, and the figures");
    assert!(matches!(Call::decode(&calls[0].message), Ok(Call::PlanReplay(_))));
    let planned = Reply::Planned { events: 2, without_bytes: 0 }.encode();
    let figures = Reply::Figures(Figures::default()).encode();
    run.handle(Input::LedgerReplies([planned, figures].join("\n")), NOW_MS);
    assert_eq!(run.code(), ("planned".to_owned(), String::new()));
}

#[test]
fn a_bulk_replay_that_cannot_be_read_calls_no_shard() {
    for (input, code) in [
        (body(b"{}"), "request_invalid"),
        (Input::BodyTooLarge, "body_too_large"),
        (Input::BodyTimedOut, "body_timeout"),
        (Input::BodyCut, "body_cut"),
        (Input::LongBody(5), "body_too_large"),
    ] {
        assert_eq!(bulk_replay(input).code().0, code);
    }
}

#[test]
fn an_admin_asks_every_shard() {
    let headers = [("authorization", "Bearer 0123456789abcdef")];
    let request = Request::new("GET", "https://edge.test/_edge/status", &headers);
    let mut isolate = isolate(Bindings::default());
    let (machine, output) = Machine::begin(&mut isolate, request, Random::from_bytes(&[]), NOW_MS);
    let Output::CallLedger { calls, .. } = &output else { panic!("{output:?}") };
    assert_eq!(calls.len(), 16);
    let mut run = Run { isolate, machine, output };
    let errors = vec![r#"{"error":{"message":"broken"}}"#; 16];
    let input = Input::LedgerReplies(errors.join("\n"));
    run.handle(input, NOW_MS);
    assert!(matches!(run.output, Output::AskWatch { .. }), "{:?}", run.output);
    let input = Input::Watch(Err("broken".to_owned()));
    let Output::Respond { response, .. } = run.handle(input, NOW_MS) else { panic!("no response") };
    assert_eq!(response.status, 200);
    assert!(response.body.contains("the watch did not answer (broken)"), "{}", response.body);
    assert!(response.body.contains("16 of 16 shards did not answer"), "{}", response.body);
}

/// An admin's request, driven by hand: the calls of each round, and the response.
fn administered(
    method: &str,
    path: &str,
    reply: impl Fn(&str, &Call) -> Reply,
) -> (Vec<Vec<(String, Call)>>, Response) {
    let headers = [("authorization", "Bearer 0123456789abcdef")];
    let request = Request::new(method, &format!("https://edge.test{path}"), &headers);
    let mut isolate = isolate(Bindings::default());
    let (machine, output) = Machine::begin(&mut isolate, request, Random::from_bytes(&[]), NOW_MS);
    let mut run = Run { isolate, machine, output };
    let mut rounds = Vec::new();
    loop {
        let calls = match &run.output {
            Output::CallLedger { calls, .. } => calls,
            Output::AskWatch { .. } => {
                run.handle(Input::Watch(Err("broken".to_owned())), NOW_MS);
                continue;
            }
            Output::Respond { response, .. } => return (rounds, response.clone()),
            output => panic!("{output:?}"),
        };
        let calls: Vec<_> =
            calls.iter().map(|it| (it.shard.clone(), Call::decode(&it.message).unwrap())).collect();
        let replies: Vec<_> =
            calls.iter().map(|(shard, call)| reply(shard, call).encode()).collect();
        rounds.push(calls);
        run.handle(Input::LedgerReplies(replies.join("\n")), NOW_MS);
    }
}

/// Figures of a shard that knows, or does not, that there were 64 before there were 16.
fn figures_of(shard: &str) -> Reply {
    let mut shard_counts = vec![(6, 16)];
    if shard == "shard-3" {
        shard_counts.insert(0, (5, 64));
    }
    let is_paused = shard == "shard-40";
    Reply::Figures(Figures {
        shard_counts,
        is_paused,
        events: "waiting:2".into(),
        ..Figures::default()
    })
}

#[test]
fn an_admin_asks_the_shards_of_a_former_number_as_well() {
    let (rounds, response) = administered("GET", "/_edge/status", |shard, _| figures_of(shard));
    assert_eq!(rounds.iter().map(Vec::len).collect::<Vec<_>>(), [16, 48]);
    let (first, last) = (&rounds[1][0].0, &rounds[1][47].0);
    assert_eq!((first.as_str(), last.as_str()), ("shard-16", "shard-63"));
    let page: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(page["shards"].as_array().map(Vec::len), Some(64));
    assert_eq!(page["shards"][40]["shard"], "shard-40");
    assert_eq!(page["shards"][40]["paused"], true);
    let warnings = page["warnings"].to_string();
    assert!(warnings.contains("96 events wait or are under way in shards"), "{warnings}");

    let (_, metrics) = administered("GET", "/_edge/metrics", |shard, _| figures_of(shard));
    for line in ["nextapi_edge_paused{shard=\"shard-40\"} 1", "nextapi_edge_unused_shards_owed 96"]
    {
        assert!(metrics.body.lines().any(|it| it == line), "{line} in {}", metrics.body);
    }
}

/// Or a shard that was paused before its number went out of use would sleep for ever.
#[test]
fn a_resumption_reaches_the_shards_of_a_former_number() {
    let reply = |shard: &str, call: &Call| match call {
        Call::Figures { .. } => figures_of(shard),
        _ => Reply::Ok,
    };
    let (rounds, response) = administered("POST", "/_edge/resume", reply);
    assert_eq!(response.status, 200);
    let resumed = rounds.iter().flatten().filter(|(_, it)| *it == Call::Pause { is_paused: false });
    let resumed: std::collections::BTreeSet<_> = resumed.map(|(shard, _)| shard.clone()).collect();
    assert_eq!((rounds.len(), resumed.len()), (2, 64));
    assert!(resumed.contains("shard-63"));

    // A shard that does not tell the numbers may be the one that knows of more.
    let silent = |_: &str, _: &Call| Reply::Ok;
    let (rounds, response) = administered("POST", "/_edge/resume", silent);
    assert_eq!((rounds.len(), response.status), (1, 503));
}

#[test]
fn a_replay_finds_an_event_in_a_shard_of_a_former_number() {
    let key = format!("event-{}", "0".repeat(64));
    let reply = |shard: &str, call: &Call| match call {
        Call::Figures { .. } => figures_of(shard),
        Call::Replay { .. } if shard == "shard-50" => Reply::Ok,
        _ => Reply::Absent,
    };
    let (_, response) = administered("POST", &format!("/_edge/events/{key}/replay"), reply);
    assert_eq!(response.status, 200, "{}", response.body);
}

#[test]
fn a_list_by_job_asks_where_the_job_was_under_a_former_number() {
    let reply = |_: &str, call: &Call| match call {
        Call::Figures { .. } => figures_of("shard-3"),
        _ => Reply::Found(Found::default()),
    };
    let (rounds, response) = administered("GET", "/_edge/events?job=job_2", reply);
    assert_eq!(response.status, 200);
    let shards =
        |round: &[(String, Call)]| round.iter().map(|(shard, _)| shard.clone()).collect::<Vec<_>>();
    assert_eq!(shards(&rounds[0]), ["shard-12", "shard-12"], "the list and the figures");
    assert_eq!(shards(&rounds[1]), [crate::ledger::shard::name_of_job("job_2", 64)]);
}

#[test]
fn without_a_former_number_an_admin_asks_once() {
    let reply = |_: &str, call: &Call| match call {
        Call::Figures { .. } => figures_of("shard-0"),
        _ => Reply::Ok,
    };
    assert_eq!(administered("POST", "/_edge/pause", reply).0.len(), 1);
    assert_eq!(administered("GET", "/_edge/status", reply).0.len(), 1);
}

#[test]
fn what_is_printed_for_debugging_holds_no_secret() {
    let settings =
        settings_with(&[("ORIGIN_AUTHORIZATION", "Bearer canary_of_the_origin"), THROUGH]);
    let mut isolate = Isolate::new(Ok(settings), Bindings::default());
    let (machine, output) = begin(&mut isolate, &[]);
    let mut run = Run { isolate, machine, output };
    let input = body(BODY);
    assert!(!format!("{input:?}").contains("evt_1"));
    run.handle(input, NOW_MS);
    let shown = format!("{:?}", run.handle(replied(&GRANTED), NOW_MS));
    assert!(!shown.contains("canary"), "{shown}");
}
