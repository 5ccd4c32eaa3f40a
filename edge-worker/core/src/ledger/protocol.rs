//! What a shard does with a call: one step on its [`Store`].
//!
//! The row is read, [`entry`] decides, the row is written. Callers must let nothing else happen to the
//! store in between.

use super::alarm;
use super::entry::{self, Change, Claim, Entry, EventState, Policy, Reopen};
use super::event_meta::EventMeta;
use super::figures::ABANDONED_AFTER_MS;
use super::listing::EventSummary;
use super::message::{Call, Reply};
use super::store::Store;
use crate::counts::Counts;

/// Applies a call.
///
/// # Errors
/// The store's message. The call may then have had its effect or not.
pub(crate) fn answer(
    store: &mut impl Store,
    call: Call,
    policy: Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    Ok(match call {
        Call::Claim { key, meta } => claim(store, &key, meta, policy, now_ms)?,
        Call::Commit { key, token, counts } => {
            let change = entry::commit(store.read(&key)?, token, now_ms);
            apply(store, &key, change, &counts)?
        }
        Call::Release { key, token, outcome, counts } => {
            let change = entry::release(store.read(&key)?, token, &outcome, now_ms);
            apply(store, &key, change, &counts)?
        }
        Call::Reopen { key } => match entry::reopen(store.read(&key)?, now_ms) {
            Reopen::Store(entry) => {
                store.update(&key, &entry)?;
                Reply::Ok
            }
            Reopen::InFlight { remaining_ms } => Reply::InFlight { remaining_ms },
            Reopen::Absent => Reply::Absent,
        },
        Call::Figures { counts } => {
            store.add(&counts)?;
            Reply::Figures(store.figures(now_ms.saturating_sub(ABANDONED_AFTER_MS))?)
        }
        Call::List(filter) => {
            let rows = store.list(&filter)?;
            Reply::Events(rows.into_iter().map(|(key, row)| EventSummary::of(&key, row)).collect())
        }
        Call::Find { key } => {
            let entry = store.read(&key)?;
            Reply::Events(entry.into_iter().map(|row| EventSummary::of(&key, row)).collect())
        }
    })
}

fn claim(
    store: &mut impl Store,
    key: &str,
    meta: EventMeta,
    policy: Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    let entry = store.read(key)?;
    let is_done = entry.as_ref().is_some_and(|entry| entry.state == EventState::Done);
    let furthest = match (&meta.job_id, meta.stage()) {
        // What the origin has is not forwarded again, late or not.
        (Some(job_id), Some(_)) if !is_done => store.furthest_stage(job_id)?,
        _ => None,
    };
    let is_new = entry.is_none();
    let mut write = |entry: &Entry| {
        // The alarm that will delete the row belongs to the same step: there is never a row without.
        alarm::ensure(store, now_ms.saturating_add(policy.retention_ms), now_ms);
        if is_new { store.insert(key, entry) } else { store.update(key, entry) }
    };
    Ok(match entry::claim(entry, meta, furthest, policy, now_ms) {
        Claim::Granted(entry, order) => {
            write(&entry)?;
            Reply::Granted { token: entry.attempts, order }
        }
        Claim::LateDropped(entry) => {
            write(&entry)?;
            Reply::LateDropped
        }
        Claim::InFlight { remaining_ms } => Reply::InFlight { remaining_ms },
        Claim::Duplicate => Reply::Duplicate,
    })
}

/// Stores a change, and the counts with it: a call that is repeated has them counted once.
fn apply(
    store: &mut impl Store,
    key: &str,
    change: Change,
    counts: &Counts,
) -> Result<Reply, String> {
    match change {
        Change::Store(entry) => {
            store.update(key, &entry)?;
            store.add(counts)?;
            Ok(Reply::Ok)
        }
        Change::Unchanged => Ok(Reply::Ok),
        Change::Superseded => Ok(Reply::Superseded),
    }
}
