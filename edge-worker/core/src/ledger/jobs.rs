//! What a shard does about jobs: one step each on its [`Store`].

use super::alarm;
use super::costs::{TOTALS_HOLD_MS, TenantCosts, Totals};
use super::credits::Credits;
use super::end_slot::{self, Slot};
use super::entry::{Entry, EventState};
use super::event_meta::EventMeta;
use super::expired_job::ExpiredJob;
use super::job::{DueJob, JobFilter, JobPolicy, NewJob, Observation};
use super::job_row::{Ending, Job, JobEnd};
use super::look;
use super::message::Reply;
use super::order::JobStage;
use super::policy::Policy;
use super::row::LARGEST_EXACT;
use super::store::{Memory, Store};
use crate::counts::Counts;

/// The name under which genuine ends are counted that say something else than the made one.
pub(crate) const END_CONFLICT: &str = "end_conflict";

/// Where a shard keeps its jobs.
///
/// # Errors
/// As for [`Store`].
pub(crate) trait JobStore {
    /// The row of a job.
    fn job(&self, job_id: &str) -> Result<Option<Job>, String>;

    /// Writes the row of a job, whether or not it is there.
    fn set_job(&mut self, job_id: &str, job: &Job) -> Result<(), String>;

    /// The events of a job's end, by key.
    fn ends(&self, job_id: &str) -> Result<Vec<(String, Entry)>, String>;

    /// Open jobs whose next look is due at `now_ms` and of which no event has come after `quiet_ms`, the longest due
    /// first.
    fn due_jobs(&self, quiet_ms: u64, limit: u32, now_ms: u64) -> Result<Vec<DueJob>, String>;

    /// When the next look is due of those that are not due now; of a job whose last event came after `quiet_ms` it is
    /// so long after that event as `quiet_ms` is before now.
    fn next_look_ms(&self, quiet_ms: u64, now_ms: u64) -> Result<Option<u64>, String>;

    /// The jobs that pass a filter, those first that became known last.
    fn list_jobs(&self, filter: &JobFilter, now_ms: u64) -> Result<Vec<(String, Job)>, String>;

    /// How many jobs are open, and how many of them are overdue; each up to `limit`.
    fn count_jobs(&self, limit: u32, now_ms: u64) -> Result<(u64, u64), String>;

    /// What jobs cost, by tenant.
    fn costs(&self, now_ms: u64) -> Result<Vec<TenantCosts>, String>;

    /// What all jobs cost together, as [`Totals`] have it.
    fn total_costs(&self, now_ms: u64) -> Result<TenantCosts, String>;

    /// Deletes at most `limit` jobs that ended at `ended_ms` or before and of which no event is left; their number.
    fn forget_ended_jobs(&mut self, ended_ms: u64, limit: u32) -> Result<u32, String>;

    /// Deletes at most `limit` open jobs whose deadline was at `deadline_ms` or before.
    fn forget_open_jobs(&mut self, deadline_ms: u64, limit: u32)
    -> Result<Vec<ExpiredJob>, String>;

    /// Deletes the row of a job.
    fn forget_job(&mut self, job_id: &str) -> Result<(), String>;

    /// When the job ended that ended first, and the first deadline of an open one.
    fn oldest_jobs_ms(&self) -> Result<(Option<u64>, Option<u64>), String>;
}

/// An event's job, while the event is claimed or accepted.
pub(crate) struct Following {
    job_id: String,
    policy: JobPolicy,
    before: Option<Job>,
    /// The event, if it is the job's end.
    end: Option<JobEnd>,
    credits: Option<Credits>,
    tenant: Option<String>,
    /// Whether it says something else than the made end.
    is_conflict: bool,
}

impl Following {
    /// Reads the job of an event, and takes what is the job's out of `meta`. None if jobs are not followed, or if the
    /// event has none.
    ///
    /// # Errors
    /// The store's message.
    pub(crate) fn of(
        store: &impl Store,
        key: &str,
        meta: &mut EventMeta,
        policy: &Policy,
    ) -> Result<Option<Self>, String> {
        let (credits, tenant) = (meta.credits.take(), meta.tenant.take());
        let (Some(policy), Some(job_id)) = (policy.jobs, meta.job_id.clone()) else {
            return Ok(None);
        };
        let ending = meta.event_type.as_deref().and_then(Ending::of);
        let end = ending.map(|ending| JobEnd { key: key.to_owned(), ending, credits });
        let before = store.job(&job_id)?;
        Ok(Some(Self { job_id, policy, before, end, credits, tenant, is_conflict: false }))
    }

