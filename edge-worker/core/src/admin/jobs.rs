//! Jobs of all shards, put together.

use core::cmp::Ordering;

use serde::Serialize;

use super::events::{self, EventView};
use super::query::{self, MAX_LIMIT};
use crate::ledger::credits::Credits;
use crate::ledger::job::JobSummary;
use crate::ledger::listing::EventSummary;
use crate::ledger::message::{CallError, Reply};
use crate::merge;
use crate::outcome::Outcome;
use crate::response::Response;
use crate::time::rfc3339;

/// A shard's reply, or why there is none.
type Replied = Result<Reply, CallError>;

/// A page of the list.
#[derive(Serialize)]
struct Page {
    jobs: Vec<JobView>,
    limit: usize,
    /// Where the next page begins; none on the last page.
    cursor: Option<String>,
}

/// One job, and what became of its events.
#[derive(Serialize)]
struct Timeline {
    #[serde(flatten)]
    job: JobView,
    /// Those that changed last are the last.
    events: Vec<EventView>,
    /// Whether there are earlier ones.
    more_events: bool,
}

/// One job as an admin sees it.
#[derive(Serialize)]
struct JobView {
    id: String,
    state: String,
    tenant: Option<String>,
    known: String,
    deadline: String,
    estimated_credits: Option<Credits>,
    /// How it has ended.
    status: Option<String>,
    credits: Option<Credits>,
    ended: Option<String>,
    ended_by: Option<String>,
    /// The event of its end, by its key.
    end_event: Option<String>,
    /// The provider's event that the made one stood for.
    alias_event: Option<String>,
    conflict: bool,
    /// What the API has shown last.
    shown: Option<String>,
    shown_since: Option<String>,
    next_look: Option<String>,
    looks: u64,
}

impl From<JobSummary> for JobView {
    fn from(job: JobSummary) -> Self {
        Self {
            id: job.job_id,
            state: job.state,
            tenant: job.tenant,
            known: rfc3339(job.known_ms),
            deadline: rfc3339(job.deadline_ms),
            estimated_credits: job.estimated,
            status: job.status,
            credits: job.credits,
            ended: job.ended_ms.map(rfc3339),
            ended_by: job.ended_by,
            end_event: job.end_key,
            alias_event: job.alias_key,
            conflict: job.is_conflict,
            shown: job.shown,
            shown_since: job.shown_ms.map(rfc3339),
            next_look: job.look_ms.map(rfc3339),
            looks: job.looks,
        }
    }
}

/// Order of the list: the job that became known last first, then by id.
fn order(left: &JobSummary, right: &JobSummary) -> Ordering {
    right.known_ms.cmp(&left.known_ms).then_with(|| left.job_id.cmp(&right.job_id))
}

fn jobs(reply: Replied) -> Result<Vec<JobSummary>, Outcome> {
    match reply {
        Ok(Reply::Jobs(jobs)) => Ok(jobs),
        _ => Err(Outcome::LedgerUnavailable),
    }
}

/// A page of `limit` jobs; none if a shard does not reply, since a list with gaps would be taken for the whole.
pub(super) fn list(replies: Vec<Replied>, limit: usize) -> Result<Response, Outcome> {
    let lists = replies.into_iter().map(jobs).collect::<Result<Vec<_>, _>>()?;
    // One more than is shown, to know whether there are more.
    let mut page = merge::merge(lists, limit.saturating_add(1), order);
    let is_more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| is_more).map(JobSummary::cursor);
    Ok(Response::json(&Page {
        jobs: page.into_iter().map(JobView::from).collect(),
        limit,
        cursor: last.as_ref().map(query::job_cursor_text),
    }))
}

