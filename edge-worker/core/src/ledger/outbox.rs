//! What a shard does with the events that it owes: one step each on its [`Store`].
//!
//! An owed event always has something that will happen to it: an attempt under a lease or a due time, with an
//! alarm at or before its end; or an earlier event of its job, whose end hands on.

use super::entry::{self, Accept, Claim, Entry, EventState, Replay};
use super::event_meta::EventMeta;
use super::gate::{self, Gate};
use super::jobs::Following;
use super::message::Reply;
use super::order::Order;
use super::owed::Owed;
use super::policy::Policy;
use super::store::{DEAD, Known, Memory, OwedBytes, Store};
use super::trail::{Act, TrailEntry};
use super::{alarm, lane, replays};
use crate::outcome::Outcome;

/// An event that a delivery wants stored.
pub(crate) struct Offer {
    /// Its key.
    pub(crate) key: String,
    /// What the signed body says about it.
    pub(crate) meta: EventMeta,
    /// Headers and names that go along.
    pub(crate) head: String,
    /// The length of the body.
    pub(crate) body_bytes: u64,
}

/// An attempt that the object has to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The event's key.
    pub(crate) key: String,
    /// The event, claimed.
    pub(crate) entry: Entry,
    /// Whether a newer event of the job was delivered before.
    pub(crate) order: Order,
}

/// Stores an event, and claims it if nothing keeps it from going out.
///
/// # Errors
/// The store's message.
pub(crate) fn accept(
    store: &mut impl Store,
    offer: Offer,
    correlation_id: Option<&str>,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    let Offer { key, mut meta, head, body_bytes } = offer;
    let mut following = Following::of(store, &key, &mut meta, policy)?;
    let Known { entry: before, furthest, gate } = store.known(meta.job_id.as_deref(), &key)?;
    if let Some(following) = &mut following
        && let Some(reply) = following.absorbed(store, before.as_ref(), true, now_ms)?
    {
        return Ok(reply);
    }
    let claimed = entry::claim(before.clone(), meta.clone(), furthest, policy, now_ms);
    if matches!(claimed, Claim::Granted(..) | Claim::InFlight { .. })
        && !has_room(store, body_bytes, policy, now_ms)?
    {
        return Ok(Reply::Full);
    }
    let job_id = meta.job_id.as_deref();
    let waits = match gate.held_until(store, policy, now_ms)? {
        _ if lane::is_blocked(store, &key, job_id, policy)? => {
            Some(EventState::Waiting { due_ms: None })
        }
        Some(_) => Some(EventState::Waiting { due_ms: Some(now_ms) }),
        None => None,
    };
    let seq = job_id.map_or(Ok(0), |job_id| store.next_seq(job_id))?;
    let owed = Owed { since_ms: now_ms, tries: 0, seq, head, replay: None };
    let noting = |entry: Entry, lost: Option<TrailEntry>, outcome: Outcome| {
        entry.noting([lost, Some(TrailEntry::delivery(now_ms, outcome.code(), correlation_id))])
    };
    let mut write = |entry: Entry, lost: Option<TrailEntry>| {
        let entry = noting(entry, lost, Outcome::Accepted);
        if before.is_some() {
            store.accept(&key, &entry)?;
        } else {
            store.insert(&key, &entry)?;
        }
        arrange_alarm(store, &entry, policy, now_ms)?;
        match following.take() {
            Some(following) => following.note(store, true, now_ms),
            None => Ok(()),
        }
    };
    let lost = before.as_ref().and_then(TrailEntry::lost);
    Ok(match entry::accept(before.clone(), claimed, owed, waits) {
        Accept::Granted(entry, order) => {
            let token = entry.attempts;
            write(entry, lost)?;
            Reply::Accepted { token, order }
        }
        Accept::Stored(entry) => {
            // An attempt that is under way goes on.
            let lost = lost.filter(|_| !matches!(entry.state, EventState::Claimed { .. }));
            write(entry, lost)?;
            Reply::Stored
        }
        Accept::LateDropped(entry) => {
            alarm::ensure(store, now_ms.saturating_add(policy.retention_ms), now_ms);
            let entry = noting(entry, lost, Outcome::LateDropped);
            if before.is_some() {
                store.update(&key, &entry)?;
            } else {
                store.insert(&key, &entry)?;
            }
            Reply::LateDropped
        }
        Accept::Duplicate => {
            let code = Outcome::Duplicate.code();
            store.note(job_id, &key, &TrailEntry::delivery(now_ms, code, correlation_id))?;
            Reply::Duplicate
        }
    })
}

