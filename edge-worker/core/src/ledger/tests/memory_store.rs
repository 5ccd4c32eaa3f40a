//! The naive store: rows in a map, every question answered by looking at all of them.

use std::collections::BTreeMap;

use crate::counts::Counts;
use crate::ledger::entry::{Entry, EventState};
use crate::ledger::figures::Figures;
use crate::ledger::listing::Filter;
use crate::ledger::listing::list_order;
use crate::ledger::order::JobStage;
use crate::ledger::store::{Store, UNSETTLED};

/// How many numbers of shards the figures tell.
const SHARD_COUNTS: usize = 10;

/// The rows of one shard. It can be compared and hashed, so it can be a part of a model's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct MemoryStore {
    pub(super) rows: BTreeMap<String, Entry>,
    outcomes: BTreeMap<String, u64>,
    shard_counts: Vec<(u64, u32)>,
    alarm_ms: Option<u64>,
}

impl MemoryStore {
    /// Forgets what was counted.
    pub(crate) fn clear_outcomes(&mut self) {
        self.outcomes.clear();
    }
}

impl Store for MemoryStore {
    fn read(&self, key: &str) -> Result<Option<Entry>, String> {
        Ok(self.rows.get(key).cloned())
    }

    fn insert(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        let before = self.rows.insert(key.to_owned(), entry.clone());
        if before.is_some() { Err("there is such a row".to_owned()) } else { Ok(()) }
    }

    fn update(&mut self, key: &str, entry: &Entry) -> Result<(), String> {
        let row = self.rows.get_mut(key).ok_or("there is no such row")?;
        *row = Entry { meta: row.meta.clone(), first_ms: row.first_ms, ..entry.clone() };
        Ok(())
    }

    fn furthest_stage(&self, job_id: &str) -> Result<Option<JobStage>, String> {
        let of_job = |entry: &&Entry| entry.meta.job_id.as_deref() == Some(job_id);
        let delivered = self.rows.values().filter(of_job).filter(|it| it.state == EventState::Done);
        Ok(delivered.filter_map(|entry| entry.meta.stage()).max())
    }

    /// Which of the rows that are due go first is left open, so a limit below their number may take
    /// others than another store does.
    fn delete_due(&mut self, due_ms: u64, limit: u32) -> Result<u32, String> {
        let is_due = |(_, entry): &(&String, &Entry)| entry.last_ms <= due_ms;
        let due = self.rows.iter().filter(is_due).map(|(key, _)| key.clone());
        let due: Vec<_> = due.take(limit as usize).collect();
        self.rows.retain(|key, _| !due.contains(key));
        Ok(u32::try_from(due.len()).unwrap())
    }

    fn oldest_ms(&self) -> Result<Option<u64>, String> {
        Ok(self.rows.values().map(|entry| entry.last_ms).min())
    }

    fn add(&mut self, outcomes: &Counts) -> Result<(), String> {
        for (outcome, times) in outcomes.iter() {
            *self.outcomes.entry(outcome.to_owned()).or_default() += times;
        }
        Ok(())
    }

    fn note_shards(&mut self, shards: u32, now_ms: u64) -> Result<(), String> {
        match self.shard_counts.last() {
            Some((_, last)) if *last == shards => {}
            Some((since_ms, _)) => self.shard_counts.push((now_ms.max(since_ms + 1), shards)),
            None => self.shard_counts.push((now_ms, shards)),
        }
        Ok(())
    }

    /// No size in bytes: memory has none that means anything.
    fn figures(&self, abandoned_ms: u64) -> Result<Figures, String> {
        let mut figures = Figures { oldest_ms: self.oldest_ms()?, ..Figures::default() };
        for entry in self.rows.values() {
            figures.events.count(entry.state.name());
            let is_abandoned =
                UNSETTLED.contains(&entry.state.name()) && entry.last_ms <= abandoned_ms;
            figures.abandoned += u64::from(is_abandoned);
        }
        self.outcomes.iter().for_each(|(outcome, times)| figures.outcomes.add(outcome, *times));
        let untold = self.shard_counts.len().saturating_sub(SHARD_COUNTS);
        figures.shard_counts.extend(self.shard_counts.iter().skip(untold));
        Ok(figures)
    }

    fn list(&self, filter: &Filter) -> Result<Vec<(String, Entry)>, String> {
        let mut rows: Vec<_> = self.rows.clone().into_iter().collect();
        rows.retain(|(key, entry)| filter.passes(key, entry));
        rows.sort_by(|(left_key, left), (right_key, right)| {
            list_order((left.last_ms, left_key), (right.last_ms, right_key))
        });
        rows.truncate(filter.limit as usize);
        Ok(rows)
    }

    fn alarm_ms(&self) -> Option<u64> {
        self.alarm_ms
    }

    fn set_alarm(&mut self, alarm_ms: Option<u64>) {
        self.alarm_ms = alarm_ms;
    }
}
