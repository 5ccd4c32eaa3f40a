//! A step of an object that fails between two of its statements has not happened, without any restart: what
//! the platform's transactions undo, and what it remembers of the alarm.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::faults::{attempts, with_fault, with_faults};
use crate::restarts::{ledger_files_below, wait_as_told};
use crate::setup::{PATIENCE, Setup, succeeded};

async fn with_storage() -> (Setup, TempDir) {
    let storage = tempfile::tempdir().unwrap();
    let setup = with_faults(|edge| edge.storage(storage.path())).await;
    (setup, storage)
}

/// The states of all events, as they are on disk.
fn states(storage: &Path) -> Vec<String> {
    let is_database = |file: &PathBuf| file.extension().is_some_and(|it| it == "sqlite");
    let file = ledger_files_below(storage).into_iter().find(is_database).unwrap();
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = connection.prepare("SELECT state FROM event").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Delivers an event whose commit fails in the middle, and then once more.
async fn assert_commit_is_undone(fault: &str, status: u16, code: &str) {
    let (setup, storage) = with_storage().await;
    let delivery = succeeded();
    setup.expect(&with_fault(&delivery, fault), status, code).await;
    assert_eq!(
        states(storage.path()),
        ["claimed"],
        "the row was written, and the statement after it failed"
    );
    let answer = setup.expect(&delivery, 409, "in_flight").await;
    wait_as_told(&answer).await;
    setup.expect(&delivery, 200, "forwarded").await;
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(attempts(&setup, &delivery), [1, 2]);
    assert_eq!(states(storage.path()), ["done"]);
}

#[tokio::test]
async fn an_exception_between_two_statements_undoes_the_first() {
    assert_commit_is_undone("throw-within-commit", 200, "forwarded").await;
}

#[tokio::test]
async fn a_panic_undoes_the_step() {
    assert_commit_is_undone("panic-within-commit", 500, "internal_error").await;
}

/// The first event of an object sets its alarm. If that step fails, the alarm is not set, and the object must
/// not believe that it is.
#[tokio::test]
async fn the_alarm_of_a_step_that_fails_is_not_taken_for_set() {
    let (setup, storage) = with_storage().await;
    let delivery = succeeded();
    let alarms = || setup.edge.logs().iter().filter(|it| *it == "fault: an alarm is set").count();
    let struck = with_fault(&delivery, "throw-within-claim");
    setup.expect(&struck, 503, "ledger_unavailable").await;
    assert_eq!(states(storage.path()), [""; 0]);
    assert_eq!(alarms(), 0);
    setup.expect(&delivery, 200, "forwarded").await;
    let is_set = |line: &str| line == "fault: an alarm is set";
    setup.edge.wait_for_log(is_set, PATIENCE).await.unwrap();
}
