//! Random calls have the same answers from the store in memory and from the one on SQLite.

use proptest::prelude::*;

use super::memory_store::MemoryStore;
use super::sqlite::fresh_store;
use crate::counts::Counts;
use crate::ledger::alarm::LEAST_PAUSE_MS;
use crate::ledger::audit::{AuditCursor, AuditStore as _};
use crate::ledger::breaker::BreakerPolicy;
use crate::ledger::bulk_replay::{NewReplay, Selection, Steering};
use crate::ledger::credits::Credits;
use crate::ledger::entry::EventState;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::job::{JobCursor, JobFilter, JobPolicy, NewJob, Observation};
use crate::ledger::jobs::JobStore as _;
use crate::ledger::listing::{Cursor, Filter};
use crate::ledger::message::{Call, Reply};
use crate::ledger::order::LateEvents;
use crate::ledger::policy::Policy;
use crate::ledger::replays::ReplayStore as _;
use crate::ledger::retry::RetryPolicy;
use crate::ledger::search::Search;
use crate::ledger::store::Store;
use crate::ledger::walk::{BATCH, Place};
use crate::ledger::{alarm, protocol, replays, search};

const LEASE_MS: u64 = 50;
const RETENTION_MS: u64 = 200;
const START_MS: u64 = 10_000;

const TYPES: [Option<&str>; 5] =
    [Some("job.queued"), Some("job.running"), Some("job.succeeded"), Some("failed"), Some("other")];
const JOBS: [Option<&str>; 3] = [Some("job_1"), Some("job_2 \u{1F3AC}'\""), None];

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a few dozen at once")]
enum Step {
    Call(Call),
    /// The object starts, with as many shards.
    Start(u32),
    /// The clock moves, perhaps backwards.
    Clock(i64),
    LateEvents(LateEvents),
    /// Whether the events of a job wait for each other.
    Order(bool),
    /// How long the bytes of delivered events are kept, in milliseconds.
    KeepBodies(u64),
    /// How many attempts may be under way.
    Concurrency(Option<u32>),
    /// Whether jobs are followed.
    Jobs(bool),
    /// The object makes an attempt that is due.
    Take,
    Sweep,
    Rest,
}

/// One of a few events. Job and type belong to the event, so they follow from its number.
fn event() -> impl Strategy<Value = (String, EventMeta)> {
    (0..12_usize, credits(), tenant()).prop_map(|(number, credits, tenant)| {
        let meta = EventMeta {
            event_id: (number != 11).then(|| format!("evt_{number}")),
            event_type: TYPES[number % TYPES.len()].map(str::to_owned),
            job_id: JOBS[number % JOBS.len()].map(str::to_owned),
            credits,
            tenant,
        };
        (format!("event-{number:02}"), meta)
    })
}

fn credits() -> impl Strategy<Value = Option<Credits>> {
    proptest::option::of((1..3_u64).prop_map(|whole| Credits::of_millionths(whole * 500_000)))
}

fn tenant() -> impl Strategy<Value = Option<String>> {
    some_of(&["acme", "\u{e9}t\u{e9}"])
}

/// A job, mostly one that has events.
fn job_id() -> impl Strategy<Value = String> {
    (0..3_usize).prop_map(|number| JOBS[number].unwrap_or("job_3").to_owned())
}

/// A time, mostly in the past, of which several things have the same.
fn time() -> impl Strategy<Value = Option<u64>> {
    proptest::option::of((0..40_u64).prop_map(|tens| START_MS - 100 + tens * 10))
}

fn observation() -> impl Strategy<Value = Observation> {
    const STATUSES: [&str; 5] = ["queued", "running", "succeeded", "failed", "unheard_of"];
    let amounts = (credits(), credits());
    (job_id(), proptest::sample::select(&STATUSES[..]), amounts, time(), any::<bool>()).prop_map(
        |(job_id, status, (credits, estimated), created_ms, is_known_only)| Observation {
            job_id,
            status: status.to_owned(),
            credits,
            estimated,
            created_ms,
            is_known_only,
        },
    )
}

/// An end that is made from what the API may have shown.
fn made_end() -> impl Strategy<Value = Call> {
    observation().prop_map(|mut observation| {
        if observation.status != "failed" {
            observation.status = "succeeded".to_owned();
        }
        let meta = EventMeta {
            event_id: None,
            event_type: Some(format!("job.{}", observation.status)),
            job_id: Some(observation.job_id.clone()),
            credits: observation.credits,
            tenant: None,
        };
        let key = format!("made-{}-{}", observation.job_id, observation.status);
        Call::MakeEnd { observation, key, meta, head: "{}".to_owned(), body_bytes: 1 }
    })
}

