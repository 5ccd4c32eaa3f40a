//! SQL of a look through events.

use super::listing::{Cursor, Filter};
use super::row;
use super::search::{Looked, MOST_ROWS, Search};
use super::sql::{self, columns, unsettled};
use super::sqlite_store::{Columns, SqliteStore, Storage, pair, place};
use super::value::Value;
use super::walk::Place;

/// Rows behind a place in the list, `?2` and `?3`, and not before `?7`. Both conditions on the place are needed: the
/// first lets an index skip what was shown before.
macro_rules! behind {
    () => {
        " AND last_ms <= ?2 AND (last_ms < ?2 OR key > ?3) AND last_ms >= ?7"
    };
}

/// Rows that pass the rest of the filter. A tenant is that of the event's job.
macro_rules! passing {
    ($rows:literal) => {
        concat!(
            " AND (?4 IS NULL OR event_type = ?4) AND (?5 IS NULL OR last_outcome = ?5) \
             AND (?6 IS NULL OR event_id = ?6) AND (?8 IS NULL OR \
             ?8 = (SELECT tenant FROM job WHERE job.job_id = ",
            $rows,
            ".job_id)) ORDER BY last_ms DESC, key LIMIT ?9"
        )
    };
}

/// Rows of an unsettled state, `?1`, in the order of the list, as many as may be looked at.
macro_rules! looked_at {
    () => {
        concat!(
            " FROM event WHERE state = ?1 AND ",
            unsettled!(),
            behind!(),
            " ORDER BY last_ms DESC, key"
        )
    };
}

/// The rows of a piece, as `sql` has them for the walk.
macro_rules! piece {
    () => {
        "(job_id, key) > (?10, ?11) AND (job_id, key) <= (ifnull(?12, x''), ifnull(?13, x''))"
    };
}

/// Reads rows of an unsettled state, the latest first.
pub(crate) const LIST_UNSETTLED: &str = concat!(
    "SELECT * FROM (SELECT ",
    columns!(),
    looked_at!(),
    " LIMIT ?10) AS looked_at WHERE true",
    passing!("looked_at")
);

/// Reads the last of the rows that this looks at, if there are so many; `?9` is how many come before.
pub(crate) const SELECT_LAST: &str =
    concat!("SELECT last_ms, key", looked_at!(), " LIMIT 1 OFFSET ?9");

/// Counts these rows.
pub(crate) const COUNT_LOOKED: &str =
    concat!("SELECT count(*) FROM (SELECT 1", looked_at!(), " LIMIT ?9)");

/// Reads rows of a piece, of a state or of any, the latest first.
pub(crate) const LIST_PIECE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM event WHERE ",
    piece!(),
    " AND (?1 IS NULL OR state = ?1)",
    behind!(),
    passing!("event")
);

/// Counts the rows of a piece.
pub(crate) const COUNT_PIECE: &str = "SELECT count(*) FROM event WHERE (job_id, key) > (?1, ?2) \
     AND (job_id, key) <= (ifnull(?3, x''), ifnull(?4, x''))";

/// Reads rows of a job, of a state or of any, the latest first.
pub(crate) const LIST_BY_JOB: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM event WHERE job_id = ?10 AND (?1 IS NULL OR +state = ?1)",
    behind!(),
    passing!("event")
);

/// Counts the rows of a job.
pub(crate) const COUNT_JOB: &str = "SELECT count(*) FROM event WHERE job_id = ?";

impl<D: Storage> SqliteStore<D> {
    /// Looks once.
    pub(super) fn look_for(&self, search: &Search) -> Result<Looked, String> {
        let filter = &search.filter;
        let rows = search.rows.clamp(1, MOST_ROWS);
        let values = values(filter)?;
        if let Some(job_id) = &filter.job_id {
            let looked = self.number(COUNT_JOB, vec![job_id.clone().into()])?;
            let rows = self.rows(LIST_BY_JOB, [&values[..], &[job_id.clone().into()]].concat())?;
            return Ok(Looked { rows, looked: looked.unwrap_or(0), ..Looked::default() });
        }
        if filter.state.as_deref().is_some_and(|state| sql::UNSETTLED.contains(&state)) {
            return self.look_by_time(&values, rows);
        }
        self.look_through_piece(search, values, rows)
    }

    fn look_by_time(&self, values: &[Value], rows: u32) -> Result<Looked, String> {
        // Behind the state, the place in the list and the time since when; the rest is not asked for.
        let range = |last: u32| {
            let mut range = values.to_vec();
            range.truncate(8);
            range.push(row::number(last.into())?);
            Ok::<_, String>(range)
        };
        let last = self.query(SELECT_LAST, range(rows.saturating_sub(1))?)?.into_iter().next();
        let looked = match last {
            Some(_) => u64::from(rows),
            None => self.number(COUNT_LOOKED, range(rows)?)?.unwrap_or(0),
        };
        let limit = row::number(rows.into())?;
        Ok(Looked {
            rows: self.rows(LIST_UNSETTLED, [values, &[limit]].concat())?,
            last: last.map(cursor).transpose()?,
            end: None,
            looked,
        })
    }

    fn look_through_piece(
        &self,
        search: &Search,
        values: Columns,
        rows: u32,
    ) -> Result<Looked, String> {
        let Place { job_id, key } = search.from.clone().unwrap_or_default();
        let mut bounds: Columns = vec![job_id.into(), key.into()];
        // Since the first page of the piece rows may have come into it. To end it earlier for them would begin the
        // next piece among rows that were shown.
        let rows = if search.filter.after.is_some() { rows.saturating_mul(2) } else { rows };
        let before_last = row::number(rows.saturating_sub(1).into())?;
        let end = self.query(sql::SELECT_PIECE_END, [&*bounds, &[before_last]].concat())?;
        let end = end.into_iter().next().map(place).transpose()?;
        // Where it ends in any case, nothing follows.
        let end = end.filter(|end| search.to.as_ref().is_none_or(|to| end < to));
        bounds.extend(match end.as_ref().or(search.to.as_ref()) {
            Some(Place { job_id, key }) => [job_id.clone().into(), key.clone().into()],
            None => [Value::Null, Value::Null],
        });
        let looked = match end {
            Some(_) => u64::from(rows),
            None => self.number(COUNT_PIECE, bounds.clone())?.unwrap_or(0),
        };
        let rows = self.rows(LIST_PIECE, [values, bounds].concat())?;
        Ok(Looked { rows, last: None, end, looked })
    }

    fn rows(
        &self,
        statement: &str,
        values: Columns,
    ) -> Result<Vec<(String, super::entry::Entry)>, String> {
        self.query(statement, values)?.into_iter().map(row::entry).collect()
    }
}

/// The values from `?1` to `?9`.
fn values(filter: &Filter) -> Result<Columns, String> {
    let time = |ms: u64| row::number(ms.min(row::LARGEST_EXACT));
    let after = filter.start();
    Ok(vec![
        filter.state.clone().into(),
        time(after.last_ms)?,
        after.key.into(),
        filter.event_type.clone().into(),
        filter.last_outcome.clone().into(),
        filter.event_id.clone().into(),
        time(filter.since_ms.unwrap_or(0))?,
        filter.tenant.clone().into(),
        row::number(filter.limit.into())?,
    ])
}

fn cursor(columns: Columns) -> Result<Cursor, String> {
    let [last_ms, key] = pair(columns)?;
    let last_ms = row::integer(&last_ms)?.ok_or("a row lacks a number")?;
    Ok(Cursor { last_ms, key: row::text(key)?.ok_or("a row has no key")? })
}
