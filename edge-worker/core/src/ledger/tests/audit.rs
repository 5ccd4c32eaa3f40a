//! Who did what: on SQLite, since `agreement` holds the store in memory against it.

use super::costs::{HOUR_MS, NOW_MS, call, end, policy, register};
use super::jobs::{make_end, new_job};
use super::sqlite::{Sqlite, fresh_store};
use crate::ledger::audit::AuditEntry;
use crate::ledger::message::{Call, Reply};
use crate::ledger::sqlite_store::SqliteStore;
use crate::ledger::{alarm, object, protocol};
use crate::settings::tests::settings_with;

fn log(
    store: &mut SqliteStore<Sqlite>,
    cursor: Option<&AuditEntry>,
    limit: u32,
) -> Vec<AuditEntry> {
    match call(store, Call::Audit { cursor: cursor.map(AuditEntry::cursor), limit }) {
        Reply::Audit(entries) => entries,
        reply => panic!("{reply:?}"),
    }
}

#[test]
fn acts_are_noted_with_who_acts_and_kept_as_long_as_events() {
    let mut store = fresh_store();
    let policy = policy();
    register(&mut store, "job_1", None, "");
    let key = || "end-of-job_1".to_owned();
    end(&mut store, "job_1", "succeeded", "1", true);
    let acts = [
        (Call::Reopen { key: key() }, Some("ann")),
        (Call::Replay { key: key(), id: "r".to_owned() }, None),
        (Call::Pause { is_paused: true }, None),
        (Call::Pause { is_paused: false }, Some("bob")),
        // Nothing of these: no act, about nothing here, nothing made.
        (Call::Costs, Some("eve")),
        (Call::Reopen { key: "absent".to_owned() }, Some("eve")),
    ];
    for (act, by) in acts {
        protocol::act(&mut store, act, by, &policy, NOW_MS).unwrap();
    }
    let entries = log(&mut store, None, 9);
    let shown: Vec<_> = entries
        .iter()
        .map(|it| [it.by.as_str(), &it.act, &it.about, &it.result].join(" "))
        .collect();
    let expected = [
        "bob resume  ok",
        "admin pause  ok",
        "admin replay end-of-job_1 gone",
        "ann reopen end-of-job_1 ok",
    ];
    assert_eq!(shown, expected);
    // By the page, without a gap.
    let first = log(&mut store, None, 3);
    assert_eq!(
        (&first[..], log(&mut store, first.last(), 3)),
        (&entries[..3], entries[3..].to_vec())
    );
    for (later_ms, left) in [(72 * HOUR_MS - 1, 4), (72 * HOUR_MS, 0)] {
        alarm::sweep(&mut store, &policy, NOW_MS + later_ms).unwrap();
        assert_eq!(log(&mut store, None, 9).len(), left);
    }
}

#[test]
fn a_made_end_stands_in_the_audit_log_in_the_same_step() {
    let (database, settings) =
        (Sqlite::in_memory(), settings_with(&[("SUBMIT_TOKEN", "0123456789abcdef")]));
    let mut store = SqliteStore(&database);
    object::start(&database, &settings, NOW_MS).unwrap();
    let new = Call::RegisterJob(new_job());
    protocol::act(&mut store, new, None, &settings.policy, NOW_MS).unwrap();
    let all = || {
        let tables = ["event", "job", "audit", "outcome_count"];
        tables.map(|table| database.shown(&format!("SELECT * FROM {table}")))
    };
    let before = all();
    let message = make_end("failed").encode_by("reconciler-1");
    for statements in 0.. {
        database.break_off_after(statements);
        let result = object::call(&database, &settings, &message, NOW_MS);
        database.go_on();
        if result.is_ok() {
            assert!(statements >= 7, "{statements}");
            break;
        }
        assert_eq!(all(), before, "after {statements} statements");
    }
    assert!(database.shown("SELECT * FROM audit")[0].contains("reconciler-1"));
    // The same again makes nothing, and nothing is noted.
    object::call(&database, &settings, &message, NOW_MS).unwrap();
    assert_eq!(database.shown("SELECT * FROM audit").len(), 1);
}
