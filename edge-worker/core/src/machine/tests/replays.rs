//! Bulk replays: the plan, and the start.

use super::*;
use crate::ledger::figures::Figures;

/// Begins a request for a bulk replay; what it comes to with this body.
fn bulk_replay(body: Input) -> Run {
    let mut run = Run::request(isolate(Bindings::default()), "POST", "/_edge/replays", &[AS_ADMIN]);
    let Output::ReadBody { limit: 16_384, length: None, deadline_ms: 10_000, .. } = run.output
    else {
        panic!("no body is asked for: {:?}", run.output)
    };
    run.handle(body, NOW_MS);
    run
}

#[test]
fn a_bulk_replay_is_read_and_started_in_every_shard() {
    let mut run = bulk_replay(body(br#"{"state":"dead","start":true,"rate":4}"#));
    let calls = run.calls();
    // And their figures, which name former numbers of shards.
    assert_eq!(calls.len(), 2 * 16);
    let id = "07070707070707070707070707070707";
    for (_, call) in &calls[..16] {
        let Call::StartReplay(new) = call else { panic!("{call:?}") };
        assert_eq!((new.id.as_str(), new.rate, new.interval_ms), (id, 4, 4_000));
    }
    let planned = vec![Reply::Planned { events: 2, without_bytes: 0 }; 16];
    let figures = vec![Reply::Figures(Figures::default()); 16];
    run.handle(all_replied([planned, figures].concat()), NOW_MS);
    let (status, line) = run.code();
    assert_eq!(status, "started");
    assert!(line.contains("replay_start") && line.contains(id), "{line}");
}

#[test]
fn a_plan_is_made_where_the_job_is_and_not_logged() {
    let mut run = bulk_replay(body(br#"{"state":"dead","job":"job_2"}"#));
    let calls = run.calls();
    let shards: Vec<_> = calls.iter().map(|(shard, _)| shard.as_str()).collect();
    assert_eq!(shards, ["shard-12", "shard-12"], "the plan, and the figures");
    assert!(matches!(calls[0].1, Call::PlanReplay(_)));
    let planned = Reply::Planned { events: 2, without_bytes: 0 };
    run.handle(all_replied([planned, Reply::Figures(Figures::default())]), NOW_MS);
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
