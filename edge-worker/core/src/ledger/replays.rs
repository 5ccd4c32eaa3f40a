//! What a shard does about bulk replays: one step each on its [`Store`].
//!
//! A replay gives way: one of its events is released when an attempt could be made and nothing else is due. So it
//! obeys whatever holds events back, pause, breaker and lanes, and never takes a place from an event that is owed.

use super::alarm;
use super::bulk_replay::{BulkReplay, NewReplay, ReplayState, Selection, Steering};
use super::entry::{Entry, EventState};
use super::figures::COUNT_LIMIT;
use super::listing::Cursor;
use super::message::Reply;
use super::outbox::{self, Taken};
use super::policy::Policy;
use super::store::Store;

/// How many replays that have not ended a shard has at most: each is looked at when nothing else is due.
const MOST_OPEN: usize = 10;

/// How many replays a shard remembers at most, ended ones included.
const MOST_REPLAYS: usize = 100;

/// How many events of replays one step releases or passes over at most.
const MOST_LOOKED_AT: u32 = 100;

/// How many events there are to replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selected {
    /// Those with bytes.
    pub(crate) events: u64,
    /// Those that would be meant, and whose bytes are gone.
    pub(crate) without_bytes: u64,
}

/// Where a shard keeps its bulk replays, and how it finds their events.
///
/// # Errors
/// As for [`Store`].
pub(crate) trait ReplayStore {
    /// All replays, those first that were started last.
    fn replays(&self) -> Result<Vec<BulkReplay>, String>;

    /// The replay of this id.
    fn bulk_replay(&self, id: &str) -> Result<Option<BulkReplay>, String>;

    /// The running replay that may release its next event first.
    fn next_running(&self) -> Result<Option<BulkReplay>, String>;

    /// Writes a replay, whether or not it is there.
    fn set_replay(&mut self, replay: &BulkReplay) -> Result<(), String>;

    /// Deletes a replay.
    fn delete_replay(&mut self, id: &str) -> Result<(), String>;

    /// The first event behind a place, by last transition and key, that is selected and has its bytes.
    fn next_selected(
        &self,
        selection: &Selection,
        after: Option<&Cursor>,
    ) -> Result<Option<(String, Entry)>, String>;

    /// How many events are selected, up to `limit` together.
    fn count_selected(&self, selection: &Selection, limit: u32) -> Result<Selected, String>;
}

/// Says how many events would be replayed, and does nothing.
///
/// # Errors
/// The store's message.
pub(crate) fn plan(store: &impl Store, selection: &Selection) -> Result<Reply, String> {
    let Selected { events, without_bytes } = store.count_selected(selection, COUNT_LIMIT)?;
    Ok(Reply::Planned { events, without_bytes })
}

/// Starts a replay, unless it was started before.
///
/// # Errors
/// The store's message.
pub(crate) fn start(
    store: &mut impl Store,
    new: NewReplay,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    if let Some(replay) = store.bulk_replay(&new.id)? {
        let planned = Reply::Planned { events: replay.events, without_bytes: 0 };
        return Ok(if replay.is_as(&new) { planned } else { Reply::Duplicate });
    }
    if !make_room(store, policy, now_ms)? {
        return Ok(Reply::Full);
    }
    let mut replay = BulkReplay::new(new, 0, now_ms);
    let Selected { events, without_bytes } =
        store.count_selected(&replay.selection, COUNT_LIMIT)?;
    replay.events = events;
    store.set_replay(&replay)?;
    ensure_alarm(store, policy, now_ms)?;
    Ok(Reply::Planned { events, without_bytes })
}

/// Forgets replays that ended a retention ago, and then the oldest ones that have ended, until there is room for
/// one more; false if there is none.
fn make_room(store: &mut impl Store, policy: &Policy, now_ms: u64) -> Result<bool, String> {
    let mut replays = store.replays()?;
    let mut left = replays.len();
    if replays.iter().filter(|replay| replay.state.is_open()).count() >= MOST_OPEN {
        return Ok(false);
    }
    replays.reverse();
    for replay in replays.iter().filter(|replay| !replay.state.is_open()) {
        let is_old = replay.changed_ms.saturating_add(policy.retention_ms) <= now_ms;
        if is_old || left >= MOST_REPLAYS {
            store.delete_replay(&replay.id)?;
            left = left.saturating_sub(1);
        }
    }
    Ok(true)
}

