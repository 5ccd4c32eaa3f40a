//! Bulk replays on a real SQLite: each event once under one id, none left out, whenever the object ends.

mod object;

use std::collections::BTreeMap;

use self::object::{Object, START_MS};
use crate::ledger;
use crate::ledger::bulk_replay::{NewReplay, ReplayState, Selection, Steering};
use crate::ledger::message::{Call, Reply};

#[test]
fn a_plan_counts_and_does_nothing() {
    let object = Object::with_dead(7, &[]);
    let before = object.database.shown("SELECT * FROM event");
    let plan = object.ask(&Call::PlanReplay(object.selection("dead")));
    assert_eq!(plan, Reply::Planned { events: 7, without_bytes: 0 });
    assert_eq!(object.database.shown("SELECT * FROM event"), before);
    assert!(object.database.shown("SELECT * FROM bulk_replay").is_empty());
}

/// In the order in which they became dead letters, at the pace, once each.
#[test]
fn every_selected_event_is_delivered_once() {
    let mut object = Object::with_dead(20, &[]);
    let selection = object.selection("dead");
    assert_eq!(
        object.start(selection.clone(), 400),
        Reply::Planned { events: 20, without_bytes: 0 }
    );
    let again = Selection { until_ms: object.now_ms + 5, ..selection.clone() };
    assert_eq!(object.start(again, 400), Reply::Planned { events: 20, without_bytes: 0 });
    let other = Selection { state: "done".to_owned(), ..selection };
    assert_eq!(object.start(other, 400), Reply::Duplicate, "another one of this id");
    let started_ms = object.now_ms;
    object.run();
    let expected: Vec<_> = (0..20).map(|number| format!("event-{}", (number * 7) % 100)).collect();
    let found: Vec<_> = object.replayed.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(found, expected);
    assert!(object.now_ms >= started_ms + 19 * 400 - 2_000, "paced");
    let replay = object.replay();
    assert_eq!((replay.state, replay.released, replay.delivered), (ReplayState::Done, 20, 20));
    assert_eq!(object.database.shown("SELECT 1 FROM event WHERE state = 'done'").len(), 20);
    while object.ring() {
        assert!(object.now_ms < START_MS + 100 * 3_600_000, "an alarm without end");
    }
    assert_eq!(object.replayed.len(), 20);
}

#[test]
fn only_what_is_selected_is_delivered() {
    let mut object = Object::new(&[]);
    for (key, job_id) in [("event-0", "job_1"), ("event-1", "job_2"), ("event-2", "job_1")] {
        object.accept(key, Some(job_id));
        object.now_ms += 10;
        object.settle(key, 1, 400);
    }
    object.now_ms += 1;
    let job_id = Some("job_1".to_owned());
    let last_ms = object.now_ms - 1;
    let selection = Selection { since_ms: last_ms, job_id, ..object.selection("dead") };
    object.start(selection, 1);
    object.run();
    assert_eq!(object.times(), BTreeMap::from([("event-2", 1)]));
}

/// What the origin has, as far as its bytes are kept.
#[test]
fn delivered_events_are_delivered_again_if_their_bytes_are_kept() {
    let mut object = Object::new(&[("KEEP_BODIES_HOURS", "2")]);
    for number in 0..6 {
        object.accept(&format!("event-{number}"), None);
        object.settle(&format!("event-{number}"), 1, 200);
    }
    object.database.run("DELETE FROM kept WHERE key IN ('event-1', 'event-4')");
    object.now_ms += 1;
    let plan = object.start(object.selection("done"), 1);
    assert_eq!(plan, Reply::Planned { events: 4, without_bytes: 2 });
    object.run();
    let expected = ["event-0", "event-2", "event-3", "event-5"].map(|key| (key, 1));
    assert_eq!(object.times(), BTreeMap::from(expected));
}

