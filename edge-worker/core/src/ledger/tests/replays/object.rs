//! An object of the ledger beside an origin, with a clock that the tests move.

use std::collections::BTreeMap;

use crate::counts::Counts;
use crate::ledger::bulk_replay::{BulkReplay, NewReplay, ReplayState, Selection, Steering};
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::{Call, Reply};
use crate::ledger::object;
use crate::ledger::sqlite_store::Storage as _;
use crate::ledger::tests::sqlite::Sqlite;
use crate::settings::Settings;
use crate::settings::tests::settings_with;

pub(super) const START_MS: u64 = 1_700_000_000_000;
const ID: &str = "r-1";

/// An object, its clock, and an origin.
pub(super) struct Object {
    pub(super) database: Sqlite,
    pub(super) settings: Settings,
    pub(super) now_ms: u64,
    /// Attempts that the origin got under the replay's id: key and token.
    pub(super) replayed: Vec<(String, u64)>,
    /// What the origin answers.
    pub(super) status: u16,
    /// The jobs of events that have one, by key.
    pub(super) jobs: BTreeMap<String, String>,
}

impl Object {
    pub(super) fn new(settings: &[(&str, &str)]) -> Self {
        let settings = settings_with(&[&[("DELIVERY", "durable")], settings].concat());
        let database = Sqlite::in_memory();
        object::start(&database, &settings, START_MS).unwrap();
        Self {
            database,
            settings,
            now_ms: START_MS,
            replayed: Vec::new(),
            status: 200,
            jobs: BTreeMap::new(),
        }
    }

    pub(super) fn ask(&self, call: &Call) -> Reply {
        let reply = object::call(&self.database, &self.settings, &call.encode(), self.now_ms);
        Reply::decode_all(&reply.unwrap(), 1).remove(0).unwrap()
    }

    pub(super) fn accept(&mut self, key: &str, job_id: Option<&str>) -> Reply {
        let meta = EventMeta { job_id: job_id.map(str::to_owned), ..EventMeta::default() };
        self.jobs.extend(job_id.map(|job_id| (key.to_owned(), job_id.to_owned())));
        let (key, head) = (key.to_owned(), "{}".to_owned());
        self.now_ms += 1;
        self.ask(&Call::Accept { key, meta, head, body_bytes: 1, correlation_id: None })
    }

    /// An attempt ends as the origin answers.
    pub(super) fn settle(&self, key: &str, token: u64, status: u16) {
        let job_id = self.jobs.get(key).cloned();
        let (key, counts) = (key.to_owned(), Counts::new());
        let call = if status == 200 {
            Call::Commit { job_id, key, token, counts, status: None, correlation_id: None }
        } else {
            Call::Release {
                job_id,
                key,
                token,
                outcome: "origin_rejected".to_owned(),
                status: Some(status),
                retry_after_ms: None,
                jitter: 0,
                counts,
                correlation_id: None,
            }
        };
        assert_eq!(self.ask(&call), Reply::Ok);
    }

    /// Dead letters, each of a job of its own unless said otherwise.
    pub(super) fn with_dead(count: usize, settings: &[(&str, &str)]) -> Self {
        let mut object = Self::new(settings);
        for number in 0..count {
            // Keys whose order is not that of the times.
            let key = format!("event-{}", (number * 7) % 100);
            assert!(matches!(object.accept(&key, None), Reply::Accepted { .. }));
            object.now_ms += 1;
            object.settle(&key, 1, 400);
        }
        object.now_ms += 1;
        object
    }

    pub(super) fn selection(&self, state: &str) -> Selection {
        Selection { state: state.to_owned(), until_ms: self.now_ms, ..Selection::default() }
    }

    pub(super) fn start(&self, selection: Selection, interval_ms: u64) -> Reply {
        let id = ID.to_owned();
        self.ask(&Call::StartReplay(NewReplay { id, selection, rate: 10, interval_ms }))
    }

    pub(super) fn steer(&self, steering: Steering) -> Reply {
        self.ask(&Call::SteerReplay { id: ID.to_owned(), steering })
    }

    pub(super) fn replay(&self) -> BulkReplay {
        match self.ask(&Call::Replays { id: Some(ID.to_owned()) }) {
            Reply::Replays(replays) => replays.into_iter().next().unwrap(),
            reply => panic!("{reply:?}"),
        }
    }

    /// Attempts that the object begins now.
    pub(super) fn take(&mut self) -> Vec<(String, u64)> {
        let taken = object::take(&self.database, &self.settings, 5, self.now_ms).unwrap();
        let taken: Vec<_> = taken
            .iter()
            .map(|attempt| {
                if attempt.replay.as_deref() == Some(ID) {
                    self.replayed.push((attempt.key.clone(), attempt.token));
                }
                (attempt.key.clone(), attempt.token)
            })
            .collect();
        assert!(taken.len() <= 5);
        taken
    }

    /// Lets time pass until the alarm rings, which then makes all attempts that it can; false if there is none.
    pub(super) fn ring(&mut self) -> bool {
        let Some(alarm_ms) = self.database.alarm_ms() else { return false };
        self.now_ms = self.now_ms.max(alarm_ms);
        self.database.set_alarm(None);
        object::ring(&self.database, Some(&self.settings), true, self.now_ms).unwrap();
        loop {
            let taken = self.take();
            if taken.is_empty() {
                break;
            }
            for (key, token) in taken {
                self.settle(&key, token, self.status);
            }
        }
        object::rest(&self.database, &self.settings, self.now_ms).unwrap();
        true
    }

    /// Lets a time pass, in which alarms ring.
    pub(super) fn wait(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        while self.database.alarm_ms().is_some_and(|alarm_ms| alarm_ms <= end_ms) {
            self.ring();
        }
        self.now_ms = end_ms;
    }

    /// Rings until the replay does not run any more.
    pub(super) fn run(&mut self) {
        for _ in 0..1_000 {
            if self.replay().state != ReplayState::Running {
                return;
            }
            assert!(self.ring(), "asleep");
        }
        panic!("the replay does not end: {:?}", self.replay());
    }

    /// How often each event was begun under the replay's id.
    pub(super) fn times(&self) -> BTreeMap<&str, usize> {
        let mut times = BTreeMap::new();
        self.replayed.iter().for_each(|(key, _)| *times.entry(key.as_str()).or_default() += 1);
        times
    }
}
