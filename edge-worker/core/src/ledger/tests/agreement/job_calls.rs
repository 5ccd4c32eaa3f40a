//! Random calls that are about jobs.

use proptest::prelude::*;

use super::events::{credits, job_id, some_of, tenant, time};
use crate::ledger::audit::AuditCursor;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::job::{JobCursor, JobFilter, NewJob, Observation};
use crate::ledger::message::Call;

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

pub(super) fn job_call() -> impl Strategy<Value = Call> {
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