/// Makes the next attempt that is due and may go out, if there is one.
///
/// # Errors
/// The store's message.
pub(crate) fn take(
    store: &mut impl Store,
    policy: &Policy,
    now_ms: u64,
) -> Result<Option<Taken>, String> {
    /// Events that turn out not to be able to go out are put aside, but not more of them in one step.
    const MOST_PUT_ASIDE: u32 = 100;
    for _ in 0..MOST_PUT_ASIDE {
        let gate = store.gate()?;
        if gate.held_until(store, policy, now_ms)?.is_some() {
            return Ok(None);
        }
        // What shows that the origin is back is rather an event that it has not refused yet.
        let due = if gate.breaker.is_counting() {
            store.least_tried_due(now_ms)?
        } else {
            store.first_due(now_ms)?
        };
        let Some((key, entry)) = due else { return Ok(None) };
        if lane::is_blocked(store, &key, entry.meta.job_id.as_deref(), policy)? {
            let lost = TrailEntry::lost(&entry);
            let state = EventState::Waiting { due_ms: None };
            store.update(&key, &Entry { state, ..entry }.noting([lost, None]))?;
            continue;
        }
        let furthest = match (&entry.meta.job_id, entry.meta.stage()) {
            (Some(job_id), Some(_)) => store.furthest_stage(job_id)?,
            _ => None,
        };
        let order = Order::of(entry.meta.stage(), furthest);
        let (before, lost) = (entry.state, TrailEntry::lost(&entry));
        let entry = entry::take(entry, policy, now_ms);
        let dead = entry.state == EventState::Dead;
        let dead = dead.then(|| TrailEntry::new(now_ms, Act::Dead, DEAD));
        let entry = entry.noting([lost, dead]);
        store.update(&key, &entry)?;
        arrange_alarm(store, &entry, policy, now_ms)?;
        if entry.state == EventState::Dead {
            if let Some(id) = entry.owed.as_ref().and_then(|owed| owed.replay.as_deref()) {
                replays::note(store, id, before, &entry, now_ms)?;
            }
            lane::hand_over(store, entry.meta.job_id.as_deref(), now_ms)?;
            continue;
        }
        let entry = Entry { noted: Vec::new(), ..entry };
        return Ok(Some(Taken { key, entry, order }));
    }
    Ok(None)
}

/// Delivers an event anew whose bytes are on disk.
///
/// # Errors
/// The store's message.
pub(crate) fn replay(
    store: &mut impl Store,
    key: &str,
    id: &str,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    let before = store.find(key)?;
    replay_entry(store, key, before, id, policy, now_ms)
}

/// The same for an event whose row was read in the same step.
///
/// # Errors
/// The store's message.
pub(crate) fn replay_entry(
    store: &mut impl Store,
    key: &str,
    before: Option<Entry>,
    id: &str,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    let job_id = before.as_ref().and_then(|entry| entry.meta.job_id.clone());
    let seq = job_id.as_deref().map_or(Ok(0), |job_id| store.next_seq(job_id))?;
    let is_blocked = lane::is_blocked(store, key, job_id.as_deref(), policy)?;
    let is_owed = before.as_ref().is_some_and(|entry| entry.owed.is_some());
    let kept = if is_owed { None } else { store.kept(key)?.map(|kept| kept.head) };
    match entry::replay(before, kept, id, seq, is_blocked, now_ms) {
        Replay::Store(entry) => {
            let replay = TrailEntry::new(now_ms, Act::Replay, "replayed").by(Some(id.to_owned()));
            let entry = entry.noting([Some(replay), None]);
            if is_owed {
                store.update(key, &entry)?;
            } else {
                store.restore(key, &entry)?;
                // Kept bytes are owed again: they have to be added up before the sum can be believed.
                let mut memory = store.remembered();
                if let Some(owed) = &mut memory.owed {
                    owed.at_most = u64::MAX;
                    store.remember(&memory);
                }
            }
            arrange_alarm(store, &entry, policy, now_ms)?;
            Ok(Reply::Ok)
        }
        Replay::InFlight { remaining_ms } => Ok(Reply::InFlight { remaining_ms }),
        Replay::Gone => Ok(Reply::Gone),
        Replay::Absent => Ok(Reply::Absent),
    }
}

/// Holds all owed events back, or lets them go out again.
///
/// # Errors
/// The store's message.
pub(crate) fn pause(
    store: &mut impl Store,
    is_paused: bool,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    let gate = store.gate()?;
    if gate.is_paused != is_paused {
        store.set_gate(&Gate { is_paused, ..gate })?;
    }
    if let Some(next_ms) = next_ms(store, policy, now_ms)? {
        alarm::ensure(store, next_ms, now_ms);
    }
    replays::ensure_alarm(store, policy, now_ms)?;
    Ok(Reply::Ok)
}

