//! SQL of bulk replays, and their store on SQLite.

use super::bulk_replay::{BulkReplay, ReplayState, Selection};
use super::entry::Entry;
use super::listing::Cursor;
use super::replays::{ReplayStore, Selected};
use super::row;
use super::sql::{columns, unsettled};
use super::sqlite_store::{Columns, SqliteStore, Storage};
use super::value::Value;
use crate::json;

/// Makes their table. Beside what is looked for, a replay is one JSON text: there are a hundred at most.
pub(crate) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS bulk_replay (
        id         TEXT    NOT NULL PRIMARY KEY,
        started_ms INTEGER NOT NULL,
        next_ms    INTEGER,
        replay     TEXT    NOT NULL
    ) STRICT, WITHOUT ROWID";

/// Reads all, the latest first.
const SELECT_ALL: &str = "SELECT replay FROM bulk_replay ORDER BY started_ms DESC, id";

/// Reads one.
const SELECT: &str = "SELECT replay FROM bulk_replay WHERE id = ?";

/// Reads the running one that may release an event first. Others have no time for that.
const SELECT_RUNNING: &str = "SELECT replay FROM bulk_replay WHERE next_ms IS NOT NULL \
     ORDER BY next_ms, id LIMIT 1";

/// Writes one.
const SET: &str = "INSERT INTO bulk_replay (id, started_ms, next_ms, replay) VALUES (?, ?, ?, ?) \
     ON CONFLICT (id) DO UPDATE SET next_ms = excluded.next_ms, replay = excluded.replay";

/// Deletes one.
const DELETE: &str = "DELETE FROM bulk_replay WHERE id = ?";

/// Reads the first event behind a place that is selected and not done. Both conditions on the place are needed: the
/// first lets the index skip what was seen before.
const SELECT_UNSETTLED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM event WHERE state = ?1 AND ",
    unsettled!(),
    " AND last_ms >= ?2 AND (last_ms > ?2 OR key > ?3) AND last_ms <= ?4 \
     AND (?5 IS NULL OR job_id = ?5) AND (?6 IS NULL OR event_type = ?6) \
     ORDER BY last_ms, key LIMIT 1"
);

/// The same for events that are done and whose bytes are kept. They are found by when those were kept, which is the
/// time of the event's last transition.
const SELECT_DONE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM event WHERE (job_id, key) = (SELECT kept.job_id, kept.key FROM kept \
     JOIN event AS done ON done.job_id = kept.job_id AND done.key = kept.key AND done.state = ?1 \
     WHERE kept.kept_ms >= ?2 AND (kept.kept_ms > ?2 OR kept.key > ?3) AND kept.kept_ms <= ?4 \
     AND (?5 IS NULL OR kept.job_id = ?5) AND (?6 IS NULL OR done.event_type = ?6) \
     ORDER BY kept.kept_ms, kept.key LIMIT 1)"
);

/// Counts the events that are selected and not done, up to a limit. They all have their bytes.
const COUNT_UNSETTLED: &str = concat!(
    "SELECT count(*), count(*) FROM (SELECT 1 FROM event WHERE state = ?1 AND ",
    unsettled!(),
    " AND last_ms >= ?2 AND last_ms <= ?3 \
     AND (?4 IS NULL OR job_id = ?4) AND (?5 IS NULL OR event_type = ?5) LIMIT ?6)"
);

/// Counts the events that are selected and done, up to a limit, and those of them that have their bytes. It looks at
/// all rows of the table.
const COUNT_DONE: &str = "SELECT count(*), coalesce(sum(has_bytes), 0) FROM (SELECT \
     EXISTS (SELECT 1 FROM kept WHERE kept.key = event.key) AS has_bytes \
     FROM event WHERE +state = ?1 AND last_ms >= ?2 AND last_ms <= ?3 \
     AND (?4 IS NULL OR job_id = ?4) AND (?5 IS NULL OR event_type = ?5) LIMIT ?6)";

/// The state whose events have no bytes of their own.
const DONE: &str = "done";

fn replay(columns: Columns) -> Result<BulkReplay, String> {
    let [text]: [Value; 1] = columns.try_into().map_err(|_| "a row has not 1 column")?;
    let text = row::text(text)?.ok_or("a row has no replay")?;
    json::read(&text).ok_or_else(|| "a replay cannot be read".to_owned())
}

/// A time as a value: one that is later than any is the latest.
fn time(ms: u64) -> Result<Value, String> {
    row::number(ms.min(row::LARGEST_EXACT))
}

impl<D: Storage> ReplayStore for SqliteStore<D> {
    fn replays(&self) -> Result<Vec<BulkReplay>, String> {
        self.query(SELECT_ALL, Vec::new())?.into_iter().map(replay).collect()
    }

    fn bulk_replay(&self, id: &str) -> Result<Option<BulkReplay>, String> {
        self.query(SELECT, vec![id.into()])?.into_iter().next().map(replay).transpose()
    }

    fn next_running(&self) -> Result<Option<BulkReplay>, String> {
        self.query(SELECT_RUNNING, Vec::new())?.into_iter().next().map(replay).transpose()
    }

    fn set_replay(&mut self, replay: &BulkReplay) -> Result<(), String> {
        let text = serde_json::to_string(replay).map_err(|error| error.to_string())?;
        let next =
            if replay.state == ReplayState::Running { time(replay.next_ms)? } else { Value::Null };
        let values = vec![replay.id.clone().into(), time(replay.started_ms)?, next, text.into()];
        self.query(SET, values).map(drop)
    }

    fn delete_replay(&mut self, id: &str) -> Result<(), String> {
        self.query(DELETE, vec![id.into()]).map(drop)
    }

    fn next_selected(
        &self,
        selection: &Selection,
        after: Option<&Cursor>,
    ) -> Result<Option<(String, Entry)>, String> {
        let (last_ms, key) =
            after.map_or((selection.since_ms, ""), |after| (after.last_ms, after.key.as_str()));
        let values = vec![
            selection.state.clone().into(),
            time(last_ms)?,
            key.into(),
            time(selection.until_ms)?,
            selection.job_id.clone().into(),
            selection.event_type.clone().into(),
        ];
        let statement = if selection.state == DONE { SELECT_DONE } else { SELECT_UNSETTLED };
        self.first(statement, values)
    }

    fn count_selected(&self, selection: &Selection, limit: u32) -> Result<Selected, String> {
        let values = vec![
            selection.state.clone().into(),
            time(selection.since_ms)?,
            time(selection.until_ms)?,
            selection.job_id.clone().into(),
            selection.event_type.clone().into(),
            row::number(limit.into())?,
        ];
        let statement = if selection.state == DONE { COUNT_DONE } else { COUNT_UNSETTLED };
        let columns = self.query(statement, values)?.into_iter().next().unwrap_or_default();
        let [all, events] = columns.try_into().map_err(|_| "a row has not 2 columns")?;
        let all = row::integer(&all)?.unwrap_or(0);
        let events = row::integer(&events)?.unwrap_or(0);
        Ok(Selected { events, without_bytes: all.saturating_sub(events) })
    }
}
