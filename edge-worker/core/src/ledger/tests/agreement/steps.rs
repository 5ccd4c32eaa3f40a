//! Random steps: calls, what the object does by itself, the clock, and settings that a deployment changes.

use proptest::prelude::*;

use super::events::{counts, event, filter, key, search, selection};
use super::job_calls::job_call;
use crate::ledger::alarm::LEAST_PAUSE_MS;
use crate::ledger::bulk_replay::{NewReplay, Steering};
use crate::ledger::event_meta::EventMeta;
use crate::ledger::job::JobPolicy;
use crate::ledger::message::Call;
use crate::ledger::order::LateEvents;
use crate::ledger::policy::Policy;

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a few dozen at once")]
pub(super) enum Step {
    Call(Call),
    /// The object starts, with as many shards.
    Start(u32),
    /// The clock moves, perhaps backwards.
    Clock(i64),
    Change(Change),
    /// The object makes an attempt that is due.
    Take,
    Sweep,
    Rest,
}

/// A setting as the next deployment has it.
#[derive(Clone, Debug)]
pub(super) enum Change {
    LateEvents(LateEvents),
    /// Whether the events of a job wait for each other.
    Order(bool),
    /// How long the bytes of delivered events are kept, in milliseconds.
    KeepBodies(u64),
    /// How many attempts may be under way.
    Concurrency(Option<u32>),
    /// Whether jobs are followed.
    Jobs(bool),
}

/// So short that looks, deadlines and ripe ends are met.
pub(super) const JOB_POLICY: JobPolicy = JobPolicy { after_ms: 20, deadline_ms: 100 };

impl Change {
    pub(super) fn apply(self, policy: &mut Policy) {
        match self {
            Self::LateEvents(late_events) => policy.late_events = late_events,
            Self::Order(is_ordered) => policy.is_ordered = is_ordered,
            Self::KeepBodies(ms) => policy.keep_bodies_ms = ms,
            Self::Concurrency(concurrency) => policy.concurrency = concurrency,
            Self::Jobs(is_following) => policy.jobs = is_following.then_some(JOB_POLICY),
        }
    }
}

fn replay_id() -> impl Strategy<Value = String> {
    (0..3_u32).prop_map(|number| format!("replay-{number}"))
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

fn change() -> impl Strategy<Value = Change> {
    let late_events = prop_oneof![Just(LateEvents::Forward), Just(LateEvents::Drop)];
    prop_oneof![
        late_events.prop_map(Change::LateEvents),
        any::<bool>().prop_map(Change::Order),
        (0..3_u64).prop_map(|steps| Change::KeepBodies(steps * 50)),
        proptest::option::of(1..3_u32).prop_map(Change::Concurrency),
        proptest::bool::weighted(0.8).prop_map(Change::Jobs),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => call().prop_map(Step::Call),
        1 => (1..3_u32).prop_map(Step::Start),
        // In steps of which lease and retention are multiples, so that their very ends are met.
        2 => (-2..8_i64).prop_map(|steps| Step::Clock(steps * 10)),
        // And longer ones, since attempts are a second apart.
        2 => (0..4_i64).prop_map(|steps| Step::Clock(steps * 500)),
        // And some after which the next walk begins.
        1 => Just(Step::Clock(LEAST_PAUSE_MS.cast_signed())),
        5 => change().prop_map(Step::Change),
        4 => Just(Step::Take),
        1 => Just(Step::Rest),
        2 => Just(Step::Sweep),
    ]
}
