//! The audit trail: what became of each event, for the operator to read.

use serde::Serialize;

use super::entry::{Entry, State};
use crate::time::rfc3339;

/// Which rows to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Only rows of the state of this name.
    pub(crate) state: Option<String>,
    /// Only events of this job.
    pub(crate) job_id: Option<String>,
    /// Only events of this type.
    pub(crate) event_type: Option<String>,
    /// How many rows at most.
    pub(crate) limit: u32,
}

impl Filter {
    /// Whether a row passes, apart from the limit.
    #[cfg(test)]
    pub(crate) fn passes(&self, entry: &Entry) -> bool {
        let matches = |wanted: &Option<String>, value: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
        };
        matches(&self.state, Some(entry.state.name()))
            && matches(&self.job_id, entry.facts.job_id.as_deref())
            && matches(&self.event_type, entry.facts.event_type.as_deref())
    }
}

/// A row as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// When its last transition was, in milliseconds since 1970: rows of several shards are put in
    /// order by it.
    pub(crate) last_ms: u64,
    /// The row as one line of JSON.
    pub(crate) line: String,
}

/// One row as the operator sees it.
#[derive(Serialize)]
struct Line<'a> {
    key: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_end: Option<String>,
    attempts: u64,
    first: String,
    last: String,
    last_outcome: Option<&'a str>,
    event_id: Option<&'a str>,
    event_type: Option<&'a str>,
    job_id: Option<&'a str>,
}

impl Listed {
    /// Lists a row.
    pub(crate) fn of(key: &str, entry: &Entry) -> Self {
        let lease_end = match entry.state {
            State::Claimed { lease_end_ms } => Some(rfc3339(lease_end_ms)),
            _ => None,
        };
        let line = Line {
            key,
            state: entry.state.name(),
            lease_end,
            attempts: entry.attempts,
            first: rfc3339(entry.first_ms),
            last: rfc3339(entry.last_ms),
            last_outcome: entry.last_outcome.as_deref(),
            event_id: entry.facts.event_id.as_deref(),
            event_type: entry.facts.event_type.as_deref(),
            job_id: entry.facts.job_id.as_deref(),
        };
        // Texts and numbers can always be written as JSON.
        Self { last_ms: entry.last_ms, line: serde_json::to_string(&line).unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::ledger::entry::Facts;

    fn parsed(state: State) -> Value {
        let facts = Facts {
            event_id: Some("evt \"1\"\n".to_owned()),
            event_type: Some("job.succeeded".to_owned()),
            job_id: None,
        };
        let entry = Entry {
            state,
            attempts: 2,
            first_ms: 1_700_000_000_000,
            last_ms: 1_700_000_000_123,
            last_outcome: Some("origin_failed".to_owned()),
            facts,
        };
        let listed = Listed::of("event-00", &entry);
        assert_eq!(listed.last_ms, 1_700_000_000_123);
        assert!(!listed.line.contains('\n'), "one line for one row");
        serde_json::from_str(&listed.line).unwrap()
    }

    #[test]
    fn a_row_is_one_line_of_json() {
        let expected = json!({
            "key": "event-00",
            "state": "open",
            "attempts": 2,
            "first": "2023-11-14T22:13:20.000Z",
            "last": "2023-11-14T22:13:20.123Z",
            "last_outcome": "origin_failed",
            "event_id": "evt \"1\"\n",
            "event_type": "job.succeeded",
            "job_id": null,
        });
        assert_eq!(parsed(State::Open), expected);
    }

    #[test]
    fn a_claim_says_how_long_it_holds() {
        assert_eq!(
            parsed(State::Claimed { lease_end_ms: 0 })["lease_end"],
            "1970-01-01T00:00:00.000Z"
        );
    }
}
