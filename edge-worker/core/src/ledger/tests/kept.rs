//! Bytes of delivered events, kept or gone, as they are on disk.

use super::sqlite::Sqlite;
use crate::counts::Counts;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::{Call, Reply};
use crate::ledger::object;
use crate::ledger::sqlite_store::Storage as _;
use crate::settings::Settings;
use crate::settings::tests::settings_with;

const NOW_MS: u64 = 1_700_000_000_000;
const HOUR_MS: u64 = 60 * 60 * 1_000;
const KEY: &str = "event-00";

/// An object with a clock that tests move.
struct Object {
    database: Sqlite,
    settings: Settings,
    now_ms: u64,
}

impl Object {
    fn keeping(hours: &str) -> Self {
        let settings = settings_with(&[("DELIVERY", "durable"), ("KEEP_BODIES_HOURS", hours)]);
        let database = Sqlite::in_memory();
        object::start(&database, &settings, NOW_MS).unwrap();
        Self { database, settings, now_ms: NOW_MS }
    }

    fn ask(&self, call: &Call) -> Reply {
        let reply = object::call(&self.database, &self.settings, &call.encode(), self.now_ms);
        Reply::decode_all(&reply.unwrap(), 1).remove(0).unwrap()
    }

    /// An event comes, and the origin takes it.
    fn deliver(&self, key: &str) {
        let call = Call::Accept {
            key: key.to_owned(),
            meta: EventMeta { job_id: Some("job_1".to_owned()), ..EventMeta::default() },
            head: format!("head of {key}"),
            body_bytes: 1,
            correlation_id: None,
        };
        assert!(matches!(self.ask(&call), Reply::Accepted { token: 1, .. }));
        self.commit(key, 1);
    }

    fn commit(&self, key: &str, token: u64) {
        let call = Call::Commit {
            job_id: Some("job_1".to_owned()),
            key: key.to_owned(),
            token,
            counts: Counts::new(),
            status: None,
            correlation_id: None,
        };
        assert_eq!(self.ask(&call), Reply::Ok);
    }

    fn replay(&self, key: &str) -> Reply {
        self.ask(&Call::Replay { key: key.to_owned(), id: "r-1".to_owned() })
    }

    /// Keys of the bodies on disk: those of owed events, and those that are kept.
    fn bodies(&self) -> [Vec<String>; 2] {
        ["event WHERE body = x'ff'", "kept WHERE body = x'ff'"].map(|of| {
            let rows =
                self.database.query(&format!("SELECT key FROM {of} ORDER BY key"), Vec::new());
            rows.unwrap().iter().map(|columns| format!("{columns:?}")).collect()
        })
    }

    fn counted(&self) -> [usize; 2] {
        self.bodies().map(|bodies| bodies.len())
    }

    /// Rings the alarm that is pending.
    fn ring(&mut self) {
        self.now_ms = self.database.alarm_ms().unwrap();
        self.database.set_alarm(None);
        object::ring(&self.database, Some(&self.settings), true, self.now_ms).unwrap();
    }
}

#[test]
fn without_the_setting_the_bytes_are_gone_at_the_commit() {
    let object = Object::keeping("0");
    object.deliver(KEY);
    assert_eq!(object.counted(), [0, 0]);
    assert_eq!(object.replay(KEY), Reply::Gone);
}

#[test]
fn a_delivered_event_whose_bytes_are_kept_is_delivered_again() {
    let object = Object::keeping("2");
    object.deliver(KEY);
    assert_eq!(object.counted(), [0, 1]);
    assert_eq!(object.replay(KEY), Reply::Ok);
    assert_eq!(object.counted(), [1, 0], "in one place at a time");
    let attempts = object::take(&object.database, &object.settings, 5, NOW_MS).unwrap();
    let attempt = serde_json::to_value(&attempts).unwrap();
    let said = [&attempt[0]["key"], &attempt[0]["head"], &attempt[0]["replay"]];
    assert_eq!(said, [KEY, "head of event-00", "r-1"]);
    assert_eq!(attempt[0]["token"], 2, "attempts are counted on");
    object.commit(KEY, 2);
    assert_eq!(object.counted(), [0, 1]);
}

/// The events of a job that wait go out before it.
#[test]
fn a_delivered_event_goes_behind_those_of_its_job_that_wait() {
    let object = Object::keeping("2");
    object.deliver(KEY);
    let call = Call::Accept {
        key: "event-01".to_owned(),
        meta: EventMeta { job_id: Some("job_1".to_owned()), ..EventMeta::default() },
        head: "{}".to_owned(),
        body_bytes: 1,
        correlation_id: None,
    };
    assert!(matches!(object.ask(&call), Reply::Accepted { .. }));
    assert_eq!(object.replay(KEY), Reply::Ok);
    assert!(object::take(&object.database, &object.settings, 5, NOW_MS).unwrap().is_empty());
    object.commit("event-01", 1);
    let taken = object::take(&object.database, &object.settings, 5, NOW_MS).unwrap();
    assert_eq!(taken.iter().map(super::super::attempt::Attempt::key).collect::<Vec<_>>(), [KEY]);
}

#[test]
fn kept_bytes_go_when_their_time_is_over() {
    let mut object = Object::keeping("2");
    object.deliver(KEY);
    assert!(object.database.alarm_ms() <= Some(NOW_MS + 2 * HOUR_MS), "an alarm rings for them");
    while object.counted() == [0, 1] {
        object.ring();
        assert!(object.now_ms <= NOW_MS + 2 * HOUR_MS + 10 * 60 * 1_000);
    }
    assert!(object.now_ms >= NOW_MS + 2 * HOUR_MS);
    assert_eq!(object.counted(), [0, 0]);
    assert_eq!(object.replay(KEY), Reply::Gone);
}

/// The next delivery brings its own bytes, which may be others under the same key.
#[test]
fn a_reopening_forgets_what_was_kept() {
    let object = Object::keeping("2");
    object.deliver(KEY);
    assert_eq!(object.ask(&Call::Reopen { key: KEY.to_owned() }), Reply::Ok);
    assert_eq!(object.counted(), [0, 0]);
    assert_eq!(object.replay(KEY), Reply::Gone);
}

/// With the setting taken back, the next alarm deletes what it has left.
#[test]
fn with_the_setting_taken_back_nothing_stays() {
    let mut object = Object::keeping("2");
    object.deliver(KEY);
    object.settings = settings_with(&[("DELIVERY", "durable")]);
    object.ring();
    assert_eq!(object.counted(), [0, 0]);
}

/// Owed events come first: kept ones have a quarter of what a shard may hold.
#[test]
fn kept_bytes_are_bounded() {
    let mut object = Object::keeping("2");
    object.settings.policy.most_bytes = 8;
    for number in 0..5 {
        object.deliver(&format!("event-{number}"));
    }
    // A byte each, and none is kept above two.
    assert_eq!(object.counted(), [0, 3]);
    assert_eq!(object.replay("event-0"), Reply::Ok);
    assert_eq!(object.replay("event-4"), Reply::Gone);
}
