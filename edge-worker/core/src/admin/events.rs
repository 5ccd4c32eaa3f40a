//! Events of all shards, put together.

use core::cmp::Ordering;

use serde::Serialize;

use crate::ledger::listing::EventSummary;
use crate::ledger::message::{CallError, Reply};
use crate::ledger::search::{Found, Search};
use crate::ledger::trail::TrailEntry;
use crate::merge;
use crate::outcome::Outcome;
use crate::response::Response;
use crate::time::rfc3339;

use super::query::EventCursor;

/// A shard's reply, or why there is none.
type Replied = Result<Reply, CallError>;

/// A page of the list.
#[derive(Serialize)]
struct Page {
    events: Vec<EventView>,
    limit: usize,
    /// How many rows the shards have looked at for this page.
    looked_at: u64,
    /// Where the next page begins, which may be for want of rows that pass the filter; none on the last page.
    cursor: Option<String>,
}

/// One event as an admin sees it.
#[derive(Serialize)]
pub(super) struct EventView {
    key: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_end: Option<String>,
    /// Null if the edge owes no attempt, or if an earlier event of the job goes first.
    next_attempt: Option<String>,
    attempts: u64,
    first: String,
    last: String,
    last_outcome: Option<String>,
    event_id: Option<String>,
    event_type: Option<String>,
    job_id: Option<String>,
    /// Left out in the list of events.
    #[serde(skip_serializing_if = "Option::is_none")]
    trail: Option<Vec<TrailView>>,
}

/// What was done about an event.
#[derive(Serialize)]
struct TrailView {
    at: String,
    act: String,
    attempt: Option<u64>,
    outcome: String,
    origin_status: Option<u16>,
    correlation_id: Option<String>,
}

impl From<TrailEntry> for TrailView {
    fn from(entry: TrailEntry) -> Self {
        Self {
            at: rfc3339(entry.at_ms),
            act: entry.act,
            attempt: entry.attempt,
            outcome: entry.outcome,
            origin_status: entry.status,
            correlation_id: entry.correlation_id,
        }
    }
}

impl EventView {
    /// An event with its trail.
    pub(super) fn with_trail(mut event: EventSummary) -> Self {
        let trail = core::mem::take(&mut event.trail);
        let trail = trail.into_iter().map(TrailView::from).collect();
        Self { trail: Some(trail), ..Self::from(event) }
    }
}

impl From<EventSummary> for EventView {
    fn from(event: EventSummary) -> Self {
        Self {
            key: event.key,
            state: event.state,
            lease_end: event.lease_end_ms.map(rfc3339),
            next_attempt: event.due_ms.map(rfc3339),
            attempts: event.attempts,
            first: rfc3339(event.first_ms),
            last: rfc3339(event.last_ms),
            last_outcome: event.last_outcome,
            event_id: event.meta.event_id,
            event_type: event.meta.event_type,
            job_id: event.meta.job_id,
            trail: None,
        }
    }
}

/// The events that a shard lists.
pub(super) fn events(reply: Replied) -> Result<Vec<EventSummary>, Outcome> {
    match reply {
        Ok(Reply::Events(events)) => Ok(events),
        _ => Err(Outcome::LedgerUnavailable),
    }
}

