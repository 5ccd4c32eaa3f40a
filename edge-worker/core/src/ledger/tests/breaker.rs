//! What the breaker holds back, with an origin that takes some events and never others, or is down.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::memory_store::MemoryStore;
use crate::counts::Counts;
use crate::ledger::breaker::Breaker;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::message::{Call, Reply};
use crate::ledger::policy::Policy;
use crate::ledger::store::Store as _;
use crate::ledger::{alarm, outbox, protocol};

const START_MS: u64 = 1_700_000_000_000;
const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;

fn accept(store: &mut MemoryStore, key: &str, policy: &Policy, now_ms: u64) -> Reply {
    let call = Call::Accept {
        key: key.to_owned(),
        meta: EventMeta { job_id: Some(format!("job of {key}")), ..EventMeta::default() },
        head: "{}".to_owned(),
        body_bytes: 1,
        correlation_id: None,
    };
    protocol::answer(store, call, policy, now_ms).unwrap()
}

/// The origin takes the event, or fails.
fn settle(
    store: &mut MemoryStore,
    key: &str,
    token: u64,
    is_taken: bool,
    jitter: u16,
    policy: &Policy,
    now_ms: u64,
) {
    let (job_id, key, counts) = (Some(format!("job of {key}")), key.to_owned(), Counts::new());
    let call = if is_taken {
        Call::Commit { job_id, key, token, counts, status: None, correlation_id: None }
    } else {
        Call::Release {
            job_id,
            key,
            token,
            outcome: "origin_failed".to_owned(),
            status: Some(500),
            retry_after_ms: None,
            jitter,
            counts,
            correlation_id: None,
        }
    };
    assert_eq!(protocol::answer(store, call, policy, now_ms).unwrap(), Reply::Ok);
}

/// What a shard has done.
#[derive(Debug, Default)]
struct Run {
    /// The longest time from an event's acceptance to its delivery.
    longest_ms: u64,
    /// How many events were delivered.
    delivered: usize,
    /// How many attempts failed.
    failures: usize,
}

