//! What is known of jobs, when the API is asked about them, and how each has one end.

mod ends;
mod forgetting;
mod looks;
mod prices;

use super::memory_store::MemoryStore;
use super::sqlite::Sqlite;
use crate::ledger::credits::Credits;
use crate::ledger::entry::EventState;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::job::{DueJob, JobFilter, JobSummary, NewJob, Observation};
use crate::ledger::message::{Call, Reply};
use crate::ledger::object;
use crate::ledger::order::Order;
use crate::ledger::policy::Policy;
use crate::ledger::store::Store as _;
use crate::ledger::{alarm, outbox, protocol};
use crate::settings::tests::settings_with;

const START_MS: u64 = 1_700_000_000_000;
const MINUTE_MS: u64 = 60_000;
const GRACE_MS: u64 = 10 * MINUTE_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Settings with which jobs are followed.
const FOLLOWING: (&str, &str) = ("SUBMIT_TOKEN", "0123456789abcdef");

/// A shard at a time.
struct Shard {
    store: MemoryStore,
    policy: Policy,
    now_ms: u64,
}

impl Shard {
    fn new() -> Self {
        let policy = settings_with(&[FOLLOWING]).policy;
        Self { store: MemoryStore::default(), policy, now_ms: START_MS }
    }

    fn call(&mut self, call: Call) -> Reply {
        self.try_call(call).unwrap()
    }

    fn try_call(&mut self, call: Call) -> Result<Reply, String> {
        protocol::act(&mut self.store, call, None, &self.policy, self.now_ms)
    }

    fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    /// Claims or, with `durable`, accepts an event.
    fn deliver(&mut self, is_durable: bool, key: &str, event_type: &str, credits: &str) -> Reply {
        let meta = EventMeta {
            event_type: Some(event_type.to_owned()),
            job_id: Some("job_1".to_owned()),
            credits: Credits::parse(credits),
            ..EventMeta::default()
        };
        let key = key.to_owned();
        self.call(if is_durable {
            Call::Accept { key, meta, head: "{}".to_owned(), body_bytes: 1, correlation_id: None }
        } else {
            Call::Claim { key, meta, correlation_id: None }
        })
    }

    fn commit(&mut self, key: &str) -> Reply {
        let token = self.store.find(key).unwrap().unwrap().attempts;
        let (job_id, key) = (Some("job_1".to_owned()), key.to_owned());
        self.call(Call::Commit {
            job_id,
            key,
            token,
            counts: "".into(),
            status: None,
            correlation_id: None,
        })
    }

    fn release(&mut self, key: &str, status: u16) -> Reply {
        let token = self.store.find(key).unwrap().unwrap().attempts;
        self.call(Call::Release {
            job_id: Some("job_1".to_owned()),
            key: key.to_owned(),
            token,
            outcome: "origin_failed".to_owned(),
            status: Some(status),
            retry_after_ms: None,
            jitter: 0,
            counts: "".into(),
            correlation_id: None,
        })
    }

    /// The API shows a status; whether the end is to be made.
    fn observe(&mut self, status: &str) -> bool {
        match self.call(Call::Observe(vec![seen(status)])) {
            Reply::Observed { ripe, unknown } => {
                assert_eq!(unknown, [""; 0]);
                !ripe.is_empty()
            }
            reply => panic!("{reply:?}"),
        }
    }

    fn make_end(&mut self, status: &str) -> Reply {
        self.call(make_end(status))
    }

    fn job(&mut self) -> JobSummary {
        match self.call(Call::FindJob { job_id: "job_1".to_owned() }) {
            Reply::Jobs(jobs) if jobs.len() == 1 => jobs[0].clone(),
            reply => panic!("{reply:?}"),
        }
    }

    fn due(&mut self) -> (usize, Option<u64>) {
        match self.call(Call::DueJobs { limit: 10 }) {
            Reply::DueJobs { jobs, next_ms } => {
                (jobs.len(), next_ms.map(|ms| ms.saturating_sub(self.now_ms)))
            }
            reply => panic!("{reply:?}"),
        }
    }

