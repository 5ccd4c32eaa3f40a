//! What a shard does with a call. Pure but for its [`Store`].
//!
//! A call is one step: the row is read, [`entry`](super::entry) decides, the row is written. Whoever
//! calls must let nothing else happen to the store in between.

use super::audit::Listed;
use super::entry::{self, Change, Claim, Entry, Facts, Forget, Policy, State};
use super::message::{Answer, Call};
use super::retention;
use super::store::Store;
use crate::tally::Tally;

/// Notes how many shards there are, when the shard's object starts.
///
/// # Errors
/// What the store has to say.
pub(crate) fn start(store: &mut impl Store, shards: u32, now_ms: u64) -> Result<(), String> {
    store.note_shards(shards, now_ms)
}

/// Does what a call asks for.
///
/// # Errors
/// What the store has to say. The call may then have had its effect or not.
pub(crate) fn answer(
    store: &mut impl Store,
    call: Call,
    policy: Policy,
    now_ms: u64,
) -> Result<Answer, String> {
    Ok(match call {
        Call::Claim { key, facts } => claim(store, &key, facts, policy, now_ms)?,
        Call::Commit { key, token, tally } => {
            let change = entry::commit(store.read(&key)?, token, now_ms);
            apply(store, &key, change, &tally)?
        }
        Call::Release { key, token, outcome, tally } => {
            let change = entry::release(store.read(&key)?, token, &outcome, now_ms);
            apply(store, &key, change, &tally)?
        }
        Call::Forget { key } => match entry::forget(store.read(&key)?, now_ms) {
            Forget::Store(entry) => {
                store.update(&key, &entry)?;
                Answer::Ok
            }
            Forget::InFlight { remaining_ms } => Answer::InFlight { remaining_ms },
            Forget::Absent => Answer::Absent,
        },
        Call::Figures { tally } => {
            store.add(&tally)?;
            Answer::Figures(store.figures()?)
        }
        Call::List(filter) => {
            let rows = store.list(&filter)?;
            Answer::Rows(rows.iter().map(|(key, entry)| Listed::of(key, entry)).collect())
        }
        Call::Find { key } => {
            let entry = store.read(&key)?;
            Answer::Rows(entry.iter().map(|entry| Listed::of(&key, entry)).collect())
        }
    })
}

fn claim(
    store: &mut impl Store,
    key: &str,
    facts: Facts,
    policy: Policy,
    now_ms: u64,
) -> Result<Answer, String> {
    let entry = store.read(key)?;
    let is_done = entry.as_ref().is_some_and(|entry| entry.state == State::Done);
    let furthest = match (&facts.job_id, facts.stage()) {
        // What the origin has is not forwarded again, late or not.
        (Some(job_id), Some(_)) if !is_done => store.furthest_stage(job_id)?,
        _ => None,
    };
    let is_new = entry.is_none();
    let mut write = |entry: &Entry| {
        if is_new { store.insert(key, entry) } else { store.update(key, entry) }
    };
    Ok(match entry::claim(entry, facts, furthest, policy, now_ms) {
        Claim::Granted(entry, order) => {
            write(&entry)?;
            Answer::Granted { token: entry.attempts, order }
        }
        Claim::LateDropped(entry) => {
            write(&entry)?;
            Answer::LateDropped
        }
        Claim::InFlight { remaining_ms } => Answer::InFlight { remaining_ms },
        Claim::Duplicate => Answer::Duplicate,
    })
}

/// Stores a change, and the tally with it: a call that is repeated has it counted once.
fn apply(
    store: &mut impl Store,
    key: &str,
    change: Change,
    tally: &Tally,
) -> Result<Answer, String> {
    match change {
        Change::Store(entry) => {
            store.update(key, &entry)?;
            store.add(tally)?;
            Ok(Answer::Ok)
        }
        Change::Unchanged => Ok(Answer::Ok),
        Change::Refused => Ok(Answer::Refused),
    }
}

/// What a sweep has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Swept {
    /// How many rows it has deleted.
    #[cfg_attr(not(any(test, feature = "planted")), allow(dead_code, reason = "for tests"))]
    pub(crate) deleted: u32,
    /// When to look again; never, if no row is left.
    pub(crate) next_ms: Option<u64>,
}

/// Deletes what is due, a batch at most.
///
/// # Errors
/// What the store has to say.
pub(crate) fn sweep(
    store: &mut impl Store,
    retention_ms: u64,
    now_ms: u64,
) -> Result<Swept, String> {
    let due_ms = retention::due_before_ms(now_ms, retention_ms);
    let deleted = store.delete_due(due_ms, retention::BATCH)?;
    let next_ms = retention::next_alarm_ms(now_ms, retention_ms, deleted, store.oldest_ms()?);
    Ok(Swept { deleted, next_ms })
}
