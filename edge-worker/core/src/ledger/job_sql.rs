//! SQL of jobs, and their store on SQLite.

use super::costs::TenantCosts;
use super::credits::Credits;
use super::entry::Entry;
use super::expired_job::ExpiredJob;
use super::job::{DueJob, JobFilter};
use super::job_row::{Ending, Job, JobEnd, Shown};
use super::jobs::JobStore;
use super::sql::columns;
use super::sqlite_store::{Columns, SqliteStore, Storage};
use super::value::Value;
use super::{costs_sql, row};
use crate::merge;

/// Makes their table. Amounts are millionths of a credit. An open job is in two indexes, by its next look and by its
/// deadline; one that has ended in one.
pub(crate) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS job (
        job_id        TEXT    NOT NULL PRIMARY KEY,
        tenant        TEXT,
        known_ms      INTEGER NOT NULL,
        deadline_ms   INTEGER NOT NULL,
        estimated     INTEGER,
        end_key       TEXT,
        end_status    TEXT    CHECK ((end_status IS NOT NULL) = (end_key IS NOT NULL)),
        end_credits   INTEGER,
        ended_ms      INTEGER CHECK (ended_ms IS NULL OR end_key IS NOT NULL),
        made_key      TEXT,
        made_status   TEXT    CHECK ((made_status IS NOT NULL) = (made_key IS NOT NULL)),
        made_credits  INTEGER,
        alias_key     TEXT,
        is_conflict   INTEGER NOT NULL CHECK (is_conflict IN (0, 1)),
        shown         TEXT,
        shown_ms      INTEGER CHECK ((shown_ms IS NOT NULL) = (shown IS NOT NULL)),
        shown_credits INTEGER,
        look_ms       INTEGER CHECK ((look_ms IS NULL) = (ended_ms IS NOT NULL)),
        looks         INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS job_by_look ON job (look_ms) WHERE look_ms IS NOT NULL;
    CREATE INDEX IF NOT EXISTS job_by_deadline ON job (deadline_ms) WHERE ended_ms IS NULL;
    CREATE INDEX IF NOT EXISTS job_by_end ON job (ended_ms) WHERE ended_ms IS NOT NULL";

/// The columns that [`job`] expects.
macro_rules! job_columns {
    () => {
        "job_id, tenant, known_ms, deadline_ms, estimated, end_key, end_status, end_credits, ended_ms, \
         made_key, made_status, made_credits, alias_key, is_conflict, shown, shown_ms, shown_credits, \
         look_ms, looks"
    };
}

/// Reads one.
pub(crate) const SELECT: &str = concat!("SELECT ", job_columns!(), " FROM job WHERE job_id = ?");

/// Deletes one.
const DELETE: &str = "DELETE FROM job WHERE job_id = ?";

/// Writes one that is not there; the values are those of [`values`], in the order of the columns.
pub(crate) const INSERT: &str = concat!(
    "INSERT INTO job (",
    job_columns!(),
    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
     ON CONFLICT (job_id) DO UPDATE SET tenant = excluded.tenant, deadline_ms = excluded.deadline_ms, \
     estimated = excluded.estimated, end_key = excluded.end_key, end_status = excluded.end_status, \
     end_credits = excluded.end_credits, ended_ms = excluded.ended_ms, made_key = excluded.made_key, \
     made_status = excluded.made_status, made_credits = excluded.made_credits, \
     alias_key = excluded.alias_key, is_conflict = excluded.is_conflict, shown = excluded.shown, \
     shown_ms = excluded.shown_ms, shown_credits = excluded.shown_credits, look_ms = excluded.look_ms, \
     looks = excluded.looks"
);

/// Reads the events of a job's end.
pub(crate) const SELECT_ENDS: &str =
    concat!("SELECT ", columns!(), " FROM event WHERE job_id = ? AND stage = 3 ORDER BY key");

/// Reads open jobs whose next look is due, and of which no event has come after `?2`.
pub(crate) const SELECT_DUE: &str = "SELECT job_id, known_ms FROM job \
     WHERE look_ms IS NOT NULL AND look_ms <= ?1 AND NOT EXISTS \
     (SELECT 1 FROM event WHERE event.job_id = job.job_id AND event.first_ms > ?2) \
     ORDER BY look_ms, job_id LIMIT ?3";

/// Reads when the first look is due of those that are not due now: their own time, or, for those that are only kept
/// back by an event, so long after that event.
pub(crate) const SELECT_NEXT_LOOK: &str = "SELECT min(at) FROM (SELECT min(look_ms) AS at FROM job \
     WHERE look_ms IS NOT NULL AND look_ms > ?1 UNION ALL \
     SELECT min(last) + ?1 - ?2 FROM (SELECT (SELECT max(event.first_ms) FROM event \
     WHERE event.job_id = job.job_id) AS last FROM job \
     WHERE look_ms IS NOT NULL AND look_ms <= ?1) WHERE last > ?2)";

/// Reads jobs behind a place in the list, those first that became known last. It looks at all rows of the table.
const LIST: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM job WHERE CASE WHEN ?1 IS NULL THEN 1 WHEN ?1 = 'open' THEN ended_ms IS NULL \
     WHEN ?1 = 'overdue' THEN ended_ms IS NULL AND deadline_ms <= ?2 \
     WHEN ?1 = 'ended' THEN ended_ms IS NOT NULL WHEN ?1 = 'reconciliation' THEN made_key IS NOT NULL \
     WHEN ?1 = 'conflict' THEN is_conflict ELSE 0 END \
     AND (?3 IS NULL OR tenant = ?3) AND (known_ms < ?4 OR (known_ms = ?4 AND job_id > ?5)) \
     ORDER BY known_ms DESC, job_id LIMIT ?6"
);