/// What follows when an owed event was committed or released: the breaker learns of it, the lane's next event
/// goes out, and the alarm rings in time.
///
/// # Errors
/// The store's message.
pub(crate) fn settled(
    store: &mut impl Store,
    entry: &Entry,
    is_alive: bool,
    policy: &Policy,
    now_ms: u64,
) -> Result<(), String> {
    let is_first_try = entry.owed.as_ref().is_some_and(|owed| owed.tries == 1);
    let may_hold = gate::note(store, is_alive, is_first_try, policy, now_ms)?;
    arrange_alarm(store, entry, policy, now_ms)?;
    if !entry.is_in_lane() {
        lane::hand_over(store, entry.meta.job_id.as_deref(), now_ms)?;
    }
    // What is held back may go out now that this attempt has ended.
    if may_hold {
        if let Some(next_ms) = next_ms(store, policy, now_ms)? {
            alarm::ensure(store, next_ms, now_ms);
        }
        replays::ensure_alarm(store, policy, now_ms)?;
    }
    Ok(())
}

/// When the alarm has to ring for owed events; none if nothing is owed.
///
/// # Errors
/// The store's message.
pub(crate) fn next_ms(
    store: &impl Store,
    policy: &Policy,
    now_ms: u64,
) -> Result<Option<u64>, String> {
    let Some(due_ms) = store.next_due_ms()? else { return Ok(None) };
    let held_ms = store.gate()?.held_until(store, policy, now_ms)?.unwrap_or(0);
    Ok(Some(due_ms.max(held_ms)))
}

/// Makes sure of an alarm for what will happen to an event next, or for the end of its time here.
///
/// # Errors
/// The store's message.
pub(super) fn arrange_alarm(
    store: &mut impl Store,
    entry: &Entry,
    policy: &Policy,
    now_ms: u64,
) -> Result<(), String> {
    let needed_ms = match entry.state {
        EventState::Dead => now_ms.saturating_add(policy.dead_retention_ms),
        _ => entry.due_ms().unwrap_or_else(|| now_ms.saturating_add(policy.retention_ms)),
    };
    // An event that is held back is due all the same, and the alarm must not ring for it all the time.
    let held_ms = match entry.state {
        EventState::Waiting { due_ms: Some(due_ms) } if due_ms <= now_ms => {
            store.gate()?.held_until(store, policy, now_ms)?.unwrap_or(0)
        }
        _ => 0,
    };
    alarm::ensure(store, needed_ms.max(held_ms), now_ms);
    Ok(())
}

/// How long a sum of the bodies is gone by when it says that there is no room, in milliseconds.
const RECOUNT_MS: u64 = 60_000;

/// The part of the room that can be filled until the bodies are added up again.
const RECOUNT_PART: u64 = 16;

/// Whether the shard can keep a body of this length.
///
/// To add up all bodies takes long when there are many, so it is not done for each event: what has come since is added
/// to the last sum, and what has gone since is not taken off. So the shard never holds more than it may, and may say
/// for up to a minute that it is full when it no longer is.
///
/// # Errors
/// The store's message.
pub(super) fn has_room(
    store: &mut impl Store,
    body_bytes: u64,
    policy: &Policy,
    now_ms: u64,
) -> Result<bool, String> {
    let after = |bytes: u64| bytes.saturating_add(body_bytes);
    let memory = store.remembered();
    let mut owed = match memory.owed {
        // The size of the database is known at once, and bounds what the bodies can have.
        None if after(store.bytes()?) <= policy.most_bytes => return Ok(true),
        Some(owed) if after(owed.at_most) <= policy.most_bytes => owed,
        // Full by the sum, and little has come since: it is not added up for every event that is refused.
        Some(owed)
            if now_ms.abs_diff(owed.counted_ms) < RECOUNT_MS
                && owed.at_most.saturating_sub(owed.counted) < policy.most_bytes / RECOUNT_PART =>
        {
            owed
        }
        _ => {
            let counted = store.owed_bytes()?;
            OwedBytes { counted, counted_ms: now_ms, at_most: counted }
        }
    };
    let has_room = after(owed.at_most) <= policy.most_bytes;
    if has_room {
        owed.at_most = after(owed.at_most);
    }
    store.remember(&Memory { owed: Some(owed), ..memory });
    Ok(has_room)
}