fn job_call() -> impl Strategy<Value = Call> {
    let new = (job_id(), tenant(), time(), credits()).prop_map(
        |(job_id, tenant, deadline_ms, estimated)| {
            Call::RegisterJob(NewJob { job_id, tenant, deadline_ms, estimated })
        },
    );
    let cursor = (time(), job_id())
        .prop_map(|(known_ms, job_id)| known_ms.map(|known_ms| JobCursor { known_ms, job_id }));
    let states = &["open", "overdue", "ended", "reconciliation", "conflict", "x"];
    let filter =
        (some_of(states), tenant(), cursor, 0..4_u32).prop_map(|(state, tenant, cursor, limit)| {
            Call::Jobs(JobFilter { state, tenant, cursor, limit })
        });
    let audit = (time(), 0..3_u64, 0..4_u32).prop_map(|(at_ms, id, limit)| Call::Audit {
        cursor: at_ms.map(|at_ms| AuditCursor { at_ms, id }),
        limit,
    });
    prop_oneof![
        2 => new,
        2 => (0..4_u32).prop_map(|limit| Call::DueJobs { limit }),
        6 => proptest::collection::vec(observation(), 1..4).prop_map(Call::Observe),
        4 => made_end(),
        2 => filter,
        1 => job_id().prop_map(|job_id| Call::FindJob { job_id }),
        1 => job_id().prop_map(|job_id| Call::ForgetJob { job_id }),
        2 => Just(Call::Costs),
        1 => audit,
    ]
}

fn key() -> impl Strategy<Value = String> {
    event().prop_map(|(key, _)| key)
}

fn counts() -> impl Strategy<Value = Counts> {
    prop_oneof![Just(""), Just("forwarded:1"), Just("duplicate:2,in_flight:3")]
        .prop_map(Counts::from)
}

fn some_of(names: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    proptest::option::of(proptest::sample::select(names).prop_map(str::to_owned))
}

fn filter() -> impl Strategy<Value = Filter> {
    const STATES: [&str; 8] = [
        EventState::NAMES[0],
        EventState::NAMES[1],
        EventState::NAMES[2],
        EventState::NAMES[3],
        EventState::NAMES[4],
        EventState::NAMES[5],
        EventState::NAMES[6],
        "x",
    ];
    let fields = (some_of(&STATES), some_of(&["job_1", "job_3"]), some_of(&["failed", "other"]));
    // Times of which several events have the same, so that the key decides.
    let after = (0..40_u64, key())
        .prop_map(|(tens, key)| Cursor { last_ms: START_MS - 100 + tens * 10, key });
    let after = proptest::option::of(after);
    let more = (
        tenant(),
        some_of(&["forwarded", "origin_failed", "reopened"]),
        some_of(&["evt_1", "evt_4", "evt_x"]),
        (time(), time()),
    );
    (fields, more, after, 0..8_u32).prop_map(
        |((state, job_id, event_type), (tenant, last_outcome, event_id, times), after, limit)| {
            Filter {
                state,
                job_id,
                event_type,
                tenant,
                last_outcome,
                event_id,
                since_ms: times.0,
                until_ms: times.1,
                after,
                limit,
                with_trails: limit % 2 == 0,
            }
        },
    )
}

fn search() -> impl Strategy<Value = Search> {
    let place =
        || {
            proptest::option::of((0..3_usize, key()).prop_map(|(job, key)| Place {
                job_id: JOBS[job].unwrap_or_default().to_owned(),
                key,
            }))
        };
    (filter(), place(), place(), 0..6_u32).prop_map(|(filter, from, to, rows)| Search {
        filter,
        from,
        to,
        rows,
    })
}

fn replay_id() -> impl Strategy<Value = String> {
    (0..3_u32).prop_map(|number| format!("replay-{number}"))
}

fn selection() -> impl Strategy<Value = Selection> {
    let times = (0..40_u64, 0..200_u64);
    let filter = (some_of(&["job_1", "job_3"]), some_of(&["failed", "other"]));
    (0..3_usize, times, filter).prop_map(|(state, (since, until), (job_id, event_type))| {
        Selection {
            state: Selection::STATES[state].to_owned(),
            since_ms: START_MS - 100 + since * 10,
            until_ms: START_MS + until * 10,
            job_id,
            event_type,
        }
    })
}

