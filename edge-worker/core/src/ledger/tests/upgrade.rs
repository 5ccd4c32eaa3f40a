//! Tables are made and brought up to date step by step, wherever it is broken off. Nothing was
//! released yet, so the steps here are made up.

use base16ct::lower::encode_string;
use sha2::{Digest as _, Sha256};

use super::sqlite::{Sqlite, fresh_store};
use crate::counts::Counts;
use crate::ledger::message::Call;
use crate::ledger::policy::Policy;
use crate::ledger::sql;
use crate::ledger::sqlite_store::{self, SqliteStore};
use crate::ledger::store::Store as _;
use crate::ledger::trail::TrailEntry;
use crate::ledger::transaction::transaction;
use crate::ledger::{object, protocol};
use crate::settings::tests::settings_with;

/// Steps as a change of the tables could take them: a new table, the rows copied, the old one dropped.
const STEPS: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS old (key TEXT NOT NULL PRIMARY KEY, age INTEGER) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS old_by_age ON old (age)",
    "CREATE TABLE IF NOT EXISTS new (key TEXT NOT NULL PRIMARY KEY, age INTEGER, name TEXT)
        STRICT, WITHOUT ROWID;
    INSERT OR REPLACE INTO new SELECT key, age, 'name of ' || key FROM old",
    // Only once the rows are where they are read from now.
    "DROP TABLE IF EXISTS old",
];

/// Takes the tables through steps as an object does when it starts: all of them, or none.
fn prepare(database: &Sqlite, steps: &[&str]) -> Result<(), String> {
    transaction(database, || sqlite_store::prepare(database, steps))
}

/// All that can be told of the tables: their texts, apart from white space, and the version.
fn tables(database: &Sqlite) -> Vec<String> {
    let master = "SELECT type, name, tbl_name, replace(replace(sql, char(10), ''), ' ', '') \
        FROM sqlite_master ORDER BY type, name";
    let mut tables = database.shown(master);
    tables.extend(database.shown(sql::SELECT_VERSION));
    tables
}

/// A database as the first of the steps left it, with rows.
fn database_of_version_1() -> Sqlite {
    let database = Sqlite::in_memory();
    prepare(&database, &STEPS[..1]).unwrap();
    for number in 0..20 {
        database.run(&format!("INSERT INTO old VALUES ('event-{number}', {number})"));
    }
    database
}

fn rows(database: &Sqlite) -> Vec<String> {
    database.shown("SELECT * FROM new ORDER BY key")
}

/// A step that was released never changes: objects have been through it, and those that have not must
/// come to the same tables. If this fails after a release, undo the change and write a new step instead.
#[test]
fn the_steps_are_pinned() {
    let pinned = [
        "21738c39caf1359628dd32d11fb3c1d04a4df8b5bf1fbd2c2d77957110e76f7a",
        "7d48eaaadd4af8e146900a63b2dd58d71c2dfdd84316a5af0b52b6ac5834d298",
        "1adddb03f8a43ed4eb29c0788f3e2d0453fc0d7c421f4e50a6cb4a01a2660b7a",
        "9fde12fcc8e37b328a32ea6b3a1e49e17c3e7368f1cb05f4eaf784ec11ebd927",
        "2abe8d7d842133372ee0be8c5fe10156ac197dbb308d8e01fe72b1b214d08c9c",
        "2bca0fa7c9f3f0eff3e07ed65c09ff8b91cc6a0e3323c7a294136b6636d7436d",
    ];
    let steps: Vec<_> =
        sql::STEPS.iter().map(|step| encode_string(&Sha256::digest(step))).collect();
    assert_eq!(steps, pinned);
}

#[test]
fn an_upgrade_keeps_every_row() {
    let database = database_of_version_1();
    prepare(&database, &STEPS).unwrap();
    let rows = rows(&database);
    assert_eq!(rows.len(), 20);
    assert!(rows[0].contains("name of event-0"), "{}", rows[0]);
}

#[test]
fn an_upgraded_database_has_the_tables_of_a_fresh_one() {
    let (upgraded, fresh) = (database_of_version_1(), Sqlite::in_memory());
    for database in [&upgraded, &fresh] {
        prepare(database, &STEPS).unwrap();
    }
    assert_eq!(tables(&upgraded), tables(&fresh));
}

/// Broken off before every one of its statements, and then run again: the same tables, the same rows.
#[test]
fn an_upgrade_that_is_broken_off_is_done_again() {
    for make in [Sqlite::in_memory, database_of_version_1] {
        let expected = make();
        prepare(&expected, &STEPS).unwrap();
        for statements in 0.. {
            let database = make();
            database.break_off_after(statements);
            let is_broken_off = prepare(&database, &STEPS).is_err();
            database.go_on();
            prepare(&database, &STEPS).unwrap();
            assert_eq!(tables(&database), tables(&expected), "after {statements} statements");
            assert_eq!(rows(&database), rows(&expected), "after {statements} statements");
            if !is_broken_off {
                assert!(statements > 5, "an upgrade has more statements than {statements}");
                break;
            }
        }
    }
}

