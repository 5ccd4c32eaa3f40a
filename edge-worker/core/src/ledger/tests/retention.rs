//! Rows and bytes stay bounded, on a real SQLite with a clock that the test moves.

use std::collections::HashMap;

use super::sqlite::{Sqlite, fresh_store};
use crate::counts::Counts;
use crate::ledger::alarm::{LEAST_PAUSE_MS, PAUSE_AFTER_FAILURE_MS};
use crate::ledger::entry::Token;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::{Call, Reply};
use crate::ledger::policy::Policy;
use crate::ledger::sqlite_store::{SqliteStore, Storage as _};
use crate::ledger::store::Store as _;
use crate::ledger::walk::BATCH;
use crate::ledger::{object, outbox, protocol, row};
use crate::settings::Settings;
use crate::settings::tests::settings_with;

const MINUTE_MS: u64 = 60 * 1_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// The shortest retention that the settings allow, with the longest lease.
const RETENTION_MS: u64 = 36 * HOUR_MS;
const LEASE_MS: u64 = 600_000;

fn settings() -> Settings {
    settings_with(&[("RETENTION_HOURS", "36"), ("LEASE_SECONDS", "600")])
}

/// The pause between two walks through all rows.
const PAUSE_MS: u64 = RETENTION_MS / 8;
/// How long a row outlives the time at which it is due: the next walk waits for more to fall due, and takes a while
/// to come along.
const GRACE_MS: u64 = PAUSE_MS + MINUTE_MS;

/// The job of an event: three events each.
fn job_of(number: u64) -> String {
    format!("job_{}", number / 3)
}

/// An object with its clock and its alarm.
struct Object {
    store: SqliteStore<Sqlite>,
    /// None while the settings are refused.
    settings: Option<Settings>,
    policy: Policy,
    now_ms: u64,
    /// When each row had its last transition, by key: what must be there.
    rows: HashMap<String, u64>,
    /// The ends of leases that run, by key.
    leases: HashMap<String, u64>,
    /// The most rows there ever were.
    most_rows: usize,
    /// The longest that a row was there after it was due.
    longest_overdue_ms: u64,
    alarms: u32,
    /// How late the platform rings.
    lateness_ms: u64,
    events: u64,
}

impl Object {
    fn new() -> Self {
        let store = fresh_store();
        // A transaction for each call would be slow, and prove no more. Writing a row anew is no
        // deletion for a trigger.
        store.0.run(
            "CREATE TEMP TABLE deleted (key TEXT);
            CREATE TEMP TRIGGER note_deleted AFTER DELETE ON event
                BEGIN INSERT INTO deleted VALUES (old.key); END;
            BEGIN",
        );
        Self {
            store,
            policy: settings().policy,
            settings: Some(settings()),
            now_ms: 1_700_000_000_000,
            rows: HashMap::new(),
            leases: HashMap::new(),
            most_rows: 0,
            longest_overdue_ms: 0,
            alarms: 0,
            lateness_ms: 0,
            events: 0,
        }
    }

    fn ask(&mut self, call: Call) -> Reply {
        protocol::answer(&mut self.store, call, &self.policy, self.now_ms).unwrap()
    }

    /// A new event, with its key.
    fn next_event(&mut self) -> (String, EventMeta) {
        let number = self.events;
        self.events += 1;
        let event_type = ["job.queued", "job.running", "job.succeeded"];
        let meta = EventMeta {
            event_id: Some(format!("evt_{number}")),
            event_type: Some(event_type[usize::try_from(number % 3).unwrap()].to_owned()),
            job_id: Some(job_of(number)),
            ..EventMeta::default()
        };
        (format!("event-{number:064x}"), meta)
    }

    /// A new event comes, and what became of its attempt is not heard.
    fn claim(&mut self) -> (String, Token) {
        let (key, meta) = self.next_event();
        let answer = self.ask(Call::Claim { key: key.clone(), meta, correlation_id: None });
        let Reply::Granted { token, .. } = answer else { panic!("{answer:?}") };
        assert!(self.store.alarm_ms().is_some(), "a row without an alarm");
        self.rows.insert(key.clone(), self.now_ms);
        self.leases.insert(key.clone(), self.now_ms + LEASE_MS);
        self.most_rows = self.most_rows.max(self.rows.len());
        (key, token)
    }

    /// A new event comes and its attempt is settled; every tenth fails.
    fn deliver(&mut self) {
        let (key, token) = self.claim();
        self.leases.remove(&key);
        let counts = Counts::default();
        let job_id = Some(job_of(self.events - 1));
        let settle = if self.events.is_multiple_of(10) {
            Call::Release {
                job_id,
                key,
                token,
                outcome: "origin_failed".to_owned(),
                status: Some(500),
                retry_after_ms: None,
                jitter: 0,
                counts,
                correlation_id: None,
            }
        } else {
            Call::Commit { job_id, key, token, counts, status: None, correlation_id: None }
        };
        assert_eq!(self.ask(settle), Reply::Ok);
    }

