//! An admin asks the shards in use, and those of a former number as well.

use std::collections::BTreeSet;

use super::*;
use crate::ledger::figures::Figures;
use crate::ledger::search::Found;
use crate::ledger::shard;

/// An admin's request to its end: the calls of each round, and the response.
fn administered(
    method: &str,
    path: &str,
    reply: impl Fn(&str, &Call) -> Reply,
) -> (Vec<Vec<(String, Call)>>, Response) {
    Run::request(isolate(Bindings::default()), method, path, &[AS_ADMIN]).answered(reply)
}

/// Figures of a shard that knows, or does not, that there were 64 before there were 16.
pub(super) fn figures_of(shard: &str) -> Reply {
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
fn an_admin_asks_every_shard() {
    let mut run = Run::request(isolate(Bindings::default()), "GET", "/_edge/status", &[AS_ADMIN]);
    assert_eq!(run.calls().len(), 16);
    let errors = vec![r#"{"error":{"message":"broken"}}"#; 16];
    run.handle(Input::LedgerReplies(errors.join("\n")), NOW_MS);
    assert!(matches!(run.output, Output::AskWatch { .. }), "{:?}", run.output);
    run.handle(Input::Watch(Err("broken".to_owned())), NOW_MS);
    let response = run.response();
    assert_eq!(response.status, 200);
    assert!(response.body.contains("the watch did not answer (broken)"), "{}", response.body);
    assert!(response.body.contains("16 of 16 shards did not answer"), "{}", response.body);
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
    let resumed: BTreeSet<_> = resumed.map(|(shard, _)| shard.clone()).collect();
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
    assert_eq!(shards(&rounds[1]), [shard::name_of_job("job_2", 64)]);
}