/// Counts open jobs whose deadline was at a time or before, up to a limit.
pub(crate) const COUNT_OPEN: &str = "SELECT count(*) FROM \
     (SELECT 1 FROM job WHERE ended_ms IS NULL AND deadline_ms <= ? LIMIT ?)";

/// Deletes jobs that ended at a time or before and of which no event is left, up to a limit.
pub(crate) const DELETE_ENDED: &str = "DELETE FROM job WHERE job_id IN (SELECT job_id FROM job \
     WHERE ended_ms IS NOT NULL AND ended_ms <= ? AND NOT EXISTS \
     (SELECT 1 FROM event WHERE event.job_id = job.job_id) ORDER BY ended_ms LIMIT ?) RETURNING 1";

/// Deletes open jobs whose deadline was at a time or before, the longest overdue first, up to a limit.
pub(crate) const DELETE_OPEN: &str = "DELETE FROM job WHERE job_id IN (SELECT job_id FROM job \
     WHERE ended_ms IS NULL AND deadline_ms <= ? ORDER BY deadline_ms LIMIT ?) \
     RETURNING deadline_ms, job_id, tenant, shown";

/// Reads when the job ended that ended first, and the first deadline of an open one.
pub(crate) const SELECT_OLDEST: &str = "SELECT \
     (SELECT min(ended_ms) FROM job WHERE ended_ms IS NOT NULL), \
     (SELECT min(deadline_ms) FROM job WHERE ended_ms IS NULL)";

