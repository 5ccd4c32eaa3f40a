//! The store on SQLite.

use super::value::Value;

use super::audit::Filter;
use super::entry::Entry;
use super::figures::{COUNT_LIMIT, Figures};
use super::order::Stage;
use super::store::{STATES, Store, audit_order};
use super::{latest, row, sql};
use crate::tally::Tally;

/// The columns of one row of a statement's result.
pub(crate) type Columns = Vec<Value>;

/// A SQLite database: the object's own, or in tests one of the machine's.
pub(crate) trait Database {
    /// Runs statements to their end; the values are those of the last one. The rows are its result.
    ///
    /// # Errors
    /// What SQLite has to say.
    fn query(&self, statements: &str, values: Vec<Value>) -> Result<Vec<Columns>, String>;

    /// The size of the database, in bytes.
    fn bytes(&self) -> u64;
}

/// The rows of one shard in a SQLite database.
pub(crate) struct SqlStore<D>(pub(crate) D);

/// Takes the tables through the steps that they have not been through yet.
///
/// # Errors
/// What SQLite has to say, or that the tables are of a later version than this code.
pub(crate) fn prepare(database: &impl Database) -> Result<(), String> {
    database.query(sql::PREPARE, Vec::new())?;
    let store = SqlStore(database);
    let version = store.number(sql::SELECT_VERSION, Vec::new())?.unwrap_or(0);
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    let steps = sql::STEPS.get(version..).ok_or_else(|| {
        format!("the tables are of version {version}, later than {}", sql::STEPS.len())
    })?;
    for (next, step) in (version.saturating_add(1)..).zip(steps) {
        database.query(step, Vec::new())?;
        let next = u64::try_from(next).unwrap_or(u64::MAX);
        database.query(sql::UPDATE_VERSION, vec![row::number(next)?])?;
    }
    Ok(())
}

impl<D: Database> Database for &D {
    fn query(&self, statements: &str, values: Vec<Value>) -> Result<Vec<Columns>, String> {
        (*self).query(statements, values)
    }

    fn bytes(&self) -> u64 {
        (*self).bytes()
    }
}

impl<D: Database> SqlStore<D> {
    fn query(&self, statement: &str, values: Vec<Value>) -> Result<Vec<Columns>, String> {
        self.0.query(statement, values)
    }

    /// The one number that a statement results in.
    fn number(&self, statement: &str, values: Vec<Value>) -> Result<Option<u64>, String> {
        let rows = self.query(statement, values)?;
        rows.first().and_then(|columns| columns.first()).map_or(Ok(None), row::integer)
    }
}

impl<D: Database> Store for SqlStore<D> {
    fn read(&self, key: &str) -> Result<Option<Entry>, String> {
        let rows = self.query(sql::SELECT, vec![key.into()])?;
        let row = rows.into_iter().next().map(row::entry).transpose()?;
        Ok(row.map(|(_, entry)| entry))
    }

    fn insert(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        self.query(sql::INSERT, row::values(key, entry)?).map(drop)
    }

    fn update(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        self.query(sql::UPDATE, row::changes(key, entry)?).map(drop)
    }

    fn furthest_stage(&self, job_id: &str) -> Result<Option<Stage>, String> {
        let number = self.number(sql::SELECT_FURTHEST, vec![job_id.into()])?;
        Ok(number.and_then(Stage::from_number))
    }

    fn delete_due(&mut self, due_ms: u64, limit: u32) -> Result<u32, String> {
        let mut deleted = 0_u32;
        for state in STATES {
            let left = limit.saturating_sub(deleted);
            let values = vec![state.into(), row::number(due_ms)?, row::number(left.into())?];
            let rows = self.query(sql::DELETE_DUE, values)?.len();
            deleted = deleted.saturating_add(u32::try_from(rows).unwrap_or(u32::MAX));
        }
        Ok(deleted)
    }

    fn oldest_ms(&self) -> Result<Option<u64>, String> {
        let mut oldest_ms = None;
        for state in STATES {
            let of_state = self.number(sql::SELECT_OLDEST, vec![state.into()])?;
            oldest_ms = [oldest_ms, of_state].into_iter().flatten().min();
        }
        Ok(oldest_ms)
    }

    fn add(&mut self, tally: &Tally) -> Result<(), String> {
        for (outcome, times) in tally.iter() {
            self.query(sql::ADD_TO_TALLY, vec![outcome.into(), row::number(times)?])?;
        }
        Ok(())
    }

    fn note_shards(&mut self, shards: u32, now_ms: u64) -> Result<(), String> {
        let values = vec![row::number(now_ms)?, row::number(shards.into())?];
        self.query(sql::INSERT_SHARD_COUNT, values).map(drop)
    }

    fn figures(&self) -> Result<Figures, String> {
        let mut figures =
            Figures { bytes: self.0.bytes(), oldest_ms: self.oldest_ms()?, ..Figures::default() };
        for state in STATES {
            let limits = vec![state.into(), row::number(COUNT_LIMIT.into())?];
            if let Some(count @ 1..) = self.number(sql::COUNT, limits)? {
                figures.rows.add(state, count);
            }
        }
        for columns in self.query(sql::SELECT_TALLY, Vec::new())? {
            let [outcome, times] = pair(columns)?;
            if let (Some(outcome), Some(times)) = (row::text(outcome)?, row::integer(&times)?) {
                figures.tally.add(&outcome, times);
            }
        }
        for columns in self.query(sql::SELECT_SHARD_COUNTS, Vec::new())? {
            let [since, shards] = pair(columns)?;
            if let (Some(since), Some(shards)) = (row::integer(&since)?, row::integer(&shards)?) {
                let shards = u32::try_from(shards).map_err(|_| "too many shards")?;
                figures.shard_counts.insert(0, (since, shards));
            }
        }
        Ok(figures)
    }

    fn list(&self, filter: &Filter) -> Result<Vec<(String, Entry)>, String> {
        let limit = row::number(filter.limit.into())?;
        let event_type = || Value::from(filter.event_type.clone());
        let mut lists = Vec::new();
        if let Some(job_id) = &filter.job_id {
            let state = filter.state.clone().into();
            let values = vec![job_id.clone().into(), event_type(), state, limit];
            lists.push(self.query(sql::LIST_BY_JOB, values)?);
        } else {
            let is_wanted = |state: &&str| filter.state.as_deref().is_none_or(|it| it == *state);
            for state in STATES.iter().copied().filter(is_wanted) {
                let values = vec![state.into(), event_type(), limit.clone()];
                lists.push(self.query(sql::LIST_BY_STATE, values)?);
            }
        }
        let entries = |rows: Vec<Columns>| rows.into_iter().map(row::entry).collect();
        let lists = lists.into_iter().map(entries).collect::<Result<Vec<Vec<_>>, String>>()?;
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        Ok(latest::merge(lists, limit, audit_order))
    }
}

fn pair(columns: Columns) -> Result<[Value; 2], String> {
    columns.try_into().map_err(|_| "a row has not 2 columns".to_owned())
}
