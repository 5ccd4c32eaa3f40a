//! Tables of an earlier version are brought up to date, whatever stands in them, and wherever it is
//! broken off.

use base16ct::lower::encode_string;
use sha2::{Digest as _, Sha256};

use super::sqlite::{Sqlite, fresh_store};
use crate::ledger::audit::Filter;
use crate::ledger::entry::{Entry, Facts, Policy, State};
use crate::ledger::message::{Answer, Call};
use crate::ledger::order::{LateEvents, Order};
use crate::ledger::sql_store::{SqlStore, prepare};
use crate::ledger::store::Store;
use crate::ledger::{protocol, retention, sql};
use crate::tally::Tally;

/// The script with which version 1 made its tables, as it was deployed.
const VERSION_1: &str = include_str!("version_1.sql");

const NOW_MS: u64 = 1_700_000_000_000;

/// All that can be told of the tables: their texts, apart from white space, and the version.
fn tables(database: &Sqlite) -> Vec<String> {
    let master = "SELECT type, name, tbl_name, replace(replace(sql, char(10), ''), ' ', '') \
        FROM sqlite_master ORDER BY type, name";
    let mut tables = database.shown(master);
    tables.extend(database.shown(sql::SELECT_VERSION));
    tables
}

fn rows(database: &Sqlite) -> Vec<String> {
    database.shown("SELECT * FROM entry ORDER BY key")
}

/// A row in each state that version 1 knew, with each kind of type, with and without what may be
/// missing.
fn rows_of_version_1() -> Vec<(String, Entry)> {
    let states = [
        State::Claimed { lease_end_ms: NOW_MS + 1 },
        State::Claimed { lease_end_ms: NOW_MS },
        State::Open,
        State::Done,
    ];
    let types = [
        None,
        Some("job.queued"),
        Some("queued"),
        Some("job.running"),
        Some("running"),
        Some("job.succeeded"),
        Some("succeeded"),
        Some("job.failed"),
        Some("failed"),
        Some("batch.completed"),
        Some("job."),
        Some("Job.Running"),
    ];
    let mut rows = Vec::new();
    for (number, event_type) in types.into_iter().enumerate() {
        for state in states {
            let nth = u64::try_from(rows.len()).unwrap();
            let entry = Entry {
                state,
                attempts: nth % 3 + 1,
                first_ms: NOW_MS - 100_000 - nth,
                last_ms: NOW_MS - 50_000 + nth,
                last_outcome: (state != State::Open).then(|| "origin_failed".to_owned()),
                facts: Facts {
                    event_id: (nth % 2 == 0).then(|| format!("evt_{nth}")),
                    event_type: event_type.map(str::to_owned),
                    job_id: (nth % 4 != 1).then(|| format!("job_{number}")),
                },
            };
            rows.push((format!("event-{nth:03}"), entry));
        }
    }
    rows
}

/// A database as version 1 left it.
fn database_of_version_1() -> Sqlite {
    let database = Sqlite::in_memory();
    database.run(VERSION_1);
    for (key, entry) in rows_of_version_1() {
        let quoted = |text: Option<&str>| text.map_or("NULL".to_owned(), |it| format!("'{it}'"));
        let lease_end = match entry.state {
            State::Claimed { lease_end_ms } => lease_end_ms.to_string(),
            _ => "NULL".to_owned(),
        };
        let Entry { state, attempts, first_ms, last_ms, last_outcome, facts } = entry;
        let [outcome, id, event_type, job_id] =
            [&last_outcome, &facts.event_id, &facts.event_type, &facts.job_id]
                .map(|text| quoted(text.as_deref()));
        database.run(&format!(
            "INSERT INTO event VALUES ('{key}', '{}', {lease_end}, {attempts}, {first_ms}, \
             {last_ms}, {outcome}, {id}, {event_type}, {job_id})",
            state.name()
        ));
    }
    database
}

/// A step that was deployed never changes: objects have been through it, and those that have not
/// must come to the same tables. If this fails, undo the change and write a new step instead.
#[test]
fn the_steps_are_pinned() {
    let pinned = [
        "50c8722a53e4a24efad25cc5129d21d3d54597983188c208c3eafeb02f995c0a",
        "c7bc7f6b13929971b708083bd3e8c7b696e8207fd52f90f54c6229156bd79d24",
        "bd71643137bdcfb00fb229e32ee8b4ed90daf22952241f2b5ef573b0ecfc89b2",
    ];
    assert_eq!(sql::STEPS.map(|step| encode_string(&Sha256::digest(step))), pinned);
}

#[test]
fn the_first_step_is_what_version_1_did() {
    let [stepped, scripted] = [(); 2].map(|()| Sqlite::in_memory());
    stepped.run(sql::PREPARE);
    stepped.run(sql::STEPS[0]);
    stepped.run("UPDATE schema_version SET version = 1");
    scripted.run(VERSION_1);
    assert_eq!(tables(&stepped), tables(&scripted));
}

