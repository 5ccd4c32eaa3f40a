use core::time::Duration;

use super::*;

const START: Moment = Moment::from_millis(1_700_000_000_000);
const OK: DeliveryOutcome = DeliveryOutcome::Answered(204);
const REFUSED: DeliveryOutcome = DeliveryOutcome::Answered(302);

fn at(seconds: u64) -> Moment {
    START.after(Duration::from_secs(seconds))
}

fn outbox(faults: Faults) -> Outbox {
    Outbox::new(faults, RetrySchedule::new(1.0))
}

fn emit(outbox: &mut Outbox, name: &str, last: bool, now: Moment) {
    let body = EventBody::new(name, name);
    let emission = Emission { id: format!("evt_{name}"), body, last, dropped: false };
    outbox.emit("job_1", emission, Rng::with_seed(7), now);
}

fn types(postings: &[Posting]) -> Vec<&str> {
    postings.iter().map(|posting| posting.record.event_type()).collect()
}

/// Makes every attempt as soon as it is due, with this outcome, until none is left.
fn run(outbox: &mut Outbox, outcome: DeliveryOutcome) -> Vec<DeliveryRecord> {
    let mut made = Vec::new();
    while let Some(now) = outbox.next_due() {
        for posting in outbox.due(now) {
            let outcome = if posting.lost { DeliveryOutcome::Lost } else { outcome };
            made.push(outbox.finished(posting.record.number, outcome, now).unwrap());
        }
    }
    made
}

#[test]
fn what_is_delivered_is_not_tried_again() {
    for status in [200, 204, 299] {
        let mut outbox = outbox(Faults::default());
        emit(&mut outbox, "queued", false, START);
        let made = run(&mut outbox, DeliveryOutcome::Answered(status));
        assert_eq!(made.len(), 1);
        assert_eq!((made[0].next_retry, made[0].gave_up()), (None, false));
    }
}

#[test]
fn anything_else_is_retried_five_times_on_schedule_and_then_given_up() {
    let failures = [
        DeliveryOutcome::Answered(199),
        DeliveryOutcome::Answered(300),
        REFUSED,
        DeliveryOutcome::Answered(500),
        DeliveryOutcome::NoAnswer,
    ];
    for failure in failures {
        let mut outbox = outbox(Faults::default());
        emit(&mut outbox, "queued", false, START);
        let made = run(&mut outbox, failure);
        let attempts: Vec<_> = made.iter().map(|record| record.attempt).collect();
        assert_eq!(attempts, [1, 2, 3, 4, 5, 6], "{failure:?}");
        assert_eq!(made[5].next_retry, None);
        let gave_up: Vec<_> = made.iter().map(DeliveryRecord::gave_up).collect();
        assert_eq!(gave_up, [false, false, false, false, false, true]);
        for (pair, seconds) in made.windows(2).zip([60.0, 300.0, 1800.0, 7200.0, 43200.0]) {
            assert_eq!(pair[0].next_retry, Some(pair[1].began));
            let wait = pair[1].began.since(pair[0].began).as_secs_f64();
            assert!((wait / seconds - 1.0).abs() <= 0.1001, "{wait} s, not {seconds} s");
        }
    }
}

#[test]
fn a_job_s_events_go_out_in_order_one_after_the_other() {
    let mut outbox = outbox(Faults::default());
    for (name, last) in [("queued", false), ("running", false), ("succeeded", true)] {
        emit(&mut outbox, name, last, START);
    }
    let first = outbox.due(START);
    assert_eq!(types(&first), ["queued"]);
    assert!(outbox.due(at(30)).is_empty(), "the first one is still under way");
    outbox.finished(first[0].record.number, REFUSED, at(30));
    let second = outbox.due(at(30));
    assert_eq!(types(&second), ["running"], "a failure does not hold the next one up");
    outbox.finished(second[0].record.number, OK, at(31));
    assert_eq!(types(&outbox.due(at(31))), ["succeeded"]);
    assert_eq!(types(&outbox.due(at(100))), ["queued"], "a retry is overtaken");
}

#[test]
fn jobs_do_not_wait_for_each_other() {
    let mut outbox = outbox(Faults::default());
    emit(&mut outbox, "queued", false, START);
    let body = EventBody::new("other", "other");
    let emission = Emission { id: "evt_other".into(), body, last: false, dropped: false };
    outbox.emit("job_2", emission, Rng::with_seed(7), START);
    assert_eq!(types(&outbox.due(START)), ["queued", "other"]);
}

