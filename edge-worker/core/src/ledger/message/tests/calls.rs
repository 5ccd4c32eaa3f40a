//! Calls, as samples.

use super::{key, new_replay, selection};
use crate::counts::Counts;
use crate::ledger::audit::AuditCursor;
use crate::ledger::bulk_replay::Steering;
use crate::ledger::credits::Credits;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::job::{JobCursor, JobFilter, NewJob, Observation};
use crate::ledger::listing::{Cursor, Filter};
use crate::ledger::message::Call;
use crate::ledger::search::Search;
use crate::ledger::walk::Place;

/// One of each, and each with and without what may be missing.
#[allow(clippy::too_many_lines, reason = "one of each")]
pub(super) fn calls() -> Vec<Call> {
    let some = |text: &str| Some(text.to_owned());
    let meta = EventMeta {
        event_id: some("evt_1"),
        event_type: some("job.succeeded"),
        job_id: some("job \"1\"\n"),
        ..EventMeta::default()
    };
    let counts = || Counts::from("duplicate:2,forwarded:1");
    let claim = |meta, correlation_id| Call::Claim { key: key(), meta, correlation_id };
    let accept = |head: &str, correlation_id| Call::Accept {
        key: key(),
        meta: EventMeta::default(),
        head: head.to_owned(),
        body_bytes: 512,
        correlation_id,
    };
    let commit = |job_id, status, correlation_id, counts| Call::Commit {
        job_id,
        key: key(),
        token: 2,
        status,
        correlation_id,
        counts,
    };
    let filter = Filter {
        state: some("open"),
        job_id: some("job_1"),
        event_type: some("job.failed"),
        after: Some(Cursor { last_ms: 1_700_000_000_000, key: key() }),
        limit: 51,
        ..Filter::default()
    };
    vec![
        claim(meta, None),
        claim(EventMeta::default(), None),
        accept("{\"kept\":[]}", None),
        commit(some("job_1"), None, None, counts()),
        commit(None, None, None, Counts::new()),
        Call::Release {
            job_id: some("job_1"),
            key: key(),
            token: 2,
            outcome: "origin_failed".to_owned(),
            status: Some(503),
            retry_after_ms: Some(120_000),
            jitter: 7,
            correlation_id: None,
            counts: counts(),
        },
        Call::Reopen { key: key() },
        Call::Replay { key: key(), id: "r-1".to_owned() },
        Call::PlanReplay(selection()),
        Call::StartReplay(new_replay()),
        Call::SteerReplay { id: "r-1".to_owned(), steering: Steering::Cancel },
        Call::Replays { id: None },
        Call::Replays { id: some("r-1") },
        Call::Pause { is_paused: true },
        Call::Figures { counts: counts() },
        Call::Figures { counts: Counts::new() },
        Call::Report { counts: counts() },
        Call::Report { counts: Counts::new() },
        Call::List(filter),
        Call::List(Filter { limit: 1, ..Filter::default() }),
        Call::Find { key: key() },
        Call::RegisterJob(NewJob {
            job_id: "job_1".to_owned(),
            tenant: some("acme"),
            deadline_ms: Some(9),
            estimated: Credits::parse("1.05"),
        }),
        Call::RegisterJob(NewJob {
            job_id: "job_1".to_owned(),
            tenant: None,
            deadline_ms: None,
            estimated: None,
        }),
        Call::DueJobs { limit: 60 },
        Call::Observe(vec![
            observation(),
            Observation {
                credits: None,
                estimated: None,
                created_ms: None,
                is_known_only: false,
                ..observation()
            },
        ]),
        Call::MakeEnd {
            observation: observation(),
            key: key(),
            meta: EventMeta {
                credits: Credits::parse("1.05"),
                tenant: some("acme"),
                ..EventMeta::default()
            },
            head: "{}".to_owned(),
            body_bytes: 512,
        },
        Call::Jobs(JobFilter {
            state: some("overdue"),
            tenant: some("acme"),
            cursor: Some(JobCursor { known_ms: 7, job_id: "job_1".to_owned() }),
            limit: 51,
        }),
        Call::Jobs(JobFilter { limit: 1, ..JobFilter::default() }),
        Call::ForgetJob { job_id: "job_1".to_owned() },
        Call::FindJob { job_id: "job_1".to_owned() },
        Call::Costs,
        Call::Audit { cursor: None, limit: 51 },
        Call::Audit { cursor: Some(AuditCursor { at_ms: 7, id: 1 }), limit: 51 },
        claim(EventMeta::default(), some("c-1")),
        accept("{}", some("c-1")),
        commit(None, Some(204), some("c-1"), Counts::new()),
        Call::Release {
            job_id: None,
            key: key(),
            token: 2,
            outcome: "origin_timeout".to_owned(),
            status: None,
            retry_after_ms: None,
            jitter: 7,
            correlation_id: some("c-1"),
            counts: Counts::new(),
        },
        Call::List(Filter { limit: 1, with_trails: true, ..Filter::default() }),
        Call::Search(Search {
            filter: Filter {
                tenant: some("acme"),
                last_outcome: some("origin_failed"),
                event_id: some("evt_1"),
                since_ms: Some(5),
                until_ms: Some(9),
                limit: 51,
                ..Filter::default()
            },
            from: Some(Place { job_id: "job_1".to_owned(), key: key() }),
            to: Some(Place { job_id: String::new(), key: key() }),
            rows: 10_000,
        }),
        Call::Search(Search { rows: 1, ..Search::default() }),
        Call::Totals,
    ]
}

/// The acts of admins and of the reconciler, with their names.
pub(super) fn acts() -> Vec<String> {
    vec![
        Call::Reopen { key: key() }.encode_by("admin"),
        Call::Pause { is_paused: false }.encode_by("a \"b\"\n"),
    ]
}

fn observation() -> Observation {
    Observation {
        job_id: "job_1".to_owned(),
        status: "succeeded".to_owned(),
        credits: Credits::parse("1.05"),
        estimated: Credits::parse("2"),
        created_ms: Some(7),
        is_known_only: true,
    }
}