/// Events that are delivered again are done again, at a time that could lie within the selection if the clock is
/// set back. They are known by the replay that they were part of.
#[test]
fn a_clock_that_is_set_back_doubles_nothing() {
    for state in ["dead", "done"] {
        let mut object = Object::new(&[("KEEP_BODIES_HOURS", "2")]);
        for number in 0..4 {
            object.accept(&format!("event-{number}"), None);
            object.settle(&format!("event-{number}"), 1, if state == "dead" { 400 } else { 200 });
        }
        object.now_ms += 10_000;
        object.start(object.selection(state), 1);
        object.now_ms += 10;
        let taken = object.take();
        assert_eq!(taken.len(), 4);
        object.now_ms -= 9_000;
        for (key, token) in taken {
            object.settle(&key, token, if state == "dead" { 400 } else { 200 });
        }
        object.now_ms += 20_000;
        object.run();
        assert_eq!(object.times().values().sum::<usize>(), 4, "{state}: {:?}", object.replayed);
    }
}

/// The object is killed before every statement of every step that releases an event, in turn. What a step had
/// written is undone; an attempt that it had begun is made again when its lease has run out.
#[test]
fn a_kill_at_any_statement_loses_and_doubles_nothing() {
    let mut object = Object::with_dead(6, &[]);
    object.start(object.selection("dead"), 1);
    let mut breaks = 0;
    'events: for _ in 0..20 {
        object.now_ms += 10;
        for statements in 0.. {
            let shown = |object: &Object| {
                let tables = ["event", "bulk_replay", "kept"];
                tables.map(|table| object.database.shown(&format!("SELECT * FROM {table}")))
            };
            let before = shown(&object);
            object.database.break_off_after(statements);
            let taken = ledger::take(&object.database, &object.settings, 1, object.now_ms);
            object.database.go_on();
            let Ok(taken) = taken else {
                assert_eq!(shown(&object), before, "after {statements} statements");
                breaks += 1;
                continue;
            };
            for attempt in &taken {
                object.replayed.push((attempt.key.clone(), attempt.token));
                object.settle(&attempt.key, attempt.token, 200);
            }
            if object.replay().state == ReplayState::Done {
                break 'events;
            }
            break;
        }
    }
    assert!(breaks > 30, "{breaks} steps were broken off");
    assert_eq!(object.replay().state, ReplayState::Done);
    assert_eq!(object.replayed.len(), 6);
    assert!(object.times().values().all(|times| *times == 1), "{:?}", object.replayed);
}

/// An attempt whose end nobody has heard is made again, under the same id; the event has one place all the same.
#[test]
fn an_attempt_that_is_lost_is_made_again_under_the_same_id() {
    let mut object = Object::with_dead(1, &[]);
    object.start(object.selection("dead"), 1);
    assert_eq!(object.take(), [("event-0".to_owned(), 2)]);
    object.run();
    assert_eq!(object.replayed, [("event-0".to_owned(), 2)], "its place is taken");
    object.now_ms += 30_000;
    object.ring();
    assert_eq!(object.replayed, [("event-0".to_owned(), 2), ("event-0".to_owned(), 3)]);
    let replay = object.replay();
    assert_eq!((replay.released, replay.delivered), (1, 1));
}

#[test]
fn failures_in_a_row_pause_it_until_an_admin_resumes_it() {
    let mut object = Object::with_dead(30, &[("BREAKER_FAILURES", "1000")]);
    object.start(object.selection("dead"), 1);
    object.status = 400;
    object.run();
    let replay = object.replay();
    let reason = "5 attempts in a row have failed, the last one with origin_rejected";
    assert_eq!((replay.state, replay.reason().as_deref()), (ReplayState::Paused, Some(reason)));
    assert_eq!((replay.released, replay.dead, object.replayed.len()), (5, 5, 5));
    // It stays so, however long.
    object.wait(3_600_000);
    assert_eq!(object.replayed.len(), 5);

    object.status = 200;
    assert_eq!(object.steer(Steering::Resume), Reply::Ok);
    object.run();
    let replay = object.replay();
    assert_eq!((replay.state, replay.released), (ReplayState::Done, 30));
    assert_eq!((replay.delivered, replay.dead), (25, 5));
    assert!(object.times().values().all(|times| *times == 1), "those that failed are not repeated");
}