#[test]
fn an_event_to_be_reordered_is_overtaken_by_the_next_one() {
    let mut outbox = outbox(Faults { reorder: 1.0, ..Faults::default() });
    emit(&mut outbox, "queued", false, START);
    assert_eq!(outbox.next_due(), None);
    emit(&mut outbox, "running", false, at(1));
    emit(&mut outbox, "succeeded", true, at(2));
    let made = run(&mut outbox, OK);
    let order: Vec<_> = made.iter().map(DeliveryRecord::event_type).collect();
    assert_eq!(order, ["running", "queued", "succeeded"]);
}

#[test]
fn the_last_event_is_never_held_back() {
    let mut outbox = outbox(Faults { reorder: 1.0, ..Faults::default() });
    emit(&mut outbox, "succeeded", true, START);
    assert_eq!(run(&mut outbox, OK).len(), 1);
}

#[test]
fn what_is_lost_is_retried() {
    let mut outbox = outbox(Faults { lose: 1.0, ..Faults::default() });
    emit(&mut outbox, "queued", false, START);
    let made = run(&mut outbox, OK);
    assert_eq!(made.len(), 6);
    assert!(made.iter().all(|record| record.outcome == DeliveryOutcome::Lost));
    // By hand it goes through.
    assert!(outbox.redeliver("evt_queued", at(100_000)));
    assert_eq!(run(&mut outbox, OK)[0].reason, DeliveryReason::Redelivery);
}

#[test]
fn a_duplicate_goes_out_at_the_same_moment_and_saves_its_twin_the_retry() {
    let mut outbox = outbox(Faults { duplicate: 1.0, ..Faults::default() });
    emit(&mut outbox, "queued", false, START);
    let postings = outbox.due(START);
    assert_eq!(types(&postings), ["queued", "queued"]);
    assert_eq!(postings[0].body, postings[1].body);
    let numbers: Vec<_> = postings.iter().map(|posting| posting.record.number).collect();
    // The twin's success comes after the retry was planned.
    outbox.finished(numbers[0], REFUSED, START);
    assert!(outbox.next_due().is_some());
    outbox.finished(numbers[1], OK, START);
    assert!(run(&mut outbox, OK).is_empty());
    assert_eq!(outbox.log().iter().count(), 2);
}

#[test]
fn every_event_is_late_by_the_delay() {
    let mut outbox = outbox(Faults { delay: Duration::from_secs(9), ..Faults::default() });
    emit(&mut outbox, "queued", false, START);
    emit(&mut outbox, "running", true, at(1));
    let began: Vec<_> = run(&mut outbox, OK).iter().map(|record| record.began).collect();
    assert_eq!(began, [at(9), at(10)]);
}

#[test]
fn a_redelivery_is_made_once_and_only_of_what_there_is() {
    let mut outbox = outbox(Faults::default());
    emit(&mut outbox, "queued", false, START);
    run(&mut outbox, OK);
    assert!(!outbox.redeliver("evt_none", at(1)));
    assert!(outbox.redeliver("evt_queued", at(1)));
    let made = run(&mut outbox, REFUSED);
    assert_eq!(made.len(), 1, "without retries");
    assert_eq!(made[0].attempt, 1);
}

#[test]
fn an_outcome_is_noted_once() {
    let mut outbox = outbox(Faults::default());
    emit(&mut outbox, "queued", false, START);
    let posting = outbox.due(START).remove(0);
    assert_eq!(posting.record.outcome, DeliveryOutcome::Pending);
    let record = outbox.finished(posting.record.number, OK, at(2)).unwrap();
    assert_eq!((record.outcome, record.took), (OK, Some(Duration::from_secs(2))));
    assert_eq!(outbox.finished(posting.record.number, REFUSED, at(3)), None);
    assert_eq!(outbox.log().iter().next(), Some(&record));
}

#[test]
fn what_is_dropped_is_not_delivered_and_nothing_waits_for_it() {
    let faults = Faults { reorder: 1.0, ..Faults::default() };
    let mut outbox = outbox(faults);
    emit(&mut outbox, "queued", false, START);
    assert_eq!(outbox.next_due(), None, "it waits to be overtaken");
    let body = EventBody::new("running", "running");
    let emission = Emission { id: "evt_running".into(), body, last: false, dropped: true };
    outbox.emit("job_1", emission, Rng::with_seed(7), at(1));
    emit(&mut outbox, "succeeded", true, at(2));
    let told: Vec<_> = run(&mut outbox, OK).into_iter().map(|made| made.event_type).collect();
    assert_eq!(told, ["queued", "succeeded"]);
    assert!(outbox.redeliver("evt_running", at(3)));
    let told: Vec<_> = run(&mut outbox, OK).into_iter().map(|made| made.event_type).collect();
    assert_eq!(told, ["running"]);
}