/// Broken off again and again, each time one statement later: it has not happened until it is done.
#[test]
fn an_upgrade_that_is_broken_off_many_times_gets_done() {
    let (database, expected) = (database_of_version_1(), database_of_version_1());
    for statements in 0..12 {
        database.break_off_after(statements);
        drop(prepare(&database, &STEPS));
    }
    database.go_on();
    for database in [&database, &expected] {
        prepare(database, &STEPS).unwrap();
    }
    assert_eq!((tables(&database), rows(&database)), (tables(&expected), rows(&expected)));
}

/// The released steps, broken off at every statement.
#[test]
fn the_tables_are_made_wherever_it_is_broken_off() {
    let expected = tables(&fresh_store().0);
    for statements in 0.. {
        let database = Sqlite::in_memory();
        database.break_off_after(statements);
        let is_broken_off = prepare(&database, sql::STEPS).is_err();
        database.go_on();
        prepare(&database, sql::STEPS).unwrap();
        assert_eq!(tables(&database), expected, "after {statements} statements");
        if !is_broken_off {
            assert!(statements > 24, "all steps have more statements than {statements}");
            break;
        }
    }
}

/// Tables of before trails, with an event in them: broken off at every statement, the event stays as it was, and from
/// its next change on it has a trail.
#[test]
fn the_step_to_trails_keeps_the_events() {
    let (fresh, settings) = (fresh_store().0, settings_with(&[]));
    for statements in 0.. {
        let database = Sqlite::in_memory();
        prepare(&database, &sql::STEPS[..5]).unwrap();
        database.run(
            "INSERT INTO event (job_id, key, state, lease_end_ms, attempts, first_ms, last_ms) \
             VALUES ('', 'event-00', 'claimed', 9, 1, 5, 6)",
        );
        let events = || {
            database.shown("SELECT job_id, key, state, lease_end_ms, attempts, last_ms FROM event")
        };
        let before = events();
        database.break_off_after(statements);
        let is_broken_off = object::start(&database, &settings, 7).is_err();
        database.go_on();
        object::start(&database, &settings, 7).unwrap();
        assert_eq!(tables(&database), tables(&fresh));
        assert_eq!(events(), before, "after {statements} statements");
        if is_broken_off {
            continue;
        }
        let mut store = SqliteStore(database);
        assert_eq!(store.trail(None, "event-00"), Ok(Vec::new()));
        let call = Call::Release {
            job_id: None,
            key: "event-00".to_owned(),
            token: 1,
            outcome: "origin_failed".to_owned(),
            status: Some(503),
            retry_after_ms: None,
            jitter: 0,
            correlation_id: None,
            counts: Counts::new(),
        };
        protocol::act(&mut store, call, None, &Policy::of_tests(), 7).unwrap();
        let expected = TrailEntry::attempt(7, 1, "origin_failed", Some(503));
        assert_eq!(store.trail(None, "event-00"), Ok(vec![expected]));
        break;
    }
}

/// Tables of before jobs, with an event in them.
#[test]
fn the_step_to_jobs_keeps_the_events() {
    let (upgraded, fresh) = (Sqlite::in_memory(), fresh_store().0);
    prepare(&upgraded, &sql::STEPS[..3]).unwrap();
    upgraded.run(
        "INSERT INTO event (job_id, key, state, attempts, first_ms, last_ms) \
         VALUES ('job_1', 'event-00', 'done', 1, 5, 6)",
    );
    let events =
        || upgraded.shown("SELECT job_id, key, state, attempts, first_ms, last_ms FROM event");
    let before = events();
    prepare(&upgraded, sql::STEPS).unwrap();
    assert_eq!(tables(&upgraded), tables(&fresh));
    assert_eq!(events(), before);
}

#[test]
fn preparing_twice_changes_nothing() {
    let database = fresh_store().0;
    database.run("INSERT INTO outcome_count VALUES ('forwarded', 3)");
    let all = || (tables(&database), database.shown("SELECT * FROM outcome_count"));
    let before = all();
    prepare(&database, sql::STEPS).unwrap();
    assert_eq!(all(), before);
}

#[test]
fn tables_of_a_later_version_are_refused_and_left_alone() {
    let database = Sqlite::in_memory();
    prepare(&database, &STEPS).unwrap();
    let before = tables(&database);
    let error = prepare(&database, &STEPS[..2]).unwrap_err();
    assert_eq!(error, "the tables are of version 3, later than 2");
    assert_eq!(tables(&database), before);
}
