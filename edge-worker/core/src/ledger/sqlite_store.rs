//! The store on SQLite.

mod storage;

use super::entry::{ATTEMPT_LOST, Entry};
use super::expired::Expired;
use super::figures::{COUNT_LIMIT, Figures};
use super::gate::Gate;
use super::order::JobStage;
use super::search::{Looked, Search};
use super::store::{Known, LAST_DUE, Memory, Store};
use super::trail::{self, TrailEntry};
use super::value::Value;
use super::walk::{Piece, Place, Walk, Walked};
use super::{replays, row, sql};
use crate::counts::Counts;
use crate::json;
pub use storage::{Columns, Storage};

/// The rows of one shard in a SQLite database.
pub(crate) struct SqliteStore<D>(pub(crate) D);

/// Takes the tables through those of the steps that they have not been through yet.
///
/// # Errors
/// SQLite's message, or that the tables are of a later version than this code.
pub(crate) fn prepare(database: &impl Storage, steps: &[&str]) -> Result<(), String> {
    database.query(sql::PREPARE, Vec::new())?;
    let store = SqliteStore(database);
    let version = store.number(sql::SELECT_VERSION, Vec::new())?.unwrap_or(0);
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    let steps = steps.get(version..).ok_or_else(|| {
        format!("the tables are of version {version}, later than {}", steps.len())
    })?;
    for (next, step) in (version.saturating_add(1)..).zip(steps) {
        database.query(step, Vec::new())?;
        let next = u64::try_from(next).unwrap_or(u64::MAX);
        database.query(sql::UPDATE_VERSION, vec![row::number(next)?])?;
    }
    Ok(())
}

