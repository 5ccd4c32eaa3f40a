//! The end of a job that reconciliation makes: stored, and from then on owed by the edge, whatever `DELIVERY` says.

use super::end_slot::{self, Standing};
use super::entry::Entry;
use super::event_meta::EventMeta;
use super::job::Observation;
use super::job_row::{Ending, Job, JobEnd};
use super::message::Reply;
use super::outbox::{self, Offer};
use super::owed::Owed;
use super::policy::Policy;
use super::store::Store;
use super::trail::{Act, TrailEntry};
use super::{jobs, lane};
use crate::counts::Counts;

/// The name under which made ends are counted.
pub(crate) const RECONCILED: &str = "reconciled";

/// Stores an end that was made, so that the edge owes it, unless there is an end or one in flight.
///
/// # Errors
/// The store's message, that jobs are not followed, or that this is no end of this job.
pub(crate) fn make_end(
    store: &mut impl Store,
    observation: &Observation,
    offer: Offer,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    jobs::followed(policy)?;
    let job_id = observation.job_id.as_str();
    let ending = Ending::of(&observation.status).ok_or("the status is not an end")?;
    if offer.meta.job_id.as_deref() != Some(job_id)
        || offer.meta.event_type.as_deref().and_then(Ending::of) != Some(ending)
    {
        return Err("the event is not this end of this job".to_owned());
    }
    let Some(job) = store.job(job_id)? else { return Ok(Reply::Absent) };
    let standing = end_slot::standing(&store.ends(job_id)?, now_ms);
    if job.ended_ms.is_some()
        || standing != Standing::Free
        || store.read(Some(job_id), &offer.key)?.is_some()
    {
        return Ok(Reply::Duplicate);
    }
    let Offer { key, meta, head, body_bytes } = offer;
    if !outbox::has_room(store, body_bytes, policy, now_ms)? {
        return Ok(Reply::Full);
    }
    let is_blocked = lane::is_blocked(store, &key, Some(job_id), policy)?;
    let seq = store.next_seq(job_id)?;
    let owed = Owed { since_ms: now_ms, tries: 0, seq, head, replay: None };
    let due_ms = (!is_blocked).then_some(now_ms);
    let entry =
        Entry::waiting(EventMeta { credits: None, tenant: None, ..meta }, owed, due_ms, now_ms);
    let entry = entry.noting([Some(TrailEntry::new(now_ms, Act::Made, RECONCILED)), None]);
    store.insert(&key, &entry)?;
    outbox::arrange_alarm(store, &entry, policy, now_ms)?;
    let end = JobEnd { key, ending, credits: observation.credits };
    let estimated = job.estimated.or(observation.estimated);
    let job = Job { made: Some(end.clone()), end: Some(end), estimated, ..job };
    store.set_job(job_id, &job.ended(now_ms))?;
    store.add(&Counts::of(RECONCILED))?;
    Ok(Reply::Stored)
}
