use nextapi_testkit::{Credits, Shape};
use nextapi_webhook::Event;
use serde_json::Value;

use super::*;
use crate::page::Page;
use crate::{DeliveryReason, Faults, Shapes};

const START: Moment = Moment::from_millis(1_700_000_000_000);
const CALLER: Caller = Caller { key: [0; 32], environment: Environment::Live, admin: false };
const EXAMPLE: &[u8] = br#"{"model":"seedance-2.0-pro","prompt":"a fox"}"#;
const PRICE: Credits = Credits::from_thousandths(1_050);

fn at(seconds: u64) -> Moment {
    START.after(Duration::from_secs(seconds))
}

fn behaviour() -> Behaviour {
    Behaviour { job_duration: Duration::from_secs(40), seed: Some(7), ..Behaviour::default() }
}

fn engine(behaviour: Behaviour) -> Engine {
    Engine::new(behaviour, "run".to_owned())
}

fn submit(engine: &mut Engine, now: Moment) -> String {
    let job = engine.submit(CALLER, None, EXAMPLE, None, now).unwrap();
    job["id"].as_str().unwrap().to_owned()
}

/// Lets time pass until nothing is left to do; every delivery is answered by `answer`.
fn run(
    engine: &mut Engine,
    mut answer: impl FnMut(&Posting) -> DeliveryOutcome,
) -> Vec<(DeliveryRecord, Vec<u8>)> {
    let mut made = Vec::new();
    while let Some(now) = engine.next_due() {
        for posting in engine.advance(now) {
            let outcome = if posting.lost { DeliveryOutcome::Lost } else { answer(&posting) };
            let record = engine.finished(posting.record.number, outcome, now).unwrap();
            made.push((record, posting.body.bytes));
        }
    }
    made
}

fn ok(_: &Posting) -> DeliveryOutcome {
    DeliveryOutcome::Answered(200)
}

#[test]
fn every_transition_of_a_job_emits_one_event() {
    for (failure_rate, end) in [(0.0, "job.succeeded"), (1.0, "job.failed")] {
        let mut engine = engine(Behaviour { failure_rate, ..behaviour() });
        let job = submit(&mut engine, START);
        let made = run(&mut engine, ok);
        let told: Vec<_> =
            made.iter().map(|(record, _)| (record.event_type(), record.began)).collect();
        assert_eq!(told, [("job.queued", START), ("job.running", at(10)), (end, at(40))]);
        for (record, body) in &made {
            let event = Event::read_unverified(body).unwrap();
            assert_eq!(event.job_id(), Some(job.as_str()));
            assert_eq!(event.id(), Some(record.event_id()));
        }
    }
}

#[test]
fn credits_are_reserved_then_settled_or_given_back() {
    for (failure_rate, spent) in [(0.0, PRICE), (1.0, Credits::default())] {
        let mut engine =
            engine(Behaviour { failure_rate, credits: Credits::whole(2), ..behaviour() });
        submit(&mut engine, START);
        let account = engine.account(Environment::Live);
        assert_eq!((account.reserved(), account.spent()), (PRICE, Credits::default()));
        let error = engine.submit(CALLER, None, EXAMPLE, None, START).unwrap_err();
        assert_eq!((error.status.as_u16(), error.code.as_str()), (402, "insufficient_credits"));
        assert!(error.message.contains("1.05") && error.message.contains("0.95"), "{error}");

        run(&mut engine, ok);
        let account = engine.account(Environment::Live);
        assert_eq!((account.reserved(), account.spent()), (Credits::default(), spent));
        let test = engine.account(Environment::Test);
        assert_eq!(test.available(), Credits::whole(2), "each environment has its own");
    }
}

#[test]
fn a_job_can_be_followed() {
    let mut engine = engine(behaviour());
    let job = submit(&mut engine, START);
    for (seconds, status, progress) in
        [(0, "queued", 0), (9, "queued", 0), (10, "running", 0), (25, "running", 50)]
    {
        engine.advance(at(seconds));
        let job = engine.retrieve(Environment::Live, &job, at(seconds)).unwrap();
        assert_eq!(
            (job["status"].as_str(), job["progress"].as_u64()),
            (Some(status), Some(progress))
        );
        assert_eq!((&job["video_url"], &job["credits"]), (&Value::Null, &Value::Null));
    }
    engine.advance(at(40));
    let done = engine.retrieve(Environment::Live, &job, at(41)).unwrap();
    assert_eq!(
        (done["status"].as_str(), done["credits"].as_f64()),
        (Some("succeeded"), Some(1.05))
    );
    assert!(done["video_url"].as_str().unwrap().starts_with("https://"));
    assert!(engine.retrieve(Environment::Test, &job, at(41)).is_err());
}