    /// A new event comes with its bytes, and is delivered: every tenth at the second attempt, which is the object's.
    fn owe(&mut self) {
        let (key, meta) = self.next_event();
        let job_id = meta.job_id.clone();
        let (head, body_bytes) = ("x".repeat(500), 4_096);
        let answer = self.ask(Call::Accept {
            key: key.clone(),
            meta,
            head,
            body_bytes,
            correlation_id: None,
        });
        let Reply::Accepted { mut token, .. } = answer else { panic!("{answer:?}") };
        if self.events.is_multiple_of(10) {
            let release = Call::Release {
                job_id: job_id.clone(),
                key: key.clone(),
                token,
                outcome: "origin_failed".to_owned(),
                status: Some(500),
                retry_after_ms: None,
                jitter: 0,
                counts: Counts::default(),
                correlation_id: None,
            };
            assert_eq!(self.ask(release), Reply::Ok);
            self.wait_until(self.now_ms + MINUTE_MS / 2);
            let taken = outbox::take(&mut self.store, &self.policy, self.now_ms).unwrap().unwrap();
            assert_eq!(taken.key, key);
            token = taken.entry.attempts;
        }
        self.rows.insert(key.clone(), self.now_ms);
        self.most_rows = self.most_rows.max(self.rows.len());
        let counts = Counts::default();
        assert_eq!(
            self.ask(Call::Commit {
                job_id,
                key,
                token,
                counts,
                status: None,
                correlation_id: None
            }),
            Reply::Ok
        );
    }

    /// Lets time pass; alarms ring when they are due, and as late as the platform is.
    fn wait_until(&mut self, time_ms: u64) {
        let lateness_ms = self.lateness_ms;
        let rings_ms = |alarm_ms: u64| alarm_ms + lateness_ms;
        while let Some(rings_ms) = self.store.alarm_ms().map(rings_ms).filter(|ms| *ms <= time_ms) {
            self.now_ms = self.now_ms.max(rings_ms);
            self.alarm();
        }
        self.now_ms = time_ms;
    }

    fn alarm(&mut self) {
        let now_ms = self.now_ms;
        // An alarm that rings is no longer pending.
        self.store.set_alarm(None);
        // An error is none of the platform's: it gives an alarm up for good after seven.
        drop(object::ring(&self.store.0, self.settings.as_ref(), true, now_ms));
        let next_ms = self.store.alarm_ms();
        self.store.0.go_on();
        let deleted = self.store.0.query("DELETE FROM deleted RETURNING key", Vec::new()).unwrap();
        assert!(deleted.len() <= BATCH as usize, "a batch is at most {BATCH}");
        let due_ms = now_ms - RETENTION_MS;
        for key in deleted.into_iter().flatten() {
            let key = row::text(key).unwrap().unwrap();
            let last_ms = self.rows.remove(&key).unwrap();
            assert!(last_ms <= due_ms, "a row was deleted before it was due");
            let lease_end_ms = self.leases.remove(&key).unwrap_or(0);
            assert!(lease_end_ms <= now_ms, "a row was deleted while its lease ran");
            self.longest_overdue_ms = self.longest_overdue_ms.max(due_ms - last_ms);
        }
        assert!(next_ms.is_none_or(|next_ms| next_ms > now_ms), "the alarm would ring without end");
        self.alarms += 1;
    }

    /// No event comes any more.
    fn come_to_rest(&mut self) {
        assert_eq!(self.rows.len(), self.count());
        let enough_ms = self.now_ms + 2 * RETENTION_MS;
        self.wait_until(enough_ms);
        assert!(self.rows.is_empty());
        assert_eq!(self.store.alarm_ms(), None, "an empty ledger has no alarm");
        assert_eq!(self.count(), 0);
    }

    fn count(&self) -> usize {
        self.store.0.query("SELECT 1 FROM event", Vec::new()).unwrap().len()
    }
}

