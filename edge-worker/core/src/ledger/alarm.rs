//! When a shard's alarm rings, and what happens then.
//!
//! It makes the attempts that are due of the events that the shard owes, and it forgets what is old.
//!
//! A row is forgotten one retention after its last transition, or a while later (see [`walk`](super::walk)). Until
//! then it outlives every signature
//! over the event and the provider's retries, which the settings see to. A running claim is never
//! forgotten: the longest lease is shorter than the shortest retention. What is owed is never forgotten
//! either; a dead letter is, after a retention of its own.
//!
//! A shard with rows always has an alarm:
//!
//! - The step that writes a row sets the alarm for what will happen to it next, unless one is pending that
//!   rings by then: for an owed event the end of the lease, or when the next attempt is due; for any other
//!   its deletion.
//! - Later requests do not move it: an alarm that every request pushes ahead never rings on a busy object.
//!   That holds for one whose time has come as well, since the platform rings a little late. Only one that
//!   is later than [`LATEST_MS`] counts as lost, and is set anew for as soon as possible.
//! - An alarm that rings first sets its successor, before anything that can fail. The platform gives an
//!   alarm up for good after seven failures, so nothing is left to its retries.
//! - No alarm is set for less than [`LEAST_AHEAD_MS`] from now: the platform would ring it in a loop.

use super::expired::{self, Expired};
use super::expired_job::{EXPIRED_JOB, ExpiredJob};
use super::policy::Policy;
use super::store::Store;
use super::walk::{BATCH, PAUSE_AFTER_PIECE_MS, Walk};
use super::{outbox, replays};
use crate::merge;

/// Least time between two alarms that find something to delete. Rows fall due one by one, and would
/// otherwise be deleted one by one; so some are kept for this much longer.
pub(crate) const LEAST_PAUSE_MS: u64 = 10 * 60 * 1_000;

/// Pause until the successor of an alarm that fails, or that finds the settings refused.
pub(crate) const PAUSE_AFTER_FAILURE_MS: u64 = 10 * 60 * 1_000;

/// Least time from now for which an alarm is set.
const LEAST_AHEAD_MS: u64 = 1_000;

/// How late an alarm may ring before it counts as lost.
const LATEST_MS: u64 = 30_000;

/// Makes sure that an alarm rings at `needed_ms` or before, as far as that is still possible.
pub(crate) fn ensure(store: &mut impl Store, needed_ms: u64, now_ms: u64) {
    let soonest_ms = now_ms.saturating_add(LEAST_AHEAD_MS);
    let needed_ms = needed_ms.max(soonest_ms);
    match store.alarm_ms() {
        Some(alarm_ms) if alarm_ms.saturating_add(LATEST_MS) < now_ms => {
            store.set_alarm(Some(soonest_ms));
        }
        Some(alarm_ms) if alarm_ms <= needed_ms => {}
        _ => store.set_alarm(Some(needed_ms)),
    }
}

/// Makes sure of the alarm of a shard whose rows nobody touches: sets it if it is lost, or later than the shard's events
/// are due. One that rings in time is left alone.
///
/// # Errors
/// The store's message. The alarm that was pending then stands.
pub(crate) fn revive(store: &mut impl Store, policy: &Policy, now_ms: u64) -> Result<(), String> {
    match store.alarm_ms() {
        Some(alarm_ms) if alarm_ms.saturating_add(LATEST_MS) >= now_ms => {
            if let Some(next_ms) = outbox::next_ms(store, policy, now_ms)? {
                ensure(store, next_ms, now_ms);
            }
            Ok(())
        }
        _ => rest(store, policy, now_ms),
    }
}

/// Sets the successor of an alarm that has just rung. It must come before anything that can fail. Without
/// sound settings there is nothing that it could do soon.
pub(crate) fn set_successor(store: &mut impl Store, policy: Option<&Policy>, now_ms: u64) {
    // If the object dies over its attempts, their leases have ended by then.
    let pause_ms = policy.map_or(PAUSE_AFTER_FAILURE_MS, |policy| policy.lease_ms);
    let pause_ms = pause_ms.clamp(LEAST_AHEAD_MS, PAUSE_AFTER_FAILURE_MS);
    store.set_alarm(Some(now_ms.saturating_add(pause_ms)));
}

/// What a sweep has deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// How many events, apart from dead letters.
    pub(crate) events: u32,
    /// Events of which nobody knows that the origin has them, dead letters among them, the oldest first.
    pub(crate) expired: Vec<Expired>,
    /// Jobs of which nobody knows how they have ended.
    pub(crate) expired_jobs: Vec<ExpiredJob>,
}

impl Swept {
    /// A line for the log for each event that was never delivered, and for each job that has never ended.
    pub(crate) fn lines(&self, now_ms: u64) -> Vec<String> {
        let events = self.expired.iter().map(|expired| expired.line(now_ms));
        events.chain(self.expired_jobs.iter().map(|expired| expired.line(now_ms))).collect()
    }
}

