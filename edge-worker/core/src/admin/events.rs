//! Events of all shards, put together.

use serde::Serialize;

use crate::ledger::listing::EventSummary;
use crate::ledger::message::{CallError, Reply};
use crate::ledger::trail::TrailEntry;
use crate::merge;
use crate::outcome::Outcome;
use crate::response::Response;
use crate::time::rfc3339;

use super::query;

/// A shard's reply, or why there is none.
type Replied = Result<Reply, CallError>;

/// A page of the list.
#[derive(Serialize)]
struct Page {
    events: Vec<EventView>,
    limit: usize,
    /// Where the next page begins; none on the last page.
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

/// A page of `limit` events. If a shard does not reply there is none: a list with gaps would be taken for
/// the whole.
pub(super) fn list(replies: Vec<Replied>, limit: usize) -> Result<Response, Outcome> {
    let lists = replies.into_iter().map(events).collect::<Result<Vec<_>, _>>()?;
    // One more than is shown, to know whether there are more.
    let mut page = merge::merge(lists, limit.saturating_add(1), EventSummary::order);
    let is_more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| is_more).map(EventSummary::cursor);
    Ok(Response::json(&Page {
        events: page.into_iter().map(EventView::from).collect(),
        limit,
        cursor: last.as_ref().map(query::cursor_text),
    }))
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
    use serde_json::{Value, json};

    use super::*;
    use crate::ledger::event_meta::EventMeta;
    use crate::ledger::listing::Cursor;
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

    /// As the shards do it: each lists what is behind the cursor.
    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let shards = [vec![9, 5, 1], vec![], vec![7, 6]];
        for limit in 1..7 {
            let (mut shown, mut pages) = (Vec::new(), Vec::new());
            let mut after = None;
            loop {
                let behind = |last_ms: &&u64| {
                    after.as_ref().is_none_or(|after: &Cursor| **last_ms < after.last_ms)
                };
                let lists = shards.iter().map(|times| {
                    let behind: Vec<_> = times.iter().filter(behind).copied().collect();
                    listed(&behind[..behind.len().min(limit + 1)])
                });
                let page = body(&list(lists.collect(), limit).unwrap());
                let events = page["events"].as_array().unwrap();
                shown.extend(events.iter().map(|event| event["key"].as_str().unwrap().to_owned()));
                pages.push(events.len());
                let Some(cursor) = page["cursor"].as_str() else { break };
                after = query::parse_cursor(cursor);
                assert!(after.is_some(), "{cursor}");
            }
            assert_eq!(shown, [9, 7, 6, 5, 1].map(|last_ms| format!("event-{last_ms}")));
            assert_eq!(pages.len(), 5_usize.div_ceil(limit), "the last page has no cursor");
        }
    }

    #[test]
    fn a_list_with_gaps_is_not_shown() {
        assert_eq!(list(vec![listed(&[1]), broken()], 9), Err(Outcome::LedgerUnavailable));
        assert_eq!(list(vec![Ok(Reply::Ok)], 9), Err(Outcome::LedgerUnavailable));
    }

    #[test]
    fn an_event_is_found_wherever_it_is() {
        let found = find(vec![broken(), listed(&[]), listed(&[5])]).unwrap();
        assert_eq!(body(&found)["key"], "event-5");
        assert_eq!(find(vec![listed(&[]), listed(&[])]), Err(Outcome::NotFound));
        assert_eq!(find(vec![listed(&[]), broken()]), Err(Outcome::LedgerUnavailable));
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
