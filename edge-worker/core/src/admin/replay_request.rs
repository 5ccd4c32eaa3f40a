//! What an admin asks for with `POST /_edge/replays`.

use super::body::{self, invalid, is_plain, text, time};
use super::route::Refusal;
use crate::json::{FromJson as _, Object};
use crate::ledger::bulk_replay::{NewReplay, Selection};

/// The longest body of such a request, in bytes. An id of a job has a few dozen.
pub(super) const MAX_BYTES: usize = 16 * 1024;

/// How many events a second go out over the whole deployment, if not said otherwise: little beside what an origin
/// takes in ordinary traffic.
const DEFAULT_RATE: u32 = 10;
/// The most events a second. Sixteen objects make no more attempts of a quick origin.
const MAX_RATE: u32 = 1_000;

/// The longest name of a replay.
const MAX_ID: usize = 64;

const FIELDS: &str = "state, since, until, job, type, rate, start, id";

/// A bulk replay that is planned or started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReplayRequest {
    /// Which events.
    pub(super) selection: Selection,
    /// How many a second.
    pub(super) rate: u32,
    /// Whether it starts; else its events are counted.
    pub(super) start: bool,
    /// Its name, if an earlier request has been given one.
    pub(super) id: Option<String>,
}

impl ReplayRequest {
    /// Reads a request's body. Without an end, what changes from `now_ms` on is not meant.
    pub(super) fn read(body: &[u8], now_ms: u64) -> Result<Self, Refusal> {
        let example = "{\"state\":\"dead\",\"start\":true}";
        let fields = body::fields(body, FIELDS, example)?;
        let state = text(&fields, "state")?.unwrap_or_default();
        if !Selection::STATES.contains(&state.as_str()) {
            let states = Selection::STATES.join(", ");
            return Err(invalid(format!("`state` is missing, or none of {states}")));
        }
        let since_ms = time(&fields, "since")?.unwrap_or(0);
        let until_ms = time(&fields, "until")?.unwrap_or(now_ms);
        if since_ms > until_ms {
            let text =
                "`since` is later than `until`, or than now: no event can be meant; exchange them";
            return Err(invalid(text));
        }
        let selection = Selection {
            state,
            since_ms,
            until_ms: until_ms.min(now_ms),
            job_id: body::id(&fields, "job")?,
            event_type: body::id(&fields, "type")?,
        };
        let start = fields
            .or_default("start")
            .ok_or_else(|| invalid("`start` is neither true nor false"))?;
        Ok(Self { selection, rate: rate(&fields)?, start, id: id(&fields)? })
    }

    /// What each of so many shards is told to start under a name. Together they are no faster than the rate.
    pub(super) fn new_replay(&self, id: &str, shards: u32) -> NewReplay {
        let interval_ms = u64::from(shards).saturating_mul(1_000).div_ceil(self.rate.into());
        NewReplay {
            id: id.to_owned(),
            selection: self.selection.clone(),
            rate: self.rate,
            interval_ms,
        }
    }
}

/// Whether a text can be the name of a replay.
pub(super) fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && is_plain(text)
}

fn rate(fields: &Object<'_>) -> Result<u32, Refusal> {
    let Some(raw) = fields.raw("rate") else { return Ok(DEFAULT_RATE) };
    u32::from_json(raw).filter(|rate| (1..=MAX_RATE).contains(rate)).ok_or_else(|| {
        invalid(format!("`rate` is not a whole number from 1 to {MAX_RATE}, of events a second"))
    })
}