    /// The reply to a genuine end that the made one stands for. `entry` is its own row, `is_stored` whether the
    /// delivery would be answered once the event is on disk.
    ///
    /// # Errors
    /// The store's message.
    pub(crate) fn absorbed(
        &mut self,
        store: &mut impl Store,
        entry: Option<&Entry>,
        is_stored: bool,
        now_ms: u64,
    ) -> Result<Option<Reply>, String> {
        let (Some(job), Some(end)) = (&self.before, &self.end) else { return Ok(None) };
        let Some(made) = &job.made else { return Ok(None) };
        // What has gone its way already goes on.
        let is_on_its_way = entry.is_some_and(|entry| match entry.state {
            EventState::Done | EventState::Reopened => true,
            EventState::Claimed { lease_end_ms } if now_ms < lease_end_ms => true,
            _ => entry.owed.is_some(),
        });
        if is_on_its_way {
            return Ok(None);
        }
        let made_entry = store.read(Some(&self.job_id), &made.key)?;
        match end_slot::slot(made, made_entry.as_ref(), end, now_ms) {
            Slot::Free => return Ok(None),
            Slot::Conflict => {
                self.is_conflict = true;
                return Ok(None);
            }
            Slot::InFlight { remaining_ms } if !is_stored => {
                return Ok(Some(Reply::InFlight { remaining_ms }));
            }
            Slot::Delivered | Slot::InFlight { .. } => {}
        }
        if job.alias_key.is_none() {
            let mut job = Job { alias_key: Some(end.key.clone()), ..job.clone() };
            // What the job has cost may be known from here only.
            for known in job.made.iter_mut().chain(&mut job.end) {
                known.credits = known.credits.or(end.credits);
            }
            store.set_job(&self.job_id, &job)?;
        }
        Ok(Some(Reply::Duplicate))
    }

    /// Notes what an event says of its job, which is claimed, or from now on owed.
    ///
    /// # Errors
    /// The store's message.
    pub(crate) fn note(
        self,
        store: &mut impl Store,
        is_owed: bool,
        now_ms: u64,
    ) -> Result<(), String> {
        let before = self.before.clone();
        let mut job = self.before.unwrap_or_else(|| Job::new(self.policy, now_ms, now_ms));
        job.tenant = job.tenant.or(self.tenant);
        match self.end {
            None => job.estimated = job.estimated.or(self.credits),
            Some(end) => {
                if self.is_conflict && !job.is_conflict {
                    job.is_conflict = true;
                    store.add(&Counts::of(END_CONFLICT))?;
                }
                // A second end of the provider's is late, and the first one is final. A made one gives way.
                if job.ended_ms.is_none() || job.is_reconciled() {
                    job.end = Some(end);
                }
                if is_owed {
                    job = job.ended(now_ms);
                }
            }
        }
        if before.as_ref() == Some(&job) {
            return Ok(());
        }
        store.set_job(&self.job_id, &job)
    }
}

/// Notes that the origin has an event whose delivery was the provider's to repeat. If it is the end of a job, the job
/// has ended.
///
/// # Errors
/// The store's message.
pub(crate) fn note_done(
    store: &mut impl Store,
    key: &str,
    entry: &Entry,
    policy: &Policy,
    now_ms: u64,
) -> Result<(), String> {
    if policy.jobs.is_none() || entry.meta.stage() != Some(JobStage::Ended) {
        return Ok(());
    }
    let Some(job_id) = entry.meta.job_id.as_deref() else { return Ok(()) };
    match store.job(job_id)? {
        Some(mut job) if job.ended_ms.is_none() => {
            // The job may have been forgotten, and registered again, since its end was claimed.
            if job.end.is_none()
                && let Some(ending) = entry.meta.event_type.as_deref().and_then(Ending::of)
            {
                job.end = Some(JobEnd { key: key.to_owned(), ending, credits: None });
            }
            store.set_job(job_id, &job.ended(now_ms))
        }
        _ => Ok(()),
    }
}

/// Follows a job from now on.
///
/// # Errors
/// The store's message, or that jobs are not followed.
pub(crate) fn register(
    store: &mut impl Store,
    mut new: NewJob,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    let jobs = followed(policy)?;
    let job_id = core::mem::take(&mut new.job_id);
    new.deadline_ms = new.deadline_ms.map(|ms| ms.min(LARGEST_EXACT));
    let before = store.job(&job_id)?;
    let job = before.clone().unwrap_or_else(|| Job::new(jobs, now_ms, now_ms)).registered(new);
    if before.as_ref() != Some(&job) {
        store.set_job(&job_id, &job)?;
        ensure_alarm(store, policy, now_ms);
    }
    Ok(Reply::Ok)
}

