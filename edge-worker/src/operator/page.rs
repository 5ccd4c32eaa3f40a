//! What an operator asks for.

use crate::ledger::audit::Filter;
use crate::ledger::entry::State;
use crate::outcome::Outcome;

/// What all paths for operators begin with.
const PREFIX: &str = "/_edge/";

/// Rows in one answer, if not said otherwise.
const DEFAULT_LIMIT: u32 = 50;
/// The most rows in one answer.
const MAX_LIMIT: u32 = 100;
/// The most rows that are passed over. Every shard has to send as many, because the rows before
/// may all be its own.
const MAX_OFFSET: u32 = 900;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// Settings, figures, warnings.
    Status,
    /// Figures for Prometheus.
    Metrics,
    /// Rows of the audit trail.
    Events {
        /// Which rows to look up: those that are passed over and one more than is shown, to know
        /// whether there are more, are among them.
        filter: Filter,
        /// How many to show.
        limit: u32,
        /// How many to pass over.
        offset: u32,
    },
    /// One row of the audit trail, by the event's key.
    Event(String),
    /// The next delivery of this event is to be forwarded.
    Forget(String),
}

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What the answer is.
    pub(crate) outcome: Outcome,
    /// What to do about it, if there is more to say than the outcome does.
    pub(crate) text: Option<String>,
}

impl From<Outcome> for Refusal {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, text: None }
    }
}

/// Whether a path is one for operators, or could be one.
pub(crate) fn is_operators(path: &str) -> bool {
    path.starts_with(PREFIX)
}

impl Page {
    /// What a request asks for, given by its method, path and query (without `?`).
    pub(crate) fn of(method: &str, path: &str, query: &str) -> Result<Self, Refusal> {
        let path = path.strip_prefix(PREFIX).ok_or(Outcome::NotFound)?;
        let mut segments = path.split('/');
        let names = (segments.next(), segments.next(), segments.next(), segments.next());
        let (page, allow) = match names {
            (Some("status"), None, ..) => (Self::Status, "GET, HEAD"),
            (Some("metrics"), None, ..) => (Self::Metrics, "GET, HEAD"),
            (Some("events"), None, ..) => (events(query)?, "GET, HEAD"),
            (Some("events"), Some(key), None, _) if is_key(key) => {
                (Self::Event(key.to_owned()), "GET, HEAD")
            }
            (Some("events"), Some(key), Some("forget"), None) if is_key(key) => {
                (Self::Forget(key.to_owned()), "POST")
            }
            _ => return Err(Outcome::NotFound.into()),
        };
        if allow.split(',').any(|allowed| allowed.trim() == method) {
            Ok(page)
        } else {
            Err(Outcome::MethodNotAllowed { allow }.into())
        }
    }
}

/// Whether a text can be the key of an event: `event-` or `body-`, and 64 hex digits.
fn is_key(text: &str) -> bool {
    let digits = text.strip_prefix("event-").or_else(|| text.strip_prefix("body-"));
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    digits.is_some_and(|digits| digits.len() == 64 && digits.bytes().all(is_digit))
}

fn events(query: &str) -> Result<Page, Refusal> {
    let mut filter = Filter::default();
    let (mut limit, mut offset) = (DEFAULT_LIMIT, 0);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "state" => {
                if !State::NAMES.contains(&value.as_ref()) {
                    let states = State::NAMES.join(", ");
                    return Err(invalid(format!("`state` is none of {states}")));
                }
                filter.state = Some(value.into_owned());
            }
            "job" => filter.job_id = Some(value.into_owned()),
            "type" => filter.event_type = Some(value.into_owned()),
            "limit" => limit = number("limit", &value, 1..=MAX_LIMIT)?,
            "offset" => offset = number("offset", &value, 0..=MAX_OFFSET)?,
            _ => {
                let text = "the query has a parameter other than state, job, type, limit, offset";
                return Err(invalid(text.to_owned()));
            }
        }
    }
    filter.limit = offset.saturating_add(limit).saturating_add(1);
    Ok(Page::Events { filter, limit, offset })
}

