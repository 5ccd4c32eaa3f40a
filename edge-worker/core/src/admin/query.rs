//! The queries of lists: which rows, how many, and where a page begins.

use std::borrow::Cow;

use super::route::{AdminRoute, Refusal};
use crate::ledger::audit::AuditCursor;
use crate::ledger::entry::EventState;
use crate::ledger::job::{JobCursor, JobFilter};
use crate::ledger::listing::{Cursor, Filter};
use crate::ledger::search::{MOST_ROWS, Search};
use crate::ledger::walk::Place;
use crate::outcome::Outcome;
use crate::time;

/// Rows in one response, if not said otherwise.
const DEFAULT_LIMIT: u32 = 50;
/// The most rows in one response. Each shard sends as many and one more, because all of them may be its
/// own: with 256 shards some 10 MB.
pub(super) const MAX_LIMIT: u32 = 100;

/// The parameters of a query. Of two with one name, the last one counts.
struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    /// Reads a query, which has no parameters but those of a list such as `limit, cursor`.
    fn read(query: &'a str, known: &str) -> Result<Self, Refusal> {
        let parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let is_known = |name: &str| known.split(", ").any(|it| it == name);
        if parameters.iter().all(|(name, _)| is_known(name)) {
            return Ok(Self(parameters));
        }
        Err(invalid(format!("the query has a parameter other than {known}")))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(it, _)| it == name).map(|(_, value)| value.as_ref())
    }

    fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.get(name).map(|value| filter_text(name, value)).transpose()
    }

    fn state(&self, states: &[&str]) -> Result<Option<String>, Refusal> {
        match self.get("state") {
            Some(state) if !states.contains(&state) => {
                Err(invalid(format!("`state` is none of {}", states.join(", "))))
            }
            state => Ok(state.map(str::to_owned)),
        }
    }

    fn limit(&self) -> Result<u32, Refusal> {
        let Some(text) = self.get("limit") else { return Ok(DEFAULT_LIMIT) };
        let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        limit.ok_or_else(|| invalid(format!("`limit` is not a whole number from 1 to {MAX_LIMIT}")))
    }

    /// A time, in milliseconds since 1970.
    fn time(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let hint = "is malformed: expected a time in UTC such as 2026-11-29T12:00:00Z, or milliseconds since 1970";
        let time = number(text).or_else(|| time::parse(text));
        time.map(Some).ok_or_else(|| invalid(format!("`{name}` {hint}")))
    }

    fn cursor<T>(&self, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
        let Some(text) = self.get("cursor") else { return Ok(None) };
        let hint = "`cursor` is malformed: expected what an earlier page gave as `cursor`";
        parse(text).map(Some).ok_or_else(|| invalid(hint.to_owned()))
    }
}

/// The list of events.
pub(super) fn events(query: &str) -> Result<AdminRoute, Refusal> {
    let known = "state, type, job, tenant, outcome, id, since, until, limit, cursor";
    let parameters = Parameters::read(query, known)?;
    let limit = parameters.limit()?;
    let EventCursor { after, from, to } =
        parameters.cursor(parse_event_cursor)?.unwrap_or_default();
    let (since_ms, until_ms) = (parameters.time("since")?, parameters.time("until")?);
    if since_ms.zip(until_ms).is_some_and(|(since_ms, until_ms)| since_ms >= until_ms) {
        let text = "`since` is not before `until`: no event can be meant; exchange them";
        return Err(invalid(text.to_owned()));
    }
    let filter = Filter {
        state: parameters.state(&EventState::NAMES)?,
        job_id: parameters.text("job")?,
        event_type: parameters.text("type")?,
        tenant: parameters.text("tenant")?,
        last_outcome: parameters.text("outcome")?,
        event_id: parameters.text("id")?,
        since_ms,
        until_ms,
        after,
        limit: limit.saturating_add(1),
        with_trails: false,
    };
    let search = Search { filter, from, to, rows: MOST_ROWS };
    Ok(AdminRoute::Events { search, limit: shown(limit) })
}

/// The list of jobs.
pub(super) fn jobs(query: &str) -> Result<AdminRoute, Refusal> {
    let parameters = Parameters::read(query, "state, tenant, limit, cursor")?;
    let limit = parameters.limit()?;
    let filter = JobFilter {
        state: parameters.state(&JobFilter::STATES)?,
        tenant: parameters.text("tenant")?,
        cursor: parameters.cursor(parse_job_cursor)?,
        limit: limit.saturating_add(1),
    };
    Ok(AdminRoute::Jobs { filter, limit: shown(limit) })
}

