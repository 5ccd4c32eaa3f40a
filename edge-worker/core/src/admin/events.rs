//! Events of all shards, put together.

mod list;
mod view;

use crate::ledger::listing::EventSummary;
use crate::ledger::message::{CallError, Reply};
use crate::outcome::Outcome;
use crate::response::Response;

pub(super) use list::list;
pub(super) use view::EventView;

/// A shard's reply, or why there is none.
type Replied = Result<Reply, CallError>;

/// The events that a shard lists.
pub(super) fn events(reply: Replied) -> Result<Vec<EventSummary>, Outcome> {
    match reply {
        Ok(Reply::Events(events)) => Ok(events),
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
    use serde_json::{Value, json};

    use super::*;
    use crate::ledger::event_meta::EventMeta;
    use crate::ledger::trail::{Act, TrailEntry};

    pub(super) fn broken() -> Replied {
        Err("broken".into())
    }

    pub(super) fn event(last_ms: u64) -> EventSummary {
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
    pub(super) fn one(times: &[u64]) -> Replied {
        Ok(Reply::Events(times.iter().map(|last_ms| event(*last_ms)).collect()))
    }

    pub(super) fn body(response: &Response) -> Value {
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
