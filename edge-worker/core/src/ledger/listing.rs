//! Events as an admin sees them, and which of them to list.

use core::cmp::Ordering;

use crate::json::from_json;

use serde::Serialize;

use super::entry::{Entry, EventState};
use super::event_meta::EventMeta;
use super::trail::TrailEntry;
use super::walk::Place;

/// Which events to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Filter {
    /// Only events in the state of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    /// Only events of this job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<String>,
    /// Only events of this type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_type: Option<String>,
    /// Only events of jobs of this tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// Only events whose last outcome or intervention has this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_outcome: Option<String>,
    /// Only events with this id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_id: Option<String>,
    /// Only events whose last transition was at this time or later, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since_ms: Option<u64>,
    /// Only events whose last transition was before this time, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until_ms: Option<u64>,
    /// Only events behind this place in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Cursor>,
    /// How many events at most.
    pub(crate) limit: u32,
    /// Whether the events come with their trails.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub(crate) with_trails: bool,
}

from_json!(Filter {
    state = or_default,
    job_id = or_default,
    event_type = or_default,
    tenant = or_default,
    last_outcome = or_default,
    event_id = or_default,
    since_ms = or_default,
    until_ms = or_default,
    after = or_default,
    limit = required,
    with_trails = or_default,
});

impl Filter {
    /// The place behind which the events begin that pass.
    pub(crate) fn start(&self) -> Cursor {
        let first = |last_ms| Cursor { last_ms, key: String::new() };
        // Behind the last millisecond that is later; no key is empty.
        let until = match self.until_ms {
            Some(0) => Cursor { last_ms: 0, key: LAST_KEY.to_owned() },
            Some(until_ms) => first(until_ms.saturating_sub(1)),
            None => first(u64::MAX),
        };
        match &self.after {
            Some(after) if after.last_ms <= until.last_ms => after.clone(),
            _ => until,
        }
    }
}

/// Behind all keys.
const LAST_KEY: &str = "\u{10ffff}";

/// A place in the list, which is ordered by the time of the last transition, the latest first, and
/// then by key. Unlike an offset it costs the same at every depth.
///
/// An event that changes while somebody pages moves to the front, and is missing behind the cursor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Cursor {
    /// Last transition of the event shown last, in milliseconds since 1970.
    pub(crate) last_ms: u64,
    /// That event's key.
    pub(crate) key: String,
}

impl Cursor {
    /// Order of the list.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        list_order((self.last_ms, &self.key), (other.last_ms, &other.key))
    }
}

from_json!(Cursor { last_ms = required, key = required });

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct EventSummary {
    /// The event's key.
    pub(crate) key: String,
    /// Name of its state.
    pub(crate) state: String,
    /// When the running attempt's lease ends, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease_end_ms: Option<u64>,
    /// When an owed event that waits is tried next, in milliseconds since 1970; none while others of its job go first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_ms: Option<u64>,
    /// How many attempts were made.
    pub(crate) attempts: u64,
    /// First delivery, in milliseconds since 1970.
    pub(crate) first_ms: u64,
    /// Last transition, in milliseconds since 1970.
    pub(crate) last_ms: u64,
    /// Code of the last reported outcome or intervention.
    pub(crate) last_outcome: Option<String>,
    /// What the signed body says about the event.
    pub(crate) meta: EventMeta,
    /// What was done about it, the oldest first, if that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) trail: Vec<TrailEntry>,
}

from_json!(EventSummary {
    key = required,
    state = required,
    lease_end_ms = or_default,
    due_ms = or_default,
    attempts = required,
    first_ms = required,
    last_ms = required,
    last_outcome = or_default,
    meta = required,
    trail = or_default,
});

impl EventSummary {
    /// Sums an event's row up.
    pub(crate) fn of(key: &str, entry: Entry) -> Self {
        let (lease_end_ms, due_ms) = match entry.state {
            EventState::Claimed { lease_end_ms } => (Some(lease_end_ms), None),
            EventState::Waiting { due_ms } => (None, due_ms),
            _ => (None, None),
        };
        Self {
            key: key.to_owned(),
            state: entry.state.name().to_owned(),
            lease_end_ms,
            due_ms,
            attempts: entry.attempts,
            first_ms: entry.first_ms,
            last_ms: entry.last_ms,
            last_outcome: entry.last_outcome,
            meta: entry.meta,
            trail: Vec::new(),
        }
    }

    /// The place of this event in the list.
    pub(crate) fn cursor(&self) -> Cursor {
        Cursor { last_ms: self.last_ms, key: self.key.clone() }
    }

    /// The place of its row in the table.
    pub(crate) fn place(&self) -> Place {
        Place { job_id: self.meta.job_id.clone().unwrap_or_default(), key: self.key.clone() }
    }

    /// Order of the list: the latest transition first, then by key.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        list_order((self.last_ms, &self.key), (other.last_ms, &other.key))
    }
}

/// Order of the list, given last transition and key of two events.
pub(crate) fn list_order(left: (u64, &str), right: (u64, &str)) -> Ordering {
    right.0.cmp(&left.0).then_with(|| left.1.cmp(right.1))
}

#[cfg(test)]
impl Filter {
    /// Whether an event passes, apart from the limit. `tenant` is that of its job.
    pub(crate) fn passes(&self, key: &str, entry: &Entry, tenant: Option<&str>) -> bool {
        let matches = |wanted: &Option<String>, value: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
        };
        matches(&self.state, Some(entry.state.name()))
            && matches(&self.job_id, entry.meta.job_id.as_deref())
            && matches(&self.event_type, entry.meta.event_type.as_deref())
            && matches(&self.tenant, tenant)
            && matches(&self.last_outcome, entry.last_outcome.as_deref())
            && matches(&self.event_id, entry.meta.event_id.as_deref())
            && self.since_ms.is_none_or(|since_ms| entry.last_ms >= since_ms)
            && self.until_ms.is_none_or(|until_ms| entry.last_ms < until_ms)
            && self.after.as_ref().is_none_or(|after| {
                list_order((entry.last_ms, key), (after.last_ms, &after.key)) == Ordering::Greater
            })
    }
}
