//! The audit trail of all shards, put together.

use crate::ledger::audit::Listed;
use crate::ledger::latest;
use crate::ledger::message::{Answer, Unanswered};
use crate::outcome::Outcome;

/// A shard's answer, or why there is none.
type Answered = Result<Answer, Unanswered>;

fn rows(answer: Answered) -> Result<Vec<Listed>, Outcome> {
    match answer {
        Ok(Answer::Rows(rows)) => Ok(rows),
        _ => Err(Outcome::LedgerUnavailable),
    }
}

/// A page of rows as JSON, the latest first. If a shard does not answer there is none: a trail with
/// gaps would be taken for the whole.
pub(crate) fn page(
    answers: impl IntoIterator<Item = Answered>,
    limit: u32,
    offset: u32,
) -> Result<String, Outcome> {
    let lists = answers.into_iter().map(rows).collect::<Result<Vec<_>, _>>()?;
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    // One more than is shown, to know whether there are more.
    let wanted = size(offset).saturating_add(size(limit)).saturating_add(1);
    let all = latest::merge(lists, wanted, |left, right| right.last_ms.cmp(&left.last_ms));
    let mut rest = all.iter().skip(size(offset));
    let lines: Vec<_> = rest.by_ref().take(size(limit)).map(|row| row.line.as_str()).collect();
    let is_more = rest.next().is_some();
    // The rows are JSON already.
    Ok(format!(
        r#"{{"events":[{}],"limit":{limit},"offset":{offset},"more":{is_more}}}"#,
        lines.join(",")
    ))
}

/// The one row that a shard has found, as JSON.
pub(crate) fn event(answers: impl IntoIterator<Item = Answered>) -> Result<String, Outcome> {
    let mut missing = Outcome::NotFound;
    for answer in answers {
        match rows(answer).map(|rows| rows.into_iter().next()) {
            Ok(Some(row)) => return Ok(row.line),
            Ok(None) => {}
            Err(outcome) => missing = outcome,
        }
    }
    Err(missing)
}

/// Whether a shard had the event and will let it through. After a change of the number of shards,
/// two may have had it.
pub(crate) fn forgotten(answers: impl IntoIterator<Item = Answered>) -> Result<(), Outcome> {
    let (mut is_forgotten, mut is_complete) = (false, true);
    for answer in answers {
        match answer {
            Ok(Answer::Absent) => {}
            Ok(Answer::Ok) => is_forgotten = true,
            Ok(Answer::InFlight { remaining_ms }) => return Err(Outcome::in_flight(remaining_ms)),
            _ => is_complete = false,
        }
    }
    match (is_forgotten, is_complete) {
        (true, _) => Ok(()),
        (false, true) => Err(Outcome::NotFound),
        (false, false) => Err(Outcome::LedgerUnavailable),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn broken() -> Answered {
        Err("broken".to_owned().into())
    }

    #[allow(clippy::unnecessary_wraps, reason = "one of several answers")]
    fn listed(times: &[u64]) -> Answered {
        let row = |&last_ms| Listed { last_ms, line: format!("{{\"last\":{last_ms}}}") };
        Ok(Answer::Rows(times.iter().map(row).collect()))
    }

    fn page_of(limit: u32, offset: u32) -> Value {
        let shards = [listed(&[9, 5, 1]), listed(&[]), listed(&[7, 6])];
        serde_json::from_str(&page(shards, limit, offset).unwrap()).unwrap()
    }

    #[test]
    fn the_latest_rows_of_all_shards_come_first() {
        let times = |page: &Value| {
            let events = page["events"].as_array().unwrap();
            events.iter().map(|row| row["last"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(times(&page_of(10, 0)), [9, 7, 6, 5, 1]);
        assert_eq!(times(&page_of(2, 0)), [9, 7]);
        assert_eq!(times(&page_of(2, 2)), [6, 5]);
        assert_eq!(times(&page_of(2, 4)), [1]);
        let last = page_of(2, 5);
        assert_eq!(last, json!({ "events": [], "limit": 2, "offset": 5, "more": false }));
        assert_eq!(page_of(5, 0)["more"], false);
        assert_eq!(page_of(4, 0)["more"], true);
    }

    #[test]
    fn a_trail_with_gaps_is_not_shown() {
        assert_eq!(page([listed(&[1]), broken()], 9, 0), Err(Outcome::LedgerUnavailable));
        assert_eq!(page([Ok(Answer::Ok)], 9, 0), Err(Outcome::LedgerUnavailable));
    }

    #[test]
    fn an_event_is_found_wherever_it_is() {
        assert_eq!(event([broken(), listed(&[]), listed(&[5])]), Ok("{\"last\":5}".to_owned()));
        assert_eq!(event([listed(&[]), listed(&[])]), Err(Outcome::NotFound));
        assert_eq!(event([listed(&[]), broken()]), Err(Outcome::LedgerUnavailable));
    }

    #[test]
    fn an_event_is_forgotten_by_whoever_has_it() {
        let (absent, ok) = (|| Ok(Answer::Absent), || Ok(Answer::Ok));
        assert_eq!(forgotten([absent(), ok(), absent()]), Ok(()));
        assert_eq!(forgotten([ok(), ok()]), Ok(()));
        assert_eq!(forgotten([ok(), broken()]), Ok(()));
        assert_eq!(forgotten([absent(), absent()]), Err(Outcome::NotFound));
        assert_eq!(forgotten([absent(), broken()]), Err(Outcome::LedgerUnavailable));
        assert_eq!(forgotten([broken(), absent()]), Err(Outcome::LedgerUnavailable));
        let in_flight = || Ok(Answer::InFlight { remaining_ms: 1_500 });
        let expected = Err(Outcome::InFlight { retry_after_seconds: 2 });
        assert_eq!(forgotten([absent(), in_flight()]), expected);
        assert_eq!(forgotten([ok(), in_flight()]), expected);
    }
}
