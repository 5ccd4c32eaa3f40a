//! What stands in an event's trail after everything that can be done about it, in both stores.

use super::jobs::{make_end, new_job};
use super::memory_store::MemoryStore;
use super::sqlite::fresh_store;
use crate::counts::Counts;
use crate::ledger::alarm;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::{Call, Reply};
use crate::ledger::order::LateEvents;
use crate::ledger::policy::Policy;
use crate::ledger::sqlite_store::SqliteStore;
use crate::ledger::store::Store;
use crate::ledger::trail::SHOWN;
use crate::ledger::{protocol, replays};
use crate::settings::tests::settings_with;

const START_MS: u64 = 1_000_000;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const KEY: &str = "event-1";

struct Shard<S> {
    store: S,
    policy: Policy,
    now_ms: u64,
}

impl<S: Store> Shard<S> {
    fn new(store: S) -> Self {
        let policy = settings_with(&[("SUBMIT_TOKEN", "0123456789abcdef")]).policy;
        Self { store, policy, now_ms: START_MS }
    }

    /// A minute later, which is longer than a lease.
    fn call(&mut self, call: Call) -> Reply {
        self.now_ms += MINUTE_MS;
        protocol::act(&mut self.store, call, None, &self.policy, self.now_ms).unwrap()
    }

    fn claim(&mut self, meta: EventMeta, id: &str) -> Reply {
        self.call(Call::Claim { key: KEY.to_owned(), meta, correlation_id: Some(id.to_owned()) })
    }

    fn accept(&mut self, id: &str) -> Reply {
        self.call(Call::Accept {
            key: KEY.to_owned(),
            meta: EventMeta::default(),
            head: "{}".to_owned(),
            body_bytes: 1,
            correlation_id: Some(id.to_owned()),
        })
    }

    fn commit(&mut self, job_id: Option<&str>, token: u64) -> Reply {
        self.call(Call::Commit {
            job_id: job_id.map(str::to_owned),
            key: KEY.to_owned(),
            token,
            status: Some(204),
            correlation_id: Some("c-9".to_owned()),
            counts: Counts::new(),
        })
    }

    fn release(&mut self, token: u64, status: u16) -> Reply {
        self.call(Call::Release {
            job_id: None,
            key: KEY.to_owned(),
            token,
            outcome: "origin_rejected".to_owned(),
            status: Some(status),
            retry_after_ms: None,
            jitter: 0,
            correlation_id: None,
            counts: Counts::new(),
        })
    }

    fn take(&mut self) {
        self.now_ms += MINUTE_MS;
        replays::take(&mut self.store, &self.policy, self.now_ms).unwrap().unwrap();
    }

    /// The trail as an admin gets it, each entry in words: seconds since the start, act, attempt, outcome, status and
    /// correlation id.
    fn trail_of(&mut self, key: &str) -> Vec<String> {
        let call = Call::Find { key: key.to_owned() };
        let reply = protocol::act(&mut self.store, call, None, &self.policy, self.now_ms).unwrap();
        let Reply::Events(events) = reply else { panic!("{reply:?}") };
        let entries = events.into_iter().flat_map(|event| event.trail);
        let shown = entries.map(|entry| {
            let seconds = (entry.at_ms - START_MS) / 1_000;
            let attempt = entry.attempt.map(|it| format!(" {it}")).unwrap_or_default();
            let status = entry.status.map(|it| format!(" {it}")).unwrap_or_default();
            let id = entry.correlation_id.map(|it| format!(" {it}")).unwrap_or_default();
            format!("{seconds} {}{attempt}: {}{status}{id}", entry.act, entry.outcome)
        });
        shown.collect()
    }

    fn trail(&mut self) -> Vec<String> {
        self.trail_of(KEY)
    }
}

fn owed_event(store: impl Store) {
    let mut shard = Shard::new(store);
    shard.accept("c-1");
    // Nothing is heard of the first attempt.
    shard.accept("c-2");
    shard.take();
    shard.release(2, 400);
    shard.call(Call::Replay { key: KEY.to_owned(), id: "r-1".to_owned() });
    shard.take();
    // The second one has been heard of after all, but nothing is said twice.
    shard.commit(None, 3);
    shard.commit(None, 3);
    let expected = [
        "60 delivery: accepted c-1",
        "90 attempt 1: attempt_lost",
        "120 delivery: duplicate c-2",
        "240 attempt 2: origin_rejected 400",
        "240 dead: dead",
        "300 replay: replayed r-1",
        "420 attempt 3: forwarded 204 c-9",
    ];
    assert_eq!(shard.trail(), expected);
}

#[test]
fn an_owed_event_has_all_of_its_way() {
    owed_event(MemoryStore::with_trails());
    owed_event(fresh_store());
}

fn claimed_event(store: impl Store) {
    let running = || EventMeta {
        event_type: Some("job.running".to_owned()),
        job_id: Some("job_1".to_owned()),
        ..EventMeta::default()
    };
    let mut shard = Shard::new(store);
    shard.claim(running(), "c-1");
    shard.claim(running(), "c-2");
    shard.call(Call::Reopen { key: KEY.to_owned() });
    shard.claim(running(), "c-3");
    // By the walk, since nobody comes.
    shard.now_ms += 2 * HOUR_MS;
    alarm::sweep(&mut shard.store, &shard.policy, shard.now_ms).unwrap();
    // An end that the origin has makes it late.
    shard.policy.late_events = LateEvents::Drop;
    let ended = EventMeta { event_type: Some("job.succeeded".to_owned()), ..running() };
    shard.call(Call::Claim { key: "end".to_owned(), meta: ended, correlation_id: None });
    let commit = Call::Commit {
        job_id: Some("job_1".to_owned()),
        key: "end".to_owned(),
        token: 1,
        status: None,
        correlation_id: None,
        counts: Counts::new(),
    };
    shard.call(commit);
    assert_eq!(shard.claim(running(), "c-4"), Reply::LateDropped);
    let expected = [
        "60 delivery: claimed c-1",
        "90 attempt 1: attempt_lost",
        "120 delivery: claimed c-2",
        "150 attempt 2: attempt_lost",
        "180 reopen: reopened",
        "240 delivery: claimed c-3",
        "270 attempt 3: attempt_lost",
        "7620 delivery: late_dropped c-4",
    ];
    assert_eq!(shard.trail(), expected);
    assert_eq!(shard.trail_of("end"), ["7500 delivery: claimed", "7560 attempt 1: forwarded"]);
}

