//! A shard holds so many bytes of bodies and not more, and does not add them up for every event.

use super::sqlite::{Sqlite, fresh_store};
use crate::counts::Counts;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::{Call, Reply};
use crate::ledger::policy::Policy;
use crate::ledger::protocol;
use crate::ledger::sqlite_store::{SqliteStore, Storage as _};
use crate::ledger::store::Store as _;

const NOW_MS: u64 = 1_700_000_000_000;
const BODY_BYTES: u64 = 1_000;
const MOST_BYTES: u64 = 100 * BODY_BYTES;

fn policy() -> Policy {
    Policy { most_bytes: MOST_BYTES, ..Policy::of_tests() }
}

/// A store whose file is larger than the limit, and holds nothing.
fn store() -> SqliteStore<Sqlite> {
    let store = fresh_store();
    store.0.run("CREATE TABLE filler (a BLOB); INSERT INTO filler VALUES (zeroblob(200000)); DELETE FROM filler");
    store.0.set_body_bytes(1_000);
    assert!(store.bytes().unwrap() > MOST_BYTES);
    store
}

fn accept(store: &mut SqliteStore<Sqlite>, number: u64, now_ms: u64) -> Reply {
    let accept = Call::Accept {
        key: format!("event-{number}"),
        meta: EventMeta::default(),
        head: "{}".to_owned(),
        body_bytes: BODY_BYTES,
        correlation_id: None,
    };
    protocol::answer(store, accept, &policy(), now_ms).unwrap()
}

fn commit(store: &mut SqliteStore<Sqlite>, number: u64, now_ms: u64) {
    let key = format!("event-{number}");
    let commit = Call::Commit {
        job_id: None,
        key,
        token: 1,
        counts: Counts::new(),
        status: None,
        correlation_id: None,
    };
    assert_eq!(protocol::answer(store, commit, &policy(), now_ms), Ok(Reply::Ok));
}

#[test]
fn a_shard_fills_up_to_its_limit_and_adds_up_once() {
    let mut store = store();
    for number in 0..100 {
        assert!(matches!(accept(&mut store, number, NOW_MS), Reply::Accepted { .. }), "{number}");
    }
    assert_eq!(store.0.sums(), 1);
    for number in 100..300 {
        assert_eq!(accept(&mut store, number, NOW_MS), Reply::Full);
    }
    // What had come since the first sum was much; since the second it is nothing.
    assert_eq!(store.0.sums(), 2);
    assert_eq!(store.owed_bytes(), Ok(MOST_BYTES));
}

#[test]
fn there_is_room_again_within_a_minute() {
    let mut store = store();
    (0..101).for_each(|number| drop(accept(&mut store, number, NOW_MS)));
    commit(&mut store, 0, NOW_MS);
    assert_eq!(accept(&mut store, 100, NOW_MS + 59_999), Reply::Full);
    assert!(matches!(accept(&mut store, 100, NOW_MS + 60_000), Reply::Accepted { .. }));
    assert_eq!(accept(&mut store, 101, NOW_MS + 60_000), Reply::Full);
    assert_eq!(store.owed_bytes(), Ok(MOST_BYTES));
}

/// Were a shard full until a minute is over, a small limit would refuse what could be kept.
#[test]
fn events_that_come_and_go_are_never_refused() {
    let mut store = store();
    for number in 0..1_000 {
        assert!(matches!(accept(&mut store, number, NOW_MS), Reply::Accepted { .. }), "{number}");
        commit(&mut store, number, NOW_MS);
    }
    assert_eq!(store.0.sums(), 10, "once for each time that the limit has come");
}

/// An object that is started anew has forgotten the sum, and does not take that for room.
#[test]
fn a_new_start_adds_up_anew() {
    let mut store = store();
    (0..100).for_each(|number| drop(accept(&mut store, number, NOW_MS)));
    store.0.set_memory("");
    assert_eq!(accept(&mut store, 100, NOW_MS), Reply::Full);
}
