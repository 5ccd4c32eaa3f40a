//! A change of the number of shards is on record.

use super::memory_store::MemoryStore;
use super::sqlite::fresh_store;
use crate::ledger::entry::{Facts, Policy};
use crate::ledger::message::{Answer, Call};
use crate::ledger::order::LateEvents;
use crate::ledger::protocol;
use crate::ledger::store::Store;
use crate::tally::Tally;

const POLICY: Policy = Policy { lease_ms: 30_000, late_events: LateEvents::Forward };

/// The numbers of shards on record after claims of one event each, with their numbers of shards and
/// times.
fn recorded(mut store: impl Store, claims: &[(u64, u32)]) -> Vec<(u64, u32)> {
    for (index, (now_ms, shards)) in claims.iter().enumerate() {
        let key = format!("event-{index}");
        let call = Call::Claim { key, facts: Facts::default(), shards: *shards };
        let answer = protocol::answer(&mut store, call, POLICY, *now_ms).unwrap();
        assert!(matches!(answer, Answer::Granted { .. }), "{answer:?}");
    }
    let call = Call::Figures { tally: Tally::default() };
    match protocol::answer(&mut store, call, POLICY, 0).unwrap() {
        Answer::Figures(figures) => figures.shard_counts,
        other => panic!("{other:?}"),
    }
}

fn assert_recorded(claims: &[(u64, u32)], expected: &[(u64, u32)]) {
    assert_eq!(recorded(MemoryStore::default(), claims), expected, "in memory");
    assert_eq!(recorded(fresh_store(), claims), expected, "on SQLite");
}

#[test]
fn every_change_is_recorded_once_and_in_order() {
    assert_recorded(&[], &[]);
    assert_recorded(&[(5, 16), (6, 16), (7, 16)], &[(5, 16)]);
    let there_and_back = [(5, 16), (6, 16), (7, 8), (8, 8), (9, 16), (10, 16)];
    assert_recorded(&there_and_back, &[(5, 16), (7, 8), (9, 16)]);
}

/// The order of changes is the order in which they came, whatever the clock says.
#[test]
fn changes_are_not_lost_to_the_clock() {
    assert_recorded(&[(5, 16), (5, 8), (5, 16)], &[(5, 16), (6, 8), (7, 16)]);
    assert_recorded(&[(5, 16), (2, 8), (3, 8), (4, 8)], &[(5, 16), (6, 8)]);
}

#[test]
fn a_worker_that_does_not_say_the_number_changes_nothing() {
    assert_recorded(&[(5, 16), (6, 0), (7, 16)], &[(5, 16)]);
}

#[test]
fn the_latest_ten_are_told() {
    let claims: Vec<_> = (1..=12).map(|number| (u64::from(number), number)).collect();
    assert_recorded(&claims, &claims[2..]);
}
