//! Messages as they are on the wire, pinned, and what a rollout may bring.

use std::path::Path;
use std::{env, fs};

use proptest::prelude::*;

use super::*;
use crate::ledger::breaker::Breaker;
use crate::ledger::credits::Credits;
use crate::ledger::job::{JobCursor, JobFigures};
use crate::ledger::listing::Cursor;
use crate::ledger::trail::{Act, TrailEntry};
use crate::ledger::walk::Place;

/// One message a line. If this fails, the wire format has changed: undo the change, or take a new
/// version. With `UPDATE_GOLDEN` in the environment, writes the file instead.
fn assert_golden(file: &str, messages: &[String]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ledger/message").join(file);
    let text: String = messages.iter().flat_map(|message| [message.as_str(), "\n"]).collect();
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

fn key() -> String {
    "event-00".to_owned()
}

fn selection() -> Selection {
    Selection {
        state: "dead".to_owned(),
        since_ms: 5,
        until_ms: 1_700_000_000_000,
        job_id: Some("job_1".to_owned()),
        event_type: Some("job.failed".to_owned()),
    }
}

fn new_replay() -> NewReplay {
    NewReplay { id: "r-1".to_owned(), selection: selection(), rate: 10, interval_ms: 1_600 }
}

#[allow(clippy::too_many_lines, reason = "one of each")]
fn calls() -> Vec<Call> {
    let some = |text: &str| Some(text.to_owned());
    let meta = EventMeta {
        event_id: some("evt_1"),
        event_type: some("job.succeeded"),
        job_id: some("job \"1\"\n"),
        ..EventMeta::default()
    };
    let counts = || Counts::from("duplicate:2,forwarded:1");
    let filter = Filter {
        state: some("open"),
        job_id: some("job_1"),
        event_type: some("job.failed"),
        after: Some(Cursor { last_ms: 1_700_000_000_000, key: key() }),
        limit: 51,
        ..Filter::default()
    };
    vec![
        Call::Claim { key: key(), meta, correlation_id: None },
        Call::Claim { key: key(), meta: EventMeta::default(), correlation_id: None },
        Call::Accept {
            key: key(),
            meta: EventMeta::default(),
            head: "{\"kept\":[]}".to_owned(),
            body_bytes: 512,
            correlation_id: None,
        },
        Call::Commit {
            job_id: some("job_1"),
            key: key(),
            token: 2,
            status: None,
            correlation_id: None,
            counts: counts(),
        },
        Call::Commit {
            job_id: None,
            key: key(),
            token: 2,
            status: None,
            correlation_id: None,
            counts: Counts::new(),
        },
        Call::Release {
            job_id: some("job_1"),
            key: key(),
            token: 2,
            outcome: "origin_failed".to_owned(),
            status: Some(503),
            retry_after_ms: Some(120_000),
            jitter: 7,
            correlation_id: None,
            counts: counts(),
        },
        Call::Reopen { key: key() },
        Call::Replay { key: key(), id: "r-1".to_owned() },
        Call::PlanReplay(selection()),
        Call::StartReplay(new_replay()),
        Call::SteerReplay { id: "r-1".to_owned(), steering: Steering::Cancel },
        Call::Replays { id: None },
        Call::Replays { id: some("r-1") },
        Call::Pause { is_paused: true },
        Call::Figures { counts: counts() },
        Call::Figures { counts: Counts::new() },
        Call::Report { counts: counts() },
        Call::Report { counts: Counts::new() },
        Call::List(filter),
        Call::List(Filter { limit: 1, ..Filter::default() }),
        Call::Find { key: key() },
        Call::RegisterJob(NewJob {
            job_id: "job_1".to_owned(),
            tenant: some("acme"),
            deadline_ms: Some(9),
            estimated: Credits::parse("1.05"),
        }),
        Call::RegisterJob(NewJob {
            job_id: "job_1".to_owned(),
            tenant: None,
            deadline_ms: None,
            estimated: None,
        }),
        Call::DueJobs { limit: 60 },
        Call::Observe(vec![
            observation(),
            Observation {
                credits: None,
                estimated: None,
                created_ms: None,
                is_known_only: false,
                ..observation()
            },
        ]),
        Call::MakeEnd {
            observation: observation(),
            key: key(),
            meta: EventMeta {
                credits: Credits::parse("1.05"),
                tenant: some("acme"),
                ..EventMeta::default()
            },
            head: "{}".to_owned(),
            body_bytes: 512,
        },
        Call::Jobs(JobFilter {
            state: some("overdue"),
            tenant: some("acme"),
            cursor: Some(JobCursor { known_ms: 7, job_id: "job_1".to_owned() }),
            limit: 51,
        }),
        Call::Jobs(JobFilter { limit: 1, ..JobFilter::default() }),
        Call::ForgetJob { job_id: "job_1".to_owned() },
        Call::FindJob { job_id: "job_1".to_owned() },
        Call::Costs,
        Call::Audit { cursor: None, limit: 51 },
        Call::Audit { cursor: Some(AuditCursor { at_ms: 7, id: 1 }), limit: 51 },
        Call::Claim { key: key(), meta: EventMeta::default(), correlation_id: some("c-1") },
        Call::Accept {
            key: key(),
            meta: EventMeta::default(),
            head: "{}".to_owned(),
            body_bytes: 512,
            correlation_id: some("c-1"),
        },
        Call::Commit {
            job_id: None,
            key: key(),
            token: 2,
            status: Some(204),
            correlation_id: some("c-1"),
            counts: Counts::new(),
        },
        Call::Release {
            job_id: None,
            key: key(),
            token: 2,
            outcome: "origin_timeout".to_owned(),
            status: None,
            retry_after_ms: None,
            jitter: 7,
            correlation_id: some("c-1"),
            counts: Counts::new(),
        },
        Call::List(Filter { limit: 1, with_trails: true, ..Filter::default() }),
        Call::Search(Search {
            filter: Filter {
                tenant: some("acme"),
                last_outcome: some("origin_failed"),
                event_id: some("evt_1"),
                since_ms: Some(5),
                until_ms: Some(9),
                limit: 51,
                ..Filter::default()
            },
            from: Some(Place { job_id: "job_1".to_owned(), key: key() }),
            to: Some(Place { job_id: String::new(), key: key() }),
            rows: 10_000,
        }),
        Call::Search(Search { rows: 1, ..Search::default() }),
        Call::Totals,
    ]
}

fn replies() -> Vec<Reply> {
    let figures = Figures {
        events: "done:3,open:1".into(),
        oldest_ms: Some(7),
        abandoned: 1,
        oldest_waiting_ms: Some(8),
        is_paused: true,
        paused_replays: 1,
        breaker: Breaker::Open { until_ms: 9, pause_ms: 30_000, since_ms: 8 },
        bytes: 4_096,
        shard_counts: vec![(5, 8), (6, 16)],
        outcomes: "duplicate:2".into(),
        jobs: None,
    };
    let with_jobs = Figures {
        jobs: Some(JobFigures { open: 4, overdue: 3, reconciled: 2, conflicts: 1 }),
        ..Figures::default()
    };
    let event = EventSummary {
        key: key(),
        state: "claimed".to_owned(),
        lease_end_ms: Some(9),
        due_ms: Some(10),
        attempts: 2,
        first_ms: 7,
        last_ms: 8,
        last_outcome: Some("origin_failed".to_owned()),
        meta: EventMeta { job_id: Some("job_1".to_owned()), ..EventMeta::default() },
        trail: Vec::new(),
    };
    let trail = vec![
        TrailEntry::new(5, Act::Delivery, "accepted").by(Some("c-1".to_owned())),
        TrailEntry::attempt(7, 1, "origin_failed", Some(503)),
    ];
    vec![
        Reply::Granted { token: 1, order: Order::InOrder },
        Reply::Granted { token: 2, order: Order::Late },
        Reply::Accepted { token: 1, order: Order::InOrder },
        Reply::Stored,
        Reply::Full,
        Reply::Planned { events: 3, without_bytes: 1 },
        Reply::Ended,
        Reply::Replays(vec![BulkReplay {
            after: Some(Cursor { last_ms: 7, key: key() }),
            last_failure: Some("origin_failed".to_owned()),
            ..BulkReplay::new(new_replay(), 3, 9)
        }]),
        Reply::Replays(Vec::new()),
        Reply::Paused,
        Reply::Gone,
        Reply::InFlight { remaining_ms: 29_500 },
        Reply::Duplicate,
        Reply::LateDropped,
        Reply::Ok,
        Reply::Superseded,
        Reply::Absent,
        Reply::Figures(figures),
        Reply::Figures(Figures::default()),
        Reply::Figures(with_jobs),
        Reply::Events(vec![event.clone()]),
        Reply::Events(Vec::new()),
        Reply::DueJobs {
            jobs: vec![DueJob { job_id: "job_1".to_owned(), known_ms: 7 }],
            next_ms: Some(9),
        },
        Reply::DueJobs { jobs: Vec::new(), next_ms: None },
        Reply::Observed { ripe: vec!["job_1".to_owned()], unknown: vec!["job_2".to_owned()] },
        Reply::Jobs(vec![job(), JobSummary::open("job_2", 7, 8)]),
        Reply::Jobs(Vec::new()),
        Reply::Costs(vec![costs(), TenantCosts::default()]),
        Reply::Audit(vec![AuditEntry {
            id: 1,
            at_ms: 7,
            by: "reconciler".to_owned(),
            act: "make_end".to_owned(),
            about: "job_1".to_owned(),
            result: "stored".to_owned(),
        }]),
        Reply::Events(vec![EventSummary { trail, ..event.clone() }]),
        Reply::Found(Found {
            events: vec![event],
            seen: Some(Cursor { last_ms: 7, key: key() }),
            end: Some(Place { job_id: "job_1".to_owned(), key: key() }),
            looked: 10_000,
        }),
        Reply::Found(Found::default()),
        Reply::Costs(vec![TenantCosts { seconds_to_end: vec![(42, 2)], ..TenantCosts::default() }]),
    ]
}

fn observation() -> Observation {
    Observation {
        job_id: "job_1".to_owned(),
        status: "succeeded".to_owned(),
        credits: Credits::parse("1.05"),
        estimated: Credits::parse("2"),
        created_ms: Some(7),
        is_known_only: true,
    }
}

fn job() -> JobSummary {
    JobSummary {
        state: "ended".to_owned(),
        tenant: Some("acme".to_owned()),
        estimated: Credits::parse("2"),
        status: Some("succeeded".to_owned()),
        credits: Credits::parse("1.05"),
        ended_ms: Some(9),
        ended_by: Some("reconciliation".to_owned()),
        end_key: Some(key()),
        alias_key: Some("event-01".to_owned()),
        is_conflict: true,
        shown: Some("succeeded".to_owned()),
        shown_ms: Some(8),
        look_ms: None,
        looks: 2,
        ..JobSummary::open("job_1", 7, 10)
    }
}

fn costs() -> TenantCosts {
    let credits = |text| Credits::parse(text).unwrap();
    TenantCosts {
        tenant: Some("acme".to_owned()),
        is_rest: false,
        open: 1,
        succeeded: 2,
        failed: 3,
        overdue: 1,
        conflicts: 1,
        reserved: credits("2"),
        settled: credits("2.1"),
        refunded: credits("0.000001"),
        paid_not_delivered: credits("1.05"),
        prices: vec![(credits("1.05"), 2)],
        seconds_to_end: Vec::new(),
    }
}

/// The acts of admins and of the reconciler, with their names.
fn acts() -> Vec<String> {
    vec![
        Call::Reopen { key: key() }.encode_by("admin"),
        Call::Pause { is_paused: false }.encode_by("a \"b\"\n"),
    ]
}

fn decoded(message: &str) -> Result<Reply, CallError> {
    Reply::decode_all(message, 1).remove(0)
}

#[test]
fn calls_are_pinned() {
    let messages: Vec<_> = calls().iter().map(Call::encode).chain(acts()).collect();
    assert_golden("calls.golden", &messages);
    for call in calls() {
        assert_eq!(Call::decode(&call.encode()), Ok(call));
    }
}

#[test]
fn who_acts_is_read_and_need_not_be_said() {
    let call = Call::Reopen { key: key() };
    for by in ["admin", "a \"b\"\n", ""] {
        let expected = (call.clone(), Some(by.to_owned()));
        assert_eq!(Call::decode_by(&call.encode_by(by)), Ok(expected));
        assert_eq!(Call::decode(&call.encode_by(by)), Ok(call.clone()));
    }
    assert_eq!(Call::decode_by(&call.encode()), Ok((call, None)));
}

#[test]
fn replies_are_pinned() {
    assert_golden("replies.golden", &replies().iter().map(Reply::encode).collect::<Vec<_>>());
    for reply in replies() {
        assert_eq!(decoded(&reply.encode()), Ok(reply));
    }
}

/// What the Worker's platform half says in place of a reply.
#[test]
fn errors_are_read() {
    for (text, overloaded, retryable) in [
        (r#"{"error":{"message":"broken","overloaded":true}}"#, true, false),
        (r#"{"error":{"message":"broken","overloaded":false,"retryable":true}}"#, false, true),
        (r#"{"error":{"message":"broken"}}"#, false, false),
    ] {
        let expected = CallError { message: "broken".to_owned(), overloaded, retryable };
        assert_eq!(decoded(text), Err(expected));
    }
}

#[test]
fn what_a_later_version_adds_is_no_hindrance() {
    let granted = Reply::Granted { token: 1, order: Order::Late };
    let text = r#"{"v":1,"age":5,"reply":{"granted":{"token":1,"order":"late","more":[1]}}}"#;
    assert_eq!(decoded(text), Ok(granted));
    let find = Call::Find { key: key() };
    let text = r#"{"v":1,"call":{"find":{"key":"event-00","more":{}}},"more":null}"#;
    assert_eq!(Call::decode(text), Ok(find));
}

/// Never a success: the delivery is answered 503 and comes again.
#[test]
fn another_version_is_an_error_that_says_so() {
    for reply in [r#"{"v":2,"reply":"ok"}"#, r#"{"v":2,"reply":{"new":{}}}"#] {
        let error = decoded(reply).unwrap_err().message;
        assert!(error.contains("version 2"), "{error}");
    }
    for call in [r#"{"v":2,"call":{"find":{"key":"k"}}}"#, r#"{"v":2,"call":{"new":{}}}"#] {
        let error = Call::decode(call).unwrap_err();
        assert!(error.contains("version 2"), "{error}");
    }
}

#[test]
fn anything_else_is_no_message() {
    for text in [
        "",
        "{}",
        "null",
        r#""ok""#,
        r#"{"v":1}"#,
        r#"{"v":1,"reply":"new"}"#,
        r#"{"v":1,"reply":{"granted":{"token":1}}}"#,
        r#"{"v":1,"reply":{"granted":{"token":-1,"order":"late"}}}"#,
        r#"{"v":1,"reply":{"granted":{"token":1,"order":"other"}}}"#,
        r#"{"reply":"ok"}"#,
    ] {
        assert!(decoded(text).is_err(), "{text}");
    }
    for text in [
        "",
        "{}",
        r#"{"v":1}"#,
        r#"{"v":1,"call":"claim"}"#,
        r#"{"v":1,"call":{"claim":{}}}"#,
        r#"{"v":1,"call":{"commit":{"key":"k"}}}"#,
        r#"{"v":1,"call":{"new":{"key":"k"}}}"#,
        r#"{"call":{"find":{"key":"k"}}}"#,
    ] {
        assert!(Call::decode(text).is_err(), "{text}");
    }
}

#[test]
fn too_few_or_too_many_replies_are_none() {
    let ok = Reply::Ok.encode();
    for (text, calls) in [(String::new(), 1), (format!("{ok}\n{ok}"), 1), (ok, 2)] {
        let replies = Reply::decode_all(&text, calls);
        assert_eq!(replies.len(), calls);
        assert!(replies.iter().all(Result::is_err), "{text}");
    }
}

/// During a rollout one shard may be of another version. The others have replied all the same.
#[test]
fn a_reply_that_cannot_be_read_leaves_the_others_alone() {
    let ok = Reply::Ok.encode();
    for odd in ["", "undefined", r#"{"v":1,"reply":"new"}"#, r#"{"v":2,"reply":{"new":{}}}"#] {
        let replies = Reply::decode_all(&format!("{ok}\n{odd}\n{ok}"), 3);
        assert!(matches!(&replies[..], [Ok(Reply::Ok), Err(_), Ok(Reply::Ok)]), "{replies:?}");
    }
}

proptest! {
    #[test]
    fn every_claim_arrives_as_it_was_sent(
        event_id: Option<String>, event_type: Option<String>, job_id: Option<String>,
    ) {
        let meta = EventMeta { event_id, event_type, job_id, ..EventMeta::default() };
        let call = Call::Claim { key: key(), meta, correlation_id: None };
        prop_assert_eq!(Call::decode(&call.encode()), Ok(call));
    }

    #[test]
    fn no_text_makes_decoding_panic(text in ".*") {
        let _ = (Call::decode(&text), Reply::decode_all(&text, 1));
    }
}
