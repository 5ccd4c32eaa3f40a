//! Faults of the ledger, each of which the checker must find.

use super::edge::Ledger;
use crate::ledger::entry::EventState;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::{Call, Reply};
use crate::ledger::order::Order;
use crate::ledger::policy::Policy;
use crate::ledger::protocol;
use crate::ledger::tests::memory_store::MemoryStore;

type Answered = Result<Reply, String>;

/// The ledger as it is.
pub(super) const SOUND: Ledger = protocol::answer;

/// A commit is granted whatever its token.
pub(crate) fn commit_by_anybody(
    store: &mut MemoryStore,
    mut call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Answered {
    if let Call::Commit { key, token, .. } = &mut call {
        *token = store.rows.get(key).map_or(*token, |entry| entry.attempts);
    }
    protocol::answer(store, call, policy, now_ms)
}

/// A release is granted whatever its token.
pub(crate) fn release_by_anybody(
    store: &mut MemoryStore,
    mut call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Answered {
    if let Call::Release { key, token, .. } = &mut call {
        *token = store.rows.get(key).map_or(*token, |entry| entry.attempts);
    }
    protocol::answer(store, call, policy, now_ms)
}

/// What is in flight is acknowledged as a duplicate.
pub(crate) fn in_flight_is_duplicate(
    store: &mut MemoryStore,
    call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Answered {
    Ok(match protocol::answer(store, call, policy, now_ms)? {
        Reply::InFlight { .. } => Reply::Duplicate,
        answer => answer,
    })
}

/// A claim is granted although a lease runs.
pub(crate) fn lease_is_ignored(
    store: &mut MemoryStore,
    call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Answered {
    if let Call::Claim { key, .. } = &call
        && let Some(EventState::Claimed { lease_end_ms }) =
            store.rows.get_mut(key).map(|entry| &mut entry.state)
    {
        *lease_end_ms = 0;
    }
    protocol::answer(store, call, policy, now_ms)
}

/// A lease never ends.
pub(crate) fn lease_is_endless(
    store: &mut MemoryStore,
    call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Answered {
    let policy = Policy { lease_ms: u64::from(u32::MAX), ..*policy };
    protocol::answer(store, call, &policy, now_ms)
}

/// Reopening deletes the row, and the count of attempts with it.
pub(crate) fn reopening_deletes(
    store: &mut MemoryStore,
    call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Answered {
    let reopened = if let Call::Reopen { key } = &call { Some(key.clone()) } else { None };
    let answer = protocol::answer(store, call, policy, now_ms)?;
    if let (Some(key), Reply::Ok) = (reopened, &answer) {
        store.rows.remove(&key);
    }
    Ok(answer)
}

/// A commit is acknowledged and not stored.
pub(crate) fn commit_is_lost(
    store: &mut MemoryStore,
    call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Answered {
    match call {
        Call::Commit { .. } => protocol::answer(&mut store.clone(), call, policy, now_ms),
        _ => protocol::answer(store, call, policy, now_ms),
    }
}

/// A failed attempt is committed.
pub(crate) fn release_commits(
    store: &mut MemoryStore,
    call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Answered {
    let call = match call {
        Call::Release { job_id, key, token, counts, .. } => {
            Call::Commit { job_id, key, token, counts, status: None, correlation_id: None }
        }
        call => call,
    };
    protocol::answer(store, call, policy, now_ms)
}

/// Nothing is ever marked as late.
pub(crate) fn late_is_in_order(
    store: &mut MemoryStore,
    call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Answered {
    Ok(match protocol::answer(store, call, policy, now_ms)? {
        Reply::Granted { token, .. } => Reply::Granted { token, order: Order::InOrder },
        answer => answer,
    })
}

/// The end of a job is dropped like any other event once another event of the job was delivered.
pub(crate) fn end_is_dropped(
    store: &mut MemoryStore,
    call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Answered {
    if let Call::Claim { meta: EventMeta { event_type: Some(event_type), .. }, .. } = &call
        && event_type == "job.succeeded"
        && store.rows.values().any(|entry| {
            entry.state == EventState::Done && entry.meta.event_type.as_ref() != Some(event_type)
        })
    {
        return Ok(Reply::LateDropped);
    }
    protocol::answer(store, call, policy, now_ms)
}
