//! A worker with one shard, on a storage that was filled before.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, bail, ensure};
use nextapi_testkit::LocalEdge;
use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::client::Client;
use crate::event::{Event, SECRET};
use crate::mode::Mode;
use crate::origin::Origin;

const HOUR_MS: u64 = 60 * 60 * 1_000;
/// The youngest row is as old as this, and the oldest a day older: all are younger than the retention.
const YOUNGEST_MS: u64 = HOUR_MS;
/// Older than the retention: what the sweep deletes.
const DUE_MS: u64 = 100 * HOUR_MS;

const INSERT: &str = "INSERT INTO event (job_id, key, state, lease_end_ms, attempts, first_ms, last_ms, \
     last_outcome, event_id, event_type, stage) \
     VALUES (?, ?, 'done', NULL, 1, ?, ?, 'forwarded', ?, ?, ?)";

/// The database of the one object, on disk.
pub(crate) struct Storage {
    directory: TempDir,
    /// Settled events in it: those with the numbers below.
    pub(crate) rows: u32,
}

impl Storage {
    /// Has the worker itself make the tables and deliver one event, and writes the others as it would
    /// have: the events of the numbers 0 to `rows`, one every so often over a day.
    pub(crate) async fn filled(origin: &Origin, folder: &Path, rows: u32) -> anyhow::Result<Self> {
        let directory =
            tempfile::tempdir_in(folder).context("cannot make a temporary directory")?;
        let storage = Self { directory, rows: rows.max(1) };
        let mut edge = storage.serve(origin, bundle(), Mode::Through).await?;
        let client = Client::new(&edge)?;
        client.expect(&Event::of_number(0).delivery()?, 200, "forwarded").await?;
        origin.take();
        edge.kill().await;
        let age_ms = |number: u32| {
            let day = u64::from(rows.saturating_sub(number)).saturating_mul(24 * HOUR_MS);
            YOUNGEST_MS.saturating_add(day.checked_div(rows.into()).unwrap_or(0))
        };
        storage.insert((1..rows).map(|number| (Event::of_number(number), age_ms(number))))?;
        Ok(storage)
    }

    /// Starts a worker on the storage.
    pub(crate) async fn serve(
        &self,
        origin: &Origin,
        bundle: PathBuf,
        mode: Mode,
    ) -> anyhow::Result<LocalEdge> {
        LocalEdge::builder(&edge_dir())
            .bundle(bundle)
            .setting("WEBHOOK_SECRETS", SECRET)
            .setting("ORIGIN_URL", origin.url())
            .setting("LEDGER_SHARDS", "1")
            .setting("DELIVERY", mode.name())
            .storage(self.directory.path())
            .start()
            .await
    }

    /// Adds events that have been kept for longer than the retention, as the first that a walk through all rows
    /// comes to, and has it begin. No worker may run.
    pub(crate) fn add_due(&self, first: u32, count: u32) -> anyhow::Result<()> {
        let numbers = first..first.saturating_add(count);
        let in_front = |number| {
            let event = Event::of_number(number);
            Event { job_id: format!("!{}", event.job_id), ..event }
        };
        self.open()?.execute_batch("DELETE FROM walk")?;
        self.insert(numbers.map(|number| (in_front(number), DUE_MS)))
    }

    /// Bytes of the database that are in use, for each of its events. No worker may run.
    pub(crate) fn bytes_per_event(&self) -> anyhow::Result<f64> {
        let connection = self.open()?;
        let number = |query: &str| connection.query_row(query, [], |row| row.get::<_, u32>(0));
        let pages = number("PRAGMA page_count")?.saturating_sub(number("PRAGMA freelist_count")?);
        let bytes = f64::from(pages) * f64::from(number("PRAGMA page_size")?);
        Ok(bytes / f64::from(number("SELECT count(*) FROM event")?))
    }

    /// Has an alarm look through all events for those that are due. No worker may run.
    pub(crate) fn drop_index(&self) -> anyhow::Result<()> {
        Ok(self.open()?.execute_batch("DROP INDEX event_by_due")?)
    }

    fn insert(&self, events: impl Iterator<Item = (Event, u64)>) -> anyhow::Result<()> {
        let mut connection = self.open()?;
        connection.execute_batch("PRAGMA cache_size = -500000; PRAGMA synchronous = OFF")?;
        let now_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis();
        let now_ms = u64::try_from(now_ms)?;
        let transaction = connection.transaction()?;
        let mut statement = transaction.prepare(INSERT)?;
        for (event, age_ms) in events {
            let ms = i64::try_from(now_ms.saturating_sub(age_ms))?;
            let Event { id, kind, job_id, stage } = &event;
            statement.execute(params![job_id, event.key(), ms, ms, id, kind, stage])?;
        }
        drop(statement);
        transaction.commit()?;
        // Nothing is left for the engine in a file beside this one.
        let left: u32 =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        ensure!(left == 0, "the database is in use");
        Ok(())
    }

    fn open(&self) -> anyhow::Result<Connection> {
        let mut databases = databases_below(self.directory.path())?;
        let (Some(file), None) = (databases.pop(), databases.pop()) else {
            bail!("not one database in the storage");
        };
        Ok(Connection::open(file)?)
    }
}

/// The worker's directory: `wrangler.jsonc`, the bundle, the engine.
pub(crate) fn edge_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../edge-worker")
}

/// The bundle that is deployed.
pub(crate) fn bundle() -> PathBuf {
    edge_dir().join("build")
}

/// The files of objects; the engine keeps a file about itself beside them.
fn databases_below(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut databases_below(&path)?);
        } else if path.extension().is_some_and(|end| end == "sqlite")
            && path.file_stem().is_some_and(|name| name != "metadata")
        {
            found.push(path);
        }
    }
    Ok(found)
}

/// What all threads of a process have used of the processor. None on a system without `/proc`.
pub(crate) fn processor_time(process: u32) -> Option<Duration> {
    let mut nanoseconds = 0_u64;
    for task in std::fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let statistics = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanoseconds = nanoseconds.saturating_add(statistics.split(' ').next()?.parse().ok()?);
    }
    Some(Duration::from_nanos(nanoseconds))
}

/// The version of the engine, as npm has installed it.
pub(crate) fn engine_version() -> anyhow::Result<String> {
    let package = edge_dir().join("node_modules/workerd/package.json");
    let package: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(package)?)?;
    Ok(package.get("version").and_then(|it| it.as_str()).context("no version")?.to_owned())
}