/// Lists the jobs that the API is to be asked about.
///
/// # Errors
/// The store's message, or that jobs are not followed.
pub(crate) fn due(
    store: &impl Store,
    limit: u32,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    let quiet_ms = now_ms.saturating_sub(followed(policy)?.after_ms);
    let jobs = store.due_jobs(quiet_ms, limit, now_ms)?;
    let is_full = u64::try_from(jobs.len()).unwrap_or(u64::MAX) >= limit.into();
    let next_ms = if is_full { Some(now_ms) } else { store.next_look_ms(quiet_ms, now_ms)? };
    Ok(Reply::DueJobs { jobs, next_ms })
}

/// Notes what the API has shown.
///
/// # Errors
/// The store's message, or that jobs are not followed.
pub(crate) fn observe(
    store: &mut impl Store,
    observations: Vec<Observation>,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    let jobs = followed(policy)?;
    let (mut ripe, mut unknown) = (Vec::new(), Vec::new());
    for seen in observations {
        let job_id = seen.job_id.clone();
        let known = store.job(&job_id)?;
        // Nothing that the API shows changes an end.
        if known.as_ref().is_some_and(|job| job.ended_ms.is_some()) {
            continue;
        }
        // A list shows open jobs again and again. Only a look that is due counts as one.
        let is_early = |job: &Job| {
            Ending::of(&seen.status).is_none()
                && job.look_ms.is_some_and(|look_ms| now_ms < look_ms)
                && job.shown.as_ref().is_some_and(|shown| shown.status == seen.status)
        };
        if known.as_ref().is_some_and(is_early) {
            continue;
        }
        let Some(job) = known.or_else(|| appeared(&seen, jobs, policy, now_ms)) else {
            unknown.push(job_id);
            continue;
        };
        let standing = end_slot::standing(&store.ends(&job_id)?, now_ms);
        let (job, is_ripe) = look::observed(job, seen, standing, jobs, now_ms);
        store.set_job(&job_id, &job)?;
        ensure_alarm(store, policy, now_ms);
        if is_ripe {
            ripe.push(job_id);
        }
    }
    Ok(Reply::Observed { ripe, unknown })
}

/// Follows a job no longer: it is followed under another name.
///
/// # Errors
/// The store's message.
pub(crate) fn forget(store: &mut impl Store, job_id: &str) -> Result<Reply, String> {
    match store.job(job_id)? {
        Some(job) if job.ended_ms.is_none() => {
            store.forget_job(job_id)?;
            Ok(Reply::Ok)
        }
        Some(_) => Ok(Reply::Ended),
        None => Ok(Reply::Absent),
    }
}

/// A job that only the API has shown. One that may have been here and been forgotten is not followed again: its end
/// would be made a second time.
fn appeared(seen: &Observation, jobs: JobPolicy, policy: &Policy, now_ms: u64) -> Option<Job> {
    let known_ms = seen.created_ms.filter(|_| !seen.is_known_only)?.min(now_ms);
    let is_young = now_ms.saturating_sub(known_ms) < policy.retention_ms;
    is_young.then(|| Job::new(jobs, known_ms, now_ms))
}

/// Lists jobs.
///
/// # Errors
/// The store's message.
pub(crate) fn list(store: &impl Store, filter: &JobFilter, now_ms: u64) -> Result<Reply, String> {
    let jobs = store.list_jobs(filter, now_ms)?;
    Ok(Reply::Jobs(jobs.into_iter().map(|(job_id, job)| job.summary(job_id, now_ms)).collect()))
}

/// What all jobs cost together. All of them have to be looked at, so for a while the sums are told again.
///
/// # Errors
/// The store's message.
pub(crate) fn totals(store: &mut impl Store, now_ms: u64) -> Result<TenantCosts, String> {
    let memory = store.remembered();
    if let Some(totals) = &memory.totals
        && now_ms.abs_diff(totals.at_ms) < TOTALS_HOLD_MS
    {
        return Ok(totals.costs.clone());
    }
    let costs = store.total_costs(now_ms)?;
    let totals = Some(Totals { at_ms: now_ms, costs: costs.clone() });
    store.remember(&Memory { totals, ..memory });
    Ok(costs)
}

/// Looks up one job.
///
/// # Errors
/// The store's message.
pub(crate) fn find(store: &impl Store, job_id: &str, now_ms: u64) -> Result<Reply, String> {
    let job = store.job(job_id)?.map(|job| job.summary(job_id.to_owned(), now_ms));
    Ok(Reply::Jobs(job.into_iter().collect()))
}

/// A call about jobs that are not followed is answered as an error, never as done: the object may have other settings
/// than who calls, until a deployment is over.
pub(super) fn followed(policy: &Policy) -> Result<JobPolicy, String> {
    policy.jobs.ok_or_else(|| "jobs are not followed here: deploy in progress?".to_owned())
}

fn ensure_alarm(store: &mut impl Store, policy: &Policy, now_ms: u64) {
    alarm::ensure(store, now_ms.saturating_add(policy.retention_ms), now_ms);
}