    fn register(&mut self) {
        assert_eq!(self.call(Call::RegisterJob(new_job())), Reply::Ok);
    }

    fn take(&mut self) -> Option<String> {
        let taken = outbox::take(&mut self.store, &self.policy, self.now_ms).unwrap();
        taken.map(|taken| taken.key)
    }

    fn count(&mut self, outcome: &str) -> u64 {
        match self.call(Call::Figures { counts: "".into() }) {
            Reply::Figures(figures) => figures.outcomes.get(outcome),
            reply => panic!("{reply:?}"),
        }
    }

    /// A job whose made end is in a state.
    fn with_made_end(state: &str) -> Self {
        let mut shard = Self::new();
        shard.register();
        assert_eq!(shard.make_end("succeeded"), Reply::Stored);
        if state != "waiting" {
            assert_eq!(shard.take().as_deref(), Some("made-succeeded"));
        }
        match state {
            "done" => assert_eq!(shard.commit("made-succeeded"), Reply::Ok),
            "dead" => assert_eq!(shard.release("made-succeeded", 400), Reply::Ok),
            _ => {}
        }
        let entry = shard.store.find("made-succeeded").unwrap().unwrap();
        assert_eq!(entry.state.name(), state);
        shard
    }
}

pub(super) fn new_job() -> NewJob {
    NewJob {
        job_id: "job_1".to_owned(),
        tenant: Some("acme".to_owned()),
        deadline_ms: None,
        estimated: Credits::parse("2"),
    }
}

fn seen(status: &str) -> Observation {
    Observation {
        job_id: "job_1".to_owned(),
        status: status.to_owned(),
        credits: Credits::parse("1.05").filter(|_| status == "succeeded"),
        estimated: None,
        created_ms: None,
        is_known_only: true,
    }
}

pub(super) fn make_end(status: &str) -> Call {
    let meta = EventMeta {
        event_type: Some(format!("job.{status}")),
        job_id: Some("job_1".to_owned()),
        ..EventMeta::default()
    };
    let (key, head) = (format!("made-{status}"), "{}".to_owned());
    Call::MakeEnd { observation: seen(status), key, meta, head, body_bytes: 1 }
}

#[test]
fn a_job_is_known_from_its_first_event_and_ends_when_its_end_is_owed() {
    let mut shard = Shard::new();
    shard.deliver(true, "a", "job.queued", "2");
    let queued = shard.job();
    assert_eq!((queued.known_ms, queued.deadline_ms), (START_MS, START_MS + DAY_MS));
    assert_eq!((queued.state.as_str(), queued.estimated), ("open", Credits::parse("2")));
    shard.wait(MINUTE_MS);
    shard.deliver(true, "b", "job.running", "");
    assert_eq!(shard.job(), queued, "nothing new");
    shard.deliver(true, "c", "job.succeeded", "1.05");
    let ended = shard.job();
    assert_eq!((ended.state.as_str(), ended.ended_ms), ("ended", Some(shard.now_ms)));
    assert_eq!(
        (ended.status.as_deref(), ended.credits),
        (Some("succeeded"), Credits::parse("1.05"))
    );
    assert_eq!((ended.ended_by.as_deref(), ended.end_key.as_deref()), (Some("webhook"), Some("c")));
    assert_eq!(ended.look_ms, None);
}

/// What the provider has to deliver again is no end yet.
#[test]
fn with_through_a_job_ends_with_the_commit() {
    let mut shard = Shard::new();
    shard.deliver(false, "c", "job.failed", "");
    assert_eq!(shard.job().ended_ms, None);
    shard.release("c", 500);
    assert_eq!(shard.job().ended_ms, None);
    shard.deliver(false, "c", "job.failed", "");
    shard.commit("c");
    let job = shard.job();
    assert_eq!((job.status.as_deref(), job.ended_ms), (Some("failed"), Some(START_MS)));
}