/// Deletes what is due, a batch at most, and sets the next alarm, or none if no row is left.
///
/// # Errors
/// The store's message. The successor then stands.
pub(crate) fn sweep(store: &mut impl Store, policy: &Policy, now_ms: u64) -> Result<Swept, String> {
    let dead_due_ms = now_ms.saturating_sub(policy.dead_retention_ms);
    let dead = store.delete_dead(dead_due_ms, BATCH)?;
    let bodies = store.delete_kept(now_ms.saturating_sub(policy.keep_bodies_ms), BATCH)?;
    let ended_jobs = store.forget_ended_jobs(ended_due_ms(policy, now_ms), BATCH)?;
    let expired_jobs = store.forget_open_jobs(dead_due_ms, BATCH)?;
    let acts = store.forget_audit(now_ms.saturating_sub(policy.retention_ms), BATCH)?;
    let of = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
    let is_full = [of(dead.len()), bodies, ended_jobs, of(expired_jobs.len()), acts]
        .iter()
        .any(|rows| *rows >= BATCH);
    let (events, mut expired) = Walk::go_on(store, policy, now_ms)?;
    expired.extend(dead);
    merge::sort(&mut expired);
    let mut counts = expired::counts(&expired);
    for _ in &expired_jobs {
        counts.count(EXPIRED_JOB);
    }
    store.add(&counts)?;
    let pause_ms = if is_full { PAUSE_AFTER_PIECE_MS } else { LEAST_PAUSE_MS };
    set_next(store, pause_ms, policy, now_ms)?;
    Ok(Swept { events, expired, expired_jobs })
}

/// Sets the next alarm once all that is due was done, or none if no row is left.
///
/// # Errors
/// The store's message. The alarm that was pending then stands.
pub(crate) fn rest(store: &mut impl Store, policy: &Policy, now_ms: u64) -> Result<(), String> {
    set_next(store, LEAST_PAUSE_MS, policy, now_ms)
}

/// Jobs that ended then or before are due: a retention and the pause between two walks ago, since by then their events
/// were forgotten.
fn ended_due_ms(policy: &Policy, now_ms: u64) -> u64 {
    now_ms.saturating_sub(policy.retention_ms.saturating_add(Walk::pause_ms(policy)))
}