/// Events come at their times, each with whether it is healthy; the alarm is obeyed, and attempts take no time. A
/// healthy event is taken by the origin from `up_ms` on.
fn run(events: &[(u64, bool)], jitters: &[u16], up_ms: u64, end_ms: u64, policy: &Policy) -> Run {
    let (mut store, mut run) = (MemoryStore::default(), Run::default());
    let mut jitters = jitters.iter().copied().cycle();
    let (mut events, mut accepted) = (events.to_vec(), BTreeMap::new());
    events.sort_unstable();
    let mut coming = events.iter().enumerate().peekable();
    let mut settled =
        |store: &mut MemoryStore, key: &str, token, (since_ms, is_healthy), now_ms| {
            let is_taken = is_healthy && now_ms >= up_ms;
            settle(store, key, token, is_taken, jitters.next().unwrap(), policy, now_ms);
            if is_taken {
                run.longest_ms = run.longest_ms.max(now_ms - since_ms);
                run.delivered += 1;
                store.rows.remove(key);
            } else {
                run.failures += 1;
            }
        };
    loop {
        let next_ms = coming.peek().map_or(u64::MAX, |(_, (ms, _))| *ms);
        let now_ms = store.alarm_ms().unwrap_or(u64::MAX).min(next_ms);
        if now_ms >= end_ms {
            return run;
        }
        if let Some((number, event)) = coming.next_if(|(_, (ms, _))| *ms <= now_ms) {
            let key = format!("event-{number}");
            accepted.insert(key.clone(), *event);
            if let Reply::Accepted { token, .. } = accept(&mut store, &key, policy, now_ms) {
                settled(&mut store, &key, token, *event, now_ms);
            }
            continue;
        }
        alarm::set_successor(&mut store, Some(policy), now_ms);
        while let Some(taken) = outbox::take(&mut store, policy, now_ms).unwrap() {
            let event = accepted[&taken.key];
            settled(&mut store, &taken.key, taken.entry.attempts, event, now_ms);
        }
        alarm::rest(&mut store, policy, now_ms).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Events that the origin never takes hold the others for minutes at most, and not for as long as they are
    /// retried: about a pause for every five of them that come, and the pauses are short.
    #[test]
    fn poison_does_not_hold_what_is_healthy(
        poison in proptest::collection::vec(0..HOUR_MS, 0..30),
        is_burst: bool,
        every_ms in 5 * SECOND_MS..2 * MINUTE_MS,
        jitters in proptest::collection::vec(any::<u16>(), 1..40),
    ) {
        let policy = Policy::of_tests();
        let hours_ms = 6 * HOUR_MS;
        let poison = poison.into_iter().map(|ms| (START_MS + if is_burst { ms % SECOND_MS } else { ms }, false));
        let healthy: Vec<_> =
            (1..hours_ms / every_ms).map(|number| (START_MS + number * every_ms, true)).collect();
        let events: Vec<_> = poison.chain(healthy.iter().copied()).collect();
        let run = run(&events, &jitters, 0, START_MS + hours_ms + HOUR_MS, &policy);
        prop_assert_eq!(run.delivered, healthy.len());
        prop_assert!(run.longest_ms <= 10 * MINUTE_MS, "{} s", run.longest_ms / SECOND_MS);
    }

    /// An origin that is down opens the breaker, whose probes alone go out; once it is back, all that is held goes.
    #[test]
    fn an_origin_that_is_down_gets_probes_alone(
        events in proptest::collection::vec(0..4 * HOUR_MS, 20..60),
        jitters in proptest::collection::vec(any::<u16>(), 1..40),
    ) {
        let policy = Policy::of_tests();
        let events: Vec<_> = events.into_iter().map(|ms| (START_MS + ms, true)).collect();
        let down_ms = 6 * HOUR_MS;
        let run = run(&events, &jitters, START_MS + down_ms, START_MS + 8 * HOUR_MS, &policy);
        prop_assert_eq!(run.delivered, events.len());
        // Until five have come, each is retried on its own schedule, some twenty times in four hours.
        let probes = usize::try_from(down_ms / (5 * MINUTE_MS)).unwrap();
        prop_assert!(run.failures <= probes + 5 * 25, "{run:?}");
    }
}

/// A probe of which nobody hears keeps the others away as long as its lease, and no longer.
#[test]
fn a_probe_that_is_lost_holds_the_shard_for_its_lease() {
    let policy = Policy::of_tests();
    let mut store = MemoryStore::default();
    store.gate.breaker =
        Breaker::Open { until_ms: START_MS, pause_ms: 30_000, since_ms: START_MS - 30_000 };
    assert!(matches!(accept(&mut store, "probe", &policy, START_MS), Reply::Accepted { .. }));
    assert_eq!(accept(&mut store, "held", &policy, START_MS + 1), Reply::Stored);
    let lease_end_ms = START_MS + policy.lease_ms;
    assert_eq!(outbox::take(&mut store, &policy, lease_end_ms - 1), Ok(None));
    assert!(store.alarm_ms().unwrap() <= lease_end_ms);
    alarm::set_successor(&mut store, Some(&policy), lease_end_ms - 1);
    alarm::rest(&mut store, &policy, lease_end_ms - 1).unwrap();
    assert!(store.alarm_ms().unwrap() <= lease_end_ms + SECOND_MS);
    let taken = outbox::take(&mut store, &policy, lease_end_ms).unwrap().unwrap();
    assert_eq!(taken.key, "held", "it has fewer tries than the probe");
}

/// The success that closes the breaker lets what was held go out at once: nothing else would wake the shard.
#[test]
fn what_is_held_goes_out_when_the_breaker_closes() {
    let policy = Policy { lease_ms: 10 * MINUTE_MS, ..Policy::of_tests() };
    let mut store = MemoryStore::default();
    store.gate.breaker = Breaker::Ramp { slots: 16, since_ms: Some(START_MS) };
    let keys: Vec<_> = (0..16).map(|number| format!("event-{number}")).collect();
    for key in &keys {
        assert!(matches!(accept(&mut store, key, &policy, START_MS), Reply::Accepted { .. }));
    }
    assert_eq!(accept(&mut store, "held", &policy, START_MS), Reply::Stored);
    settle(&mut store, &keys[0], 1, true, 0, &policy, START_MS);
    assert_eq!(store.gate.breaker, Breaker::Closed);
    assert!(store.alarm_ms().unwrap() <= START_MS + SECOND_MS);
}