fn job(columns: Columns) -> Result<(String, Job), String> {
    let columns: [Value; 19] = columns.try_into().map_err(|_| "a job has not 19 columns")?;
    let [
        job_id,
        tenant,
        known,
        deadline,
        estimated,
        end_key,
        end_status,
        end_credits,
        ended,
        made_key,
        made_status,
        made_credits,
        alias_key,
        is_conflict,
        shown,
        shown_since,
        shown_credits,
        look,
        looks,
    ] = columns;
    let shown = match row::text(shown)? {
        None => None,
        Some(status) => {
            let since_ms = present(&shown_since)?;
            Some(Shown { status, since_ms, credits: credits(&shown_credits)? })
        }
    };
    let job = Job {
        tenant: row::text(tenant)?,
        known_ms: present(&known)?,
        deadline_ms: present(&deadline)?,
        estimated: credits(&estimated)?,
        end: end(end_key, end_status, &end_credits)?,
        ended_ms: row::integer(&ended)?,
        made: end(made_key, made_status, &made_credits)?,
        alias_key: row::text(alias_key)?,
        is_conflict: present(&is_conflict)? != 0,
        shown,
        look_ms: row::integer(&look)?,
        looks: present(&looks)?,
    };
    Ok((row::text(job_id)?.ok_or("a job has no id")?, job))
}

fn end(key: Value, status: Value, amount: &Value) -> Result<Option<JobEnd>, String> {
    let (Some(key), Some(status)) = (row::text(key)?, row::text(status)?) else { return Ok(None) };
    let ending = Ending::of(&status).ok_or("a job has an unknown end")?;
    Ok(Some(JobEnd { key, ending, credits: credits(amount)? }))
}

pub(super) fn present(value: &Value) -> Result<u64, String> {
    row::integer(value)?.ok_or_else(|| "a job lacks a number".to_owned())
}

pub(super) fn credits(value: &Value) -> Result<Option<Credits>, String> {
    Ok(row::integer(value)?.map(Credits::of_millionths))
}

fn amount(credits: Option<Credits>) -> Result<Value, String> {
    credits.map_or(Ok(Value::Null), |credits| row::number(credits.millionths()))
}

fn time(ms: Option<u64>) -> Result<Value, String> {
    ms.map_or(Ok(Value::Null), row::number)
}

fn end_values(end: Option<&JobEnd>) -> Result<[Value; 3], String> {
    let Some(end) = end else { return Ok([Value::Null, Value::Null, Value::Null]) };
    Ok([end.key.as_str().into(), end.ending.name().into(), amount(end.credits)?])
}

fn values(job_id: &str, job: &Job) -> Result<Vec<Value>, String> {
    let mut values = vec![
        job_id.into(),
        job.tenant.clone().into(),
        row::number(job.known_ms)?,
        row::number(job.deadline_ms)?,
        amount(job.estimated)?,
    ];
    values.extend(end_values(job.end.as_ref())?);
    values.push(time(job.ended_ms)?);
    values.extend(end_values(job.made.as_ref())?);
    values.push(job.alias_key.clone().into());
    values.push(row::number(job.is_conflict.into())?);
    let shown = job.shown.as_ref();
    values.push(shown.map(|shown| shown.status.clone()).into());
    values.push(time(shown.map(|shown| shown.since_ms))?);
    values.push(amount(shown.and_then(|shown| shown.credits))?);
    values.extend([time(job.look_ms)?, row::number(job.looks)?]);
    Ok(values)
}

impl<D: Storage> JobStore for SqliteStore<D> {
    fn job(&self, job_id: &str) -> Result<Option<Job>, String> {
        let row = self.query(SELECT, vec![job_id.into()])?.into_iter().next();
        Ok(row.map(job).transpose()?.map(|(_, job)| job))
    }

    fn set_job(&mut self, job_id: &str, job: &Job) -> Result<(), String> {
        self.query(INSERT, values(job_id, job)?).map(drop)
    }

    fn ends(&self, job_id: &str) -> Result<Vec<(String, Entry)>, String> {
        self.query(SELECT_ENDS, vec![job_id.into()])?.into_iter().map(row::entry).collect()
    }

