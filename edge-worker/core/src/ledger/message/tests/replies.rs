//! Replies, as samples.

use super::{key, new_replay};
use crate::ledger::audit::AuditEntry;
use crate::ledger::breaker::Breaker;
use crate::ledger::bulk_replay::BulkReplay;
use crate::ledger::costs::TenantCosts;
use crate::ledger::credits::Credits;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::figures::Figures;
use crate::ledger::job::{DueJob, JobFigures, JobSummary};
use crate::ledger::listing::{Cursor, EventSummary};
use crate::ledger::message::Reply;
use crate::ledger::order::Order;
use crate::ledger::search::Found;
use crate::ledger::trail::{Act, TrailEntry};
use crate::ledger::walk::Place;

/// One of each, and each with and without what may be missing.
pub(super) fn replies() -> Vec<Reply> {
    let figures = Figures {
        events: "done:3,open:1".into(),
        oldest_ms: Some(7),
        abandoned: 1,
        oldest_waiting_ms: Some(8),
        is_paused: true,
        paused_replays: 1,
        breaker: Breaker::Open { until_ms: 9, pause_ms: 30_000, since_ms: 8 },
        bytes: 4_096,
        shard_counts: vec![(5, 8), (6, 16)],
        outcomes: "duplicate:2".into(),
        jobs: None,
    };
    let with_jobs = Figures {
        jobs: Some(JobFigures { open: 4, overdue: 3, reconciled: 2, conflicts: 1 }),
        ..Figures::default()
    };
    let event = EventSummary {
        key: key(),
        state: "claimed".to_owned(),
        lease_end_ms: Some(9),
        due_ms: Some(10),
        attempts: 2,
        first_ms: 7,
        last_ms: 8,
        last_outcome: Some("origin_failed".to_owned()),
        meta: EventMeta { job_id: Some("job_1".to_owned()), ..EventMeta::default() },
        trail: Vec::new(),
    };
    let trail = vec![
        TrailEntry::new(5, Act::Delivery, "accepted").by(Some("c-1".to_owned())),
        TrailEntry::attempt(7, 1, "origin_failed", Some(503)),
    ];
    vec![
        Reply::Granted { token: 1, order: Order::InOrder },
        Reply::Granted { token: 2, order: Order::Late },
        Reply::Accepted { token: 1, order: Order::InOrder },
        Reply::Stored,
        Reply::Full,
        Reply::Planned { events: 3, without_bytes: 1 },
        Reply::Ended,
        Reply::Replays(vec![BulkReplay {
            after: Some(Cursor { last_ms: 7, key: key() }),
            last_failure: Some("origin_failed".to_owned()),
            ..BulkReplay::new(new_replay(), 3, 9)
        }]),
        Reply::Replays(Vec::new()),
        Reply::Paused,
        Reply::Gone,
        Reply::InFlight { remaining_ms: 29_500 },
        Reply::Duplicate,
        Reply::LateDropped,
        Reply::Ok,
        Reply::Superseded,
        Reply::Absent,
        Reply::Figures(figures),
        Reply::Figures(Figures::default()),
        Reply::Figures(with_jobs),
        Reply::Events(vec![event.clone()]),
        Reply::Events(Vec::new()),
        Reply::DueJobs {
            jobs: vec![DueJob { job_id: "job_1".to_owned(), known_ms: 7 }],
            next_ms: Some(9),
        },
        Reply::DueJobs { jobs: Vec::new(), next_ms: None },
        Reply::Observed { ripe: vec!["job_1".to_owned()], unknown: vec!["job_2".to_owned()] },
        Reply::Jobs(vec![job(), JobSummary::open("job_2", 7, 8)]),
        Reply::Jobs(Vec::new()),
        Reply::Costs(vec![costs(), TenantCosts::default()]),
        Reply::Audit(vec![AuditEntry {
            id: 1,
            at_ms: 7,
            by: "reconciler".to_owned(),
            act: "make_end".to_owned(),
            about: "job_1".to_owned(),
            result: "stored".to_owned(),
        }]),
        Reply::Events(vec![EventSummary { trail, ..event.clone() }]),
        Reply::Found(Found {
            events: vec![event],
            seen: Some(Cursor { last_ms: 7, key: key() }),
            end: Some(Place { job_id: "job_1".to_owned(), key: key() }),
            looked: 10_000,
        }),
        Reply::Found(Found::default()),
        Reply::Costs(vec![TenantCosts { seconds_to_end: vec![(42, 2)], ..TenantCosts::default() }]),
    ]
}

fn job() -> JobSummary {
    JobSummary {
        state: "ended".to_owned(),
        tenant: Some("acme".to_owned()),
        estimated: Credits::parse("2"),
        status: Some("succeeded".to_owned()),
        credits: Credits::parse("1.05"),
        ended_ms: Some(9),
        ended_by: Some("reconciliation".to_owned()),
        end_key: Some(key()),
        alias_key: Some("event-01".to_owned()),
        is_conflict: true,
        shown: Some("succeeded".to_owned()),
        shown_ms: Some(8),
        look_ms: None,
        looks: 2,
        ..JobSummary::open("job_1", 7, 10)
    }
}

fn costs() -> TenantCosts {
    let credits = |text| Credits::parse(text).unwrap();
    TenantCosts {
        tenant: Some("acme".to_owned()),
        is_rest: false,
        open: 1,
        succeeded: 2,
        failed: 3,
        overdue: 1,
        conflicts: 1,
        reserved: credits("2"),
        settled: credits("2.1"),
        refunded: credits("0.000001"),
        paid_not_delivered: credits("1.05"),
        prices: vec![(credits("1.05"), 2)],
        seconds_to_end: Vec::new(),
    }
}
