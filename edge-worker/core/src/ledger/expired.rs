//! Events that are forgotten although nobody knows that the origin has them.

use serde::Serialize;

use crate::counts::Counts;
use crate::time::rfc3339;

/// An event that was deleted undelivered: a dead letter after `DEAD_RETENTION_DAYS`, or one whose delivery was
/// the provider's to repeat and that has not come again within `RETENTION_HOURS`. What the edge owes is never
/// deleted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expired {
    /// Last transition, in milliseconds since 1970.
    pub(crate) last_ms: u64,
    /// The event's key.
    pub(crate) key: String,
    /// Name of its state.
    pub(crate) state: String,
    /// Its type.
    pub(crate) event_type: Option<String>,
    /// The job's id.
    pub(crate) job_id: Option<String>,
    /// Code of the last reported outcome or intervention: why it was not delivered.
    pub(crate) last_outcome: Option<String>,
}

/// The log line of one, which is the last that is known of it.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    expired: &'a str,
    event_key: &'a str,
    event_type: &'a Option<String>,
    job_id: &'a Option<String>,
    last_outcome: &'a Option<String>,
    last: String,
}

impl Expired {
    /// Whether nothing was expected of it any more: then it has not expired, but is just old.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.state.as_str(), "done" | "dropped")
    }

    /// The line, without a body: there is none any more.
    pub(crate) fn line(&self, now_ms: u64) -> String {
        let line = Line {
            time: rfc3339(now_ms),
            expired: &self.state,
            event_key: &self.key,
            event_type: &self.event_type,
            job_id: &self.job_id,
            last_outcome: &self.last_outcome,
            last: rfc3339(self.last_ms),
        };
        // Texts can always be written as JSON.
        serde_json::to_string(&line).unwrap_or_default()
    }
}

/// The states in which an event can expire.
pub(crate) const STATES: [&str; 4] = ["claimed", "open", "reopened", "dead"];

/// The name under which events that expire in a state are counted.
pub(crate) fn expired_name(state: &str) -> String {
    format!("expired_{state}")
}

/// How many expired, by state.
pub(crate) fn counts(expired: &[Expired]) -> Counts {
    let mut counts = Counts::new();
    for event in expired {
        counts.count(&expired_name(&event.state));
    }
    counts
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_line_is_pinned() {
        let expired = Expired {
            last_ms: 1_700_000_000_000,
            key: "event-00".to_owned(),
            state: "dead".to_owned(),
            event_type: Some("job.succeeded".to_owned()),
            job_id: Some("job \"1\"\n".to_owned()),
            last_outcome: Some("origin_rejected".to_owned()),
        };
        let line = expired.line(1_700_000_001_000);
        assert!(!line.contains('\n'), "one line");
        let expected = json!({
            "time": "2023-11-14T22:13:21.000Z",
            "expired": "dead",
            "event_key": "event-00",
            "event_type": "job.succeeded",
            "job_id": "job \"1\"\n",
            "last_outcome": "origin_rejected",
            "last": "2023-11-14T22:13:20.000Z",
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
        assert_eq!(counts(&[expired.clone(), expired]), "expired_dead:2".into());
    }
}
