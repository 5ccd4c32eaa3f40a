//! One event as an admin sees it.

use serde::Serialize;

use crate::ledger::listing::EventSummary;
use crate::ledger::trail::TrailEntry;
use crate::time::rfc3339;

/// One event as an admin sees it.
#[derive(Serialize)]
pub(in crate::admin) struct EventView {
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
    pub(in crate::admin) fn with_trail(mut event: EventSummary) -> Self {
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
