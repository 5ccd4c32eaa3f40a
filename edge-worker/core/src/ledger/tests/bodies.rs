//! The bytes of an event are in the database as long as it is owed, and in no row afterwards.

use super::sqlite::Sqlite;
use crate::counts::Counts;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::Call;
use crate::ledger::object;
use crate::ledger::sqlite_store::Storage as _;
use crate::ledger::value::Value;
use crate::settings::Settings;
use crate::settings::tests::settings_with;

const NOW_MS: u64 = 1_700_000_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const HEAD: &str = "the headers that go along";

/// How many values of all rows of all tables are bytes, or the headers.
fn kept(database: &Sqlite) -> usize {
    let names = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let tables = database.query(names, Vec::new()).unwrap().into_iter().flatten();
    let rows = tables.flat_map(|name| {
        let Value::Text(name) = name else { panic!("{name:?}") };
        database.query(&format!("SELECT * FROM {name}"), Vec::new()).unwrap()
    });
    let is_kept = |value: &Value| {
        *value == Value::Other || matches!(value, Value::Text(text) if text.contains(HEAD))
    };
    rows.flatten().filter(is_kept).count()
}

fn call(database: &Sqlite, settings: &Settings, call: &Call, now_ms: u64) {
    object::call(database, settings, &call.encode(), now_ms).unwrap();
}

fn accept(database: &Sqlite, settings: &Settings, key: &str) {
    let (key, head) = (key.to_owned(), HEAD.to_owned());
    let accept =
        Call::Accept { key, meta: EventMeta::default(), head, body_bytes: 1, correlation_id: None };
    call(database, settings, &accept, NOW_MS);
}

#[test]
fn after_the_commit_no_bytes_are_left_in_any_row() {
    let (database, settings) = (Sqlite::in_memory(), settings_with(&[]));
    object::start(&database, &settings, NOW_MS).unwrap();
    accept(&database, &settings, "event-0");
    assert_eq!(kept(&database), 2, "the body and the headers");
    let counts = Counts::from("attempt_forwarded:1");
    let commit = Call::Commit {
        job_id: None,
        key: "event-0".to_owned(),
        token: 1,
        counts,
        status: None,
        correlation_id: None,
    };
    call(&database, &settings, &commit, NOW_MS);
    assert_eq!(kept(&database), 0);
    assert_eq!(database.shown("SELECT 1 FROM event").len(), 1);
}

/// Nor of a dead letter, once its own retention is over.
#[test]
fn a_dead_letter_keeps_its_bytes_until_it_is_deleted() {
    let (database, settings) = (Sqlite::in_memory(), settings_with(&[]));
    object::start(&database, &settings, NOW_MS).unwrap();
    accept(&database, &settings, "event-0");
    let release = Call::Release {
        job_id: None,
        key: "event-0".to_owned(),
        token: 1,
        outcome: "origin_rejected".to_owned(),
        status: Some(400),
        retry_after_ms: None,
        jitter: 0,
        counts: Counts::new(),
        correlation_id: None,
    };
    call(&database, &settings, &release, NOW_MS);
    for (days, expected) in [(29, 2), (30, 0)] {
        object::ring(&database, Some(&settings), true, NOW_MS + days * DAY_MS).unwrap();
        assert_eq!(kept(&database), expected, "after {days} days");
    }
}