#[test]
fn a_claimed_event_has_all_of_its_way() {
    claimed_event(MemoryStore::with_trails());
    claimed_event(fresh_store());
}

/// An event that is under way, and then done, comes ten times over each time.
fn deliveries_in_vain(store: impl Store) -> Shard<impl Store> {
    let mut shard = Shard::new(store);
    assert!(matches!(shard.claim(EventMeta::default(), "c-0"), Reply::Granted { .. }));
    shard.now_ms -= MINUTE_MS;
    for attempt in 1..=10 {
        let reply = shard.claim(EventMeta::default(), &format!("c-{attempt}"));
        assert!(matches!(reply, Reply::InFlight { .. }), "{reply:?}");
        shard.now_ms -= MINUTE_MS;
    }
    shard.now_ms += MINUTE_MS;
    shard.commit(None, 1);
    for attempt in 11..=20 {
        assert_eq!(shard.claim(EventMeta::default(), &format!("c-{attempt}")), Reply::Duplicate);
        assert_eq!(shard.accept(&format!("d-{attempt}")), Reply::Duplicate);
    }
    let expected = [
        "60 delivery: claimed c-0",
        "60 delivery: in_flight c-1",
        "60 delivery: in_flight c-2",
        "60 delivery: in_flight c-3",
        "120 attempt 1: forwarded 204 c-9",
        "180 delivery: duplicate c-11",
        "240 delivery: duplicate d-11",
        "300 delivery: duplicate c-12",
    ];
    assert_eq!(shard.trail(), expected);
    shard
}

/// Whoever sends an event how often: what was done about it stays in its trail, and the rest writes no row.
#[test]
fn of_deliveries_that_change_nothing_the_first_ones_are_noted() {
    deliveries_in_vain(MemoryStore::with_trails());
    let store = fresh_store();
    let mut shard = deliveries_in_vain(SqliteStore(&store.0));
    let changes = || store.0.shown("SELECT total_changes()");
    let before = changes();
    assert_eq!(shard.claim(EventMeta::default(), "c-21"), Reply::Duplicate);
    assert_eq!(changes(), before);
}

fn made_event(store: impl Store) {
    let mut shard = Shard::new(store);
    shard.call(Call::RegisterJob(new_job()));
    shard.call(make_end("failed"));
    assert_eq!(shard.trail_of("made-failed"), ["120 made: reconciled"]);
}

#[test]
fn an_event_that_was_made_says_so() {
    made_event(MemoryStore::with_trails());
    made_event(fresh_store());
}

fn long_trail(store: impl Store) {
    let mut shard = Shard::new(store);
    let id = "c".repeat(128);
    // Three entries each time: what is shown begins with the second one of its first time.
    for token in 1..30 {
        shard.claim(EventMeta::default(), &id);
        shard.release(token, 500);
        shard.call(Call::Reopen { key: KEY.to_owned() });
    }
    let trail = shard.trail();
    assert_eq!(trail.len(), SHOWN);
    assert_eq!(trail[0], "4080 attempt 23: origin_rejected 500");
    assert_eq!(trail[SHOWN - 1], "5220 reopen: reopened");
}

#[test]
fn of_a_long_trail_the_end_is_kept() {
    long_trail(MemoryStore::with_trails());
    let store = fresh_store();
    long_trail(SqliteStore(&store.0));
    let bytes = store.0.shown("SELECT length(trail) FROM event");
    assert_eq!(bytes, ["[Integer(5376)]"]);
}

/// Both events of a job are under way without an order, and with one the second goes back behind the first.
fn claim_that_goes_back(store: impl Store) {
    let mut shard = Shard::new(store);
    shard.policy.is_ordered = false;
    for (key, event_type) in [("first", "job.running"), (KEY, "job.succeeded")] {
        let meta = EventMeta {
            event_type: Some(event_type.to_owned()),
            job_id: Some("job_1".to_owned()),
            ..EventMeta::default()
        };
        let reply = shard.call(Call::Accept {
            key: key.to_owned(),
            meta,
            head: "{}".to_owned(),
            body_bytes: 1,
            correlation_id: None,
        });
        assert!(matches!(reply, Reply::Accepted { .. }), "{reply:?}");
    }
    shard.policy.is_ordered = true;
    shard.take();
    let again = replays::take(&mut shard.store, &shard.policy, shard.now_ms).unwrap();
    assert_eq!(again, None);
    assert_eq!(shard.trail(), ["120 delivery: accepted", "150 attempt 1: attempt_lost"]);
}

#[test]
fn a_claim_that_goes_back_to_waiting_is_noted_as_lost() {
    claim_that_goes_back(MemoryStore::with_trails());
    claim_that_goes_back(fresh_store());
}

#[test]
fn an_event_is_shown_without_a_malformed_line_of_its_trail() {
    let mut shard = Shard::new(fresh_store());
    shard.accept("c-1");
    shard.store.0.run("UPDATE event SET trail = 'malformed' || char(10) || trail");
    assert_eq!(shard.trail(), ["60 delivery: accepted c-1"]);
}