/// A page of at most `limit` events, and where the next one begins. If a shard does not reply there is none: a list
/// with gaps would be taken for the whole.
///
/// Of a large ledger each shard has looked at a piece of its rows, and the pieces end at different places. The page is
/// about the rows up to the first of these ends, and about no event behind which a shard may have more.
pub(super) fn list(
    replies: Vec<Replied>,
    search: &Search,
    limit: usize,
) -> Result<Response, Outcome> {
    let found = replies.into_iter().map(found).collect::<Result<Vec<_>, _>>()?;
    let looked_at = found.iter().fold(0, |sum: u64, it| sum.saturating_add(it.looked));
    let end = found.iter().filter_map(|it| it.end.as_ref()).min().cloned();
    let to = end.clone().or_else(|| search.to.clone());
    let seen = found.iter().filter_map(|it| it.seen.as_ref());
    let seen = seen.min_by(|left, right| left.order(right)).cloned();
    let is_certain = |event: &EventSummary| {
        to.as_ref().is_none_or(|to| event.place() <= *to)
            && seen.as_ref().is_none_or(|seen| event.cursor().order(seen) != Ordering::Greater)
    };
    let certain = |found: Found| found.events.into_iter().filter(is_certain).collect();
    let lists = found.into_iter().map(certain).collect();
    // One more than is shown, to know whether there are more.
    let mut page = merge::merge(lists, limit.saturating_add(1), EventSummary::order);
    let is_more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| is_more).map(EventSummary::cursor);
    let cursor = match (last.or(seen), to) {
        (Some(after), to) => {
            Some(EventCursor { after: Some(after), from: search.from.clone(), to })
        }
        (None, Some(to)) => Some(EventCursor { from: Some(to), ..EventCursor::default() }),
        (None, None) => None,
    };
    Ok(Response::json(&Page {
        events: page.into_iter().map(EventView::from).collect(),
        limit,
        looked_at,
        cursor: cursor.as_ref().map(EventCursor::text),
    }))
}

fn found(reply: Replied) -> Result<Found, Outcome> {
    match reply {
        Ok(Reply::Found(found)) => Ok(found),
        _ => Err(Outcome::LedgerUnavailable),
    }
}

/// The event that a shard has found.
pub(super) fn find(replies: Vec<Replied>) -> Result<Response, Outcome> {
    let mut missing = Outcome::NotFound;
    for reply in replies {
        match events(reply).map(|events| events.into_iter().next()) {
            Ok(Some(event)) => return Ok(Response::json(&EventView::with_trail(event))),
            Ok(None) => {}
            Err(outcome) => missing = outcome,
        }
    }
    Err(missing)
}

/// Whether all shards have done what they were asked for.
pub(super) fn all_done(replies: &[Replied]) -> Result<(), Outcome> {
    if replies.iter().all(|reply| reply == &Ok(Reply::Ok)) {
        Ok(())
    } else {
        Err(Outcome::LedgerUnavailable)
    }
}