#[test]
fn lists_are_newest_first_and_of_one_environment() {
    let mut engine = engine(behaviour());
    let mut jobs: Vec<_> = (0..3).map(|second| submit(&mut engine, at(second))).collect();
    jobs.reverse();
    let page = Page::read(None, None).unwrap();
    let list = engine.list(Environment::Live, page, at(3));
    let listed: Vec<_> = list["data"].as_array().unwrap().iter().map(|job| &job["id"]).collect();
    assert_eq!(listed, jobs.iter().collect::<Vec<_>>());
    assert_eq!(engine.list(Environment::Test, page, at(3))["total"], 0);
}

#[test]
fn an_idempotency_key_makes_one_job_in_a_day() {
    let mut engine = engine(behaviour());
    let mut again = |caller, key, body, now| engine.submit(caller, Some(key), body, None, now);
    let first = again(CALLER, "order-7", EXAMPLE, START).unwrap();
    assert_eq!(again(CALLER, "order-7", EXAMPLE, at(86_399)).unwrap(), first);
    let other = br#"{"model":"seedance-2.0-pro","prompt":"a cat"}"#;
    let error = again(CALLER, "order-7", other, at(1)).unwrap_err();
    assert_eq!((error.status.as_u16(), error.code.as_str()), (409, "invalid_request"));
    let somebody = Caller { key: [1; 32], ..CALLER };
    assert_ne!(again(somebody, "order-7", EXAMPLE, at(1)).unwrap()["id"], first["id"]);
    assert_ne!(again(CALLER, "order-7", EXAMPLE, at(86_400)).unwrap()["id"], first["id"]);
    for key in ["", " ", "a b", "ü", &"x".repeat(256)] {
        assert_eq!(again(CALLER, key, EXAMPLE, START).unwrap_err().status, 400, "{key:?}");
    }
    assert_eq!(engine.account(Environment::Live).reserved().as_thousandths(), 3 * 1_050);
}

#[test]
fn what_was_refused_is_not_remembered() {
    let mut engine = engine(behaviour());
    assert!(engine.submit(CALLER, Some("order-7"), b"{}", None, START).is_err());
    assert!(engine.submit(CALLER, Some("order-7"), EXAMPLE, None, START).is_ok());
}

#[test]
fn a_seed_decides_what_happens_to_each_job_whatever_the_network_does() {
    let faults = Faults { lose: 0.3, duplicate: 0.3, reorder: 0.3, ..Faults::default() };
    let behaviour = Behaviour { faults, failure_rate: 0.5, shapes: Shapes::Mixed, ..behaviour() };
    let fates = |seed, busy: bool| {
        let mut engine = engine(Behaviour { seed: Some(seed), ..behaviour });
        let jobs: Vec<_> = (0..20)
            .map(|second| {
                let now = at(if busy { second } else { 0 });
                submit(&mut engine, now)
            })
            .collect();
        run(&mut engine, ok);
        jobs.iter()
            .map(|job| {
                let log = engine.log().iter().filter(|record| record.job_id == *job);
                log.map(|record| {
                    (record.event_type.clone(), record.reason.as_str(), record.attempt)
                })
                .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(fates(7, false), fates(7, true));
    assert_ne!(fates(7, false), fates(8, false));
}

#[test]
fn flat_bodies_can_be_delivered_again_by_an_id_that_is_not_in_them() {
    let shapes = Shapes::Only(Shape::Flat);
    let mut engine = engine(Behaviour { shapes, ..behaviour() });
    submit(&mut engine, START);
    let made = run(&mut engine, ok);
    let (record, body) = &made[1];
    assert!(!String::from_utf8_lossy(body).contains(record.event_id()));
    engine.redeliver(record.event_id(), at(50)).unwrap();
    let again = run(&mut engine, ok);
    assert_eq!((again.len(), &again[0].1), (1, body));
    assert_eq!(again[0].0.reason, DeliveryReason::Redelivery);
    assert_eq!(engine.redeliver("evt_none", at(50)).unwrap_err().status, 404);
}

#[test]
fn a_repeated_submission_is_in_conflict_while_the_first_is_in_flight_or_gets_its_answer() {
    for conflict_in_flight in [true, false] {
        let api_faults = ApiFaults { conflict_in_flight, ..ApiFaults::default() };
        let mut engine = engine(Behaviour { api_faults, ..behaviour() });
        let mut again =
            |caller, fault, now| engine.submit(caller, Some("order-7"), EXAMPLE, fault, now);
        let first = again(CALLER, Some(ApiFault::Hang(at(30))), START).unwrap();
        let second = again(CALLER, None, at(29));
        if conflict_in_flight {
            assert_eq!(second.unwrap_err().status, 409);
        } else {
            assert_eq!(second.unwrap(), first);
        }
        assert_eq!(again(CALLER, None, at(30)).unwrap(), first);
        let somebody = Caller { key: [1; 32], ..CALLER };
        assert!(again(somebody, None, at(29)).is_ok(), "another API key has its own");
    }
}
