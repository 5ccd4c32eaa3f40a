//! The walk through all rows, on both stores.

use super::memory_store::MemoryStore;
use super::sqlite::fresh_store;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::{Call, Reply};
use crate::ledger::policy::Policy;
use crate::ledger::store::Store;
use crate::ledger::walk::{BATCH, PAUSE_AFTER_PIECE_MS, Walk};
use crate::ledger::{alarm, protocol};
use crate::settings::tests::settings_with;

const HOUR_MS: u64 = 60 * 60 * 1_000;
const NOW_MS: u64 = 1_000 * HOUR_MS;

fn key(number: u32) -> String {
    format!("event-{number:05}")
}

fn claim(store: &mut impl Store, number: u32, policy: &Policy, now_ms: u64) {
    let call = Call::Claim { key: key(number), meta: EventMeta::default(), correlation_id: None };
    let reply = protocol::answer(store, call, policy, now_ms).unwrap();
    assert!(matches!(reply, Reply::Granted { .. }), "{reply:?}");
}

/// Nobody comes back to an attempt that was lost, and without that an admin would not be told of it.
fn assert_lost_claims_are_opened(mut store: impl Store) {
    let policy = Policy::of_tests();
    claim(&mut store, 0, &policy, NOW_MS);
    let (meta, head) = (EventMeta::default(), "{}".to_owned());
    let owed = Call::Accept { key: key(1), meta, head, body_bytes: 1, correlation_id: None };
    protocol::answer(&mut store, owed, &policy, NOW_MS).unwrap();
    for (ago_ms, state) in [(HOUR_MS - 1, "claimed"), (HOUR_MS, "open")] {
        store.set_walk(None).unwrap();
        let now_ms = NOW_MS + policy.lease_ms + ago_ms;
        alarm::sweep(&mut store, &policy, now_ms).unwrap();
        let states = [0, 1].map(|it| store.find(&key(it)).unwrap().unwrap().state.name());
        assert_eq!(states, [state, "claimed"], "an owed one is the alarm's");
    }
    let entry = store.find(&key(0)).unwrap().unwrap();
    assert_eq!((entry.attempts, entry.last_ms), (1, NOW_MS), "the token still fences it off");
    assert_eq!(entry.last_outcome.as_deref(), Some("attempt_lost"));
    let figures = store.figures(NOW_MS).unwrap();
    assert_eq!((figures.abandoned, figures.events.get("open")), (1, 1));
}

#[test]
fn claims_that_are_lost_are_opened() {
    assert_lost_claims_are_opened(MemoryStore::default());
    assert_lost_claims_are_opened(fresh_store());
}

/// A walk in three pieces, with a row that comes behind it.
fn assert_pieces_follow_each_other(mut store: impl Store) {
    let policy = Policy::of_tests();
    for number in 1..=2 * BATCH + 1 {
        let age_ms = if number == 700 { HOUR_MS } else { 0 };
        claim(&mut store, number, &policy, NOW_MS - age_ms);
    }
    let mut now_ms = NOW_MS;
    for piece in 0..2 {
        alarm::sweep(&mut store, &policy, now_ms).unwrap();
        let walk = store.walk().unwrap().unwrap();
        assert_eq!(walk.from_ms, now_ms + PAUSE_AFTER_PIECE_MS, "{piece}");
        now_ms = walk.from_ms;
        if piece == 0 {
            claim(&mut store, 0, &policy, now_ms);
        }
    }
    alarm::sweep(&mut store, &policy, now_ms).unwrap();
    let walk = store.walk().unwrap().unwrap();
    let oldest_ms = NOW_MS - HOUR_MS;
    let due_ms = oldest_ms + policy.retention_ms;
    assert_eq!(walk, Walk { from_ms: now_ms, oldest_ms, under_way: None });
    assert_eq!(walk.due_ms(&policy), due_ms);
    assert_eq!(store.alarm_ms(), Some(due_ms));
    // The next one finds what is due, wherever it is, and nothing else.
    let mut deleted = 0;
    now_ms = due_ms;
    for _ in 0..3 {
        deleted += alarm::sweep(&mut store, &policy, now_ms).unwrap().events;
        now_ms += PAUSE_AFTER_PIECE_MS;
    }
    assert_eq!((deleted, store.find(&key(700)).unwrap()), (1, None));
}

#[test]
fn pieces_follow_each_other_and_the_oldest_row_sets_the_next_walk() {
    assert_pieces_follow_each_other(MemoryStore::default());
    assert_pieces_follow_each_other(fresh_store());
}

/// A first row that comes right after a walk has found none still has an alarm.
fn assert_the_first_row_has_an_alarm(mut store: impl Store) {
    let policy = Policy::of_tests();
    alarm::sweep(&mut store, &policy, NOW_MS).unwrap();
    assert_eq!((store.walk().unwrap(), store.alarm_ms()), (None, None));
    claim(&mut store, 0, &policy, NOW_MS);
    alarm::rest(&mut store, &policy, NOW_MS).unwrap();
    assert_eq!(store.alarm_ms(), Some(NOW_MS + policy.retention_ms));
}

#[test]
fn the_first_row_after_an_empty_walk_has_an_alarm() {
    assert_the_first_row_has_an_alarm(MemoryStore::default());
    assert_the_first_row_has_an_alarm(fresh_store());
}

/// A retention that is lowered holds for what is there, from the next alarm on.
fn assert_a_lowered_retention_is_obeyed(mut store: impl Store) {
    let policy = |hours| settings_with(&[("RETENTION_HOURS", hours)]).policy;
    let (year, short) = (policy("8760"), policy("36"));
    claim(&mut store, 0, &year, NOW_MS);
    alarm::sweep(&mut store, &year, NOW_MS).unwrap();
    let due_ms = NOW_MS + short.retention_ms;
    alarm::sweep(&mut store, &short, due_ms - 1).unwrap();
    assert!(store.find(&key(0)).unwrap().is_some());
    assert_eq!(store.alarm_ms(), Some(due_ms - 1 + 1_000), "never sooner than a second ahead");
    assert_eq!(alarm::sweep(&mut store, &short, due_ms).unwrap().events, 1);
    // And one that is raised: no walk for nothing.
    claim(&mut store, 1, &short, due_ms);
    alarm::sweep(&mut store, &short, due_ms).unwrap();
    alarm::rest(&mut store, &year, due_ms).unwrap();
    assert_eq!(store.alarm_ms(), Some(due_ms + year.retention_ms));
}

#[test]
fn a_lowered_retention_is_obeyed() {
    assert_a_lowered_retention_is_obeyed(MemoryStore::default());
    assert_a_lowered_retention_is_obeyed(fresh_store());
}
