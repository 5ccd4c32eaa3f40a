//! SQL of the audit log, and its store on SQLite.

use super::audit::{AuditCursor, AuditEntry, AuditStore};
use super::row;
use super::sqlite_store::{Columns, SqliteStore, Storage};
use super::value::Value;

/// Makes its table. The rows stand in the order of time, so it takes no index.
pub(crate) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS audit (
        at_ms  INTEGER NOT NULL,
        id     INTEGER NOT NULL,
        actor  TEXT    NOT NULL,
        act    TEXT    NOT NULL,
        about  TEXT    NOT NULL,
        result TEXT    NOT NULL,
        PRIMARY KEY (at_ms, id)
    ) STRICT, WITHOUT ROWID";

/// Adds an entry.
const INSERT: &str = "INSERT INTO audit (at_ms, id, actor, act, about, result) SELECT ?1, \
     coalesce((SELECT max(id) FROM audit WHERE at_ms = ?1), 0) + 1, ?2, ?3, ?4, ?5";

/// Reads entries behind a place, the latest first.
const LIST: &str = "SELECT id, at_ms, actor, act, about, result FROM audit \
     WHERE (at_ms, id) < (?, ?) ORDER BY at_ms DESC, id DESC LIMIT ?";

/// Deletes what is due, the oldest first, up to a limit.
const DELETE_DUE: &str = "DELETE FROM audit WHERE (at_ms, id) IN \
     (SELECT at_ms, id FROM audit WHERE at_ms <= ? ORDER BY at_ms, id LIMIT ?) RETURNING 1";

/// Reads when the oldest entry was made.
const SELECT_OLDEST: &str = "SELECT min(at_ms) FROM audit";

fn entry(columns: Columns) -> Result<AuditEntry, String> {
    let columns: [Value; 6] = columns.try_into().map_err(|_| "a row has not 6 columns")?;
    let [id, at, by, act, about, result] = columns;
    let number = |value| row::integer(value)?.ok_or_else(|| "an entry lacks a number".to_owned());
    let text = |value| row::text(value)?.ok_or_else(|| "an entry lacks a text".to_owned());
    Ok(AuditEntry {
        id: number(&id)?,
        at_ms: number(&at)?,
        by: text(by)?,
        act: text(act)?,
        about: text(about)?,
        result: text(result)?,
    })
}

impl<D: Storage> AuditStore for SqliteStore<D> {
    fn add_audit(&mut self, entry: &AuditEntry) -> Result<(), String> {
        let texts = [&entry.by, &entry.act, &entry.about, &entry.result];
        let mut values = vec![row::number(entry.at_ms)?];
        values.extend(texts.map(|text| text.as_str().into()));
        self.query(INSERT, values).map(drop)
    }

    fn audit(&self, cursor: Option<AuditCursor>, limit: u32) -> Result<Vec<AuditEntry>, String> {
        let all = AuditCursor { at_ms: row::LARGEST_EXACT, id: row::LARGEST_EXACT };
        let AuditCursor { at_ms, id } = cursor.unwrap_or(all);
        let number = |number: u64| row::number(number.min(row::LARGEST_EXACT));
        let values = vec![number(at_ms)?, number(id)?, number(limit.into())?];
        self.query(LIST, values)?.into_iter().map(entry).collect()
    }

    fn forget_audit(&mut self, due_ms: u64, limit: u32) -> Result<u32, String> {
        let values = vec![row::number(due_ms)?, row::number(limit.into())?];
        Ok(u32::try_from(self.query(DELETE_DUE, values)?.len()).unwrap_or(u32::MAX))
    }

    fn oldest_audit_ms(&self) -> Result<Option<u64>, String> {
        self.number(SELECT_OLDEST, Vec::new())
    }
}