/// Whether a shard had the event and will let it through, or deliver it anew. After a change of the number of shards,
/// two may have had it.
pub(super) fn reopened(replies: Vec<Replied>) -> Result<(), Outcome> {
    let (mut is_reopened, mut is_complete) = (false, true);
    for reply in replies {
        match reply {
            Ok(Reply::Absent) => {}
            Ok(Reply::Ok) => is_reopened = true,
            Ok(Reply::InFlight { remaining_ms }) => return Err(Outcome::in_flight(remaining_ms)),
            Ok(Reply::Duplicate) => return Err(Outcome::StillOwed),
            Ok(Reply::Gone) => return Err(Outcome::BodyGone),
            _ => is_complete = false,
        }
    }
    match (is_reopened, is_complete) {
        (true, _) => Ok(()),
        (false, true) => Err(Outcome::NotFound),
        (false, false) => Err(Outcome::LedgerUnavailable),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "an overflow fails the test")]

    use core::cmp::Reverse;
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::query::parse_event_cursor;
    use super::*;
    use crate::ledger::entry::{Entry, EventState};
    use crate::ledger::event_meta::EventMeta;
    use crate::ledger::job::JobPolicy;
    use crate::ledger::job_row::Job;
    use crate::ledger::jobs::JobStore as _;
    use crate::ledger::listing::Filter;
    use crate::ledger::message::Call;
    use crate::ledger::policy::Policy;
    use crate::ledger::protocol;
    use crate::ledger::sqlite_store::SqliteStore;
    use crate::ledger::store::Store as _;
    use crate::ledger::tests::sqlite::{Sqlite, fresh_store};
    use crate::ledger::trail::Act;

    fn broken() -> Replied {
        Err("broken".into())
    }

    fn event(last_ms: u64) -> EventSummary {
        EventSummary {
            key: format!("event-{last_ms}"),
            state: "open".to_owned(),
            lease_end_ms: None,
            due_ms: None,
            attempts: 1,
            first_ms: 0,
            last_ms,
            last_outcome: None,
            meta: EventMeta::default(),
            trail: Vec::new(),
        }
    }

    #[allow(clippy::unnecessary_wraps, reason = "one of several replies")]
    fn listed(times: &[u64]) -> Replied {
        let events = times.iter().map(|last_ms| event(*last_ms)).collect();
        Ok(Reply::Found(Found { events, ..Found::default() }))
    }

    #[allow(clippy::unnecessary_wraps, reason = "one of several replies")]
    fn one(times: &[u64]) -> Replied {
        Ok(Reply::Events(times.iter().map(|last_ms| event(*last_ms)).collect()))
    }

    fn body(response: &Response) -> Value {
        serde_json::from_str(&response.body).unwrap()
    }

    #[test]
    fn an_event_is_pinned() {
        let shown = EventSummary {
            state: "claimed".to_owned(),
            lease_end_ms: Some(1_700_000_030_000),
            attempts: 2,
            first_ms: 1_700_000_000_000,
            last_outcome: Some("origin_failed".to_owned()),
            trail: vec![
                TrailEntry::new(1_700_000_000_000, Act::Delivery, "accepted")
                    .by(Some("c-1".to_owned())),
                TrailEntry::attempt(1_700_000_000_123, 1, "origin_failed", Some(503)),
            ],
            meta: EventMeta {
                event_id: Some("evt \"1\"\n".to_owned()),
                event_type: Some("job.succeeded".to_owned()),
                job_id: None,
                ..EventMeta::default()
            },
            ..event(1_700_000_000_123)
        };
        let expected = json!({
            "key": "event-1700000000123",
            "state": "claimed",
            "lease_end": "2023-11-14T22:13:50.000Z",
            "attempts": 2,
            "first": "2023-11-14T22:13:20.000Z",
            "last": "2023-11-14T22:13:20.123Z",
            "last_outcome": "origin_failed",
            "event_id": "evt \"1\"\n",
            "event_type": "job.succeeded",
            "job_id": null,
            "next_attempt": null,
            "trail": [
                {
                    "at": "2023-11-14T22:13:20.000Z",
                    "act": "delivery",
                    "attempt": null,
                    "outcome": "accepted",
                    "origin_status": null,
                    "correlation_id": "c-1",
                },
                {
                    "at": "2023-11-14T22:13:20.123Z",
                    "act": "attempt",
                    "attempt": 1,
                    "outcome": "origin_failed",
                    "origin_status": 503,
                    "correlation_id": null,
                },
            ],
        });
        assert_eq!(body(&find(vec![Ok(Reply::Events(vec![shown]))]).unwrap()), expected);
    }

    /// An event of the naive ledger: shard, job, key, time, and what is filtered by.
    type Row = (usize, String, String, u64, Option<String>);

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let row = (0..3_usize, 0..5_u32, 0..12_u64, 0..3_u32, any::<bool>());
        proptest::collection::vec(row, 0..40).prop_map(|rows| {
            let rows = rows.into_iter().enumerate();
            rows.map(|(number, (shard, job, last_ms, outcome, has_job))| {
                // All events of a job are in one shard.
                let job_id = if has_job { format!("job_{job}_{shard}") } else { String::new() };
                let outcome = (outcome > 0).then(|| format!("outcome_{outcome}"));
                (shard, job_id, format!("event-{:02}", number * 7 % 40), last_ms, outcome)
            })
            .collect()
        })
    }

    fn shards(rows: &[Row]) -> Vec<SqliteStore<Sqlite>> {
        let mut shards: Vec<_> = (0..3).map(|_| fresh_store()).collect();
        insert(&mut shards, rows);
        shards
    }

    fn insert(shards: &mut [SqliteStore<Sqlite>], rows: &[Row]) {
        for (shard, job_id, key, last_ms, outcome) in rows {
            let state = if last_ms % 3 == 0 { EventState::Open } else { EventState::Done };
            let entry = Entry {
                state,
                attempts: 1,
                first_ms: 0,
                last_ms: *last_ms,
                last_outcome: outcome.clone(),
                meta: EventMeta {
                    job_id: Some(job_id.clone()).filter(|it| !it.is_empty()),
                    ..EventMeta::default()
                },
                owed: None,
                noted: Vec::new(),
            };
            shards[*shard].insert(key, &entry).unwrap();
            if !job_id.is_empty() {
                let job = Job::new(JobPolicy { after_ms: 1, deadline_ms: 1 }, 0, 0);
                let tenant = Some(tenant_of(job_id).to_owned());
                shards[*shard].set_job(job_id, &Job { tenant, ..job }).unwrap();
            }
        }
    }

    fn tenant_of(job_id: &str) -> &'static str {
        if job_id.starts_with("job_1") { "acme" } else { "other" }
    }

    proptest! {
        /// However few rows a look takes, and however few events a page has: the pages together are the filtered
        /// list. If a shard is one piece, in its order as well. Events that come meanwhile change nothing about those
        /// that do not.
        #[test]
        fn pages_follow_each_other_without_gap_or_repetition(
            rows in rows(),
            state in proptest::option::of(0..3_usize),
            tenant in any::<bool>(),
            outcome in any::<bool>(),
            since_ms in proptest::option::of(0..8_u64),
            until_ms in proptest::option::of(4..12_u64),
            most in 1..8_u32,
            is_whole in any::<bool>(),
            limit in 1..6_usize,
            later in rows(),
        ) {
            let mut stores = shards(&rows);
            let filter = Filter {
                state: state.map(|it| ["open", "done", "dead"][it].to_owned()),
                tenant: tenant.then(|| "acme".to_owned()),
                last_outcome: outcome.then(|| "outcome_1".to_owned()),
                since_ms,
                until_ms,
                limit: u32::try_from(limit).unwrap() + 1,
                ..Filter::default()
            };
            let mut expected: Vec<_> = rows
                .iter()
                .filter(|(_, job_id, _, last_ms, outcome)| {
                    let is_open = last_ms % 3 == 0;
                    filter.state.as_deref().is_none_or(|it| {
                        (it == "open" && is_open) || (it == "done" && !is_open)
                    }) && (!tenant || (!job_id.is_empty() && tenant_of(job_id) == "acme"))
                        && (filter.last_outcome.is_none() || filter.last_outcome == *outcome)
                        && since_ms.is_none_or(|since_ms| *last_ms >= since_ms)
                        && until_ms.is_none_or(|until_ms| *last_ms < until_ms)
                })
                .map(|(_, _, key, last_ms, _)| (Reverse(*last_ms), key.clone()))
                .collect();
            expected.sort();
            let expected: Vec<_> = expected.into_iter().map(|(_, key)| key).collect();
            let most = if is_whole { 100 } else { most };
            // A piece has room for so many more.
            let mut later = later.into_iter().take(usize::try_from(most).unwrap());
            let mut search = Search { filter, rows: most, ..Search::default() };
            let mut shown = Vec::new();
            for pages in 0.. {
                prop_assert!(pages < 1_000, "it never ends");
                let mut looked = 0;
                let mut replies = Vec::new();
                for store in &mut stores {
                    let call = Call::Search(search.clone());
                    let reply = protocol::act(store, call, None, &Policy::of_tests(), 99).unwrap();
                    let Reply::Found(found) = &reply else { panic!("{reply:?}") };
                    let is_later = search.filter.after.is_some();
                    let most = if is_later { 2 * most } else { most };
                    prop_assert!(found.looked <= most.into());
                    looked += found.looked;
                    replies.push(Ok(reply));
                }
                let page = body(&list(replies, &search, limit).unwrap());
                let events = page["events"].as_array().unwrap();
                prop_assert!(events.len() <= limit);
                prop_assert_eq!(&page["looked_at"], &json!(looked));
                shown.extend(events.iter().map(|event| event["key"].as_str().unwrap().to_owned()));
                let Some(cursor) = page["cursor"].as_str() else { break };
                let cursor = parse_event_cursor(cursor);
                prop_assert!(cursor.is_some(), "{}", page);
                let EventCursor { after, from, to } = cursor.unwrap();
                search = Search { from, to, ..search };
                search.filter.after = after;
                if let Some((shard, job_id, key, last_ms, outcome)) = later.next() {
                    let row = (shard, job_id, format!("{key}-later"), last_ms, outcome);
                    insert(&mut stores, &[row]);
                }
            }
            let different: BTreeSet<_> = shown.iter().collect();
            prop_assert_eq!(different.len(), shown.len(), "{:?}", shown);
            shown.retain(|key| !key.ends_with("-later"));
            if !is_whole && state != Some(0) && state != Some(2) {
                shown.sort();
                let mut expected = expected;
                expected.sort();
                prop_assert_eq!(shown, expected);
            } else {
                prop_assert_eq!(shown, expected);
            }
        }
    }

    #[test]
    fn a_page_says_how_many_rows_were_looked_at() {
        let found = |looked| Ok(Reply::Found(Found { looked, ..Found::default() }));
        let page = list(vec![found(10_000), found(7)], &Search::default(), 50).unwrap();
        let expected = json!({ "events": [], "limit": 50, "looked_at": 10_007, "cursor": null });
        assert_eq!(body(&page), expected);
    }

    #[test]
    fn a_list_with_gaps_is_not_shown() {
        let list = |replies| list(replies, &Search::default(), 9);
        assert_eq!(list(vec![listed(&[1]), broken()]), Err(Outcome::LedgerUnavailable));
        // One of before searches.
        assert_eq!(list(vec![one(&[1])]), Err(Outcome::LedgerUnavailable));
    }

    #[test]
    fn an_event_is_found_wherever_it_is() {
        let found = find(vec![broken(), one(&[]), one(&[5])]).unwrap();
        assert_eq!(body(&found)["key"], "event-5");
        assert_eq!(find(vec![one(&[]), one(&[])]), Err(Outcome::NotFound));
        assert_eq!(find(vec![one(&[]), broken()]), Err(Outcome::LedgerUnavailable));
    }

    #[test]
    fn an_event_is_reopened_by_whoever_has_it() {
        let (absent, ok) = (|| Ok(Reply::Absent), || Ok(Reply::Ok));
        assert_eq!(reopened(vec![absent(), ok(), absent()]), Ok(()));
        assert_eq!(reopened(vec![ok(), ok()]), Ok(()));
        assert_eq!(reopened(vec![ok(), broken()]), Ok(()));
        assert_eq!(reopened(vec![absent(), absent()]), Err(Outcome::NotFound));
        assert_eq!(reopened(vec![absent(), broken()]), Err(Outcome::LedgerUnavailable));
        assert_eq!(reopened(vec![broken(), absent()]), Err(Outcome::LedgerUnavailable));
        let in_flight = || Ok(Reply::InFlight { remaining_ms: 1_500 });
        let expected = Err(Outcome::InFlight { retry_after_seconds: 2 });
        assert_eq!(reopened(vec![absent(), in_flight()]), expected);
        assert_eq!(reopened(vec![ok(), in_flight()]), expected);
        let owed = vec![absent(), Ok(Reply::Duplicate)];
        assert_eq!(reopened(owed), Err(Outcome::StillOwed));
        let gone = vec![absent(), Ok(Reply::Gone)];
        assert_eq!(reopened(gone), Err(Outcome::BodyGone));
    }
}