/// Sets the next alarm; for dead letters and kept bytes not before a pause.
fn set_next(
    store: &mut impl Store,
    pause_ms: u64,
    policy: &Policy,
    now_ms: u64,
) -> Result<(), String> {
    let due_ms = |oldest_ms: Option<u64>, retention_ms: u64| {
        let due_ms = oldest_ms?.saturating_add(retention_ms);
        Some(due_ms.max(now_ms.saturating_add(pause_ms)))
    };
    let (ended_ms, deadline_ms) = store.oldest_jobs_ms()?;
    // One that is due and still there has an event left: it waits for the next walk.
    let ended_ms = ended_ms.map(|ended_ms| {
        let due_ms = ended_ms.saturating_add(now_ms.saturating_sub(ended_due_ms(policy, now_ms)));
        let is_kept = due_ms <= now_ms && pause_ms > PAUSE_AFTER_PIECE_MS;
        let least_ms = if is_kept { Walk::pause_ms(policy) } else { pause_ms };
        due_ms.max(now_ms.saturating_add(least_ms))
    });
    let next_ms = [
        ended_ms,
        due_ms(deadline_ms, policy.dead_retention_ms),
        due_ms(store.oldest_audit_ms()?, policy.retention_ms),
        Walk::next_ms(store, policy, now_ms)?,
        due_ms(store.oldest_dead_ms()?, policy.dead_retention_ms),
        due_ms(store.oldest_kept_ms()?, policy.keep_bodies_ms),
        outbox::next_ms(store, policy, now_ms)?,
        replays::next_ms(store, policy, now_ms)?,
    ];
    let soonest_ms = now_ms.saturating_add(LEAST_AHEAD_MS);
    store.set_alarm(next_ms.into_iter().flatten().min().map(|ms| ms.max(soonest_ms)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::entry::{Entry, EventState};
    use crate::ledger::event_meta::EventMeta;
    use crate::ledger::tests::memory_store::MemoryStore;

    const HOUR_MS: u64 = 60 * 60 * 1_000;
    const NOW_MS: u64 = 100 * HOUR_MS;

    fn store_with(rows: u32, last_ms: u64) -> MemoryStore {
        let mut store = MemoryStore::default();
        for number in 0..rows {
            let entry = Entry {
                state: EventState::Done,
                attempts: 1,
                first_ms: last_ms,
                last_ms,
                last_outcome: None,
                meta: EventMeta::default(),
                owed: None,
                noted: Vec::new(),
            };
            store.insert(&format!("event-{number}"), &entry).unwrap();
        }
        store
    }

    fn after_sweep(rows: u32, last_ms: u64) -> (u32, Option<u64>) {
        let mut store = store_with(rows, last_ms);
        let swept = sweep(&mut store, &Policy::of_tests(), NOW_MS).unwrap();
        (swept.events, store.alarm_ms())
    }

    #[test]
    fn rows_are_due_one_retention_after_their_last_transition() {
        assert_eq!(after_sweep(3, 28 * HOUR_MS), (3, None), "an empty ledger needs no alarm");
        assert_eq!(after_sweep(3, 50 * HOUR_MS), (0, Some(122 * HOUR_MS)));
    }

    #[test]
    fn rows_that_fall_due_soon_wait_for_each_other() {
        let pause_ms = Walk::pause_ms(&Policy::of_tests());
        assert_eq!(pause_ms, 9 * HOUR_MS);
        assert_eq!(after_sweep(3, 28 * HOUR_MS + 5), (0, Some(NOW_MS + pause_ms)));
    }

    #[test]
    fn a_full_batch_is_followed_soon() {
        let next_ms = NOW_MS + PAUSE_AFTER_PIECE_MS;
        assert_eq!(after_sweep(BATCH + 1, HOUR_MS), (BATCH, Some(next_ms)));
    }

    #[test]
    fn an_alarm_that_rings_in_time_is_left_alone() {
        let ensured = |pending_ms, needed_ms| {
            let mut store = MemoryStore::default();
            store.set_alarm(pending_ms);
            ensure(&mut store, needed_ms, NOW_MS);
            store.alarm_ms()
        };
        let needed_ms = NOW_MS + 5_000;
        assert_eq!(ensured(None, needed_ms), Some(needed_ms));
        assert_eq!(ensured(Some(NOW_MS + 4_000), needed_ms), Some(NOW_MS + 4_000));
        assert_eq!(ensured(Some(NOW_MS + 6_000), needed_ms), Some(needed_ms), "too late");
        assert_eq!(ensured(None, NOW_MS - 1), Some(NOW_MS + LEAST_AHEAD_MS));
    }

    /// Were it moved to when the newest row is due, a request that comes just before it rings would
    /// put the whole sweep off for a retention.
    #[test]
    fn an_alarm_whose_time_has_come_is_not_put_off() {
        let ensured = |pending_ms| {
            let mut store = MemoryStore::default();
            store.set_alarm(Some(pending_ms));
            ensure(&mut store, NOW_MS + 72 * HOUR_MS, NOW_MS);
            store.alarm_ms()
        };
        for late_ms in [0, 1, LATEST_MS] {
            assert_eq!(ensured(NOW_MS - late_ms), Some(NOW_MS - late_ms), "{late_ms} ms late");
        }
        for late_ms in [LATEST_MS + 1, HOUR_MS] {
            assert_eq!(ensured(NOW_MS - late_ms), Some(NOW_MS + LEAST_AHEAD_MS), "lost");
        }
    }

    #[test]
    fn a_lost_alarm_is_set_anew_and_one_that_rings_in_time_is_left_alone() {
        let revived = |pending_ms| {
            let mut store = store_with(1, NOW_MS);
            store.set_alarm(pending_ms);
            revive(&mut store, &Policy::of_tests(), NOW_MS).unwrap();
            store.alarm_ms()
        };
        let due_ms = revived(None).unwrap();
        assert!(due_ms > NOW_MS, "{due_ms}");
        assert_eq!(revived(Some(NOW_MS - LATEST_MS - 1)), Some(due_ms), "lost");
        for pending_ms in [NOW_MS - LATEST_MS, NOW_MS, NOW_MS + 5, NOW_MS + 1_000 * HOUR_MS] {
            assert_eq!(revived(Some(pending_ms)), Some(pending_ms));
        }
        let mut empty = MemoryStore::default();
        revive(&mut empty, &Policy::of_tests(), NOW_MS).unwrap();
        assert_eq!(empty.alarm_ms(), None, "an empty ledger needs none");
    }

    proptest! {
        /// Neither set for the past, where it would ring in a loop, nor later than needed.
        #[test]
        fn an_alarm_is_set_ahead_and_in_time(
            pending_ms: Option<u64>, needed_ms: u64, now_ms in 0..u64::MAX / 2,
        ) {
            let mut store = MemoryStore::default();
            store.set_alarm(pending_ms);
            ensure(&mut store, needed_ms, now_ms);
            let alarm_ms = store.alarm_ms().unwrap();
            prop_assert!(alarm_ms.saturating_add(LATEST_MS) >= now_ms);
            prop_assert!(alarm_ms <= needed_ms.max(now_ms.saturating_add(LEAST_AHEAD_MS)));
            prop_assert!(alarm_ms > now_ms || pending_ms == Some(alarm_ms));
        }
    }
}