impl<D: Storage> SqliteStore<D> {
    pub(super) fn query(
        &self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Columns>, String> {
        self.0.query(statement, values)
    }

    /// The first row that a statement finds.
    pub(super) fn first(
        &self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<Option<(String, Entry)>, String> {
        self.query(statement, values)?.into_iter().next().map(row::entry).transpose()
    }

    /// How many rows of an unsettled state had their last transition at `until_ms` or before, up to the limit.
    fn count(&self, state: &str, until_ms: u64) -> Result<u64, String> {
        let until = row::number(until_ms.min(row::LARGEST_EXACT))?;
        let values = vec![state.into(), until, row::number(COUNT_LIMIT.into())?];
        Ok(self.number(sql::COUNT_UNSETTLED, values)?.unwrap_or(0))
    }

    /// The one number that a statement results in.
    pub(super) fn number(
        &self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<Option<u64>, String> {
        let rows = self.query(statement, values)?;
        rows.first().and_then(|columns| columns.first()).map_or(Ok(None), row::integer)
    }
}

impl<D: Storage> Store for SqliteStore<D> {
    fn read(&self, job_id: Option<&str>, key: &str) -> Result<Option<Entry>, String> {
        let values = vec![row::job(job_id), key.into()];
        Ok(self.first(sql::SELECT, values)?.map(|(_, entry)| entry))
    }

    fn find(&self, key: &str) -> Result<Option<Entry>, String> {
        Ok(self.first(sql::FIND, vec![key.into()])?.map(|(_, entry)| entry))
    }

    fn trail(&self, job_id: Option<&str>, key: &str) -> Result<Vec<TrailEntry>, String> {
        let rows = self.query(sql::SELECT_TRAIL, vec![row::job(job_id), key.into()])?;
        let lines = rows.into_iter().flatten().next().map_or(Ok(None), row::text)?;
        Ok(trail::read(&lines.unwrap_or_default()))
    }

    fn note(
        &mut self,
        job_id: Option<&str>,
        key: &str,
        delivery: &TrailEntry,
    ) -> Result<(), String> {
        let line = trail::lines(core::slice::from_ref(delivery));
        let alike = trail::alike(&delivery.outcome);
        let most = row::number(trail::MOST_ALIKE as u64)?;
        let values = vec![line.into(), alike.into(), most, row::job(job_id), key.into()];
        self.query(sql::NOTE, values).map(drop)
    }

    fn known(&self, job_id: Option<&str>, key: &str) -> Result<Known, String> {
        let rows = self.query(sql::SELECT_KNOWN, vec![row::job(job_id), key.into()])?;
        let mut columns = rows.into_iter().next().ok_or("nothing was read")?.into_iter();
        let mut next = || columns.next().ok_or_else(|| "a row lacks a column".to_owned());
        let (paused, breaker, furthest) = (next()?, next()?, next()?);
        let columns: Columns = columns.collect();
        let is_there = columns.first().is_some_and(|job_id| *job_id != Value::Null);
        let entry = if is_there { Some(row::entry(columns)?.1) } else { None };
        Ok(Known {
            entry,
            furthest: row::integer(&furthest)?.and_then(JobStage::from_number),
            gate: gate(&paused, breaker)?,
        })
    }

    fn insert(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        let mut values = row::values(key, entry)?;
        let Some(owed) = &entry.owed else { return self.query(sql::INSERT, values).map(drop) };
        values.extend(row::owed(entry, owed)?);
        values.extend([owed.head.clone().into(), Value::Body]);
        self.query(sql::INSERT_OWED, values).map(drop)
    }

    fn update(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        let mut values = row::changes(entry)?;
        let statement = match &entry.owed {
            None => sql::UPDATE,
            Some(owed) => {
                values.extend(row::owed(entry, owed)?);
                sql::UPDATE_OWED
            }
        };
        values.extend([row::job(entry.meta.job_id.as_deref()), key.into()]);
        self.query(statement, values).map(drop)
    }

    fn accept(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        let Some(owed) = &entry.owed else { return Err("the event is not owed".to_owned()) };
        let mut values = row::changes(entry)?;
        values.extend(row::owed(entry, owed)?);
        values.extend([owed.head.clone().into(), Value::Body]);
        values.extend([row::job(entry.meta.job_id.as_deref()), key.into()]);
        self.query(sql::UPDATE_ACCEPTED, values).map(drop)
    }

    fn lane_head(&self, job_id: &str) -> Result<Option<(String, Entry)>, String> {
        self.first(sql::SELECT_LANE_HEAD, vec![job_id.into()])
    }

    fn next_seq(&self, job_id: &str) -> Result<u64, String> {
        Ok(self.number(sql::SELECT_NEXT_SEQ, vec![job_id.into()])?.unwrap_or(0))
    }

    fn first_due(&self, now_ms: u64) -> Result<Option<(String, Entry)>, String> {
        self.first(sql::SELECT_FIRST_DUE, vec![row::number(now_ms)?])
    }

    fn least_tried_due(&self, now_ms: u64) -> Result<Option<(String, Entry)>, String> {
        let values = vec![row::number(now_ms)?, row::number(LAST_DUE.into())?];
        self.first(sql::SELECT_LEAST_TRIED_DUE, values)
    }

    fn next_due_ms(&self) -> Result<Option<u64>, String> {
        self.number(sql::SELECT_NEXT_DUE, Vec::new())
    }

    fn under_way(&self, now_ms: u64) -> Result<u32, String> {
        let number = self.number(sql::COUNT_UNDER_WAY, vec![row::number(now_ms)?])?;
        Ok(u32::try_from(number.unwrap_or(0)).unwrap_or(u32::MAX))
    }

    fn next_lease_end_ms(&self, now_ms: u64) -> Result<Option<u64>, String> {
        self.number(sql::SELECT_NEXT_LEASE_END, vec![row::number(now_ms)?])
    }

    fn owed_bytes(&self) -> Result<u64, String> {
        Ok(self.number(sql::SUM_BODIES, Vec::new())?.unwrap_or(0))
    }

    fn remembered(&self) -> Memory {
        json::read(&self.0.memory()).unwrap_or_default()
    }

    fn remember(&mut self, memory: &Memory) {
        // Numbers and texts can always be written as JSON. The empty text would mean that they are added up again.
        self.0.set_memory(&serde_json::to_string(memory).unwrap_or_default());
    }

    fn bytes(&self) -> Result<u64, String> {
        self.0.bytes()
    }

    fn gate(&self) -> Result<Gate, String> {
        let rows = self.query(sql::SELECT_GATE, Vec::new())?;
        let Some(columns) = rows.into_iter().next() else { return Ok(Gate::default()) };
        let [paused, breaker] = pair(columns)?;
        gate(&paused, breaker)
    }

    fn set_gate(&mut self, gate: &Gate) -> Result<(), String> {
        let breaker = serde_json::to_string(&gate.breaker).map_err(|error| error.to_string())?;
        let paused = row::number(gate.is_paused.into())?;
        self.query(sql::SET_GATE, vec![paused, breaker.into()]).map(drop)
    }

    fn furthest_stage(&self, job_id: &str) -> Result<Option<JobStage>, String> {
        let number = self.number(sql::SELECT_FURTHEST, vec![job_id.into()])?;
        Ok(number.and_then(JobStage::from_number))
    }

    fn walk(&self) -> Result<Option<Walk>, String> {
        let Some(columns) = self.query(sql::SELECT_WALK, Vec::new())?.into_iter().next() else {
            return Ok(None);
        };
        let state = columns.into_iter().next().map_or(Ok(None), row::text)?.unwrap_or_default();
        json::read(&state).map(Some).ok_or_else(|| "the walk is malformed".to_owned())
    }

    fn set_walk(&mut self, walk: Option<&Walk>) -> Result<(), String> {
        let Some(walk) = walk else { return self.query(sql::DELETE_WALK, Vec::new()).map(drop) };
        let state = serde_json::to_string(walk).map_err(|error| error.to_string())?;
        self.query(sql::SET_WALK, vec![state.into()]).map(drop)
    }

    fn walk_on(&mut self, piece: &Piece) -> Result<Walked, String> {
        let Place { job_id, key } = piece.after.clone();
        let mut bounds: Columns = vec![job_id.into(), key.into()];
        let before_last = row::number(piece.rows.saturating_sub(1).into())?;
        let end = self.query(sql::SELECT_PIECE_END, [&*bounds, &[before_last]].concat())?;
        let end = end.into_iter().next();
        bounds.extend(end.clone().unwrap_or_else(|| vec![Value::Null, Value::Null]));
        let with = |values: &[Value]| [&*bounds, values].concat();
        let gone = self.query(sql::DELETE_PIECE, with(&[row::number(piece.due_ms)?]))?;
        let deleted = gone.len();
        let gone = gone.into_iter().map(row::expired).collect::<Result<Vec<_>, _>>()?;
        let lost_ms = row::number(piece.lost_ms)?;
        let found = self
            .query(sql::SELECT_PIECE, with(core::slice::from_ref(&lost_ms)))?
            .into_iter()
            .next();
        let [oldest_ms, lost] = pair(found.unwrap_or_default())?;
        if row::integer(&lost)? != Some(0) {
            self.query(sql::OPEN_PIECE, with(&[lost_ms, ATTEMPT_LOST.into()]))?;
        }
        Ok(Walked {
            deleted: u32::try_from(deleted).unwrap_or(u32::MAX),
            expired: gone.into_iter().filter(|event| !event.is_settled()).collect(),
            oldest_ms: row::integer(&oldest_ms)?,
            end: end.map(place).transpose()?,
        })
    }

    fn is_empty(&self) -> Result<bool, String> {
        Ok(self.query(sql::SELECT_ANY, Vec::new())?.is_empty())
    }

    fn delete_dead(&mut self, due_ms: u64, limit: u32) -> Result<Vec<Expired>, String> {
        let values = vec![row::number(due_ms)?, row::number(limit.into())?];
        self.query(sql::DELETE_DEAD, values)?.into_iter().map(row::expired).collect()
    }

    fn oldest_dead_ms(&self) -> Result<Option<u64>, String> {
        self.number(sql::SELECT_OLDEST_DEAD, Vec::new())
    }

    fn add(&mut self, outcomes: &Counts) -> Result<(), String> {
        for (outcome, times) in outcomes.iter() {
            self.query(sql::ADD_OUTCOME, vec![outcome.into(), row::number(times)?])?;
        }
        Ok(())
    }

    fn note_shards(&mut self, shards: u32, now_ms: u64) -> Result<(), String> {
        let values = vec![row::number(now_ms)?, row::number(shards.into())?];
        self.query(sql::INSERT_SHARD_COUNT, values).map(drop)
    }

    fn figures(&self, abandoned_ms: u64) -> Result<Figures, String> {
        let gate = self.gate()?;
        let limit = row::number(COUNT_LIMIT.into())?;
        let abandoned_until = row::number(abandoned_ms.min(row::LARGEST_EXACT))?;
        let settled = self.query(sql::COUNT_SETTLED, vec![abandoned_until, limit.clone()])?;
        let settled = settled.into_iter().next().ok_or("nothing was counted")?;
        let [rows, oldest, done, claimed, abandoned] = numbers(&settled)?;
        let owed_claims = self.number(sql::COUNT_OWED_CLAIMS, vec![limit.clone()])?.unwrap_or(0);
        let oldest_ms = if rows.unwrap_or(0) < COUNT_LIMIT.into() {
            oldest
        } else {
            self.walk()?.map(|walk| walk.oldest_ms)
        };
        let mut figures = Figures {
            bytes: self.0.bytes()?,
            oldest_ms,
            abandoned: abandoned.unwrap_or(0),
            oldest_waiting_ms: self.number(sql::SELECT_OLDEST_WAITING, vec![limit])?,
            is_paused: gate.is_paused,
            paused_replays: replays::count_paused(self)?,
            breaker: gate.breaker,
            ..Figures::default()
        };
        let claimed = claimed.unwrap_or(0).saturating_add(owed_claims).min(COUNT_LIMIT.into());
        for (state, count) in [("done", done.unwrap_or(0)), ("claimed", claimed)] {
            if count > 0 {
                figures.events.add(state, count);
            }
        }
        for state in sql::UNSETTLED {
            if let count @ 1.. = self.count(state, u64::MAX)? {
                figures.events.add(state, count);
            }
        }
        for state in ["open", "reopened"] {
            let abandoned = self.count(state, abandoned_ms)?;
            figures.abandoned = figures.abandoned.saturating_add(abandoned);
        }
        for columns in self.query(sql::SELECT_OUTCOMES, Vec::new())? {
            let [outcome, times] = pair(columns)?;
            if let (Some(outcome), Some(times)) = (row::text(outcome)?, row::integer(&times)?) {
                figures.outcomes.add(&outcome, times);
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

    fn look(&self, search: &Search) -> Result<Looked, String> {
        self.look_for(search)
    }

    fn alarm_ms(&self) -> Option<u64> {
        self.0.alarm_ms()
    }

    fn set_alarm(&mut self, alarm_ms: Option<u64>) {
        self.0.set_alarm(alarm_ms);
    }
}

fn gate(paused: &Value, breaker: Value) -> Result<Gate, String> {
    let Some(breaker) = row::text(breaker)? else { return Ok(Gate::default()) };
    let breaker = json::read(&breaker).ok_or("the gate has no breaker")?;
    Ok(Gate { is_paused: row::integer(paused)? != Some(0), breaker })
}

pub(super) fn place(columns: Columns) -> Result<Place, String> {
    let [job_id, key] = pair(columns)?;
    let text = |value| row::text(value)?.ok_or_else(|| "a place lacks a text".to_owned());
    Ok(Place { job_id: text(job_id)?, key: text(key)? })
}

fn numbers<const N: usize>(columns: &[Value]) -> Result<[Option<u64>; N], String> {
    let numbers = columns.iter().map(row::integer).collect::<Result<Vec<_>, _>>()?;
    numbers.try_into().map_err(|_| format!("a row has not {N} columns"))
}

pub(super) fn pair(columns: Columns) -> Result<[Value; 2], String> {
    columns.try_into().map_err(|_| "a row has not 2 columns".to_owned())
}
