//! Random calls have the same answers from the store in memory and from the one on SQLite.

mod events;
mod job_calls;
mod steps;

use proptest::prelude::*;

use self::steps::{JOB_POLICY, Step, step};
use super::memory_store::MemoryStore;
use super::sqlite::fresh_store;
use crate::ledger::audit::AuditStore as _;
use crate::ledger::breaker::BreakerPolicy;
use crate::ledger::figures::Figures;
use crate::ledger::job::{JobFilter, NewJob, Observation};
use crate::ledger::jobs::JobStore as _;
use crate::ledger::listing::Filter;
use crate::ledger::message::{Call, Reply};
use crate::ledger::policy::Policy;
use crate::ledger::replays::ReplayStore as _;
use crate::ledger::retry::RetryPolicy;
use crate::ledger::store::Store;
use crate::ledger::walk::BATCH;
use crate::ledger::{alarm, protocol, replays, search};

const LEASE_MS: u64 = 50;
const RETENTION_MS: u64 = 200;
const START_MS: u64 = 10_000;

fn policy() -> Policy {
    let policy = Policy::of_tests();
    Policy {
        lease_ms: LEASE_MS,
        retention_ms: RETENTION_MS,
        dead_retention_ms: RETENTION_MS,
        keep_bodies_ms: RETENTION_MS / 2,
        // Few, so that breakers open and events are given up.
        retry: RetryPolicy { initial_ms: 1_000, max_ms: 2_000, attempts: 3, ..policy.retry },
        breaker: BreakerPolicy { failures: 2, pause_ms: 1_000 },
        jobs: Some(JOB_POLICY),
        ..policy
    }
}

/// The answer, without the size of the database, which only one of the stores has.
fn answered(
    store: &mut impl Store,
    call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    match protocol::act(store, call, Some("somebody"), policy, now_ms)? {
        Reply::Figures(figures) => Ok(Reply::Figures(Figures { bytes: 0, ..figures })),
        answer => Ok(answer),
    }
}

/// A call as it would be made if the clock had started later.
fn shifted(call: Call, shift_ms: u64) -> Call {
    match call {
        Call::RegisterJob(new) => {
            let deadline_ms = new.deadline_ms.map(|ms| ms + shift_ms);
            Call::RegisterJob(NewJob { deadline_ms, ..new })
        }
        Call::Observe(seen) => {
            let later = |it: Observation| Observation {
                created_ms: it.created_ms.map(|ms| ms + shift_ms),
                ..it
            };
            Call::Observe(seen.into_iter().map(later).collect())
        }
        Call::StartReplay(mut new) => {
            new.selection.since_ms += shift_ms;
            new.selection.until_ms += shift_ms;
            Call::StartReplay(new)
        }
        call => call,
    }
}

proptest! {
    #[test]
    fn both_stores_give_the_same_answers(steps in proptest::collection::vec(step(), 0..80)) {
        let (mut memory, mut sqlite) = (MemoryStore::with_trails(), fresh_store());
        let mut policy = policy();
        let mut now_ms = START_MS;
        for step in steps {
            match step {
                Step::Call(call) => prop_assert_eq!(
                    answered(&mut memory, call.clone(), &policy, now_ms),
                    answered(&mut sqlite, call, &policy, now_ms)
                ),
                Step::Start(shards) => {
                    memory.note_shards(shards, now_ms).unwrap();
                    sqlite.note_shards(shards, now_ms).unwrap();
                }
                Step::Clock(ms) => now_ms = now_ms.strict_add_signed(ms),
                Step::Change(change) => change.apply(&mut policy),
                Step::Take => prop_assert_eq!(
                    replays::take(&mut memory, &policy, now_ms),
                    replays::take(&mut sqlite, &policy, now_ms)
                ),
                Step::Sweep => prop_assert_eq!(
                    alarm::sweep(&mut memory, &policy, now_ms),
                    alarm::sweep(&mut sqlite, &policy, now_ms)
                ),
                Step::Rest => prop_assert_eq!(
                    alarm::rest(&mut memory, &policy, now_ms),
                    alarm::rest(&mut sqlite, &policy, now_ms)
                ),
            }
            prop_assert_eq!(memory.alarm_ms(), sqlite.alarm_ms());
            prop_assert_eq!(memory.gate(), sqlite.gate());
            prop_assert_eq!(memory.replays(), sqlite.replays());
        }
        let all = Filter { limit: BATCH, ..Filter::default() };
        let rows = search::list(&memory, &all).unwrap();
        for (key, row) in &rows {
            let job_id = row.meta.job_id.as_deref();
            prop_assert_eq!(memory.trail(job_id, key), sqlite.trail(job_id, key), "{}", key);
        }
        prop_assert_eq!(Ok(rows), search::list(&sqlite, &all));
        let all = JobFilter { limit: BATCH, ..JobFilter::default() };
        prop_assert_eq!(memory.list_jobs(&all, now_ms), sqlite.list_jobs(&all, now_ms));
        prop_assert_eq!(memory.total_costs(now_ms), sqlite.total_costs(now_ms));
        prop_assert_eq!(memory.audit(None, BATCH), sqlite.audit(None, BATCH));
    }

    /// What the model checker rests on: only differences of times matter, so its clock may stand
    /// still while the leases move.
    #[test]
    fn where_the_clock_starts_does_not_matter(
        steps in proptest::collection::vec(step(), 0..60),
        shift_ms in 0..1_000_000_000_000_u64,
    ) {
        let (mut here, mut there) = (MemoryStore::default(), MemoryStore::default());
        let mut policy = policy();
        let mut now_ms = START_MS;
        for step in steps {
            match step {
                // What says a time.
                Step::Call(
                    Call::Figures { .. }
                    | Call::List(_)
                    | Call::Search(_)
                    | Call::Find { .. }
                    | Call::Replays { .. }
                    | Call::DueJobs { .. }
                    | Call::Jobs(_)
                    | Call::FindJob { .. }
                    | Call::Audit { .. }
                    | Call::PlanReplay(_),
                )
                | Step::Start(_) => {}
                Step::Call(call) => prop_assert_eq!(
                    answered(&mut here, call.clone(), &policy, now_ms),
                    answered(&mut there, shifted(call, shift_ms), &policy, now_ms + shift_ms)
                ),
                Step::Clock(ms) => now_ms = now_ms.strict_add_signed(ms),
                Step::Change(change) => change.apply(&mut policy),
                Step::Take => {
                    let taken = |store: &mut MemoryStore, now_ms| {
                        let taken = replays::take(store, &policy, now_ms).unwrap();
                        taken.map(|taken| (taken.key, taken.order, taken.entry.attempts))
                    };
                    let there = taken(&mut there, now_ms + shift_ms);
                    prop_assert_eq!(taken(&mut here, now_ms), there);
                }
                Step::Rest => {
                    alarm::rest(&mut here, &policy, now_ms).unwrap();
                    alarm::rest(&mut there, &policy, now_ms + shift_ms).unwrap();
                }
                Step::Sweep => {
                    let swept = |store: &mut MemoryStore, now_ms| {
                        let swept = alarm::sweep(store, &policy, now_ms).unwrap();
                        let expired = swept.expired.into_iter().map(|it| (it.key, it.state));
                        (swept.events, expired.collect::<Vec<_>>())
                    };
                    let there = swept(&mut there, now_ms + shift_ms);
                    prop_assert_eq!(swept(&mut here, now_ms), there);
                }
            }
            prop_assert_eq!(here.alarm_ms().map(|ms| ms + shift_ms), there.alarm_ms());
        }
    }
}