/// One job and its events. After a change of the number of shards, two may know it: the one in use, which comes first,
/// has had what came last.
pub(super) fn find(replies: Vec<Replied>, more: Vec<Replied>) -> Result<Response, Outcome> {
    let jobs = replies.into_iter().map(jobs).collect::<Result<Vec<_>, _>>()?;
    let job = jobs.into_iter().flatten().next().ok_or(Outcome::NotFound)?;
    let lists = more.into_iter().map(events::events).collect::<Result<Vec<_>, _>>()?;
    let mut events = merge::merge(lists, usize::MAX, EventSummary::order);
    let limit = usize::try_from(MAX_LIMIT).unwrap_or(usize::MAX);
    let more_events = events.len() > limit;
    events.truncate(limit);
    let events = events.into_iter().rev().map(EventView::with_trail).collect();
    Ok(Response::json(&Timeline { job: job.into(), events, more_events }))
}

/// Whether the shard follows the job from now on.
pub(super) fn registered(replies: &[Replied]) -> Result<(), Outcome> {
    match replies {
        [Ok(Reply::Ok)] => Ok(()),
        _ => Err(Outcome::LedgerUnavailable),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::ledger::event_meta::EventMeta;
    use crate::ledger::job::JobCursor;

    fn broken() -> Replied {
        Err("broken".into())
    }

    fn body(response: &Response) -> Value {
        serde_json::from_str(&response.body).unwrap()
    }

    fn event(last_ms: u64, due_ms: Option<u64>) -> EventSummary {
        EventSummary {
            key: format!("event-{last_ms}"),
            state: if due_ms.is_some() { "waiting" } else { "done" }.to_owned(),
            lease_end_ms: None,
            due_ms,
            attempts: 1,
            first_ms: 0,
            last_ms,
            last_outcome: None,
            meta: EventMeta { event_type: Some("job.queued".to_owned()), ..EventMeta::default() },
            trail: Vec::new(),
        }
    }

    #[test]
    fn a_timeline_is_pinned() {
        let job = JobSummary {
            state: "ended".to_owned(),
            tenant: Some("acme".to_owned()),
            estimated: Credits::parse("2"),
            status: Some("succeeded".to_owned()),
            credits: Credits::parse("1.05"),
            ended_ms: Some(1_700_000_003_000),
            ended_by: Some("reconciliation".to_owned()),
            end_key: Some("event-01".to_owned()),
            alias_key: Some("event-02".to_owned()),
            is_conflict: true,
            shown: Some("succeeded".to_owned()),
            shown_ms: Some(1_700_000_002_000),
            look_ms: None,
            looks: 2,
            ..JobSummary::open("job_1", 1_700_000_000_000, 1_700_000_009_000)
        };
        let queued = event(1_700_000_000_500, None);
        let waiting = event(1_700_000_004_000, Some(1_700_000_005_000));
        let found = find(
            vec![Ok(Reply::Jobs(vec![job])), Ok(Reply::Jobs(Vec::new()))],
            vec![Ok(Reply::Events(vec![waiting])), Ok(Reply::Events(vec![queued]))],
        );
        let expected = json!({
            "id": "job_1",
            "state": "ended",
            "tenant": "acme",
            "known": "2023-11-14T22:13:20.000Z",
            "deadline": "2023-11-14T22:13:29.000Z",
            "estimated_credits": "2",
            "status": "succeeded",
            "credits": "1.05",
            "ended": "2023-11-14T22:13:23.000Z",
            "ended_by": "reconciliation",
            "end_event": "event-01",
            "alias_event": "event-02",
            "conflict": true,
            "shown": "succeeded",
            "shown_since": "2023-11-14T22:13:22.000Z",
            "next_look": null,
            "looks": 2,
            "events": [
                {
                    "key": "event-1700000000500",
                    "state": "done",
                    "attempts": 1,
                    "first": "1970-01-01T00:00:00.000Z",
                    "last": "2023-11-14T22:13:20.500Z",
                    "last_outcome": null,
                    "event_id": null,
                    "event_type": "job.queued",
                    "job_id": null,
                    "next_attempt": null,
                    "trail": [],
                },
                {
                    "key": "event-1700000004000",
                    "state": "waiting",
                    "next_attempt": "2023-11-14T22:13:25.000Z",
                    "attempts": 1,
                    "first": "1970-01-01T00:00:00.000Z",
                    "last": "2023-11-14T22:13:24.000Z",
                    "last_outcome": null,
                    "event_id": null,
                    "event_type": "job.queued",
                    "job_id": null,
                    "trail": [],
                },
            ],
            "more_events": false,
        });
        assert_eq!(body(&found.unwrap()), expected);
    }

    #[test]
    fn of_many_events_the_latest_are_shown() {
        let job = || vec![Ok(Reply::Jobs(vec![JobSummary::open("job_1", 1, 2)]))];
        let events = |count| (0..count).rev().map(|ms| event(ms, None)).collect::<Vec<_>>();
        let shown = |count| body(&find(job(), vec![Ok(Reply::Events(events(count)))]).unwrap());
        assert_eq!(shown(100)["more_events"], false);
        let page = shown(101);
        assert_eq!(
            (&page["more_events"], &page["events"][0]["key"]),
            (&json!(true), &json!("event-1"))
        );
        assert_eq!(page["events"][99]["key"], "event-100");
    }

    #[test]
    fn a_job_that_is_not_there_or_not_known_is_told_apart() {
        let none = || Ok(Reply::Jobs(Vec::new()));
        let events = || Ok(Reply::Events(Vec::new()));
        assert_eq!(find(vec![none()], vec![events()]), Err(Outcome::NotFound));
        assert_eq!(find(vec![none(), broken()], vec![]), Err(Outcome::LedgerUnavailable));
        let job = || Ok(Reply::Jobs(vec![JobSummary::open("job_1", 1, 2)]));
        assert_eq!(find(vec![job()], vec![broken()]), Err(Outcome::LedgerUnavailable));
    }

    /// As the shards do it: each lists what is behind the cursor.
    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let shards: [&[(u64, &str)]; 3] =
            [&[(9, "b"), (5, "a"), (5, "c")], &[], &[(9, "a"), (5, "b"), (1, "x.y z")]];
        for limit in 1..8 {
            let (mut shown, mut pages) = (Vec::new(), 0);
            let mut after: Option<JobCursor> = None;
            loop {
                let is_behind = |known_ms: u64, id: &str| {
                    after.as_ref().is_none_or(|after| {
                        known_ms < after.known_ms
                            || (known_ms == after.known_ms && id > after.job_id.as_str())
                    })
                };
                let lists = shards.iter().map(|jobs| {
                    let behind = jobs.iter().filter(|(known_ms, id)| is_behind(*known_ms, id));
                    let jobs = behind.map(|(known_ms, id)| JobSummary::open(id, *known_ms, 99));
                    Ok(Reply::Jobs(jobs.take(limit + 1).collect()))
                });
                let page = body(&list(lists.collect(), limit).unwrap());
                let jobs = page["jobs"].as_array().unwrap();
                shown.extend(jobs.iter().map(|job| job["id"].as_str().unwrap().to_owned()));
                pages += 1;
                let Some(cursor) = page["cursor"].as_str() else { break };
                after = query::parse_job_cursor(cursor);
                assert!(after.is_some(), "{cursor}");
            }
            assert_eq!(shown, ["a", "b", "a", "b", "c", "x.y z"]);
            assert_eq!(pages, 6_usize.div_ceil(limit), "the last page has no cursor");
        }
    }

    #[test]
    fn a_list_with_gaps_is_not_shown() {
        let jobs = || Ok(Reply::Jobs(Vec::new()));
        assert_eq!(list(vec![jobs(), broken()], 9), Err(Outcome::LedgerUnavailable));
        assert_eq!(list(vec![Ok(Reply::Ok)], 9), Err(Outcome::LedgerUnavailable));
    }

    #[test]
    fn only_a_job_that_is_followed_is_registered() {
        assert_eq!(registered(&[Ok(Reply::Ok)]), Ok(()));
        for replies in [vec![broken()], vec![Ok(Reply::Absent)], vec![]] {
            assert_eq!(registered(&replies), Err(Outcome::LedgerUnavailable));
        }
    }
}