/// The audit log.
pub(super) fn audit(query: &str) -> Result<AdminRoute, Refusal> {
    let parameters = Parameters::read(query, "limit, cursor")?;
    let limit = shown(parameters.limit()?);
    Ok(AdminRoute::Audit { cursor: parameters.cursor(parse_audit_cursor)?, limit })
}

fn shown(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// A segment of a path without its percent-encoding.
pub(super) fn decoded(segment: &str) -> String {
    // In a form, these three mean something else.
    let escaped = segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let decoded = form_urlencoded::parse(escaped.as_bytes()).next();
    decoded.map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// The text of a filter. Ids, types and tenants are never empty, and none with a control character is read from a
/// body: such a filter is a mistake, and would find nothing at best.
pub(super) fn filter_text(name: &str, value: &str) -> Result<String, Refusal> {
    if value.is_empty() || value.contains(|letter: char| letter.is_ascii_control()) {
        return Err(invalid(format!("`{name}` is empty or has a control character")));
    }
    Ok(value.to_owned())
}

fn invalid(text: String) -> Refusal {
    Refusal { outcome: Outcome::QueryInvalid, text: Some(text) }
}

/// A place in the list of events: the piece of the table, and how far its events were shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EventCursor {
    /// The event shown last; none if the piece begins.
    pub(super) after: Option<Cursor>,
    /// The last row of the piece before; none in the first one.
    pub(super) from: Option<Place>,
    /// The last row of the piece, if that is known.
    pub(super) to: Option<Place>,
}

impl EventCursor {
    /// The cursor as text: time, dot and key of the event, then the two places, each behind a tilde. What is not there
    /// is empty, and tildes at the end are left out.
    pub(super) fn text(&self) -> String {
        let place = |place: &Option<Place>| {
            place.as_ref().map(|it| format!("{}.{}", hex(&it.job_id), it.key)).unwrap_or_default()
        };
        let after = self.after.as_ref().map(|it| format!("{}.{}", it.last_ms, it.key));
        let text =
            format!("{}~{}~{}", after.unwrap_or_default(), place(&self.from), place(&self.to));
        text.trim_end_matches('~').to_owned()
    }
}

/// Reads a cursor in the list of events.
pub(super) fn parse_event_cursor(text: &str) -> Option<EventCursor> {
    let mut parts = text.split('~');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let (after, from, to) = (part(), part(), part());
    let is_whole = !text.is_empty() && !text.ends_with('~') && parts.next().is_none();
    let cursor = EventCursor {
        after: after.map_or(Some(None), |text| parse_cursor(text).map(Some))?,
        from: from.map_or(Some(None), |text| parse_place(text).map(Some))?,
        to: to.map_or(Some(None), |text| parse_place(text).map(Some))?,
    };
    is_whole.then_some(cursor)
}

fn is_key(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn parse_cursor(text: &str) -> Option<Cursor> {
    let (last_ms, key) = text.split_once('.').filter(|(_, key)| is_key(key))?;
    Some(Cursor { last_ms: number(last_ms)?, key: key.to_owned() })
}

fn parse_place(text: &str) -> Option<Place> {
    let (job_id, key) = text.split_once('.').filter(|(_, key)| is_key(key))?;
    Some(Place { job_id: unhex(job_id)?, key: key.to_owned() })
}

/// A cursor in the list of jobs as text: the time, a dot, the id in hex digits, which need no encoding in a URL.
pub(super) fn job_cursor_text(cursor: &JobCursor) -> String {
    format!("{}.{}", cursor.known_ms, hex(&cursor.job_id))
}

/// The bytes of a text in hex digits.
fn hex(plain: &str) -> String {
    let mut text = String::new();
    for byte in plain.bytes() {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text
}

/// Reads a cursor in the list of jobs.
pub(super) fn parse_job_cursor(text: &str) -> Option<JobCursor> {
    let (known_ms, digits) = text.split_once('.')?;
    Some(JobCursor { known_ms: number(known_ms)?, job_id: unhex(digits)? })
}

fn unhex(digits: &str) -> Option<String> {
    let mut bytes = Vec::new();
    for pair in digits.as_bytes().chunks(2) {
        let pair = core::str::from_utf8(pair).ok().filter(|pair| {
            pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit())
        })?;
        bytes.push(u8::from_str_radix(pair, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// A cursor in the audit log as text: the time, a dot, the number.
pub(super) fn audit_cursor_text(cursor: AuditCursor) -> String {
    format!("{}.{}", cursor.at_ms, cursor.id)
}

/// Reads a cursor in the audit log.
pub(super) fn parse_audit_cursor(text: &str) -> Option<AuditCursor> {
    let (at_ms, id) = text.split_once('.')?;
    Some(AuditCursor { at_ms: number(at_ms)?, id: number(id)? })
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &str, query: &str) -> String {
        let refusal = AdminRoute::of("GET", path, query).unwrap_err();
        assert_eq!(refusal.outcome, Outcome::QueryInvalid, "{path}?{query}");
        refusal.text.unwrap()
    }

    #[test]
    fn jobs_are_filtered_and_paged() {
        let jobs = |query| match AdminRoute::of("GET", "/_edge/jobs", query) {
            Ok(AdminRoute::Jobs { filter, limit }) => (filter, limit),
            other => panic!("{other:?}"),
        };
        assert_eq!(jobs(""), (JobFilter { limit: 51, ..JobFilter::default() }, 50));
        let all = JobFilter {
            state: Some("conflict".to_owned()),
            tenant: Some("acme & co".to_owned()),
            cursor: Some(JobCursor { known_ms: 7, job_id: "job_1".to_owned() }),
            limit: 3,
        };
        let query = "state=conflict&tenant=acme+%26+co&cursor=7.6a6f625f31&limit=2";
        assert_eq!(jobs(query), (all, 2));
        for (query, about) in [
            ("state=done", "`state` is none of open, overdue, ended, reconciliation, conflict"),
            ("tenant=", "`tenant` is empty"),
            ("limit=101", "`limit`"),
            ("cursor=7", "`cursor`"),
            ("cursor=7.6", "`cursor`"),
            ("cursor=7.6g", "`cursor`"),
            ("cursor=7.%2B6", "`cursor`"),
            ("cursor=7.ff", "`cursor`"),
            ("cursor=+7.6a", "`cursor`"),
            ("job=job_1", "other than state, tenant, limit, cursor"),
        ] {
            assert!(refusal("/_edge/jobs", query).contains(about), "{query}");
        }
    }

    #[test]
    fn the_audit_log_is_paged() {
        let audit = |query| AdminRoute::of("GET", "/_edge/audit", query).unwrap();
        assert_eq!(audit(""), AdminRoute::Audit { cursor: None, limit: 50 });
        let cursor = Some(AuditCursor { at_ms: 7, id: 2 });
        assert_eq!(audit("cursor=7.2&limit=9"), AdminRoute::Audit { cursor, limit: 9 });
        for (query, about) in
            [("cursor=7", "`cursor`"), ("cursor=7.x", "`cursor`"), ("by=admin", "other than limit")]
        {
            assert!(refusal("/_edge/audit", query).contains(about), "{query}");
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        for job_id in ["job_1", "a.b c/ä&=%+", ""] {
            let cursor = JobCursor { known_ms: 1_700_000_000_000, job_id: job_id.to_owned() };
            let text = job_cursor_text(&cursor);
            assert!(text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'.'), "{text}");
            assert_eq!(parse_job_cursor(&text), Some(cursor));
        }
        let cursor = AuditCursor { at_ms: 7, id: 3 };
        assert_eq!(parse_audit_cursor(&audit_cursor_text(cursor)), Some(cursor));
    }

    #[test]
    fn a_cursor_of_events_is_read_as_it_is_written() {
        let after = || Some(Cursor { last_ms: 1_700_000_000_000, key: "event-0a".to_owned() });
        let place =
            |job_id: &str| Some(Place { job_id: job_id.to_owned(), key: "body-1".to_owned() });
        for (after, from, to, text) in [
            (after(), None, None, "1700000000000.event-0a"),
            (None, place("a~ \u{e4}"), None, "~617e20c3a4.body-1"),
            (after(), None, place(""), "1700000000000.event-0a~~.body-1"),
            (after(), place("a"), place("b"), "1700000000000.event-0a~61.body-1~62.body-1"),
        ] {
            let cursor = EventCursor { after, from, to };
            assert_eq!(cursor.text(), text);
            assert_eq!(parse_event_cursor(text), Some(cursor));
        }
        for text in ["", "~", "1.a~", "1.a~61", "1.a~6.a", "1.a~61.a~", "1.a~61.a~61.a~61.a", "~~"]
        {
            assert_eq!(parse_event_cursor(text), None, "{text}");
        }
    }

    #[test]
    fn a_segment_of_a_path_is_decoded() {
        for (segment, expected) in
            [("job_1", "job_1"), ("a%20b", "a b"), ("a+b&c=d", "a+b&c=d"), ("%2F%25%C3%A4", "/%ä")]
        {
            assert_eq!(decoded(segment), expected);
        }
    }
}