    fn due_jobs(&self, quiet_ms: u64, limit: u32, now_ms: u64) -> Result<Vec<DueJob>, String> {
        let values = vec![row::number(now_ms)?, row::number(quiet_ms)?, row::number(limit.into())?];
        let rows = self.query(SELECT_DUE, values)?;
        let due = |columns: Columns| {
            let [job_id, known]: [Value; 2] =
                columns.try_into().map_err(|_| "a row has not 2 columns")?;
            let job_id = row::text(job_id)?.ok_or("a job has no id")?;
            Ok(DueJob { job_id, known_ms: present(&known)? })
        };
        rows.into_iter().map(due).collect()
    }

    fn next_look_ms(&self, quiet_ms: u64, now_ms: u64) -> Result<Option<u64>, String> {
        self.number(SELECT_NEXT_LOOK, vec![row::number(now_ms)?, row::number(quiet_ms)?])
    }

    fn list_jobs(&self, filter: &JobFilter, now_ms: u64) -> Result<Vec<(String, Job)>, String> {
        let (known_ms, job_id) = match &filter.cursor {
            Some(cursor) => (cursor.known_ms, cursor.job_id.as_str()),
            None => (row::LARGEST_EXACT, ""),
        };
        let values = vec![
            filter.state.clone().into(),
            row::number(now_ms)?,
            filter.tenant.clone().into(),
            row::number(known_ms.min(row::LARGEST_EXACT))?,
            job_id.into(),
            row::number(filter.limit.into())?,
        ];
        self.query(LIST, values)?.into_iter().map(job).collect()
    }

    fn count_jobs(&self, limit: u32, now_ms: u64) -> Result<(u64, u64), String> {
        let count = |deadline_ms| {
            let values = vec![row::number(deadline_ms)?, row::number(limit.into())?];
            Ok::<_, String>(self.number(COUNT_OPEN, values)?.unwrap_or(0))
        };
        Ok((count(row::LARGEST_EXACT)?, count(now_ms)?))
    }

    fn costs(&self, now_ms: u64) -> Result<Vec<TenantCosts>, String> {
        costs_sql::costs(self, now_ms)
    }

    fn total_costs(&self, now_ms: u64) -> Result<TenantCosts, String> {
        costs_sql::total(self, now_ms)
    }

    fn forget_ended_jobs(&mut self, ended_ms: u64, limit: u32) -> Result<u32, String> {
        let values = vec![row::number(ended_ms)?, row::number(limit.into())?];
        Ok(u32::try_from(self.query(DELETE_ENDED, values)?.len()).unwrap_or(u32::MAX))
    }

    fn forget_open_jobs(
        &mut self,
        deadline_ms: u64,
        limit: u32,
    ) -> Result<Vec<ExpiredJob>, String> {
        let values = vec![row::number(deadline_ms)?, row::number(limit.into())?];
        let rows = self.query(DELETE_OPEN, values)?;
        let expired = |columns: Columns| {
            let [deadline, job_id, tenant, shown]: [Value; 4] =
                columns.try_into().map_err(|_| "a row has not 4 columns")?;
            Ok(ExpiredJob {
                deadline_ms: present(&deadline)?,
                job_id: row::text(job_id)?.ok_or("a job has no id")?,
                tenant: row::text(tenant)?,
                shown: row::text(shown)?,
            })
        };
        let expired = rows.into_iter().map(expired).collect::<Result<Vec<_>, String>>();
        expired.map(|mut expired| {
            merge::sort(&mut expired);
            expired
        })
    }

    fn forget_job(&mut self, job_id: &str) -> Result<(), String> {
        self.query(DELETE, vec![job_id.into()]).map(drop)
    }

    fn oldest_jobs_ms(&self) -> Result<(Option<u64>, Option<u64>), String> {
        let columns = self.query(SELECT_OLDEST, Vec::new())?.into_iter().next();
        let [ended, deadline]: [Value; 2] =
            columns.unwrap_or_default().try_into().map_err(|_| "a row has not 2 columns")?;
        Ok((row::integer(&ended)?, row::integer(&deadline)?))
    }
}
