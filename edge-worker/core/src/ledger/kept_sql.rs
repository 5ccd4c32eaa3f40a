//! SQL of the bytes that are kept of delivered events, and their store on SQLite.

use super::entry::Entry;
use super::kept::{Kept, KeptStore};
use super::row;
use super::sql::trail;
use super::sqlite_store::{SqliteStore, Storage};
use super::value::Value;

/// Makes their table. How long a body is stands beside it, so that to add them up reads no body.
pub(crate) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS kept (
        key     TEXT    NOT NULL PRIMARY KEY,
        job_id  TEXT    NOT NULL,
        kept_ms INTEGER NOT NULL,
        replay  TEXT,
        bytes   INTEGER NOT NULL,
        head    TEXT    NOT NULL,
        body    BLOB    NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS kept_by_time ON kept (kept_ms)";

/// Copies what an owed event has.
const KEEP: &str = "INSERT INTO kept (key, job_id, kept_ms, replay, bytes, head, body) \
     SELECT key, job_id, ?, ?, length(body), head, body FROM event WHERE job_id = ? AND key = ? \
     ON CONFLICT (key) DO UPDATE SET kept_ms = excluded.kept_ms, replay = excluded.replay, \
     bytes = excluded.bytes, head = excluded.head, body = excluded.body";

/// Reads what is kept of an event.
const SELECT: &str = "SELECT kept_ms, head, replay FROM kept WHERE key = ?";

/// Writes the row of an event that becomes owed with what is kept; the values are those of
/// [`row::changes`] and [`row::owed`], then its job and its key.
const RESTORE: &str = concat!(
    "UPDATE event SET state = ?, lease_end_ms = ?, attempts = ?, last_ms = ?, last_outcome = ?, ",
    trail!("?"),
    ", due_ms = ?, owed_ms = ?, tries = ?, seq = ?, replay = ?, \
     head = (SELECT head FROM kept WHERE kept.key = event.key), \
     body = (SELECT body FROM kept WHERE kept.key = event.key) WHERE job_id = ? AND key = ?"
);

/// Deletes what is kept of an event.
const DELETE: &str = "DELETE FROM kept WHERE key = ?";

/// Adds up the bodies.
const SUM: &str = "SELECT coalesce(sum(bytes), 0) FROM kept";

/// Deletes what is due, the oldest first, up to a limit.
const DELETE_DUE: &str = "DELETE FROM kept WHERE key IN (SELECT key FROM kept WHERE kept_ms <= ? \
     ORDER BY kept_ms LIMIT ?) RETURNING 1";

/// Reads when the oldest was kept.
const SELECT_OLDEST: &str = "SELECT min(kept_ms) FROM kept";

impl<D: Storage> KeptStore for SqliteStore<D> {
    fn keep(&mut self, job_id: Option<&str>, key: &str, kept: &Kept) -> Result<(), String> {
        let mut values = vec![row::number(kept.kept_ms)?, kept.replay.clone().into()];
        values.extend([row::job(job_id), key.into()]);
        self.query(KEEP, values).map(drop)
    }

    fn kept(&self, key: &str) -> Result<Option<Kept>, String> {
        let Some(columns) = self.query(SELECT, vec![key.into()])?.into_iter().next() else {
            return Ok(None);
        };
        let columns: [Value; 3] = columns.try_into().map_err(|_| "a row has not 3 columns")?;
        let [kept, head, replay] = columns;
        Ok(Some(Kept {
            kept_ms: row::integer(&kept)?.ok_or("a row lacks a number")?,
            head: row::text(head)?.ok_or("a kept event has no headers")?,
            replay: row::text(replay)?,
        }))
    }

    fn restore(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        let Some(owed) = &entry.owed else { return Err("the event is not owed".to_owned()) };
        let mut values = row::changes(entry)?;
        values.extend(row::owed(entry, owed)?);
        values.extend([row::job(entry.meta.job_id.as_deref()), key.into()]);
        self.query(RESTORE, values)?;
        self.forget_kept(key)
    }

    fn forget_kept(&mut self, key: &str) -> Result<(), String> {
        self.query(DELETE, vec![key.into()]).map(drop)
    }

    fn kept_bytes(&self) -> Result<u64, String> {
        Ok(self.number(SUM, Vec::new())?.unwrap_or(0))
    }

    fn delete_kept(&mut self, due_ms: u64, limit: u32) -> Result<u32, String> {
        let rows =
            self.query(DELETE_DUE, vec![row::number(due_ms)?, row::number(limit.into())?])?;
        Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
    }

    fn oldest_kept_ms(&self) -> Result<Option<u64>, String> {
        self.number(SELECT_OLDEST, Vec::new())
    }
}
