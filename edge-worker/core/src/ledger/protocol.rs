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
use super::store::{DEAD, Known, Store};
use super::trail::{Act, TrailEntry};
use super::{alarm, audit, kept, made_end, replays, search};
use crate::counts::Counts;
use crate::outcome::Outcome;

/// What is noted of a delivery that goes on to the origin without being on disk.
const CLAIMED: &str = "claimed";

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
        Call::Claim { key, meta, correlation_id } => {
            claim(store, &key, meta, correlation_id.as_deref(), policy, now_ms)?
        }
        Call::Accept { key, meta, head, body_bytes, correlation_id } => {
            let offer = Offer { key, meta, head, body_bytes };
            outbox::accept(store, offer, correlation_id.as_deref(), policy, now_ms)?
        }
        Call::Commit { job_id, key, token, status, correlation_id, counts } => {
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
            let outcome = Outcome::Forwarded.code();
            let attempt = TrailEntry::attempt(now_ms, token, outcome, status).by(correlation_id);
            let settled = Settled::of(before_state, owed, attempt, true);
            apply(store, &key, change, settled, &counts, policy, now_ms)?
        }
        Call::Release {
            job_id,
            key,
            token,
            outcome,
            status,
            retry_after_ms,
            jitter,
            correlation_id,
            counts,
        } => {
            let before = store.read(job_id.as_deref(), &key)?;
            let before_state = before.as_ref().map(|entry| entry.state);
            let owed = before.as_ref().and_then(|entry| entry.owed.clone());
            let failure = Failure { status, retry_after_ms, jitter };
            let change = entry::release(before, token, &outcome, failure, policy, now_ms);
            // An origin that refuses an event for good is there.
            let is_alive = status.is_some_and(|status| !policy.retried.contains(status));
            let attempt = TrailEntry::attempt(now_ms, token, &outcome, status).by(correlation_id);
            let settled = Settled::of(before_state, owed, attempt, is_alive);
            apply(store, &key, change, settled, &counts, policy, now_ms)?
        }
        Call::Reopen { key } => reopen(store, &key, now_ms)?,
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
            // Shards of former numbers of shards get no other call that would notice.
            alarm::revive(store, policy, now_ms)?;
            let mut figures = store.figures(now_ms.saturating_sub(ABANDONED_AFTER_MS))?;
            if policy.jobs.is_some() {
                let (open, overdue) = store.count_jobs(COUNT_LIMIT, now_ms)?;
                let reconciled = figures.outcomes.get(RECONCILED);
                let conflicts = figures.outcomes.get(END_CONFLICT);
                figures.jobs = Some(JobFigures { open, overdue, reconciled, conflicts });
            }
            Reply::Figures(figures)
        }
        Call::Report { counts } => {
            store.add(&counts)?;
            alarm::revive(store, policy, now_ms)?;
            Reply::Ok
        }
        Call::List(filter) => {
            let rows = search::list(store, &filter)?.into_iter();
            Reply::Events(if filter.with_trails {
                with_trails(store, rows)?
            } else {
                rows.map(|(key, row)| EventSummary::of(&key, row)).collect()
            })
        }
        Call::Search(search) => Reply::Found(search::look(store, &search)?),
        Call::Find { key } => {
            let rows = store.find(&key)?.map(|row| (key, row));
            Reply::Events(with_trails(store, rows.into_iter())?)
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
        Call::Totals => Reply::Costs(vec![jobs::totals(store, now_ms)?]),
        Call::Audit { cursor, limit } => Reply::Audit(store.audit(cursor, limit)?),
    })
}

fn reopen(store: &mut impl Store, key: &str, now_ms: u64) -> Result<Reply, String> {
    let before = store.find(key)?;
    let lost = before.as_ref().and_then(TrailEntry::lost);
    Ok(match entry::reopen(before, now_ms) {
        Reopen::Store(entry) => {
            // What is claimed here is past its lease.
            let reopened = TrailEntry::new(now_ms, Act::Reopen, "reopened");
            store.update(key, &entry.noting([lost, Some(reopened)]))?;
            store.forget_kept(key)?;
            Reply::Ok
        }
        Reopen::InFlight { remaining_ms } => Reply::InFlight { remaining_ms },
        Reopen::Owed => Reply::Duplicate,
        Reopen::Absent => Reply::Absent,
    })
}

/// Events, each with its trail.
fn with_trails(
    store: &impl Store,
    rows: impl Iterator<Item = (String, Entry)>,
) -> Result<Vec<EventSummary>, String> {
    let summed_up = |(key, row): (String, Entry)| {
        let trail = store.trail(row.meta.job_id.as_deref(), &key)?;
        Ok(EventSummary { trail, ..EventSummary::of(&key, row) })
    };
    rows.map(summed_up).collect()
}

fn claim(
    store: &mut impl Store,
    key: &str,
    mut meta: EventMeta,
    correlation_id: Option<&str>,
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
    let lost = entry.as_ref().and_then(TrailEntry::lost);
    let job_id = meta.job_id.clone();
    let delivery = |outcome: &str| TrailEntry::delivery(now_ms, outcome, correlation_id);
    let write = |entry: Entry, outcome| {
        let entry = &entry.noting([lost, Some(delivery(outcome))]);
        // The alarm that will delete the row belongs to the same step: there is never a row without.
        alarm::ensure(store, now_ms.saturating_add(policy.retention_ms), now_ms);
        if is_new { store.insert(key, entry) } else { store.update(key, entry) }
    };
    Ok(match entry::claim(entry, meta, furthest, policy, now_ms) {
        Claim::Granted(entry, order) => {
            let token = entry.attempts;
            write(entry, CLAIMED)?;
            if let Some(following) = following {
                following.note(store, false, now_ms)?;
            }
            Reply::Granted { token, order }
        }
        Claim::LateDropped(entry) => {
            write(entry, Outcome::LateDropped.code())?;
            Reply::LateDropped
        }
        Claim::InFlight { remaining_ms } => {
            let code = Outcome::in_flight(remaining_ms).code();
            store.note(job_id.as_deref(), key, &delivery(code))?;
            Reply::InFlight { remaining_ms }
        }
        Claim::Duplicate => {
            store.note(job_id.as_deref(), key, &delivery(Outcome::Duplicate.code()))?;
            Reply::Duplicate
        }
    })
}

/// What the end of an attempt means beyond its row.
struct Settled {
    /// Whether the edge owed the event.
    is_owed: bool,
    /// The replay that the event was part of, and the state that it was in.
    replayed: Option<(String, EventState)>,
    /// The end of the attempt, for the event's trail.
    attempt: TrailEntry,
    /// Whether the origin has shown that it is there.
    is_alive: bool,
}

impl Settled {
    fn of(
        before: Option<EventState>,
        owed: Option<Owed>,
        attempt: TrailEntry,
        is_alive: bool,
    ) -> Self {
        let is_owed = owed.is_some();
        let replayed = owed.and_then(|owed| owed.replay).zip(before);
        Self { is_owed, replayed, attempt, is_alive }
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
            let dead = entry.state == EventState::Dead;
            let dead = dead.then(|| TrailEntry::new(now_ms, Act::Dead, DEAD));
            let entry = entry.noting([Some(settled.attempt), dead]);
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
