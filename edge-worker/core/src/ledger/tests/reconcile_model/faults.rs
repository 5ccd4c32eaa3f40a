//! Faults of the object, each of which the checker must find.

use crate::ledger::entry::EventState;
use crate::ledger::message::{Call, Reply};
use crate::ledger::policy::Policy;
use crate::ledger::protocol;
use crate::ledger::store::Store as _;
use crate::ledger::tests::memory_store::MemoryStore;

/// What the object does with a call.
#[derive(Clone, Copy)]
pub(super) struct Object {
    pub(super) call: fn(&mut MemoryStore, Call, &Policy, u64) -> Reply,
}

fn call(store: &mut MemoryStore, call: Call, policy: &Policy, now_ms: u64) -> Reply {
    protocol::answer(store, call, policy, now_ms).unwrap()
}

/// The object as it is.
pub(super) const SOUND: Object = Object { call };

/// A genuine end is claimed or accepted without a look at the end slot.
pub(super) const SLOT_NOT_LOOKED_AT: Object = Object {
    call: |store, message, policy, now_ms| {
        if !matches!(message, Call::Claim { .. } | Call::Accept { .. }) {
            return call(store, message, policy, now_ms);
        }
        let made = store.jobs.values_mut().next().unwrap().made.take();
        let reply = call(store, message, policy, now_ms);
        store.jobs.values_mut().next().unwrap().made = made;
        reply
    },
};

/// An end is made whatever ends there are.
pub(super) const NO_STANDING_BACK: Object = Object {
    call: |store, message, policy, now_ms| {
        let Call::MakeEnd { key, .. } = &message else {
            return call(store, message, policy, now_ms);
        };
        if store.rows.contains_key(key) {
            return Reply::Duplicate;
        }
        let rows = core::mem::take(&mut store.rows);
        let job = store.jobs.values_mut().next().unwrap();
        if job.ended_ms.take().is_some() {
            job.look_ms = Some(now_ms);
        }
        let reply = call(store, message, policy, now_ms);
        store.rows.extend(rows);
        reply
    },
};

/// A made end is answered as stored, and is not.
pub(super) const MADE_IS_NOT_STORED: Object = Object {
    call: |store, message, policy, now_ms| match message {
        Call::MakeEnd { .. } => call(&mut store.clone(), message, policy, now_ms),
        message => call(store, message, policy, now_ms),
    },
};

/// A made end sets no alarm.
pub(super) const MADE_WITHOUT_ALARM: Object = Object {
    call: |store, message, policy, now_ms| {
        let is_made = matches!(message, Call::MakeEnd { .. });
        let alarm_ms = store.alarm_ms();
        let reply = call(store, message, policy, now_ms);
        if is_made {
            store.set_alarm(alarm_ms);
        }
        reply
    },
};

/// A job counts as ended once its end is claimed.
pub(super) const ENDED_AT_THE_CLAIM: Object = Object {
    call: |store, message, policy, now_ms| {
        let is_claim = matches!(message, Call::Claim { .. });
        let reply = call(store, message, policy, now_ms);
        let is_claimed =
            store.rows.values().any(|it| matches!(it.state, EventState::Claimed { .. }));
        if is_claim && is_claimed {
            let job = store.jobs.values_mut().next().unwrap();
            *job = job.clone().ended(now_ms);
        }
        reply
    },
};
