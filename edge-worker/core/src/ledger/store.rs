//! Where a shard keeps its rows, and its alarm.

use serde::Serialize;

use super::audit::AuditStore;
use super::costs::Totals;
use super::entry::Entry;
use super::expired::Expired;
use super::figures::Figures;
use super::gate::Gate;
use super::jobs::JobStore;
use super::kept::KeptStore;
use super::order::JobStage;
use super::replays::ReplayStore;
use super::search::{Looked, Search};
use super::trail::TrailEntry;
use super::walk::{Piece, Walk, Walked};
use crate::counts::Counts;
use crate::json::from_json;

/// What a claim goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The row of the event.
    pub(crate) entry: Option<Entry>,
    /// The furthest stage of its job that the origin has been told of.
    pub(crate) furthest: Option<JobStage>,
    /// What holds events back.
    pub(crate) gate: Gate,
}

/// How many bytes the bodies of owed events have, as far as an object knows without looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OwedBytes {
    /// Their sum when they were last added up.
    pub(crate) counted: u64,
    /// When that was, in milliseconds since 1970.
    pub(crate) counted_ms: u64,
    /// The same and what has come since: there are not more.
    pub(crate) at_most: u64,
}

/// What an object remembers as long as it runs, in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Memory {
    /// The bytes of owed events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owed: Option<OwedBytes>,
    /// What jobs cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) totals: Option<Totals>,
}

from_json!(Memory { owed = or_default, totals = or_default });

from_json!(OwedBytes { counted = required, counted_ms = required, at_most = required });

/// The rows of one shard and its alarm. The object keeps them in SQLite, tests in memory as well.
///
/// Callers read, decide and write without a pause in between; nothing here waits. What one call
/// writes, the alarm included, is on disk as a whole or not at all if the machine crashes.
///
/// # Errors
/// An error means that nothing is known: a row that cannot be read must never count as one that is
/// not there.
pub(crate) trait Store: KeptStore + ReplayStore + JobStore + AuditStore {
    /// The row of an event.
    fn read(&self, job_id: Option<&str>, key: &str) -> Result<Option<Entry>, String>;

    /// The same for an event whose job is not known. All rows are looked at.
    fn find(&self, key: &str) -> Result<Option<Entry>, String>;

    /// The trail of an event, the oldest entry first; empty if there is no such event.
    fn trail(&self, job_id: Option<&str>, key: &str) -> Result<Vec<TrailEntry>, String>;

    /// Adds a delivery that has changed nothing to the trail of the event, which has a row, and writes nothing if
    /// there are [`MOST_ALIKE`](super::trail::MOST_ALIKE) of its outcome.
    fn note(
        &mut self,
        job_id: Option<&str>,
        key: &str,
        delivery: &TrailEntry,
    ) -> Result<(), String>;

    /// What the claim of an event goes by, in one look.
    fn known(&self, job_id: Option<&str>, key: &str) -> Result<Known, String>;

    /// Writes the row of an event that has none. If it is owed, the bytes that came with the call are its
    /// body. As for all that write a row: its trail gets what is noted in the entry.
    fn insert(&mut self, key: &str, entry: &Entry) -> Result<(), String>;

    /// Writes the row of an event that has one, as it was read in the same step. What the event is and
    /// when it came first stays, and so does the body as long as the event is owed.
    fn update(&mut self, key: &str, entry: &Entry) -> Result<(), String>;

    /// The same, for an event that becomes owed: the bytes that came with the call are its body.
    fn accept(&mut self, key: &str, entry: &Entry) -> Result<(), String>;

    /// The first event of a job that the edge still has to deliver, with its key.
    fn lane_head(&self, job_id: &str) -> Result<Option<(String, Entry)>, String>;

    /// The place behind all owed events of a job.
    fn next_seq(&self, job_id: &str) -> Result<u64, String>;

    /// The owed event that has been due longest, if one is due, with its key.
    fn first_due(&self, now_ms: u64) -> Result<Option<(String, Entry)>, String>;

    /// An owed event with as few tries as any other of the [`LAST_DUE`] that fell due last, with its key; among
    /// those the one that fell due last. Only so many, since there may be a million; the last ones, since the
    /// longest due may all be events that the origin never takes.
    fn least_tried_due(&self, now_ms: u64) -> Result<Option<(String, Entry)>, String>;

    /// When the next owed event is due.
    fn next_due_ms(&self) -> Result<Option<u64>, String>;

    /// How many attempts of owed events are under way.
    fn under_way(&self, now_ms: u64) -> Result<u32, String>;

    /// When the first lease of these attempts ends.
    fn next_lease_end_ms(&self, now_ms: u64) -> Result<Option<u64>, String>;

    /// How many bytes the bodies of owed events have, dead letters included.
    fn owed_bytes(&self) -> Result<u64, String>;

    /// What is remembered; nothing if the object has been started anew since. A step that fails leaves it as it is:
    /// too large a number of bytes does no harm, and totals are only shown.
    fn remembered(&self) -> Memory;

    /// Remembers that, in memory.
    fn remember(&mut self, memory: &Memory);

    /// The size of the database, in bytes.
    fn bytes(&self) -> Result<u64, String>;

    /// What holds owed events back.
    fn gate(&self) -> Result<Gate, String>;

    /// Notes what holds owed events back.
    fn set_gate(&mut self, gate: &Gate) -> Result<(), String>;

    /// The furthest stage of a job that the origin has been told of.
    fn furthest_stage(&self, job_id: &str) -> Result<Option<JobStage>, String>;

    /// Where the walk through all rows stands; none if there was no row when the last one ended.
    fn walk(&self) -> Result<Option<Walk>, String>;

    /// Notes where it stands.
    fn set_walk(&mut self, walk: Option<&Walk>) -> Result<(), String>;

    /// Goes through a piece of it, in the order of places: deletes the rows that are due, and opens the claims that
    /// are lost. Owed events are passed over.
    fn walk_on(&mut self, piece: &Piece) -> Result<Walked, String>;

    /// Whether there is no row.
    fn is_empty(&self) -> Result<bool, String>;

    /// Deletes at most `limit` dead letters whose last transition was at `due_ms` or before; their number.
    fn delete_dead(&mut self, due_ms: u64, limit: u32) -> Result<Vec<Expired>, String>;

    /// When the oldest dead letter had its last transition.
    fn oldest_dead_ms(&self) -> Result<Option<u64>, String>;

    /// Adds to the counts by outcome.
    fn add(&mut self, outcomes: &Counts) -> Result<(), String>;

    /// Notes the number of shards, if it differs from the last one noted.
    fn note_shards(&mut self, shards: u32, now_ms: u64) -> Result<(), String>;

    /// Figures of the shard as a whole. Unsettled events whose last transition was at `abandoned_ms` or
    /// before are counted as abandoned.
    fn figures(&self, abandoned_ms: u64) -> Result<Figures, String>;

    /// Looks for events among so many rows.
    fn look(&self, search: &Search) -> Result<Looked, String>;

    /// When the pending alarm rings, in milliseconds since 1970; none if none is pending.
    fn alarm_ms(&self) -> Option<u64>;

    /// Sets the alarm, in place of the one that is pending, or takes it away.
    fn set_alarm(&mut self, alarm_ms: Option<u64>);
}

/// Among so many events of a state one with few tries is looked for.
pub(crate) const LAST_DUE: u32 = 100;

/// The state of dead letters, which have a retention of their own.
pub(crate) const DEAD: &str = "dead";
