use core::time::Duration;
use std::collections::{BTreeMap, HashMap, HashSet};

use fastrand::Rng;
use nextapi_testkit::Credits;
use serde_json::Value;

use super::super::{Environment, Moment};
use super::*;
use crate::keys::Caller;
use crate::outbox::Posting;
use crate::{Account, DeliveryOutcome, DeliveryReason, DeliveryRecord, Faults, Shapes};

const START: Moment = Moment::from_millis(1_700_000_000_000);
const LIVE: Caller = Caller { key: [0; 32], environment: Environment::Live, admin: false };
const TEST: Caller = Caller { key: [1; 32], environment: Environment::Test, admin: false };
const EXAMPLE: &[u8] = br#"{"model":"seedance-2.0-pro","prompt":"a fox"}"#;
const CREDITS: Credits = Credits::whole(20);
const OK: DeliveryOutcome = DeliveryOutcome::Answered(200);

/// A provider whose process may end, and what is around it.
struct World {
    engine: Engine,
    /// What stands in for the file.
    file: BTreeMap<(&'static str, u64), Vec<u8>>,
    behaviour: Behaviour,
    now: Moment,
    /// In the order of submission; they have other ids in every world.
    jobs: Vec<String>,
    under_way: Vec<Posting>,
    /// Every request that was ever made: number, job and type.
    made: Vec<(u64, String, String)>,
}

impl World {
    fn new(seed: u64, faults: Faults) -> Self {
        let behaviour = Behaviour {
            job_duration: Duration::from_secs(40),
            failure_rate: 0.3,
            credits: CREDITS,
            shapes: Shapes::Mixed,
            seed: Some(seed),
            faults,
            ..Behaviour::default()
        };
        Self {
            engine: Engine::new(behaviour, "run".to_owned()),
            file: BTreeMap::new(),
            behaviour,
            now: START,
            jobs: Vec::new(),
            under_way: Vec::new(),
            made: Vec::new(),
        }
    }

    fn write(&mut self) {
        for Change { table, number, row } in self.engine.changes().unwrap() {
            match row {
                Some(row) => self.file.insert((table, number), row),
                None => self.file.remove(&(table, number)),
            };
        }
        self.engine.written();
    }

    /// The process ends, whatever was under way, and another one begins.
    fn restart(&mut self) {
        self.under_way.clear();
        let read = |table| {
            let rows = self.file.range((table, 0)..=(table, u64::MAX));
            Ok(rows.map(|((_, number), row)| (*number, row.clone())).collect())
        };
        let run = "another run".to_owned();
        self.engine = Engine::restore(self.behaviour, run, read).unwrap();
    }

    fn submit(&mut self, caller: Caller, key: Option<&str>) -> Option<String> {
        let answer = self.engine.submit(caller, key, EXAMPLE, None, self.now).ok()?;
        let id = answer["id"].as_str().unwrap().to_owned();
        if !self.jobs.contains(&id) {
            self.jobs.push(id.clone());
        }
        Some(id)
    }

    fn advance(&mut self) {
        for posting in self.engine.advance(self.now) {
            let record = &posting.record;
            self.made.push((record.number, record.job_id.clone(), record.event_type.clone()));
            self.under_way.push(posting);
        }
    }

    /// The oldest request is answered.
    fn answer(&mut self, outcome: DeliveryOutcome) {
        if self.under_way.is_empty() {
            return;
        }
        // In which order things happen that are due at the same moment is nobody's business.
        self.now = self.now.after(Duration::from_millis(1));
        let posting = self.under_way.remove(0);
        let outcome = if posting.lost { DeliveryOutcome::Lost } else { outcome };
        self.engine.finished(posting.record.number, outcome, self.now).unwrap();
    }

