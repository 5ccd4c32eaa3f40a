//! A round from its beginning to its end.

use serde_json::{Value, json};

use super::api::ended;
use super::world::{SECOND_MS, World};
use crate::isolate::{Bindings, Isolate};
use crate::reconciler::{Round, RoundOutput};
use crate::round_driver::{NOW_MS, random};
use crate::settings::tests::{read, settings_with};

#[test]
fn without_an_api_key_there_is_nothing_to_do() {
    let isolate = Isolate::new(Ok(settings_with(&[])), Bindings::default());
    let (round, output) = Round::begin(&isolate, "", &random(), NOW_MS);
    assert!(round.is_none());
    assert!(matches!(output, RoundOutput::End { alarm_ms: None, .. }));
}

#[test]
fn with_settings_that_are_refused_it_looks_again_in_a_minute() {
    let isolate = Isolate::new(read(&[("ORIGIN_URL", Some("nowhere"))]), Bindings::default());
    let (_, output) = Round::begin(&isolate, "{\"since_ms\":5}", &random(), NOW_MS);
    let RoundOutput::End { memory, alarm_ms, .. } = output else { panic!("{output:?}") };
    assert_eq!(alarm_ms, Some(NOW_MS + 60_000));
    assert!(memory.contains("\"since_ms\":5"), "{memory}");
}

#[test]
fn a_few_jobs_are_asked_for_one_by_one_and_their_ends_made() {
    let mut world = World::new(&[]);
    world.api.jobs = vec![
        ended(3, 0),
        json!({ "id": "job_2", "status": "running", "progress": 40 }),
        json!({ "id": "job_1", "status": "succeeded" }),
        json!({ "id": "job_0", "status": "failed", "error": { "code": "internal_error" } }),
    ];
    world.know(0..5);
    world.round();
    assert_eq!(world.api.asked.len(), 5);
    assert!(world.api.asked.iter().all(|(_, path)| path.starts_with("/video/generations/job_")));
    let statuses = world.ledger.observed.iter().map(|(id, it)| (id.as_str(), it.status.as_str()));
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        [
            ("job_0", "failed"),
            ("job_1", "succeeded_without_url"),
            ("job_2", "running"),
            ("job_3", "succeeded"),
            ("job_4", "not_found"),
        ]
    );
    assert_eq!(world.ledger.made.keys().collect::<Vec<_>>(), ["job_0", "job_3"]);
    assert_eq!(world.alarm_ms, Some(world.now_ms - 1 + 60_000));
    let line: Value = serde_json::from_str(&world.log[0]).unwrap();
    assert_eq!(
        line["reconciliation"],
        json!({ "requests": 5, "seen": 5, "made": 2, "unanswered": 0 })
    );
    // All attempts of a made end are linked to the round that made it.
    let head: Value = serde_json::from_str(&world.ledger.head).unwrap();
    let ids = ["trace_id", "span_id"].map(|name| line[name].as_str().unwrap());
    assert_eq!(head["trace"], format!("00-{}-{}-01", ids[0], ids[1]));
    assert_eq!(head["correlation_id"], line["correlation_id"]);
}

/// Wherever a round is cut off, the next ones finish its work, and make the same events.
#[test]
fn a_round_may_be_cut_off_anywhere() {
    for steps in 1..60 {
        let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
        world.round();
        world.now_ms += 10 * SECOND_MS;
        world.api.jobs = (0..150).map(|id| ended(id, world.now_ms / 1_000)).collect();
        world.round_up_to(steps);
        let before = world.ledger.made.clone();
        world.now_ms += 60 * SECOND_MS;
        world.run_for(300);
        assert_eq!(world.ledger.made.len(), 150, "{steps}");
        assert!(before.iter().all(|(id, (key, _))| world.ledger.made[id].0 == *key), "{steps}");
    }
}

#[test]
fn ids_that_are_other_paths_are_not_asked_for() {
    let mut world = World::new(&[]);
    for id in [".", "..", "../../admin", "a?b#c"] {
        world.ledger.known.insert(id.to_owned(), NOW_MS);
    }
    world.round();
    let paths: Vec<_> = world.api.asked.iter().map(|(_, path)| path.as_str()).collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    assert!(
        paths.contains(&"/video/generations/..%2F..%2Fadmin")
            && paths.contains(&"/video/generations/a%3Fb%23c")
    );
}
