//! The ledger of an earlier version of the worker, under this one.

use std::path::Path;

use rusqlite::Connection;

use crate::restarts::object_files_below;
use crate::setup::{Setup, succeeded};

/// The script with which version 1 made its tables, as it was deployed.
const VERSION_1: &str = include_str!("../../src/ledger/tests/version_1.sql");

/// The engine's own tables in the same file are left alone.
const BACK_TO_VERSION_1: &str = "
    INSERT INTO event SELECT key, state, lease_end_ms, attempts, first_ms, last_ms, last_outcome,
        event_id, event_type, job_id FROM entry;
    DROP TABLE entry;
    DROP TABLE tally;
    DROP TABLE shard_count;
    UPDATE schema_version SET version = 1";

/// The database of the one object that there is.
fn database(storage: &Path) -> Connection {
    let databases: Vec<_> = object_files_below(storage)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|end| end == "sqlite"))
        .collect();
    let [file] = databases.as_slice() else { panic!("not one database: {databases:?}") };
    Connection::open(file).unwrap()
}

fn number(connection: &Connection, query: &str) -> u32 {
    connection.query_row(query, [], |row| row.get(0)).unwrap()
}

/// Has the row of a delivered event stand as version 1 would have written it.
fn take_back_to_version_1(storage: &Path) {
    let connection = database(storage);
    connection.execute_batch(VERSION_1).unwrap();
    connection.execute_batch(BACK_TO_VERSION_1).unwrap();
    assert_eq!(number(&connection, "SELECT count(*) FROM event WHERE state = 'done'"), 1);
    assert_eq!(number(&connection, "SELECT max(version) FROM schema_version"), 1);
    // Nothing is left for the engine in a file beside this one.
    assert_eq!(number(&connection, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
}

#[tokio::test]
async fn what_an_earlier_version_delivered_is_still_known() {
    let storage = tempfile::tempdir().unwrap();
    let mut setup =
        Setup::with(|edge| edge.storage(storage.path()).setting("LEDGER_SHARDS", "1")).await;
    let delivered = succeeded();
    setup.expect(&delivered, 200, "forwarded").await;
    setup.edge.kill().await;
    take_back_to_version_1(storage.path());

    setup.edge.restart().await.unwrap();
    setup.expect(&delivered, 200, "duplicate").await;
    let fresh = succeeded();
    setup.expect(&fresh, 200, "forwarded").await;
    setup.expect(&fresh, 200, "duplicate").await;
    assert_eq!(setup.origin.count(), 2);

    // And once more: the upgrade has been made, and is on the disk.
    setup.edge.kill().await;
    let connection = database(storage.path());
    assert_eq!(number(&connection, "SELECT count(*) FROM entry WHERE state = 'done'"), 2);
    assert_eq!(number(&connection, "SELECT count(*) FROM sqlite_master WHERE name = 'event'"), 0);
    drop(connection);
    setup.edge.restart().await.unwrap();
    setup.expect(&delivered, 200, "duplicate").await;
    assert_eq!(setup.origin.count(), 2);
}
