//! The ledger of a later version of the worker, under this one: what a rollback finds.

use std::path::Path;

use rusqlite::Connection;

use crate::restarts::ledger_files_below;
use crate::setup::{Setup, succeeded};

/// The database of the one object that there is.
fn database(storage: &Path) -> Connection {
    let databases: Vec<_> = ledger_files_below(storage)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|end| end == "sqlite"))
        .collect();
    let [file] = databases.as_slice() else { panic!("not one database: {databases:?}") };
    Connection::open(file).unwrap()
}

/// Notes a version, and leaves nothing for the engine in a file beside the database. Gives the version of before.
fn set_version(storage: &Path, version: u32) -> u32 {
    let connection = database(storage);
    let before = "SELECT max(version) FROM schema_version";
    let before = connection.query_row(before, [], |row| row.get(0)).unwrap();
    connection.execute("UPDATE schema_version SET version = ?", [version]).unwrap();
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy: u32 = connection.query_row(checkpoint, [], |row| row.get(0)).unwrap();
    assert_eq!(is_busy, 0);
    before
}

#[tokio::test]
async fn tables_of_a_later_version_are_left_alone_and_deliveries_come_again() {
    let storage = tempfile::tempdir().unwrap();
    let mut setup =
        Setup::with(|edge| edge.storage(storage.path()).setting("LEDGER_SHARDS", "1")).await;
    let delivered = succeeded();
    setup.expect(&delivered, 200, "forwarded").await;
    setup.edge.kill().await;
    let version = set_version(storage.path(), 1_000);

    setup.edge.restart().await.unwrap();
    let fresh = succeeded();
    for delivery in [&delivered, &fresh] {
        setup.expect(delivery, 503, "ledger_unavailable").await;
    }
    assert_eq!(setup.origin.count(), 1);

    // Deployed again, the later version finds everything as it was.
    setup.edge.kill().await;
    set_version(storage.path(), version);
    setup.edge.restart().await.unwrap();
    setup.expect(&delivered, 200, "duplicate").await;
    setup.expect(&fresh, 200, "forwarded").await;
    assert_eq!(setup.origin.count(), 2);
}
