//! What is known of jobs, when the API is asked about them, and how each has one end.

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
            Call::Accept { key, meta, head: "{}".to_owned(), body_bytes: 1 }
        } else {
            Call::Claim { key, meta }
        })
    }

    fn commit(&mut self, key: &str) -> Reply {
        let token = self.store.find(key).unwrap().unwrap().attempts;
        let (job_id, key) = (Some("job_1".to_owned()), key.to_owned());
        self.call(Call::Commit { job_id, key, token, counts: "".into() })
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

fn new_job() -> NewJob {
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

fn make_end(status: &str) -> Call {
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
    shard.call(Call::Claim { key: "a".to_owned(), meta });
    assert_eq!(shard.job().tenant.as_deref(), Some("acme"));
    assert!(shard.store.alarm_ms().is_some());
}

#[test]
fn the_api_is_asked_once_nothing_is_heard_for_the_grace() {
    let mut shard = Shard::new();
    shard.register();
    assert_eq!(shard.due(), (0, Some(GRACE_MS)));
    shard.wait(GRACE_MS - 1);
    assert_eq!(shard.due(), (0, Some(1)));
    shard.deliver(true, "a", "job.running", "");
    shard.wait(1);
    assert_eq!(shard.due(), (0, Some(GRACE_MS - 1)), "an event has come");
    shard.wait(GRACE_MS - 1);
    let jobs = vec![DueJob { job_id: "job_1".to_owned(), known_ms: START_MS }];
    let due = shard.call(Call::DueJobs { limit: 10 });
    assert_eq!(due, Reply::DueJobs { jobs, next_ms: None });
    assert_eq!(shard.call(Call::DueJobs { limit: 10 }), due, "a pure read");
    let full = Reply::DueJobs { jobs: Vec::new(), next_ms: Some(shard.now_ms) };
    assert_eq!(shard.call(Call::DueJobs { limit: 0 }), full);
}

#[test]
fn looks_at_an_open_job_come_less_and_less_often() {
    let mut shard = Shard::new();
    shard.register();
    let mut pauses = Vec::new();
    for _ in 0..5 {
        assert!(!shard.observe("running"));
        let (due, pause_ms) = shard.due();
        assert_eq!(due, 0);
        pauses.push(pause_ms.unwrap() / MINUTE_MS);
    }
    assert_eq!(pauses, [10, 20, 40, 60, 60]);
    let job = shard.job();
    assert_eq!(
        (job.looks, job.shown.as_deref(), job.shown_ms),
        (5, Some("running"), Some(START_MS))
    );
    // Past its deadline it is overdue, at once and with no write, and looked at every hour.
    let mut shard = Shard::new();
    shard.register();
    shard.wait(DAY_MS);
    assert_eq!(shard.job().state, "overdue");
    let filter = JobFilter { state: Some("overdue".to_owned()), limit: 9, ..JobFilter::default() };
    assert_eq!(shard.call(Call::Jobs(filter)), Reply::Jobs(vec![shard.job()]));
    assert!(!shard.observe("running"));
    assert_eq!(shard.due(), (0, Some(HOUR_MS)));
}

#[test]
fn an_end_is_ripe_when_the_api_has_shown_it_for_the_grace() {
    let mut shard = Shard::new();
    shard.register();
    assert!(!shard.observe("succeeded"));
    assert_eq!(shard.due(), (0, Some(GRACE_MS)));
    shard.wait(GRACE_MS - 1);
    assert!(!shard.observe("succeeded"), "looked at too early");
    assert_eq!(shard.due(), (0, Some(1)));
    shard.wait(1);
    assert!(shard.observe("succeeded"));
    // Nobody has made it: it comes again, and not at once.
    assert_eq!(shard.due(), (0, Some(GRACE_MS)));
    shard.wait(GRACE_MS);
    assert!(shard.observe("succeeded"));
}

#[test]
fn a_status_that_is_not_known_is_kept_and_is_no_end() {
    let mut shard = Shard::new();
    shard.register();
    for _ in 0..4 {
        assert!(!shard.observe("cancelled_by_moderation"));
        shard.wait(HOUR_MS);
    }
    let job = shard.job();
    assert_eq!(
        (job.shown.as_deref(), job.state.as_str()),
        (Some("cancelled_by_moderation"), "open")
    );
    assert!(shard.try_call(make_end("cancelled_by_moderation")).is_err());
    shard.observe(&"\u{e9}".repeat(100));
    assert_eq!(shard.job().shown.unwrap().len(), 64);
}

#[test]
fn another_end_begins_anew_and_a_stale_answer_does_not() {
    let mut shard = Shard::new();
    shard.register();
    shard.observe("failed");
    shard.wait(GRACE_MS);
    assert!(!shard.observe("succeeded"), "another end than before");
    shard.wait(GRACE_MS);
    assert!(!shard.observe("running"), "a job never goes backwards");
    assert!(shard.observe("succeeded"));
}

#[test]
fn what_the_api_shows_of_other_jobs_is_followed_only_if_that_is_wanted() {
    let mut shard = Shard::new();
    let unknown = Reply::Observed { ripe: Vec::new(), unknown: vec!["job_1".to_owned()] };
    assert_eq!(shard.call(Call::Observe(vec![seen("running")])), unknown);
    let appears = |created_ms| Observation { created_ms, is_known_only: false, ..seen("running") };
    // One that may have been here and been forgotten would have its end made again.
    for created_ms in [None, Some(START_MS - 72 * HOUR_MS)] {
        assert_eq!(shard.call(Call::Observe(vec![appears(created_ms)])), unknown);
    }
    let followed = Reply::Observed { ripe: Vec::new(), unknown: Vec::new() };
    let created_ms = Some(START_MS - HOUR_MS);
    assert_eq!(shard.call(Call::Observe(vec![appears(created_ms)])), followed);
    assert_eq!(shard.job().known_ms, START_MS - HOUR_MS);
}

/// An end that was there before the job was followed.
#[test]
fn an_end_that_the_ledger_has_is_found_at_a_look() {
    let mut shard = Shard::new();
    let followed = core::mem::take(&mut shard.policy.jobs);
    shard.deliver(true, "c", "job.succeeded", "1.05");
    shard.commit("c");
    assert!(shard.store.jobs.is_empty());
    shard.policy.jobs = followed;
    shard.register();
    shard.observe("succeeded");
    let job = shard.job();
    assert_eq!((job.state.as_str(), job.end_key.as_deref()), ("ended", Some("c")));
    assert_eq!(job.credits, Credits::parse("1.05"), "as the API has it");
    assert_eq!(shard.make_end("succeeded"), Reply::Duplicate);
}

#[test]
fn nothing_is_made_where_there_is_an_end_or_one_in_flight() {
    /// An end in a state, and whether another one is made.
    type Case = (&'static str, fn(&mut Shard), bool);
    let cases: [Case; 8] = [
        ("none", |_| {}, true),
        ("in flight", |shard| drop(shard.deliver(false, "c", "job.succeeded", "")), false),
        (
            "lease run out",
            |shard| {
                shard.deliver(false, "c", "job.succeeded", "");
                shard.wait(HOUR_MS);
            },
            true,
        ),
        (
            "failed, and the provider's to repeat",
            |shard| {
                shard.deliver(false, "c", "job.succeeded", "");
                shard.release("c", 500);
            },
            true,
        ),
        (
            "delivered",
            |shard| {
                shard.deliver(false, "c", "job.succeeded", "");
                shard.commit("c");
            },
            false,
        ),
        ("owed", |shard| drop(shard.deliver(true, "c", "job.succeeded", "")), false),
        (
            "dead",
            |shard| {
                shard.deliver(true, "c", "job.succeeded", "");
                shard.release("c", 400);
            },
            false,
        ),
        (
            "reopened",
            |shard| {
                shard.deliver(false, "c", "job.succeeded", "");
                shard.commit("c");
                shard.call(Call::Reopen { key: "c".to_owned() });
            },
            false,
        ),
    ];
    for (case, prepare, is_made) in cases {
        let mut shard = Shard::new();
        shard.register();
        shard.observe("succeeded");
        shard.wait(GRACE_MS);
        prepare(&mut shard);
        assert_eq!(shard.observe("succeeded"), is_made, "{case}");
        let expected = if is_made { Reply::Stored } else { Reply::Duplicate };
        assert_eq!(shard.make_end("succeeded"), expected, "{case}");
        assert_eq!(shard.make_end("succeeded"), Reply::Duplicate, "{case}: once");
        assert_eq!(shard.count("reconciled"), u64::from(is_made), "{case}");
    }
}

#[test]
fn a_made_end_is_owed_and_goes_out_with_the_alarm() {
    let mut shard = Shard::new();
    assert_eq!(shard.make_end("succeeded"), Reply::Absent, "the job is not known");
    shard.register();
    assert_eq!(shard.make_end("succeeded"), Reply::Stored);
    assert_eq!(shard.store.alarm_ms(), Some(START_MS + 1_000));
    let job = shard.job();
    assert_eq!(
        (job.ended_by.as_deref(), job.credits),
        (Some("reconciliation"), Credits::parse("1.05"))
    );
    assert_eq!(shard.due(), (0, None));
    assert_eq!(shard.take().as_deref(), Some("made-succeeded"));
    // A shard that is full keeps it for later.
    let mut shard = Shard::new();
    shard.register();
    shard.policy.most_bytes = 0;
    assert_eq!(shard.make_end("succeeded"), Reply::Full);
    assert_eq!(shard.job().state, "open");
    // It waits for the events of its job before it.
    let mut shard = Shard::new();
    shard.deliver(true, "b", "job.running", "");
    assert_eq!(shard.make_end("succeeded"), Reply::Stored);
    assert_eq!(shard.take(), None);
    shard.commit("b");
    assert_eq!(shard.take().as_deref(), Some("made-succeeded"));
    // An end of another job, or another end.
    let Call::MakeEnd { observation, key, meta, head, .. } = make_end("succeeded") else {
        panic!()
    };
    for (job_id, event_type) in [("job_2", "job.succeeded"), ("job_1", "job.failed")] {
        let (key, head, observation) = (key.clone(), head.clone(), observation.clone());
        let (job_id, event_type) = (Some(job_id.to_owned()), Some(event_type.to_owned()));
        let meta = EventMeta { event_type, job_id, ..meta.clone() };
        assert!(
            shard.try_call(Call::MakeEnd { observation, key, meta, head, body_bytes: 1 }).is_err()
        );
    }
}

#[test]
fn a_genuine_end_that_says_the_same_is_absorbed() {
    let granted = Reply::Granted { token: 1, order: Order::InOrder };
    let accepted = Reply::Accepted { token: 1, order: Order::InOrder };
    for (state, through, durable) in [
        ("waiting", Reply::InFlight { remaining_ms: 1 }, Reply::Duplicate),
        ("claimed", Reply::InFlight { remaining_ms: 30_000 }, Reply::Duplicate),
        ("done", Reply::Duplicate, Reply::Duplicate),
        ("dead", granted, accepted),
    ] {
        for (is_durable, expected) in [(false, through), (true, durable)] {
            // The credits are the same, or not known.
            for credits in ["1.05", ""] {
                let mut shard = Shard::with_made_end(state);
                let reply = shard.deliver(is_durable, "c", "job.succeeded", credits);
                assert_eq!(reply, expected, "{state}, durable: {is_durable}");
                let job = shard.job();
                let is_absorbed = expected == Reply::Duplicate;
                assert_eq!(job.alias_key.is_some(), is_absorbed, "{state}, {is_durable}");
                assert!(!job.is_conflict);
                assert_eq!(shard.count("end_conflict"), 0);
                let again = shard.deliver(is_durable, "c", "job.succeeded", credits);
                let is_owed = state == "dead" && is_durable;
                let is_in_flight = state == "dead" && !is_durable;
                if is_owed {
                    assert_eq!(again, Reply::Duplicate);
                } else if is_in_flight {
                    assert_eq!(again, Reply::InFlight { remaining_ms: 30_000 });
                } else {
                    assert_eq!(again, expected, "and again");
                }
            }
        }
    }
}

/// The provider goes on until it has a 200; the made end's delivery gives it one.
#[test]
fn a_genuine_end_in_flight_is_a_duplicate_once_the_made_one_is_delivered() {
    let mut shard = Shard::with_made_end("claimed");
    assert!(matches!(shard.deliver(false, "c", "job.succeeded", "1.05"), Reply::InFlight { .. }));
    shard.commit("made-succeeded");
    assert_eq!(shard.deliver(false, "c", "job.succeeded", "1.05"), Reply::Duplicate);
    assert_eq!(shard.job().alias_key.as_deref(), Some("c"));
}

#[test]
fn a_genuine_end_that_says_something_else_is_forwarded_as_late_and_noted() {
    for is_durable in [false, true] {
        for (event_type, credits) in [("job.failed", ""), ("job.succeeded", "1.06")] {
            let mut shard = Shard::with_made_end("done");
            let reply = shard.deliver(is_durable, "c", event_type, credits);
            let late = Order::Late;
            let expected = if is_durable {
                Reply::Accepted { token: 1, order: late }
            } else {
                Reply::Granted { token: 1, order: late }
            };
            assert_eq!(reply, expected, "{event_type}");
            shard.wait(HOUR_MS);
            shard.deliver(is_durable, "c", event_type, credits);
            let job = shard.job();
            assert!(job.is_conflict);
            assert_eq!(shard.count("end_conflict"), 1, "counted once");
            assert_eq!(
                (job.end_key.as_deref(), job.ended_by.as_deref()),
                (Some("c"), Some("webhook"))
            );
            assert_eq!(job.ended_ms, Some(START_MS));
        }
    }
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
    let claim =
        |event_type: &str| Call::Claim { key: event_type.to_owned(), meta: meta(event_type) };
    let accept = |event_type: &str| Call::Accept {
        key: event_type.to_owned(),
        meta: meta(event_type),
        head: "{}".to_owned(),
        body_bytes: 1,
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
fn jobs_are_forgotten_after_their_events() {
    let mut shard = Shard::new();
    shard.deliver(true, "c", "job.succeeded", "");
    shard.commit("c");
    let (mut rings, mut lived_ms) = (0, 0);
    while let Some(alarm_ms) = shard.store.alarm_ms() {
        shard.now_ms = alarm_ms;
        let has_event = shard.store.find("c").unwrap().is_some();
        let swept = alarm::sweep(&mut shard.store, &shard.policy, shard.now_ms).unwrap();
        assert_eq!(swept.expired_jobs, []);
        let is_known = !shard.store.jobs.is_empty();
        assert!(is_known || !has_event, "a job outlives its events");
        lived_ms = shard.now_ms - START_MS;
        rings += 1;
        assert!(rings < 10, "an alarm that finds nothing rings rarely");
    }
    assert!(shard.store.jobs.is_empty());
    assert!((72 * HOUR_MS..=84 * HOUR_MS).contains(&lived_ms), "{}", lived_ms / HOUR_MS);
}

/// Otherwise the genuine end could be forwarded while the made one is still owed.
#[test]
fn a_job_is_not_forgotten_while_its_made_end_is_kept() {
    let mut shard = Shard::with_made_end("dead");
    shard.wait(10 * DAY_MS);
    alarm::sweep(&mut shard.store, &shard.policy, shard.now_ms).unwrap();
    assert_eq!(shard.store.jobs.len(), 1);
    assert!(shard.store.alarm_ms() >= Some(shard.now_ms + HOUR_MS), "no busy loop");
    shard.wait(20 * DAY_MS);
    alarm::sweep(&mut shard.store, &shard.policy, shard.now_ms).unwrap();
    let left = (shard.store.jobs.len(), shard.store.rows.len(), shard.store.alarm_ms());
    assert_eq!(left, (0, 0, None));
}

#[test]
fn a_job_that_never_ends_is_forgotten_aloud() {
    let mut shard = Shard::new();
    shard.register();
    shard.wait(31 * DAY_MS - 1);
    let sweep =
        |shard: &mut Shard| alarm::sweep(&mut shard.store, &shard.policy, shard.now_ms).unwrap();
    assert_eq!(sweep(&mut shard).expired_jobs, []);
    assert_eq!(shard.store.alarm_ms(), Some(shard.now_ms + alarm::LEAST_PAUSE_MS));
    shard.wait(1);
    let swept = sweep(&mut shard);
    assert_eq!(swept.expired_jobs.len(), 1);
    assert!(
        swept.lines(shard.now_ms)[0]
            .contains(r#""expired":"job","job_id":"job_1","tenant":"acme""#)
    );
    assert_eq!(shard.count("expired_job"), 1);
    assert_eq!((shard.store.jobs.len(), shard.store.alarm_ms()), (0, None));
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

/// The state that a made end has in each mode: waiting, whoever is answered when.
#[test]
fn a_made_end_that_fails_is_tried_again_and_dies_like_any_other() {
    let mut shard = Shard::with_made_end("claimed");
    shard.release("made-succeeded", 500);
    let entry = shard.store.find("made-succeeded").unwrap().unwrap();
    assert!(matches!(entry.state, EventState::Waiting { due_ms: Some(_) }));
    assert_eq!(Shard::with_made_end("dead").job().state, "ended");
}
