//! What a shard does with a call: one step on its [`Store`].
//!
//! The row is read, [`entry`] decides, the row is written. Callers must let nothing else happen to the
//! store in between.

use super::entry::{self, Change, Claim, Entry, EventState, Reopen};
use super::event_meta::EventMeta;
use super::figures::{ABANDONED_AFTER_MS, COUNT_LIMIT};
use super::job::JobFigures;
use super::jobs::{self, END_CONFLICT, Following};
use super::listing::EventSummary;
use super::made_end::RECONCILED;
use super::message::{Call, Reply};
use super::outbox::{self, Offer};
use super::owed::{Failure, Owed};
use super::policy::Policy;
use super::store::{Known, Store};
use super::{alarm, audit, kept, made_end, replays};
use crate::counts::Counts;

/// Applies a call, and notes in the audit log who has acted if it is an act.
///
/// # Errors
/// The store's message. The call may then have had its effect or not.
pub(crate) fn act(
    store: &mut impl Store,
    call: Call,
    by: Option<&str>,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    let act = audit::Act::of(&call);
    let reply = answer(store, call, policy, now_ms)?;
    if let Some(act) = act {
        audit::note(store, act, by, &reply, policy, now_ms)?;
    }
    Ok(reply)
}

/// Applies a call.
///
/// # Errors
/// The store's message. The call may then have had its effect or not.
pub(crate) fn answer(
    store: &mut impl Store,
    call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    Ok(match call {
        Call::Claim { key, meta } => claim(store, &key, meta, policy, now_ms)?,
        Call::Accept { key, meta, head, body_bytes } => {
            outbox::accept(store, Offer { key, meta, head, body_bytes }, policy, now_ms)?
        }
        Call::Commit { job_id, key, token, counts } => {
            let before = store.read(job_id.as_deref(), &key)?;
            let before_state = before.as_ref().map(|entry| entry.state);
            let owed = before.as_ref().and_then(|entry| entry.owed.clone());
            let change = entry::commit(before, token, now_ms);
            if let (Some(owed), Change::Store(_)) = (&owed, &change) {
                kept::keep(store, job_id.as_deref(), &key, owed, policy, now_ms)?;
            }
            if let (None, Change::Store(entry)) = (&owed, &change) {
                jobs::note_done(store, &key, entry, policy, now_ms)?;
            }
            let settled = Settled::of(before_state, owed, true);
            apply(store, &key, change, settled, &counts, policy, now_ms)?
        }
        Call::Release { job_id, key, token, outcome, status, retry_after_ms, jitter, counts } => {
            let before = store.read(job_id.as_deref(), &key)?;
            let before_state = before.as_ref().map(|entry| entry.state);
            let owed = before.as_ref().and_then(|entry| entry.owed.clone());
            let failure = Failure { status, retry_after_ms, jitter };
            let change = entry::release(before, token, &outcome, failure, policy, now_ms);
            // An origin that refuses an event for good is there.
            let is_alive = status.is_some_and(|status| !policy.retried.contains(status));
            let settled = Settled::of(before_state, owed, is_alive);
            apply(store, &key, change, settled, &counts, policy, now_ms)?
        }
        Call::Reopen { key } => match entry::reopen(store.find(&key)?, now_ms) {
            Reopen::Store(entry) => {
                store.update(&key, &entry)?;
                store.forget_kept(&key)?;
                Reply::Ok
            }
            Reopen::InFlight { remaining_ms } => Reply::InFlight { remaining_ms },
            Reopen::Owed => Reply::Duplicate,
            Reopen::Absent => Reply::Absent,
        },
        Call::Replay { key, id } => outbox::replay(store, &key, &id, policy, now_ms)?,
        Call::PlanReplay(selection) => replays::plan(store, &selection)?,
        Call::StartReplay(new) => replays::start(store, new, policy, now_ms)?,
        Call::SteerReplay { id, steering } => replays::steer(store, &id, steering, policy, now_ms)?,
        Call::Replays { id: None } => Reply::Replays(store.replays()?),
        Call::Replays { id: Some(id) } => {
            Reply::Replays(store.bulk_replay(&id)?.into_iter().collect())
        }
        Call::Pause { is_paused } => outbox::pause(store, is_paused, policy, now_ms)?,
        Call::Figures { counts } => {
            store.add(&counts)?;
            let mut figures = store.figures(now_ms.saturating_sub(ABANDONED_AFTER_MS))?;
            if policy.jobs.is_some() {
                let (open, overdue) = store.count_jobs(COUNT_LIMIT, now_ms)?;
                let reconciled = figures.outcomes.get(RECONCILED);
                let conflicts = figures.outcomes.get(END_CONFLICT);
                figures.jobs = Some(JobFigures { open, overdue, reconciled, conflicts });
            }
            Reply::Figures(figures)
        }
        Call::List(filter) => {
            let rows = store.list(&filter)?;
            Reply::Events(rows.into_iter().map(|(key, row)| EventSummary::of(&key, row)).collect())
        }
        Call::Find { key } => {
            let entry = store.find(&key)?;
            Reply::Events(entry.into_iter().map(|row| EventSummary::of(&key, row)).collect())
        }
        Call::RegisterJob(new) => jobs::register(store, new, policy, now_ms)?,
        Call::DueJobs { limit } => jobs::due(store, limit, policy, now_ms)?,
        Call::Observe(observations) => jobs::observe(store, observations, policy, now_ms)?,
        Call::MakeEnd { observation, key, meta, head, body_bytes } => {
            let offer = Offer { key, meta, head, body_bytes };
            made_end::make_end(store, &observation, offer, policy, now_ms)?
        }
        Call::Jobs(filter) => jobs::list(store, &filter, now_ms)?,
        Call::ForgetJob { job_id } => jobs::forget(store, &job_id)?,
        Call::FindJob { job_id } => jobs::find(store, &job_id, now_ms)?,
        Call::Costs => Reply::Costs(store.costs(now_ms)?),
        Call::Audit { cursor, limit } => Reply::Audit(store.audit(cursor, limit)?),
    })
}

