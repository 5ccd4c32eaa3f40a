//! How long the event has waited that waits longest, in both stores.

use super::memory_store::MemoryStore;
use super::sqlite::fresh_store;
use crate::counts::Counts;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::{Call, Reply};
use crate::ledger::store::Store;
use crate::ledger::{outbox, protocol};
use crate::settings::tests::settings_with;

const NOW_MS: u64 = 1_000_000_000;
const MINUTE_MS: u64 = 60_000;

fn oldest_waiting_of(mut store: impl Store) {
    let policy = settings_with(&[]).policy;
    let oldest_ms = |store: &mut _, now_ms| {
        let call = Call::Figures { counts: Counts::new() };
        match protocol::answer(store, call, &policy, now_ms).unwrap() {
            Reply::Figures(figures) => figures.oldest_waiting_ms,
            reply => panic!("{reply:?}"),
        }
    };
    let (key, head) = ("event-1".to_owned(), "{}".to_owned());
    let meta = EventMeta::default();
    let accept = Call::Accept { key, meta, head, body_bytes: 1, correlation_id: None };
    protocol::answer(&mut store, accept, &policy, NOW_MS).unwrap();
    assert_eq!(oldest_ms(&mut store, NOW_MS), None, "the first attempt is no wait");

    // The lease of the first attempt runs out, and that of each later one.
    for minute in 1..5 {
        let now_ms = NOW_MS + minute * MINUTE_MS;
        outbox::take(&mut store, &policy, now_ms).unwrap().unwrap();
        assert_eq!(oldest_ms(&mut store, now_ms), Some(NOW_MS), "it waits, attempt or not");
    }
    let (job_id, key, counts) = (None, "event-1".to_owned(), Counts::new());
    let commit = Call::Commit { job_id, key, token: 5, counts, status: None, correlation_id: None };
    let now_ms = NOW_MS + 5 * MINUTE_MS;
    assert_eq!(protocol::answer(&mut store, commit, &policy, now_ms).unwrap(), Reply::Ok);
    assert_eq!(oldest_ms(&mut store, now_ms), None);
}

#[test]
fn an_event_that_is_tried_again_waits_since_it_was_accepted() {
    oldest_waiting_of(MemoryStore::default());
    oldest_waiting_of(fresh_store());
}