#[test]
fn what_is_cancelled_stays_where_it_is() {
    let mut object = Object::with_dead(10, &[]);
    object.start(object.selection("dead"), 60_000);
    object.ring();
    assert_eq!(object.steer(Steering::Pause), Reply::Ok);
    assert_eq!(object.steer(Steering::Cancel), Reply::Ok);
    assert_eq!(object.steer(Steering::Resume), Reply::Ended);
    object.wait(3_600_000);
    assert_eq!(object.replayed.len(), 1);
    assert_eq!(object.database.shown("SELECT 1 FROM event WHERE state = 'dead'").len(), 9);
    let unknown = Call::SteerReplay { id: "r-2".to_owned(), steering: Steering::Cancel };
    assert_eq!(object.ask(&unknown), Reply::Absent);
}

#[test]
fn a_pause_and_an_open_breaker_hold_it_and_it_goes_on_by_itself() {
    let mut object = Object::with_dead(3, &[("BREAKER_FAILURES", "1")]);
    object.ask(&Call::Pause { is_paused: true });
    object.start(object.selection("dead"), 10_000);
    for _ in 0..5 {
        assert!(object.ring(), "asleep");
    }
    assert_eq!((object.replayed.len(), object.replay().released), (0, 0));
    object.ask(&Call::Pause { is_paused: false });
    // The first attempt opens the breaker.
    object.now_ms += 1_000;
    let [(key, token)]: [(String, u64); 1] = object.take().try_into().unwrap();
    object.settle(&key, token, 500);
    let opened_ms = object.now_ms;
    assert_eq!(object.take(), []);
    object.run();
    assert!(object.now_ms >= opened_ms + 30_000, "held");
    object.wait(60_000);
    assert_eq!(object.replay().delivered, 3);
}

/// With an event of the job still owed, a replay waits behind it; other jobs' events pass.
#[test]
fn a_replay_never_overtakes_an_earlier_event_of_its_job() {
    let mut object = Object::new(&[]);
    for (key, job_id) in [("event-0", "job_1"), ("event-1", "job_2")] {
        object.accept(key, Some(job_id));
        object.settle(key, 1, 400);
    }
    // It is under way.
    assert!(matches!(object.accept("event-2", Some("job_1")), Reply::Accepted { .. }));
    object.now_ms += 1;
    object.start(object.selection("dead"), 1);
    object.now_ms += 2_000;
    assert_eq!(object.take(), [("event-1".to_owned(), 2)]);
    assert_eq!(object.replay().released, 2, "it waits in its lane");
    object.settle("event-2", 1, 200);
    assert_eq!(object.take(), [("event-0".to_owned(), 2)]);
}

#[test]
fn what_is_owed_goes_first() {
    let mut object = Object::with_dead(3, &[]);
    object.ask(&Call::Pause { is_paused: true });
    for number in 0..3 {
        object.accept(&format!("new-{number}"), None);
    }
    object.ask(&Call::Pause { is_paused: false });
    object.start(Selection { until_ms: object.now_ms, ..object.selection("dead") }, 1);
    object.now_ms += 2_000;
    let taken = object.take();
    assert_eq!(taken.len(), 5, "five at once");
    assert!(taken[..3].iter().all(|(key, _)| key.starts_with("new-")), "{taken:?}");
}

#[test]
fn a_shard_has_a_bounded_number_of_replays() {
    let mut object = Object::with_dead(1, &[]);
    let start = |object: &Object, number: usize| {
        let id = format!("r-{number}");
        let selection = object.selection("done");
        object.ask(&Call::StartReplay(NewReplay { id, selection, rate: 1, interval_ms: 1 }))
    };
    let planned = Reply::Planned { events: 0, without_bytes: 0 };
    for number in 0..10 {
        assert_eq!(start(&object, number), planned);
    }
    assert_eq!(start(&object, 10), Reply::Full);
    for number in 10..300 {
        object.now_ms += 1;
        object.take();
        assert_eq!(start(&object, number), planned);
    }
    let count = |object: &Object| object.database.shown("SELECT 1 FROM bulk_replay").len();
    assert_eq!(count(&object), 100);
    object.take();
    object.now_ms += 72 * 3_600_000;
    assert_eq!(start(&object, 300), planned);
    assert_eq!(count(&object), 1, "those that ended a retention ago are forgotten");
}