fn claim(
    store: &mut impl Store,
    key: &str,
    mut meta: EventMeta,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    let mut following = Following::of(store, key, &mut meta, policy)?;
    let Known { entry, furthest, gate } = store.known(meta.job_id.as_deref(), key)?;
    if gate.is_paused {
        return Ok(Reply::Paused);
    }
    if let Some(following) = &mut following
        && let Some(reply) = following.absorbed(store, entry.as_ref(), false, now_ms)?
    {
        return Ok(reply);
    }
    let is_new = entry.is_none();
    let mut write = |entry: &Entry| {
        // The alarm that will delete the row belongs to the same step: there is never a row without.
        alarm::ensure(store, now_ms.saturating_add(policy.retention_ms), now_ms);
        if is_new { store.insert(key, entry) } else { store.update(key, entry) }
    };
    Ok(match entry::claim(entry, meta, furthest, policy, now_ms) {
        Claim::Granted(entry, order) => {
            write(&entry)?;
            if let Some(following) = following {
                following.note(store, false, now_ms)?;
            }
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

/// What the end of an attempt means beyond its row.
struct Settled {
    /// Whether the edge owed the event.
    is_owed: bool,
    /// The replay that the event was part of, and the state that it was in.
    replayed: Option<(String, EventState)>,
    /// Whether the origin has shown that it is there.
    is_alive: bool,
}

impl Settled {
    fn of(before: Option<EventState>, owed: Option<Owed>, is_alive: bool) -> Self {
        let is_owed = owed.is_some();
        let replayed = owed.and_then(|owed| owed.replay).zip(before);
        Self { is_owed, replayed, is_alive }
    }
}

/// Stores a change, and the counts with it: a call that is repeated has them counted once.
fn apply(
    store: &mut impl Store,
    key: &str,
    change: Change,
    settled: Settled,
    counts: &Counts,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    match change {
        Change::Store(entry) => {
            store.update(key, &entry)?;
            store.add(counts)?;
            if let Some((id, before)) = settled.replayed {
                replays::note(store, &id, before, &entry, now_ms)?;
            }
            if settled.is_owed {
                outbox::settled(store, &entry, settled.is_alive, policy, now_ms)?;
            }
            Ok(Reply::Ok)
        }
        Change::Unchanged => Ok(Reply::Ok),
        Change::Superseded => Ok(Reply::Superseded),
    }
}
