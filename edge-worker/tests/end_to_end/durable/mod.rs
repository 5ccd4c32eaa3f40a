//! `DELIVERY = durable`: what was answered `accepted` reaches the origin, whatever ends first.

mod admin;
mod disk;
mod faults;
mod hold;
mod jobs;
mod lanes;
mod replays;
mod retries;
mod survival;

use core::time::Duration;
use std::path::{Path, PathBuf};

use nextapi_testkit::{Delivery, Job, LocalEdgeBuilder, Shape, Status};
use nextapi_webhook::UnixTime;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;

use crate::restarts::ledger_files_below;
use crate::setup::{PATIENCE, Setup, key, record};

/// An edge that stores and forwards, with a compressed schedule: a retry after a second, a lease of six.
struct Durable {
    setup: Setup,
    storage: TempDir,
}

impl Durable {
    async fn start() -> Self {
        Self::with(|edge| edge).await
    }

    async fn with(choose: impl FnOnce(LocalEdgeBuilder) -> LocalEdgeBuilder) -> Self {
        let storage = tempfile::tempdir().unwrap();
        let edge = |edge: LocalEdgeBuilder| {
            edge.storage(storage.path())
                .setting("DELIVERY", "durable")
                // One object, so that what happens in it could touch every event.
                .setting("LEDGER_SHARDS", "1")
                .setting("ORIGIN_TIMEOUT_MS", "500")
                .setting("LEASE_SECONDS", "6")
                .setting("RETRY_INITIAL_SECONDS", "1")
                .setting("RETRY_MAX_SECONDS", "1")
                .setting("BREAKER_FAILURES", "1000")
        };
        let setup = Setup::with(|builder| choose(edge(builder))).await;
        Self { setup, storage }
    }

    /// Delivers an event, which is accepted.
    async fn accept(&self, delivery: &Delivery) {
        self.setup.expect(delivery, 200, "accepted").await;
    }

    /// Waits for the log line of an attempt with this outcome.
    async fn attempted(&self, outcome: &str) -> Value {
        let is_it = |line: &str| attempt_line(line).is_some_and(|line| line["outcome"] == outcome);
        let line = self.setup.edge.wait_for_log(is_it, PATIENCE).await.unwrap();
        attempt_line(&line).unwrap()
    }

    /// Waits until so many attempts were committed.
    async fn committed(&self, count: usize) {
        let mut found = 0;
        let is_enough = |line: &str| {
            let is_it = |line: Value| line["settlement"] == "committed";
            found += usize::from(attempt_line(line).is_some_and(is_it));
            found >= count
        };
        self.setup.edge.wait_for_log(is_enough, PATIENCE).await.unwrap();
    }

    /// One column of all events, as it is on disk.
    fn column(&self, column: &str) -> Vec<Option<String>> {
        let connection = database(self.storage.path());
        let statement = format!("SELECT CAST({column} AS TEXT) FROM event ORDER BY first_ms, key");
        let mut statement = connection.prepare(&statement).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn states(&self) -> Vec<String> {
        self.column("state").into_iter().flatten().collect()
    }
}

/// The database of the one object that there is.
fn database(storage: &Path) -> Connection {
    let file = database_file(storage);
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// The same, to change something in it. No engine may run.
fn database_to_write(storage: &Path) -> Connection {
    Connection::open(database_file(storage)).unwrap()
}

fn database_file(storage: &Path) -> PathBuf {
    let is_database = |file: &PathBuf| file.extension().is_some_and(|it| it == "sqlite");
    ledger_files_below(storage).into_iter().find(is_database).unwrap()
}

/// The record in a log line, if it is that of an attempt.
fn attempt_line(line: &str) -> Option<Value> {
    record(line).filter(|record| record["is_attempt"] == true)
}

/// The events of one job, in order.
fn job_events() -> Vec<Delivery> {
    let job = Job::random(UnixTime::now()).unwrap();
    let statuses = [Status::Queued, Status::Running, Status::Succeeded];
    let signed = |status| {
        let event = job.event(Shape::Envelope, status).unwrap();
        Delivery::signed(event, &key(), UnixTime::now()).unwrap()
    };
    statuses.map(signed).to_vec()
}

/// Lets a time pass in which something must not happen.
async fn quiet(time: Duration) {
    tokio::time::sleep(time).await;
}
