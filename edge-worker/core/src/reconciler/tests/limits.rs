//! How often the API is asked, and when it fails or refuses.

use nextapi_client::TransportError;
use serde_json::json;

use super::api::ended;
use super::world::{SECOND_MS, World};
use crate::round_driver::NOW_MS;

#[test]
fn no_minute_has_more_requests_than_are_allowed_even_if_rounds_are_cut_off() {
    let all_steps = [usize::MAX, 4, 5, 7, 9, 30];
    for (steps, answer_ms) in
        [0, 8_000].into_iter().flat_map(|ms| all_steps.map(|steps| (steps, ms)))
    {
        let mut world = World::new(&[("RECONCILE_REQUESTS_PER_MINUTE", "7")]);
        world.api.first_answers_ms = answer_ms;
        world.api.jobs =
            (0..10).map(|id| json!({ "id": format!("job_{id}"), "status": "running" })).collect();
        world.know(0..10);
        while world.now_ms < NOW_MS + 600 * SECOND_MS {
            if world.round_up_to(steps) {
                world.now_ms = world.alarm_ms.unwrap();
            } else {
                world.now_ms += SECOND_MS;
            }
        }
        let busiest = world.api.busiest_minute();
        assert!(busiest <= 7, "{busiest} requests, {steps} steps, {answer_ms} ms");
        assert!(world.api.asked.len() >= 8, "{steps} steps: {}", world.api.asked.len());
    }
}

#[test]
fn the_reset_is_waited_for_and_a_refusal_for_somebody() {
    for (status, headers, pause_ms) in [
        (429, vec![("retry-after", "30")], 30 * SECOND_MS),
        (429, vec![("x-ratelimit-reset", "45")], 45 * SECOND_MS),
        (401, vec![], 600 * SECOND_MS),
        (402, vec![], 600 * SECOND_MS),
        (503, vec![], 5 * SECOND_MS),
    ] {
        let mut world = World::new(&[]);
        world.api.jobs = vec![ended(0, 0), ended(1, 0)];
        world.know(0..2);
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        world.api.fault = Some(Ok((status, headers.collect())));
        world.round();
        assert_eq!(world.api.asked.len(), 1, "{status}");
        let alarm_ms = world.alarm_ms.unwrap();
        // What lies beyond is the spread of those who wait for the same reset.
        let waited_ms = alarm_ms - world.now_ms;
        assert!(
            (pause_ms - 10..=pause_ms + 10 * SECOND_MS).contains(&waited_ms),
            "{status}: {waited_ms}"
        );
        let line = world.log.join("");
        assert!(line.contains("trouble") && !line.contains("canary"), "{line}");
        // Not even if somebody wakes it.
        world.round();
        assert_eq!(world.api.asked.len(), 1, "{status}");
        world.api.fault = None;
        world.now_ms = alarm_ms;
        world.round();
        assert_eq!(world.ledger.made.len(), 2, "{status}");
    }
}

#[test]
fn no_answer_costs_a_pause_that_doubles() {
    let mut world = World::new(&[]);
    world.know(0..1);
    world.api.fault = Some(Err(TransportError::TimedOut));
    world.run_for(3_600);
    assert!((12..=20).contains(&world.api.asked.len()), "{}", world.api.asked.len());
    let pauses: Vec<_> = world.api.asked.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(pauses.iter().all(|ms| (4_900..=311_000).contains(ms)), "{pauses:?}");
}

/// One job that the API cannot answer for does not stand in the way of the others, wherever it is.
#[test]
fn a_job_of_which_nothing_is_to_be_had_stops_no_other() {
    for status in [400, 405, 422, 301, 500, 200] {
        for poison in ["job_0", "job_4"] {
            let mut world = World::new(&[("LEDGER_SHARDS", "1")]);
            world.api.jobs = (0..5).map(|id| ended(id, 0)).collect();
            world.api.odd = vec![(format!("/video/generations/{poison}"), status)];
            world.know(0..5);
            world.run_for(60);
            assert_eq!(world.ledger.made.len(), 4, "{status} for {poison}");
            let asked = world.api.asked.iter().filter(|(_, path)| path.ends_with(poison)).count();
            assert!(asked <= 2, "{status} for {poison}: {asked}");
        }
    }
}

#[test]
fn one_that_is_never_answered_comes_behind_the_others() {
    let mut world = World::new(&[("LEDGER_SHARDS", "1")]);
    world.api.jobs = (0..5).map(|id| ended(id, 0)).collect();
    world.api.odd = vec![("/video/generations/job_0".to_owned(), 503)];
    world.know(0..5);
    world.run_for(600);
    assert_eq!(world.ledger.made.len(), 4);
}

/// Everything fails: that is no job's fault.
#[test]
fn an_api_that_fails_is_asked_a_few_times_only() {
    let mut world = World::new(&[]);
    world.know(0..100);
    world.api.odd = vec![("/video".to_owned(), 500)];
    world.run_for(600);
    assert!(world.api.asked.len() < 60, "{}", world.api.asked.len());
}
