//! A step that breaks off between two of its statements has not happened.

use super::sqlite::Sqlite;
use crate::counts::Counts;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::Call;
use crate::ledger::object;
use crate::ledger::sqlite_store::Storage as _;
use crate::settings::Settings;
use crate::settings::tests::settings_with;

const NOW_MS: u64 = 1_700_000_000_000;
const RETENTION_MS: u64 = 72 * 60 * 60 * 1_000;

fn call(database: &Sqlite, call: &Call, settings: &Settings) -> Result<String, String> {
    object::call(database, settings, &call.encode(), NOW_MS)
}

/// Everything that a step can change.
fn shown(database: &Sqlite) -> Vec<String> {
    let mut shown = vec![format!("{:?}", database.alarm_ms())];
    for table in ["event", "outcome_count", "shard_count", "gate", "walk", "kept", "bulk_replay"] {
        shown.extend(database.shown(&format!("SELECT * FROM {table}")));
    }
    shown
}

/// Breaks a step off before each of its statements in turn; the number of statements.
fn assert_whole(database: &Sqlite, step: &dyn Fn() -> Result<(), String>) -> usize {
    let before = shown(database);
    for statements in 0.. {
        database.break_off_after(statements);
        let result = step();
        database.go_on();
        if result.is_ok() {
            assert_ne!(shown(database), before, "the step has changed nothing");
            return statements;
        }
        assert_eq!(shown(database), before, "after {statements} statements");
    }
    unreachable!("a step has an end")
}

#[test]
fn a_call_that_breaks_off_has_not_happened() {
    let (database, settings) = (Sqlite::in_memory(), settings_with(&[]));
    object::start(&database, &settings, NOW_MS).unwrap();
    let key = || "event-00".to_owned();
    let some = |text: &str| Some(text.to_owned());
    let meta = EventMeta {
        event_id: some("evt_1"),
        event_type: some("job.succeeded"),
        job_id: some("job_1"),
        ..EventMeta::default()
    };
    let counts = Counts::from("duplicate:2,forwarded:1");
    let steps = [
        (Call::Claim { key: key(), meta: meta.clone(), correlation_id: None }, 2),
        (
            Call::Release {
                job_id: some("job_1"),
                key: key(),
                token: 1,
                outcome: "x".to_owned(),
                status: None,
                retry_after_ms: None,
                jitter: 0,
                counts: counts.clone(),
                correlation_id: None,
            },
            4,
        ),
        (Call::Claim { key: key(), meta, correlation_id: None }, 2),
        (
            Call::Commit {
                job_id: some("job_1"),
                key: key(),
                token: 2,
                counts,
                status: None,
                correlation_id: None,
            },
            4,
        ),
    ];
    for (step, statements) in steps {
        let made = || call(&database, &step, &settings).map(drop);
        assert_eq!(assert_whole(&database, &made), statements, "{step:?}");
    }
}

/// The same for events that are owed: what is accepted, given up, handed on and taken.
#[test]
fn a_step_with_owed_events_that_breaks_off_has_not_happened() {
    let (database, settings) = (Sqlite::in_memory(), settings_with(&[("BREAKER_FAILURES", "1")]));
    object::start(&database, &settings, NOW_MS).unwrap();
    let accept = |number: u32| Call::Accept {
        key: format!("event-{number}"),
        meta: EventMeta { job_id: Some("job_1".to_owned()), ..EventMeta::default() },
        head: "{}".to_owned(),
        body_bytes: 1,
        correlation_id: None,
    };
    let job_id = || Some("job_1".to_owned());
    let release = Call::Release {
        job_id: job_id(),
        key: "event-1".to_owned(),
        token: 1,
        outcome: "origin_rejected".to_owned(),
        status: Some(400),
        retry_after_ms: None,
        jitter: 0,
        counts: Counts::from("attempt_origin_rejected:1"),
        correlation_id: None,
    };
    for (step, statements) in [(accept(1), 4), (accept(2), 4), (release, 6)] {
        let made = || call(&database, &step, &settings).map(drop);
        assert!(assert_whole(&database, &made) >= statements, "{step:?}");
    }
    let take = || object::take(&database, &settings, 5, NOW_MS).map(drop);
    assert!(assert_whole(&database, &take) >= 4);
    // A failure opens the breaker in the same step.
    let failed = Call::Release {
        job_id: job_id(),
        key: "event-2".to_owned(),
        token: 1,
        outcome: "origin_failed".to_owned(),
        status: Some(500),
        retry_after_ms: None,
        jitter: 0,
        counts: Counts::new(),
        correlation_id: None,
    };
    let made = || call(&database, &failed, &settings).map(drop);
    assert!(assert_whole(&database, &made) >= 5);
    assert!(database.shown("SELECT breaker FROM gate")[0].contains("open"));
}

#[test]
fn a_sweep_that_breaks_off_has_deleted_nothing() {
    let (database, settings) = (Sqlite::in_memory(), settings_with(&[]));
    object::start(&database, &settings, NOW_MS).unwrap();
    for number in 0..3 {
        let claim = Call::Claim {
            key: format!("event-{number}"),
            meta: EventMeta::default(),
            correlation_id: None,
        };
        call(&database, &claim, &settings).unwrap();
    }
    let later_ms = NOW_MS + RETENTION_MS;
    let ring = || object::ring(&database, Some(&settings), true, later_ms).map(drop);
    // The successor stands whatever happens to the rest.
    database.break_off_after(0);
    assert!(ring().is_err());
    database.go_on();
    let successor = database.alarm_ms();
    assert!(successor > Some(NOW_MS + RETENTION_MS));
    assert!(assert_whole(&database, &ring) > 5);
    assert_eq!((database.shown("SELECT 1 FROM event").len(), database.alarm_ms()), (0, None));
}

#[test]
fn an_object_that_breaks_off_at_its_start_has_no_tables() {
    let (database, settings) = (Sqlite::in_memory(), settings_with(&[]));
    for statements in 0..6 {
        database.break_off_after(statements);
        assert!(object::start(&database, &settings, NOW_MS).is_err(), "{statements}");
        database.go_on();
        assert_eq!(database.shown("SELECT name FROM sqlite_master").len(), 0);
    }
    object::start(&database, &settings, NOW_MS).unwrap();
}
