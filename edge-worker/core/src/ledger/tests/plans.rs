//! How SQLite finds the rows of each statement: by key or by an index, and never among all unless it says so.

use super::sqlite::{Sqlite, fresh_store};
use crate::ledger::job_sql;
use crate::ledger::search_sql;
use crate::ledger::sql;
use crate::ledger::sqlite_store::Storage as _;
use crate::ledger::value::Value;

fn parameters(statement: &str) -> usize {
    let numbered = (1..=13).rev().find(|number| statement.contains(&format!("?{number}")));
    numbered.unwrap_or_else(|| statement.matches('?').count())
}

/// The ways to the rows of `event`.
fn ways(database: &Sqlite, statement: &str) -> Vec<String> {
    ways_to(database, statement, "event")
}

/// The ways to the rows of a table.
fn ways_to(database: &Sqlite, statement: &str, table: &str) -> Vec<String> {
    let values = vec![Value::Null; parameters(statement)];
    let plan = database.query(&format!("EXPLAIN QUERY PLAN {statement}"), values).unwrap();
    let details = plan.into_iter().filter_map(|mut columns| match columns.pop() {
        Some(Value::Text(detail)) => Some(detail),
        _ => None,
    });
    details.filter(|detail| detail.contains(&format!(" {table}"))).collect()
}

/// What is done for a delivery or in an alarm takes as long among a million rows as among ten.
#[test]
fn rows_are_found_by_key_or_by_an_index() {
    let database = fresh_store().0;
    for (way, statements) in [
        (
            "PRIMARY KEY (job_id=? AND key=?)",
            &[
                sql::SELECT,
                sql::SELECT_BODY,
                sql::SELECT_TRAIL,
                sql::UPDATE,
                sql::UPDATE_OWED,
                sql::UPDATE_ACCEPTED,
            ][..],
        ),
        (
            "PRIMARY KEY (job_id=?",
            &[
                sql::SELECT_KNOWN,
                sql::SELECT_LANE_HEAD,
                sql::SELECT_NEXT_SEQ,
                sql::SELECT_FURTHEST,
                search_sql::LIST_BY_JOB,
                search_sql::COUNT_JOB,
            ],
        ),
        (
            "PRIMARY KEY ((job_id,key)>(?,?) AND (job_id,key)<(?,?))",
            &[
                sql::DELETE_PIECE,
                sql::SELECT_PIECE,
                sql::OPEN_PIECE,
                search_sql::LIST_PIECE,
                search_sql::COUNT_PIECE,
            ],
        ),
        ("PRIMARY KEY ((job_id,key)>(?,?))", &[sql::SELECT_PIECE_END]),
        (
            "event_by_due (state=? AND due_ms",
            &[
                sql::SELECT_FIRST_DUE,
                sql::SELECT_LEAST_TRIED_DUE,
                sql::SELECT_NEXT_DUE,
                sql::COUNT_UNDER_WAY,
                sql::SELECT_NEXT_LEASE_END,
                sql::COUNT_OWED_CLAIMS,
            ],
        ),
        (
            "event_unsettled (state=?",
            &[
                sql::SELECT_OLDEST_DEAD,
                sql::COUNT_UNSETTLED,
                search_sql::LIST_UNSETTLED,
                search_sql::SELECT_LAST,
                search_sql::COUNT_LOOKED,
            ],
        ),
        ("event_", &[sql::SUM_BODIES]),
    ] {
        for statement in statements {
            let ways = ways(&database, statement);
            assert!(!ways.is_empty(), "{statement}");
            assert!(ways.iter().all(|it| it.contains(way)), "{statement}: {ways:?}");
        }
    }
    // What waits, and what is under a later attempt.
    let waiting = ways(&database, sql::SELECT_OLDEST_WAITING);
    let is_way = |it: &String, way: &str| it.contains(way);
    assert!(waiting.iter().any(|it| is_way(it, "event_unsettled (state=?")), "{waiting:?}");
    assert!(waiting.iter().any(|it| is_way(it, "event_by_due (state=? AND due_ms")), "{waiting:?}");
    assert!(waiting.iter().all(|it| is_way(it, "(state=?")), "{waiting:?}");
    let dead = ways(&database, sql::DELETE_DEAD);
    assert!(
        dead.iter().any(|it| it.contains("event_unsettled (state=? AND last_ms<?)")),
        "{dead:?}"
    );
    assert!(dead.iter().all(|it| it.contains("SEARCH")), "{dead:?}");
}

/// The same for jobs: what is done for an event, for the reconciler or in an alarm.
#[test]
fn jobs_are_found_by_key_or_by_an_index() {
    let database = fresh_store().0;
    for (way, statements) in [
        ("PRIMARY KEY (job_id=?)", &[job_sql::SELECT][..]),
        ("job_by_look (look_ms", &[job_sql::SELECT_DUE, job_sql::SELECT_NEXT_LOOK]),
        ("job_by_deadline (deadline_ms<?)", &[job_sql::COUNT_OPEN]),
    ] {
        for statement in statements {
            let ways = ways_to(&database, statement, "job");
            assert!(!ways.is_empty(), "{statement}");
            assert!(ways.iter().all(|it| it.contains(way)), "{statement}: {ways:?}");
        }
    }
    for (way, statement) in [
        ("job_by_end (ended_ms>? AND ended_ms<?)", job_sql::DELETE_ENDED),
        ("job_by_deadline (deadline_ms<?)", job_sql::DELETE_OPEN),
        ("job_by_end", job_sql::SELECT_OLDEST),
        ("job_by_deadline", job_sql::SELECT_OLDEST),
    ] {
        let ways = ways_to(&database, statement, "job");
        assert!(ways.iter().any(|it| it.contains(way)), "{statement}: {ways:?}");
        assert!(ways.iter().all(|it| !it.starts_with("SCAN job") || it.contains("INDEX")));
    }
    // The events of a job stand side by side.
    for statement in [
        job_sql::SELECT_ENDS,
        job_sql::SELECT_DUE,
        job_sql::SELECT_NEXT_LOOK,
        job_sql::DELETE_ENDED,
    ] {
        let ways = ways(&database, statement);
        assert!(
            ways.iter().any(|it| it.contains("PRIMARY KEY (job_id=?)")),
            "{statement}: {ways:?}"
        );
    }
}

/// These look at all rows, or at the first of them: on request of an admin, or up to a limit.
#[test]
fn only_these_look_at_all_rows() {
    let database = fresh_store().0;
    for statement in [sql::FIND, sql::COUNT_SETTLED, sql::SELECT_ANY] {
        let ways = ways(&database, statement);
        assert!(ways.iter().all(|it| it.starts_with("SCAN")), "{statement}: {ways:?}");
    }
    for limited in [sql::COUNT_SETTLED, sql::SELECT_ANY] {
        assert!(limited.contains("LIMIT"), "{limited}");
    }
}