    /// One of the things that may happen, and then fewer than `answers` answers.
    fn step(&mut self, script: &mut Rng, outcomes: &[DeliveryOutcome], answers: usize) {
        self.now = self.now.after(Duration::from_millis(script.u64(1..20_000)));
        match script.u8(..10) {
            0..=2 => {
                let caller = if script.bool() { LIVE } else { TEST };
                let key = format!("order-{}", script.u8(..4));
                self.submit(caller, script.bool().then_some(key.as_str()));
            }
            3 => {
                let place = script.u64(..10);
                let event = self.engine.log().get(place).map(|record| record.event_id.clone());
                if let Some(event) = event {
                    self.engine.redeliver(&event, self.now).unwrap();
                }
            }
            4 => self.now = self.now.after(Duration::from_mins(script.u64(..600))),
            _ => {}
        }
        self.advance();
        for _ in 0..script.usize(..answers) {
            self.answer(outcomes[script.usize(..outcomes.len())]);
        }
        self.write();
    }

    /// Everything that can be seen of it, without ids.
    fn seen(&mut self) -> Vec<String> {
        let number = |id: &str| self.jobs.iter().position(|job| job == id);
        let mut seen = vec![
            format!("{:?} {}", self.engine.next_due(), self.engine.run()),
            format!("{:?}", Environment::ALL.map(|name| self.engine.account(name))),
        ];
        for id in &self.jobs {
            let mut job = |environment| self.engine.retrieve(environment, id, self.now).ok();
            let jobs = Environment::ALL.map(&mut job).into_iter().flatten();
            seen.extend(jobs.map(|job| {
                let fields = ["status", "progress", "credits", "created_at"];
                format!("{:?}", fields.map(|field| job.get(field)))
            }));
        }
        let books = self.engine.books();
        seen.extend(books.map(|book| format!("{:?} {:?}", number(&book.job_id), book.amounts)));
        seen.extend(self.engine.events().map(|event| {
            let facts = (&event.event_type, event.attempts, event.delivered, event.dropped);
            format!("{:?} {facts:?}", number(&event.job_id))
        }));
        for record in self.engine.log().iter() {
            let record = (number(&record.job_id), DeliveryRecord::to_json(record, "run"));
            let (job, mut record) = record;
            for id in ["event_id", "job_id"] {
                record[id] = Value::Null;
            }
            seen.push(format!("{job:?} {record}"));
        }
        seen
    }
}

#[test]
fn nobody_can_see_whether_it_was_restarted_between_two_deliveries() {
    let faults = Faults {
        lose: 0.2,
        duplicate: 0.2,
        reorder: 0.3,
        delay: Duration::from_secs(3),
        drop_events: 0.05,
        drop_jobs: 0.05,
    };
    let outcomes = [OK, DeliveryOutcome::Answered(503), DeliveryOutcome::NoAnswer];
    let mut restarts = 0;
    for seed in 0..30 {
        let mut chance = Rng::with_seed(seed);
        let (mut steady, mut restarted) = (World::new(seed, faults), World::new(seed, faults));
        let mut scripts = [Rng::with_seed(seed), Rng::with_seed(seed)];
        for step in 0..60 {
            steady.step(&mut scripts[0], &outcomes, 8);
            restarted.step(&mut scripts[1], &outcomes, 8);
            if restarted.under_way.is_empty() && chance.bool() {
                restarted.restart();
                restarts += 1;
                assert_eq!(steady.seen(), restarted.seen(), "seed {seed}, step {step}");
            }
        }
        assert_eq!(steady.seen(), restarted.seen(), "seed {seed}");
    }
    assert!(restarts > 200, "{restarts}");
}

#[test]
fn no_event_is_lost_and_no_credit_wherever_it_is_cut() {
    let faults = Faults { duplicate: 0.2, reorder: 0.3, ..Faults::default() };
    let mut cut = 0;
    for seed in 0..50 {
        let mut chance = Rng::with_seed(seed);
        let (mut world, mut script) = (World::new(seed, faults), Rng::with_seed(seed));
        for _ in 0..60 {
            world.step(&mut script, &[OK], 4);
            if chance.u8(..4) == 0 {
                cut += world.under_way.len();
                world.restart();
            }
        }
        while let Some(due) = world.engine.next_due().or(world.under_way.first().map(|_| world.now))
        {
            world.now = world.now.max(due);
            world.advance();
            world.answer(OK);
        }

        let numbers: HashSet<_> = world.made.iter().map(|(number, ..)| number).collect();
        assert_eq!(numbers.len(), world.made.len(), "seed {seed}: two attempts with one number");
        assert!(
            world.engine.log().iter().all(|record| {
                record.outcome != DeliveryOutcome::Pending && record.attempt <= 1
            })
        );
        let mut spent = HashMap::from(Environment::ALL.map(|name| (name, 0)));
        for id in &world.jobs {
            let (name, job) = Environment::ALL
                .into_iter()
                .find_map(|name| Some((name, world.engine.retrieve(name, id, world.now).ok()?)))
                .unwrap();
            let succeeded = job["status"] == "succeeded";
            assert!(succeeded || job["status"] == "failed", "{job}");
            *spent.get_mut(&name).unwrap() += if succeeded { 1_050 } else { 0 };
            let arrived = world
                .engine
                .log()
                .iter()
                .filter(|record| record.job_id == *id && record.outcome == OK);
            let types: HashSet<_> = arrived.map(DeliveryRecord::event_type).collect();
            assert_eq!(types.len(), 3, "seed {seed}: {types:?}");
        }
        for name in Environment::ALL {
            let mut expected = Account::new(CREDITS);
            assert!(expected.reserve(Credits::from_thousandths(spent[&name])));
            expected.settle(Credits::from_thousandths(spent[&name]));
            assert_eq!(world.engine.account(name), expected, "seed {seed}");
        }
    }
    assert!(cut > 200, "{cut}");
}

#[test]
fn a_redelivery_that_was_promised_is_made() {
    let mut world = World::new(7, Faults::default());
    world.submit(LIVE, None).unwrap();
    world.advance();
    world.answer(OK);
    let event = world.engine.log().get(0).unwrap().event_id.clone();
    world.engine.redeliver(&event, world.now).unwrap();
    world.write();
    // Before it was begun, and while it was under way.
    for _ in 0..2 {
        world.restart();
        world.advance();
        world.write();
        assert_eq!(world.under_way.len(), 1);
        assert_eq!(world.under_way[0].record.reason, DeliveryReason::Redelivery);
    }
    world.answer(OK);
    world.write();
    world.restart();
    world.advance();
    assert!(world.under_way.is_empty());
}

#[test]
fn an_attempt_that_was_cut_is_made_again_and_does_not_count() {
    let mut world = World::new(7, Faults::default());
    world.submit(LIVE, None).unwrap();
    for _ in 0..10 {
        world.advance();
        world.write();
        world.restart();
    }
    world.advance();
    assert_eq!(world.under_way[0].record.attempt, 1);
    assert_eq!(world.under_way[0].record.number, 10);
    let mut cut = world.engine.log().iter().take(10);
    assert!(cut.all(|record| record.outcome == DeliveryOutcome::NoAnswer && record.took.is_none()));
}

#[test]
fn an_idempotency_key_is_known_for_a_day_in_spite_of_restarts() {
    let mut world = World::new(7, Faults::default());
    let first = world.submit(LIVE, Some("order-7")).unwrap();
    world.write();
    world.restart();
    world.now = START.after(Duration::from_secs(86_399));
    assert_eq!(world.submit(LIVE, Some("order-7")).unwrap(), first);
    assert_ne!(world.submit(TEST, Some("order-7")).unwrap(), first);
    world.now = START.after(Duration::from_hours(24));
    world.write();
    world.restart();
    assert_ne!(world.submit(LIVE, Some("order-7")).unwrap(), first);
}

#[test]
fn a_step_writes_what_it_has_changed_and_nothing_else() {
    let mut world = World::new(7, Faults::default());
    for _ in 0..5 {
        world.submit(LIVE, None).unwrap();
    }
    world.write();
    assert_eq!(world.engine.changes().unwrap(), []);
    world.advance();
    world.write();
    world.answer(OK);
    let changes = world.engine.changes().unwrap();
    let written: Vec<_> = changes.iter().map(|change| (change.table, change.number)).collect();
    assert_eq!(written, [("events", 0), ("deliveries", 0), ("general", 0)]);
}