#[test]
fn an_upgrade_keeps_every_row() {
    let database = database_of_version_1();
    prepare(&database).unwrap();
    let store = SqlStore(database);
    for (key, entry) in rows_of_version_1() {
        assert_eq!(store.read(&key), Ok(Some(entry)));
    }
    let all = Filter { limit: retention::BATCH, ..Filter::default() };
    assert_eq!(store.list(&all).unwrap().len(), rows_of_version_1().len());
}

/// What was written by a version before is as good as what this one writes: the stage of a job
/// included, which version 1 did not know.
#[test]
fn an_upgraded_database_gives_the_answers_of_a_fresh_one() {
    for late_events in [LateEvents::Forward, LateEvents::Drop] {
        let policy = Policy { lease_ms: 30_000, late_events };
        let upgraded = database_of_version_1();
        prepare(&upgraded).unwrap();
        let (mut upgraded, mut fresh) = (SqlStore(upgraded), fresh_store());
        for (key, entry) in rows_of_version_1() {
            fresh.insert(&key, &entry).unwrap();
        }
        assert_eq!(rows(&upgraded.0), rows(&fresh.0));
        for (key, Entry { facts, attempts, .. }) in rows_of_version_1() {
            let commit = |token| Call::Commit { key: key.clone(), token, tally: Tally::default() };
            let claim = |key: String, event_type: &str| {
                let event_type = Some(event_type.to_owned());
                Call::Claim { key, facts: Facts { event_type, ..facts.clone() } }
            };
            let other = format!("{key}-other");
            for call in [
                Call::Find { key: key.clone() },
                claim(other.clone(), "job.queued"),
                claim(format!("{other}-end"), "job.succeeded"),
                Call::Claim { key: key.clone(), facts: facts.clone() },
                commit(attempts + 1),
                commit(attempts),
                Call::Forget { key: key.clone() },
                Call::Find { key: other },
            ] {
                let answer =
                    |store: &mut _| protocol::answer(store, call.clone(), policy, NOW_MS).unwrap();
                assert_eq!(answer(&mut upgraded), answer(&mut fresh), "{call:?}");
            }
        }
    }
}

/// The job's end was delivered under version 1; what comes after the upgrade is late.
#[test]
fn what_was_delivered_before_the_upgrade_makes_others_late() {
    let database = database_of_version_1();
    prepare(&database).unwrap();
    let facts = Facts {
        event_type: Some("job.running".to_owned()),
        job_id: Some("job_5".to_owned()),
        event_id: None,
    };
    let call = Call::Claim { key: "event-new".to_owned(), facts };
    let policy = Policy { lease_ms: 30_000, late_events: LateEvents::Forward };
    let answer = protocol::answer(&mut SqlStore(database), call, policy, NOW_MS);
    assert_eq!(answer, Ok(Answer::Granted { token: 1, order: Order::Late }));
}

#[test]
fn an_upgraded_database_has_the_tables_of_a_fresh_one() {
    let database = database_of_version_1();
    prepare(&database).unwrap();
    assert_eq!(tables(&database), tables(&fresh_store().0));
}

/// Broken off before every one of its statements, and then run again: the same tables, the same
/// rows.
#[test]
fn an_upgrade_that_is_broken_off_is_done_again() {
    for make in [Sqlite::in_memory, database_of_version_1] {
        let expected = make();
        prepare(&expected).unwrap();
        for statements in 0.. {
            let database = make();
            database.break_off_after(statements);
            let is_broken_off = prepare(&database).is_err();
            database.go_on();
            prepare(&database).unwrap();
            assert_eq!(tables(&database), tables(&expected), "after {statements} statements");
            assert_eq!(rows(&database), rows(&expected), "after {statements} statements");
            if !is_broken_off {
                assert!(statements > 10, "an upgrade has more statements than {statements}");
                break;
            }
        }
    }
}

/// Broken off again and again, each time one statement later.
#[test]
fn an_upgrade_that_is_broken_off_many_times_gets_done() {
    let (database, expected) = (database_of_version_1(), database_of_version_1());
    for statements in 0..20 {
        database.break_off_after(statements);
        drop(prepare(&database));
    }
    database.go_on();
    for database in [&database, &expected] {
        prepare(database).unwrap();
    }
    assert_eq!((tables(&database), rows(&database)), (tables(&expected), rows(&expected)));
}

#[test]
fn preparing_twice_changes_nothing() {
    for database in [fresh_store().0, database_of_version_1()] {
        prepare(&database).unwrap();
        database.run("INSERT INTO tally VALUES ('forwarded', 3)");
        let all = || (tables(&database), rows(&database), database.shown("SELECT * FROM tally"));
        let before = all();
        prepare(&database).unwrap();
        assert_eq!(all(), before);
    }
}

#[test]
fn tables_of_a_later_version_are_refused_and_left_alone() {
    let database = Sqlite::in_memory();
    database.run("CREATE TABLE later (key TEXT); INSERT INTO later VALUES ('event-1')");
    database.run("CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT");
    database.run("INSERT INTO schema_version VALUES (4)");
    let all = || (tables(&database), database.shown("SELECT * FROM later"));
    let before = all();
    let error = prepare(&database).unwrap_err();
    assert_eq!(error, "the tables are of version 4, later than 3");
    assert_eq!(all(), before);
}
