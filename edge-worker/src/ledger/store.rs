//! Where a shard keeps its rows.

use core::cmp::Ordering;

use super::audit::Filter;
use super::entry::{Entry, State};
use super::figures::Figures;
use super::order::Stage;
use crate::tally::Tally;

/// The rows of one shard. The object keeps them in SQLite, tests in memory as well.
///
/// Whoever calls reads, decides and writes without a pause in between; nothing here waits.
///
/// # Errors
/// An error means that nothing is known: a row that cannot be read must never count as one that is
/// not there.
pub(crate) trait Store {
    /// The row of an event.
    fn read(&self, key: &str) -> Result<Option<Entry>, String>;

    /// Writes the row of an event that has none.
    fn insert(&mut self, key: &str, entry: &Entry) -> Result<(), String>;

    /// Writes the row of an event that has one, as it was read in the same step. What the event is stays
    /// as it was.
    fn update(&mut self, key: &str, entry: &Entry) -> Result<(), String>;

    /// The furthest stage of a job that the origin has been told of.
    fn furthest_stage(&self, job_id: &str) -> Result<Option<Stage>, String>;

    /// Deletes at most `limit` rows whose last transition was at `due_ms` or before, and says how
    /// many these were.
    fn delete_due(&mut self, due_ms: u64, limit: u32) -> Result<u32, String>;

    /// When the oldest row had its last transition.
    fn oldest_ms(&self) -> Result<Option<u64>, String>;

    /// Adds to the counts by outcome.
    fn add(&mut self, tally: &Tally) -> Result<(), String>;

    /// Notes the number of shards, if it is another one than the last that was noted.
    fn note_shards(&mut self, shards: u32, now_ms: u64) -> Result<(), String>;

    /// What there is to say about the shard as a whole.
    fn figures(&self) -> Result<Figures, String>;

    /// The rows that a filter lets pass, those with the latest transition first, with their keys.
    fn list(&self, filter: &Filter) -> Result<Vec<(String, Entry)>, String>;
}

/// The order of the audit trail: the latest transition first, then by key.
pub(crate) fn audit_order(left: &(String, Entry), right: &(String, Entry)) -> Ordering {
    right.1.last_ms.cmp(&left.1.last_ms).then_with(|| left.0.cmp(&right.0))
}

/// The states, in the order in which they are looked through.
pub(crate) const STATES: [&str; 5] = State::NAMES;
