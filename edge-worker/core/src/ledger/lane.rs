//! Lanes: the owed events of one job, which go out one after the other, in the order in which they were
//! accepted. A dead letter leaves its lane. An event without a job is a lane of its own.

use super::alarm;
use super::entry::{Entry, EventState};
use super::policy::Policy;
use super::store::Store;

/// Whether an earlier event of its job has to go out before this one.
///
/// # Errors
/// The store's message.
pub(crate) fn is_blocked(
    store: &impl Store,
    key: &str,
    job_id: Option<&str>,
    policy: &Policy,
) -> Result<bool, String> {
    let Some(job_id) = job_id.filter(|_| policy.is_ordered) else { return Ok(false) };
    Ok(store.lane_head(job_id)?.is_some_and(|(head, _)| head != key))
}

/// Has the next event of a lane go out, after one has left it. It does so whether or not events are ordered
/// now: they may have been when the next one was accepted.
///
/// # Errors
/// The store's message.
pub(crate) fn hand_over(
    store: &mut impl Store,
    job_id: Option<&str>,
    now_ms: u64,
) -> Result<(), String> {
    let Some(job_id) = job_id else { return Ok(()) };
    if let Some((key, entry)) = store.lane_head(job_id)?
        && entry.state == (EventState::Waiting { due_ms: None })
    {
        let state = EventState::Waiting { due_ms: Some(now_ms) };
        store.update(&key, &Entry { state, ..entry })?;
        alarm::ensure(store, now_ms, now_ms);
    }
    Ok(())
}
