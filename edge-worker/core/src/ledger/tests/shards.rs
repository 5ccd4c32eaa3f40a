//! A change of the number of shards is on record.

use super::memory_store::MemoryStore;
use super::sqlite::fresh_store;
use crate::ledger::store::Store;

/// The numbers of shards on record after the object has started at some times, each with a number of
/// shards.
fn recorded(mut store: impl Store, starts: &[(u64, u32)]) -> Vec<(u64, u32)> {
    for (now_ms, shards) in starts {
        store.note_shards(*shards, *now_ms).unwrap();
    }
    store.figures(0).unwrap().shard_counts
}

fn assert_recorded(starts: &[(u64, u32)], expected: &[(u64, u32)]) {
    assert_eq!(recorded(MemoryStore::default(), starts), expected, "in memory");
    assert_eq!(recorded(fresh_store(), starts), expected, "on SQLite");
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
fn the_latest_ten_are_told() {
    let starts: Vec<_> = (1..=12).map(|number| (u64::from(number), number)).collect();
    assert_recorded(&starts, &starts[2..]);
}