/// Pauses, resumes or cancels a replay.
///
/// # Errors
/// The store's message.
pub(crate) fn steer(
    store: &mut impl Store,
    id: &str,
    steering: Steering,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    let Some(replay) = store.bulk_replay(id)? else { return Ok(Reply::Absent) };
    let Some(replay) = replay.steered(steering, now_ms) else { return Ok(Reply::Ended) };
    store.set_replay(&replay)?;
    ensure_alarm(store, policy, now_ms)?;
    Ok(Reply::Ok)
}

/// How many replays are paused.
///
/// # Errors
/// The store's message.
pub(crate) fn count_paused(store: &impl ReplayStore) -> Result<u64, String> {
    let replays = store.replays()?;
    let paused = replays.iter().filter(|replay| replay.state == ReplayState::Paused).count();
    Ok(u64::try_from(paused).unwrap_or(u64::MAX))
}

/// Makes the next attempt of an event that is due; if there is none, of one that a replay releases for it.
///
/// # Errors
/// The store's message.
pub(crate) fn take(
    store: &mut impl Store,
    policy: &Policy,
    now_ms: u64,
) -> Result<Option<Taken>, String> {
    for _ in 0..MOST_LOOKED_AT {
        if let Some(taken) = outbox::take(store, policy, now_ms)? {
            return Ok(Some(taken));
        }
        if !go_on(store, policy, now_ms)? {
            break;
        }
    }
    Ok(None)
}

/// Releases the next event of a replay if that may be done now; false if there is nothing to do.
fn go_on(store: &mut impl Store, policy: &Policy, now_ms: u64) -> Result<bool, String> {
    let running = store.next_running()?.filter(|replay| replay.next_ms <= now_ms);
    let Some(replay) = running else { return Ok(false) };
    if store.gate()?.held_until(store, policy, now_ms)?.is_some() {
        return Ok(false);
    }
    let next = store.next_selected(&replay.selection, replay.after.as_ref())?;
    let Some((key, entry)) = next else {
        store.set_replay(&replay.done(now_ms))?;
        return Ok(true);
    };
    let place = Cursor { last_ms: entry.last_ms, key };
    let replay = if is_part_of(store, &place.key, &entry, &replay.id)? {
        replay.passed(place, false)
    } else {
        match outbox::replay_entry(store, &place.key, Some(entry), &replay.id, policy, now_ms)? {
            Reply::Ok => replay.released(place, now_ms),
            _ => replay.passed(place, true),
        }
    };
    store.set_replay(&replay)?;
    Ok(true)
}

/// Whether an event was released by this replay, as the last one that it was part of.
fn is_part_of(store: &impl Store, key: &str, entry: &Entry, id: &str) -> Result<bool, String> {
    let last = match &entry.owed {
        Some(owed) => owed.replay.clone(),
        None => store.kept(key)?.and_then(|kept| kept.replay),
    };
    Ok(last.as_deref() == Some(id))
}

/// Notes how an attempt of an event has ended that was part of a replay.
///
/// # Errors
/// The store's message.
pub(crate) fn note(
    store: &mut impl Store,
    id: &str,
    before: EventState,
    after: &Entry,
    now_ms: u64,
) -> Result<(), String> {
    // A replay of one event has an id as well, and nothing else.
    let Some(replay) = store.bulk_replay(id)? else { return Ok(()) };
    store.set_replay(&replay.noted(before, after, now_ms))
}

/// When the alarm has to ring for replays; none if none is running.
///
/// # Errors
/// The store's message.
pub(crate) fn next_ms(
    store: &impl Store,
    policy: &Policy,
    now_ms: u64,
) -> Result<Option<u64>, String> {
    let Some(replay) = store.next_running()? else { return Ok(None) };
    let held_ms = store.gate()?.held_until(store, policy, now_ms)?.unwrap_or(0);
    Ok(Some(replay.next_ms.max(held_ms)))
}

/// Makes sure that an alarm rings for the next event of a replay.
///
/// # Errors
/// The store's message.
pub(crate) fn ensure_alarm(
    store: &mut impl Store,
    policy: &Policy,
    now_ms: u64,
) -> Result<(), String> {
    if let Some(next_ms) = next_ms(store, policy, now_ms)? {
        alarm::ensure(store, next_ms, now_ms);
    }
    Ok(())
}
