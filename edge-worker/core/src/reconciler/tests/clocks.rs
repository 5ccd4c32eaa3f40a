//! Moments that somebody names: until when the API wants to be left alone, and when jobs were submitted, by clocks that
//! are ahead.

use serde_json::json;

use super::api::ended;
use super::world::{SECOND_MS, World};
use crate::reconciler::{Round, RoundOutput};
use crate::round_driver::{NOW_MS, random};

/// The last request within the limit is answered, and the round cut off before it has said so at its end.
#[test]
fn a_hold_outlives_a_round_that_is_cut_off() {
    let mut cut = 0;
    for steps in 1.. {
        let mut world = World::new(&[]);
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        world.api.headers =
            vec![header("x-ratelimit-remaining", "0"), header("x-ratelimit-reset", "50")];
        world.api.jobs = vec![json!({ "id": "job_0", "status": "running" })];
        world.know(0..2);
        let is_whole = world.round_up_to(steps);
        let asked_ms = world.api.asked.first().map(|(ms, _)| *ms);
        world.run_until(world.now_ms + 40 * SECOND_MS);
        // An answer that came and was not taken in is lost with the round.
        if let Some(asked_ms) = asked_ms.filter(|_| steps > 3) {
            cut += usize::from(!is_whole);
            let next_ms = world.api.asked.get(1).map(|(ms, _)| *ms);
            assert!(
                next_ms.is_none_or(|ms| ms >= asked_ms + 50 * SECOND_MS),
                "{steps}: {next_ms:?}"
            );
        }
        if is_whole {
            break;
        }
    }
    assert!(cut >= 2, "rounds were cut off after the answer: {cut}");
}

#[test]
fn a_pause_that_the_api_asks_for_is_kept_whatever_its_status() {
    let mut world = World::new(&[]);
    world.know(0..1);
    world.api.fault = Some(Ok((503, vec![("retry-after".to_owned(), "200".to_owned())])));
    world.run_until(NOW_MS + 900 * SECOND_MS);
    let pauses: Vec<_> = world.api.asked.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(pauses.len() >= 2 && pauses.iter().all(|ms| *ms >= 200 * SECOND_MS), "{pauses:?}");
}

/// The client bounds what the API can ask for by an hour. More is of a clock that was ahead.
#[test]
fn a_pause_that_nobody_can_have_asked_for_is_none() {
    let world = World::new(&[]);
    for (minutes, is_kept) in [(69, true), (71, false)] {
        let until_ms = NOW_MS + minutes * 60 * SECOND_MS;
        let memory = json!({ "since_ms": 1, "not_before_ms": until_ms }).to_string();
        let (round, output) = Round::begin(&world.isolate, &memory, &random(), NOW_MS);
        match output {
            RoundOutput::End { alarm_ms, .. } => assert_eq!(alarm_ms, Some(until_ms)),
            other => assert!(matches!(other, RoundOutput::CallLedger { .. })),
        }
        assert_eq!(round.is_none(), is_kept, "{minutes}");
    }
}

/// The walk reads again two minutes before what it has seen last.
#[test]
fn a_date_a_little_ahead_hides_no_job() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    world.round();
    world.now_ms += 60 * SECOND_MS;
    let now_s = world.now_ms / SECOND_MS;
    world.api.jobs = vec![ended(1, now_s + 240)];
    world.round();
    assert_eq!(world.ledger.made.len(), 1);
    // No round for a while.
    world.api.jobs.insert(0, ended(2, now_s + 30));
    world.now_ms += 600 * SECOND_MS;
    world.run_until(world.now_ms + 120 * SECOND_MS);
    assert_eq!(world.ledger.made.keys().collect::<Vec<_>>(), ["job_1", "job_2"]);
}

#[test]
fn what_was_walked_by_a_clock_that_was_ahead_hides_no_job() {
    let mut world = World::new(&[("RECONCILE_JOBS", "all")]);
    let ahead_s = NOW_MS / SECOND_MS + 864_000;
    world.memory = json!({
        "since_ms": 1,
        "walk": {
            "watermark": { "created_at": ahead_s, "ids": [] }, "newest": null, "limit": 100, "offset": 0,
            "previous": [], "restarts": 0, "done": false,
        },
    })
    .to_string();
    world.api.jobs = vec![ended(1, NOW_MS / SECOND_MS)];
    world.run_until(NOW_MS + 120 * SECOND_MS);
    assert_eq!(world.ledger.made.len(), 1);
}