#[test]
fn a_registration_may_be_repeated_and_forgets_nothing() {
    let mut shard = Shard::new();
    shard.register();
    let first = shard.job();
    shard.wait(MINUTE_MS);
    shard.register();
    assert_eq!(shard.job(), first);
    let deadline_ms = Some(START_MS + HOUR_MS);
    shard.call(Call::RegisterJob(NewJob {
        deadline_ms,
        tenant: None,
        estimated: None,
        ..new_job()
    }));
    assert_eq!(shard.job(), JobSummary { deadline_ms: START_MS + HOUR_MS, ..first });
    // What the events say of the tenant comes second.
    let meta = EventMeta {
        job_id: Some("job_1".to_owned()),
        tenant: Some("other".to_owned()),
        ..EventMeta::default()
    };
    shard.call(Call::Claim { key: "a".to_owned(), meta, correlation_id: None });
    assert_eq!(shard.job().tenant.as_deref(), Some("acme"));
    assert!(shard.store.alarm_ms().is_some());
}

#[test]
fn without_jobs_a_call_about_them_is_an_error_and_a_claim_is_as_before() {
    let mut shard = Shard { policy: Policy::of_tests(), ..Shard::new() };
    let calls = [
        Call::RegisterJob(new_job()),
        Call::DueJobs { limit: 1 },
        Call::Observe(vec![seen("running")]),
        make_end("succeeded"),
    ];
    for call in calls {
        assert!(shard.try_call(call.clone()).is_err(), "{call:?}");
    }
    // As many statements and rows as there were before there were jobs.
    let meta = |event_type: &str| EventMeta {
        event_type: Some(event_type.to_owned()),
        job_id: Some("job_1".to_owned()),
        credits: Credits::parse("1.05"),
        tenant: Some("acme".to_owned()),
        ..EventMeta::default()
    };
    let claim = |event_type: &str| Call::Claim {
        key: event_type.to_owned(),
        meta: meta(event_type),
        correlation_id: None,
    };
    let accept = |event_type: &str| Call::Accept {
        key: event_type.to_owned(),
        meta: meta(event_type),
        head: "{}".to_owned(),
        body_bytes: 1,
        correlation_id: None,
    };
    for (settings, more, rows) in [(&[][..], [0, 0, 0], 0), (&[FOLLOWING][..], [2, 1, 2], 1)] {
        let settings = settings_with(settings);
        for (call, before) in [(&claim as &dyn Fn(&str) -> Call, 2), (&accept, 5)] {
            let database = Sqlite::in_memory();
            object::start(&database, &settings, START_MS).unwrap();
            for (event_type, more) in
                ["job.queued", "job.running", "job.succeeded"].into_iter().zip(more)
            {
                let call = call(event_type).encode();
                let statements = (0..20).find(|statements| {
                    database.break_off_after(*statements);
                    object::call(&database, &settings, &call, START_MS).is_ok()
                });
                database.go_on();
                assert_eq!(statements, Some(before + more), "{call}");
            }
            assert_eq!(database.shown("SELECT * FROM job").len(), rows);
            assert_eq!(database.shown("SELECT * FROM audit").len(), 0);
            let meta = database.shown("SELECT * FROM event");
            assert!(meta.iter().all(|row| !row.contains("acme")), "the job's row has it");
        }
    }
}

#[test]
fn figures_tell_of_jobs() {
    let mut shard = Shard::with_made_end("done");
    let other = NewJob { job_id: "job_2".to_owned(), ..new_job() };
    shard.call(Call::RegisterJob(other));
    shard.deliver(true, "c", "job.failed", "");
    shard.wait(DAY_MS);
    let Reply::Figures(figures) = shard.call(Call::Figures { counts: "".into() }) else { panic!() };
    let jobs = figures.jobs.unwrap();
    assert_eq!((jobs.open, jobs.overdue, jobs.reconciled, jobs.conflicts), (1, 1, 1, 1));
    shard.policy.jobs = None;
    let Reply::Figures(figures) = shard.call(Call::Figures { counts: "".into() }) else { panic!() };
    assert_eq!(figures.jobs, None);
}
