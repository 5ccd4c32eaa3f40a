//! Faults of the object, each of which the checker must find.

use super::edge::Object;
use super::steps::{ring, take};
use super::system::NOW_MS;
use crate::ledger::alarm;
use crate::ledger::entry::{Entry, EventState};
use crate::ledger::message::{Call, Reply};
use crate::ledger::policy::Policy;
use crate::ledger::protocol;
use crate::ledger::store::Store as _;
use crate::ledger::tests::memory_store::MemoryStore;

fn call(store: &mut MemoryStore, call: Call, policy: &Policy) -> Reply {
    protocol::answer(store, call, policy, NOW_MS).unwrap()
}

/// The object as it is.
pub(super) const SOUND: Object = Object { call, ring, take };

/// An event is answered as accepted, and not stored.
pub(super) const ANSWER_BEFORE_STORE: Object = Object {
    call: |store, message, policy| match message {
        Call::Accept { .. } => call(&mut store.clone(), message, policy),
        message => call(store, message, policy),
    },
    ..SOUND
};

/// A call sets no alarm.
pub(super) const ALARM_NOT_SET: Object = Object {
    call: |store, message, policy| {
        let alarm_ms = store.alarm_ms();
        let reply = call(store, message, policy);
        store.set_alarm(alarm_ms);
        reply
    },
    ..SOUND
};

/// An alarm sets no successor before it works, nor after.
pub(super) const NO_SUCCESSOR: Object = Object {
    ring: |store, policy| {
        ring(store, policy);
        store.set_alarm(None);
    },
    take: |store, policy| {
        let taken = take(store, policy);
        store.set_alarm(None);
        taken
    },
    ..SOUND
};

/// An event that is held back counts an attempt.
pub(super) const HOLDING_COUNTS: Object = Object {
    call: |store, message, policy| {
        let key = if let Call::Accept { key, .. } = &message { Some(key.clone()) } else { None };
        let reply = call(store, message, policy);
        if let (Some(key), Reply::Stored) = (key, &reply) {
            let entry = store.rows.get_mut(&key).unwrap();
            entry.owed = entry.owed.take().map(|owed| owed.tried(NOW_MS));
        }
        reply
    },
    ..SOUND
};

/// A replay goes out at once, whatever else is under way in its lane.
pub(super) const REPLAY_JUMPS_THE_QUEUE: Object = Object {
    call: |store, message, policy| {
        let key = if let Call::Replay { key, .. } = &message { Some(key.clone()) } else { None };
        let reply = call(store, message, policy);
        if let (Some(key), Reply::Ok) = (key, &reply) {
            let entry = store.rows.get_mut(&key).unwrap();
            entry.state = EventState::Waiting { due_ms: Some(NOW_MS) };
            if let Some(owed) = &mut entry.owed {
                owed.seq = 0;
            }
            alarm::ensure(store, NOW_MS, NOW_MS);
        }
        reply
    },
    ..SOUND
};

/// The end of one event hands its lane over to all that wait in it.
pub(super) const DOUBLE_HAND_OVER: Object = Object {
    call: |store, message, policy| {
        let is_end = matches!(message, Call::Commit { .. } | Call::Release { .. });
        let reply = call(store, message, policy);
        if is_end && reply == Reply::Ok {
            for entry in store.rows.values_mut().filter(|entry| entry.is_in_lane()) {
                if entry.state == (EventState::Waiting { due_ms: None }) {
                    entry.state = EventState::Waiting { due_ms: Some(NOW_MS) };
                }
            }
        }
        reply
    },
    take: |store, policy| take(store, &Policy { is_ordered: false, ..*policy }),
    ..SOUND
};

/// A lease is taken over before it has ended.
pub(super) const LEASE_IS_IGNORED: Object = Object {
    take: |store, policy| {
        let running: Vec<(String, Entry)> = store.rows.clone().into_iter().collect();
        for (key, entry) in running {
            if matches!(entry.state, EventState::Claimed { .. }) {
                let state = EventState::Claimed { lease_end_ms: NOW_MS };
                store.rows.insert(key, Entry { state, ..entry });
            }
        }
        take(store, policy)
    },
    ..SOUND
};

/// A commit is acknowledged and not stored.
pub(super) const COMMIT_IS_LOST: Object = Object {
    call: |store, message, policy| match message {
        Call::Commit { .. } => call(&mut store.clone(), message, policy),
        message => call(store, message, policy),
    },
    ..SOUND
};

/// What was given up is forgotten.
pub(super) const DEAD_IS_DROPPED: Object = Object {
    call: |store, message, policy| {
        let reply = call(store, message, policy);
        store.rows.retain(|_, entry| entry.state != EventState::Dead);
        reply
    },
    ..SOUND
};

/// The place of a bulk replay is on disk, and the release of the event is not: what a kill between two steps would
/// leave.
pub(super) const PLACE_WITHOUT_RELEASE: Object = Object {
    take: |store, policy| {
        let before = store.clone();
        let taken = take(store, policy)?;
        let was = &before.rows[&taken.key];
        if matches!(was.state, EventState::Dead | EventState::Done) {
            store.rows.insert(taken.key, was.clone());
            return None;
        }
        Some(taken)
    },
    ..SOUND
};

/// The release of an event is on disk, and neither the place of the bulk replay nor its mark at the event: a killed
/// replay begins again.
pub(super) const RELEASE_WITHOUT_PLACE: Object = Object {
    ring: |store, policy| {
        ring(store, policy);
        store.replays.values_mut().for_each(|replay| replay.after = None);
        for entry in store.rows.values_mut().filter(|it| it.state == EventState::Dead) {
            if let Some(owed) = &mut entry.owed {
                owed.replay = None;
            }
        }
        store.kept.values_mut().for_each(|kept| kept.replay = None);
    },
    ..SOUND
};

/// A bulk replay lets an event out at once, whatever else is under way in its lane.
pub(super) const BULK_JUMPS_THE_QUEUE: Object = Object {
    take: |store, policy| {
        let before = store.clone();
        let taken = take(store, policy);
        for (key, entry) in &mut store.rows {
            let was = before.rows.get(key).map(|was| was.state);
            if was == Some(EventState::Dead)
                && entry.state == (EventState::Waiting { due_ms: None })
            {
                entry.state = EventState::Waiting { due_ms: Some(NOW_MS) };
                entry.owed.as_mut().unwrap().seq = 0;
            }
        }
        taken.or_else(|| take(store, policy))
    },
    ..SOUND
};