fn id(fields: &Object<'_>) -> Result<Option<String>, Refusal> {
    match text(fields, "id")? {
        Some(id) if !is_id(&id) => {
            Err(invalid(format!("`id` is not 1 to {MAX_ID} of `A-Z a-z 0-9 _ -`: leave it out")))
        }
        id => Ok(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    const NOW_MS: u64 = 1_700_000_000_000;

    fn read(body: &str) -> Result<ReplayRequest, Refusal> {
        ReplayRequest::read(body.as_bytes(), NOW_MS)
    }

    #[test]
    fn little_is_needed() {
        let request = read(r#"{"state":"dead"}"#).unwrap();
        let selection =
            Selection { state: "dead".to_owned(), until_ms: NOW_MS, ..Selection::default() };
        assert_eq!(request, ReplayRequest { selection, rate: 10, start: false, id: None });
        assert_eq!(request.new_replay("r-1", 16).interval_ms, 1_600);
    }

    #[test]
    fn everything_can_be_said() {
        let body = r#"{"state":"done","since":"2023-11-14T21:13:20Z","until":"2023-11-14T22:13:19.5Z",
            "job":"job 1","type":"job.failed","rate":1000,"start":true,"id":"r-1"}"#;
        let selection = Selection {
            state: "done".to_owned(),
            since_ms: NOW_MS - 3_600_000,
            until_ms: NOW_MS - 500,
            job_id: Some("job 1".to_owned()),
            event_type: Some("job.failed".to_owned()),
        };
        let id = Some("r-1".to_owned());
        let request = read(body).unwrap();
        assert_eq!(request, ReplayRequest { selection, rate: 1_000, start: true, id });
        let new = request.new_replay("r-1", 3);
        assert_eq!((new.interval_ms, new.rate, new.id.as_str()), (3, 1_000, "r-1"));
        assert_eq!(request.new_replay("r-1", 1).interval_ms, 1);
    }

    #[test]
    fn a_later_end_than_now_is_now() {
        let request = read(r#"{"state":"dead","until":"2100-01-01T00:00:00Z"}"#).unwrap();
        assert_eq!(request.selection.until_ms, NOW_MS);
    }

    #[test]
    fn anything_else_is_refused_in_words() {
        let deep = format!(r#"{{"state":{}{}}}"#, "[".repeat(8_000), "]".repeat(8_000));
        let long = format!(r#"{{"state":"dead","id":"{}"}}"#, "x".repeat(65));
        for (body, about) in [
            ("", "not a JSON object"),
            ("[]", "not a JSON object"),
            (r#"{"state":"dead"} x"#, "not a JSON object"),
            ("{}", "`state` is missing, or none of dead, done, waiting"),
            (r#"{"state":"claimed"}"#, "`state` is missing, or none of"),
            (r#"{"state":7}"#, "`state` is not a text"),
            (
                r#"{"state":"dead","stat":1}"#,
                "`stat` is not a field: expected some of state, since",
            ),
            (r#"{"state":"dead","<b>":1}"#, "a field other than state, since"),
            (
                r#"{"state":"dead","since":"yesterday"}"#,
                "`since` is malformed: expected a time in UTC",
            ),
            (r#"{"state":"dead","since":"2023-11-14T21:13:20+01:00"}"#, "`since` is malformed"),
            (r#"{"state":"dead","until":1700000000}"#, "`until` is not a text"),
            (
                r#"{"state":"dead","since":"2023-11-14T02:00:00Z","until":"2023-11-14T01:00:00Z"}"#,
                "`since` is later than `until`",
            ),
            (r#"{"state":"dead","since":"2100-01-01T00:00:00Z"}"#, "or than now"),
            (r#"{"state":"dead","job":""}"#, "`job` is empty"),
            (r#"{"state":"dead","type":"a\u0000"}"#, "`type` is empty or has a control character"),
            (r#"{"state":"dead","job":null}"#, "`job` is not a text"),
            (r#"{"state":"dead","rate":0}"#, "`rate` is not a whole number from 1 to 1000"),
            (r#"{"state":"dead","rate":1001}"#, "`rate`"),
            (r#"{"state":"dead","rate":1.5}"#, "`rate`"),
            (r#"{"state":"dead","rate":"5"}"#, "`rate`"),
            (r#"{"state":"dead","start":"true"}"#, "`start` is neither true nor false"),
            (r#"{"state":"dead","id":"a b"}"#, "`id` is not 1 to 64 of"),
            (r#"{"state":"dead","id":""}"#, "`id`"),
            (&long, "`id`"),
            (&deep, "`state` is not a text"),
        ] {
            let refusal = read(body).unwrap_err();
            assert_eq!(refusal.outcome, Outcome::RequestInvalid, "{body}");
            assert!(refusal.text.as_deref().is_some_and(|it| it.contains(about)), "{refusal:?}");
        }
    }
}