fn call() -> impl Strategy<Value = Call> {
    // Tokens up to the most that a short history grants: good and stale ones both occur.
    let token = || 0..5_u64;
    let status = prop_oneof![Just(None), Just(Some(500)), Just(Some(400))];
    prop_oneof![
        3 => event().prop_map(|(key, meta)| Call::Claim { key, meta, correlation_id: None }),
        6 => event().prop_map(|(key, meta)| {
            Call::Accept { key, meta, head: "{}".to_owned(), body_bytes: 1, correlation_id: None }
        }),
        4 => (event(), token(), counts())
            .prop_map(|((key, EventMeta { job_id, .. }), token, counts)| {
                Call::Commit { job_id, key, token, counts, status: None, correlation_id: None }
            }),
        3 => (event(), token(), counts(), status, any::<u16>()).prop_map(|((key, meta), token, counts, status, jitter)| {
            Call::Release {
                job_id: meta.job_id,
                key,
                token,
                outcome: "origin_failed".to_owned(),
                status,
                retry_after_ms: None,
                jitter,
                counts, correlation_id: None }
        }),
        1 => key().prop_map(|key| Call::Reopen { key }),
        2 => key().prop_map(|key| Call::Replay { key, id: "r".to_owned() }),
        1 => selection().prop_map(Call::PlanReplay),
        2 => (replay_id(), selection(), 1..1_500_u64).prop_map(|(id, selection, interval_ms)| {
            Call::StartReplay(NewReplay { id, selection, rate: 1, interval_ms })
        }),
        1 => (replay_id(), 0..3_usize).prop_map(|(id, act)| {
            let acts = [Steering::Pause, Steering::Resume, Steering::Cancel];
            Call::SteerReplay { id, steering: acts[act] }
        }),
        1 => Just(Call::Replays { id: None }),
        1 => replay_id().prop_map(|id| Call::Replays { id: Some(id) }),
        1 => any::<bool>().prop_map(|is_paused| Call::Pause { is_paused }),
        1 => counts().prop_map(|counts| Call::Figures { counts }),
        2 => filter().prop_map(Call::List),
        4 => search().prop_map(Call::Search),
        1 => key().prop_map(|key| Call::Find { key }),
        10 => job_call(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let late_events = prop_oneof![Just(LateEvents::Forward), Just(LateEvents::Drop)];
    prop_oneof![
        12 => call().prop_map(Step::Call),
        1 => (1..3_u32).prop_map(Step::Start),
        // In steps of which lease and retention are multiples, so that their very ends are met.
        2 => (-2..8_i64).prop_map(|steps| Step::Clock(steps * 10)),
        // And longer ones, since attempts are a second apart.
        2 => (0..4_i64).prop_map(|steps| Step::Clock(steps * 500)),
        // And some after which the next walk begins.
        1 => Just(Step::Clock(LEAST_PAUSE_MS.cast_signed())),
        1 => any::<bool>().prop_map(Step::Order),
        1 => (0..3_u64).prop_map(|steps| Step::KeepBodies(steps * 50)),
        1 => proptest::option::of(1..3_u32).prop_map(Step::Concurrency),
        1 => proptest::bool::weighted(0.8).prop_map(Step::Jobs),
        4 => Just(Step::Take),
        1 => Just(Step::Rest),
        1 => late_events.prop_map(Step::LateEvents),
        2 => Just(Step::Sweep),
    ]
}

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

/// So short that looks, deadlines and ripe ends are met.
const JOB_POLICY: JobPolicy = JobPolicy { after_ms: 20, deadline_ms: 100 };

/// The answer, without the size of the database, which only one of the stores has.
fn answered(
    store: &mut impl Store,
    call: Call,
    policy: &Policy,
    now_ms: u64,
) -> Result<Reply, String> {
    match protocol::act(store, call, Some("somebody"), policy, now_ms)? {
        Reply::Figures(figures) => {
            Ok(Reply::Figures(crate::ledger::figures::Figures { bytes: 0, ..figures }))
        }
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
                Step::LateEvents(late_events) => policy.late_events = late_events,
                Step::Order(is_ordered) => policy.is_ordered = is_ordered,
                Step::KeepBodies(ms) => policy.keep_bodies_ms = ms,
                Step::Concurrency(concurrency) => policy.concurrency = concurrency,
                Step::Jobs(is_following) => policy.jobs = is_following.then_some(JOB_POLICY),
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
                Step::LateEvents(late_events) => policy.late_events = late_events,
                Step::Order(is_ordered) => policy.is_ordered = is_ordered,
                Step::KeepBodies(ms) => policy.keep_bodies_ms = ms,
                Step::Concurrency(concurrency) => policy.concurrency = concurrency,
                Step::Jobs(is_following) => policy.jobs = is_following.then_some(JOB_POLICY),
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