fn number(name: &str, value: &str, range: core::ops::RangeInclusive<u32>) -> Result<u32, Refusal> {
    let (least, most) = (range.start(), range.end());
    value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let hint =
            if name == "offset" { "; to reach older events, filter by job or type" } else { "" };
        invalid(format!("`{name}` is not a whole number from {least} to {most}{hint}"))
    })
}

fn invalid(text: String) -> Refusal {
    Refusal { outcome: Outcome::QueryInvalid, text: Some(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "event-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn outcome(method: &str, path: &str, query: &str) -> Outcome {
        Page::of(method, path, query).unwrap_err().outcome
    }

    #[test]
    fn pages() {
        let event = format!("/_edge/events/{KEY}");
        let forget = format!("{event}/forget");
        for method in ["GET", "HEAD"] {
            assert_eq!(Page::of(method, "/_edge/status", ""), Ok(Page::Status));
            assert_eq!(Page::of(method, "/_edge/metrics", "x=1"), Ok(Page::Metrics));
            assert_eq!(Page::of(method, &event, ""), Ok(Page::Event(KEY.to_owned())));
            let get = Outcome::MethodNotAllowed { allow: "POST" };
            assert_eq!(outcome(method, &forget, ""), get);
        }
        assert_eq!(Page::of("POST", &forget, ""), Ok(Page::Forget(KEY.to_owned())));
        let body_key = KEY.replace("event-", "body-");
        assert_eq!(
            Page::of("GET", &format!("/_edge/events/{body_key}"), ""),
            Ok(Page::Event(body_key)),
        );
        let post = Outcome::MethodNotAllowed { allow: "GET, HEAD" };
        for path in ["/_edge/status", "/_edge/metrics", "/_edge/events", &event] {
            assert_eq!(outcome("POST", path, ""), post, "{path}");
        }
    }

    #[test]
    fn anything_else_is_not_there() {
        for path in [
            "/_edge/",
            "/_edge/Status",
            "/_edge/status/",
            "/_edge/events/",
            "/_edge/events/event-00",
            &format!("/_edge/events/{}", KEY.to_uppercase()),
            &format!("/_edge/events/{KEY}0"),
            &format!("/_edge/events/{KEY}/"),
            &format!("/_edge/events/{KEY}/forget/"),
            &format!("/_edge/events/{KEY}/other"),
            "/status",
            "/",
        ] {
            assert_eq!(outcome("GET", path, ""), Outcome::NotFound, "{path}");
        }
        assert!(is_operators("/_edge/anything"));
        assert!(!is_operators("/_edge") && !is_operators("/webhook"));
    }

    #[test]
    fn events_are_filtered_and_paged() {
        let filter = |query| match Page::of("GET", "/_edge/events", query) {
            Ok(Page::Events { filter, limit, offset }) => (filter, limit, offset),
            other => panic!("{other:?}"),
        };
        assert_eq!(filter(""), (Filter { limit: 51, ..Filter::default() }, 50, 0));
        let all = Filter {
            state: Some("open".to_owned()),
            job_id: Some("job 1&".to_owned()),
            event_type: Some("job.failed".to_owned()),
            limit: 28,
        };
        let query = "state=open&job=job+1%26&type=job.failed&limit=7&offset=20";
        assert_eq!(filter(query), (all, 7, 20));
        assert_eq!(filter("limit=100&offset=900").0.limit, 1_001);
    }

    #[test]
    fn a_query_that_makes_no_sense_is_refused_in_words() {
        for (query, about) in [
            ("state=gone", "`state` is none of claimed, open, done"),
            ("state=", "`state`"),
            ("limit=0", "`limit` is not a whole number from 1 to 100"),
            ("limit=101", "`limit`"),
            ("limit=x", "`limit`"),
            ("offset=901", "filter by job or type"),
            ("offset=-1", "`offset`"),
            ("stat=open", "other than"),
        ] {
            let refusal = Page::of("GET", "/_edge/events", query).unwrap_err();
            assert_eq!(refusal.outcome, Outcome::QueryInvalid, "{query}");
            assert!(
                refusal.text.as_deref().is_some_and(|text| text.contains(about)),
                "{refusal:?}"
            );
        }
    }
}
