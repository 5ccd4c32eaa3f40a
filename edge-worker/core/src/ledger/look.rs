//! When the API is asked about a job, and what its answer means.
//!
//! | the API shows | and | next look |
//! | --- | --- | --- |
//! | – | the job became known, or had an event | after the grace |
//! | an end | the ledger has one or owes one | never: the job has ended |
//! | an end | for the first time, or another one than before | a grace later |
//! | the same end | a grace later, and none is in flight | its event is to be made; should nobody do that, a grace later |
//! | anything else | an end was shown before: a stale answer | a grace later |
//! | anything else | the job is in time | after the grace, doubling up to an hour |
//! | anything else | the job is overdue | after an hour |
//!
//! The grace is `RECONCILE_AFTER_SECONDS`; no pause is shorter than that.

use super::end_slot::Standing;
use super::job::{JobPolicy, Observation};
use super::job_row::{Ending, Job, JobEnd, Shown};

/// The longest pause between two looks, in milliseconds, unless the grace is longer.
pub(crate) const LONGEST_PAUSE_MS: u64 = 60 * 60 * 1_000;

/// How long a status may be, in bytes. What is longer is cut: it is none that anybody knows.
const STATUS_BYTES: usize = 64;

/// Takes an observation in; also whether the event of the end is to be made.
pub(crate) fn observed(
    mut job: Job,
    seen: Observation,
    standing: Standing,
    policy: JobPolicy,
    now_ms: u64,
) -> (Job, bool) {
    job.looks = job.looks.saturating_add(1);
    job.estimated = job.estimated.or(seen.estimated);
    if let Standing::Has(end) = standing {
        // Of an event that was there before its job, the credits are not known from its body.
        let noted = job.end.take().filter(|noted| noted.key == end.key);
        // A stale answer, or one that contradicts the event, has no price.
        let shown = seen.credits.filter(|_| Ending::of(&seen.status) == Some(end.ending));
        let credits = noted.and_then(|noted| noted.credits).or(shown);
        job.end = Some(JobEnd { credits, ..end });
        return (job.ended(now_ms), false);
    }
    let grace = |from_ms: u64| Some(from_ms.saturating_add(policy.after_ms));
    let was_end = job.shown.as_ref().is_some_and(|shown| Ending::of(&shown.status).is_some());
    let is_end = Ending::of(&seen.status).is_some();
    let since_ms = job.shown.as_ref().filter(|it| it.status == seen.status).map(|it| it.since_ms);
    if was_end && !is_end {
        job.look_ms = grace(now_ms);
        return (job, false);
    }
    let credits = seen.credits.filter(|_| is_end);
    let status = cut(seen.status);
    job.shown = Some(Shown { status, since_ms: since_ms.unwrap_or(now_ms), credits });
    if !is_end {
        let pause_ms = pause_ms(&job, policy, now_ms);
        job.look_ms = Some(now_ms.saturating_add(pause_ms));
        return (job, false);
    }
    let ripe_ms = since_ms.map(|since_ms| since_ms.saturating_add(policy.after_ms));
    match ripe_ms {
        Some(ripe_ms) if now_ms < ripe_ms => {
            // Not ahead of now by more than a grace, should the clock have been set back.
            job.look_ms = Some(ripe_ms.min(now_ms.saturating_add(policy.after_ms)));
            (job, false)
        }
        _ => {
            job.look_ms = grace(now_ms);
            let is_ripe = ripe_ms.is_some() && standing == Standing::Free;
            (job, is_ripe)
        }
    }
}

/// The pause after a look at a job that has not ended.
fn pause_ms(job: &Job, policy: JobPolicy, now_ms: u64) -> u64 {
    let longest_ms = LONGEST_PAUSE_MS.max(policy.after_ms);
    if job.deadline_ms <= now_ms {
        return longest_ms;
    }
    let doublings = u32::try_from(job.looks.saturating_sub(1)).unwrap_or(u32::MAX);
    let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
    policy.after_ms.saturating_mul(factor).min(longest_ms)
}

fn cut(mut status: String) -> String {
    status.truncate(status.floor_char_boundary(STATUS_BYTES));
    status
}