/// Events come for many retention periods.
fn assert_a_bounded_place(periods: u64, per_period: u64, comes: impl Fn(&mut Object)) {
    let mut object = Object::new();
    object.store.0.set_body_bytes(4_096);
    let mut bytes = Vec::new();
    for _ in 0..periods {
        for _ in 0..per_period {
            let next_ms = object.now_ms + RETENTION_MS / per_period;
            object.wait_until(next_ms);
            comes(&mut object);
        }
        bytes.push(object.store.0.bytes().unwrap());
    }
    // As many as come within one retention and the longest that one is kept after.
    let most = per_period * (RETENTION_MS + GRACE_MS) / RETENTION_MS;
    println!(
        "{} events, {} alarms, at most {} rows (bound {most}), longest overdue {} s, bytes {bytes:?}",
        object.events,
        object.alarms,
        object.most_rows,
        object.longest_overdue_ms / 1_000
    );
    assert!(u64::try_from(object.most_rows).unwrap() <= most);
    assert!(object.longest_overdue_ms <= GRACE_MS);
    // The pages of deleted rows are used again. Trees of keys split a little differently each time.
    let (early, late) = bytes.split_at(4);
    let allowed = early.last().unwrap() * 11 / 10;
    assert!(late.iter().all(|bytes| *bytes <= allowed), "the database grows: {bytes:?}");
    object.come_to_rest();
}

#[test]
fn a_steady_stream_takes_a_bounded_place() {
    assert_a_bounded_place(24, 600, |object| {
        if object.events.is_multiple_of(100) { drop(object.claim()) } else { object.deliver() }
    });
}

/// The same with events that are owed, of 4 KB each: their bytes take no place once they are delivered.
#[test]
fn a_steady_stream_of_owed_events_takes_a_bounded_place() {
    assert_a_bounded_place(24, 300, Object::owe);
}

/// So many requests come that there is always one between an alarm's time and its ringing.
#[test]
fn an_alarm_that_rings_late_on_a_busy_object_still_rings() {
    const EVERY_MS: u64 = 1_000;
    let mut object = Object { lateness_ms: 2 * EVERY_MS + 1, ..Object::new() };
    // The burst is what falls due; afterwards the object is busy when its alarms ring.
    (0..100).for_each(|_| object.deliver());
    object.wait_until(object.now_ms + RETENTION_MS - MINUTE_MS);
    for _ in 0..(2 * GRACE_MS / EVERY_MS) {
        object.wait_until(object.now_ms + EVERY_MS);
        object.deliver();
    }
    assert!(object.alarms > 0, "the alarm was put off");
    let is_due = |last_ms: &&u64| **last_ms <= object.now_ms - RETENTION_MS - GRACE_MS;
    assert_eq!(object.rows.values().filter(is_due).count(), 0, "rows stay that were due long ago");
}

#[test]
fn a_burst_is_worked_off() {
    const BURST: u64 = 50_000;
    let mut object = Object::new();
    let start_ms = object.now_ms;
    for number in 0..BURST {
        object.wait_until(start_ms + number * MINUTE_MS / BURST);
        drop(object.claim());
    }
    assert_eq!(object.rows.len(), usize::try_from(BURST).unwrap());
    object.come_to_rest();
    // Those that were opened on the way have been in an index, too.
    let bytes = object.store.0.bytes().unwrap();
    println!(
        "{BURST} rows gone after {} alarms, at most {} s after each was due; {bytes} bytes",
        object.alarms,
        object.longest_overdue_ms / 1_000,
    );
    // The first walk begins with one row due; the next one waits. Each goes by a batch a second.
    let batches_ms = BURST / u64::from(BATCH) * 1_000;
    assert!(object.longest_overdue_ms <= PAUSE_MS + 2 * batches_ms);
    // What was taken up is used again.
    (0..BURST / 10).for_each(|_| drop(object.claim()));
    assert_eq!(object.store.0.bytes(), Ok(bytes));
    object.come_to_rest();
}

/// The platform gives an alarm up for good after seven failures; with successors of its own it outlasts
/// any number, and works off what has come together.
#[test]
fn the_alarm_outlasts_refused_settings() {
    let mut object = Object::new();
    (0..10).for_each(|_| object.deliver());
    let settings = object.settings.take();
    let later_ms = object.now_ms + RETENTION_MS + 7 * 24 * HOUR_MS;
    object.wait_until(later_ms);
    assert!(object.alarms > 100, "{} alarms", object.alarms);
    assert_eq!(object.rows.len(), 10, "nobody knows for how long events are to be kept");
    object.settings = settings;
    object.wait_until(later_ms + PAUSE_AFTER_FAILURE_MS);
    assert_eq!(object.count(), 0);
    assert_eq!(object.store.alarm_ms(), None);
}

/// The same while its database fails at any statement.
#[test]
fn the_alarm_outlasts_a_failing_database() {
    let mut object = Object::new();
    (0..10).for_each(|_| object.deliver());
    for statements in 0..8 {
        let alarm_ms = object.store.alarm_ms().expect("the alarm is lost");
        object.now_ms = alarm_ms;
        object.store.0.break_off_after(statements);
        object.alarm();
    }
    let later_ms = object.now_ms + PAUSE_AFTER_FAILURE_MS + LEAST_PAUSE_MS;
    object.wait_until(later_ms);
    assert_eq!(object.count(), 0);
}
