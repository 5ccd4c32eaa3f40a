//! A page of the list of events.

use core::cmp::Ordering;

use serde::Serialize;

use super::super::query::EventCursor;
use super::{EventView, Replied};
use crate::ledger::listing::EventSummary;
use crate::ledger::message::Reply;
use crate::ledger::search::{Found, Search};
use crate::merge;
use crate::outcome::Outcome;
use crate::response::Response;

/// A page of the list.
#[derive(Serialize)]
struct Page {
    events: Vec<EventView>,
    limit: usize,
    /// How many rows the shards have looked at for this page.
    looked_at: u64,
    /// Where the next page begins, which may be for want of rows that pass the filter; none on the last page.
    cursor: Option<String>,
}

/// A page of at most `limit` events, and where the next one begins. If a shard does not reply there is none: a list
/// with gaps would be taken for the whole.
///
/// Of a large ledger each shard has looked at a piece of its rows, and the pieces end at different places. The page is
/// about the rows up to the first of these ends, and about no event behind which a shard may have more.
pub(in crate::admin) fn list(
    replies: Vec<Replied>,
    search: &Search,
    limit: usize,
) -> Result<Response, Outcome> {
    let found = replies.into_iter().map(found).collect::<Result<Vec<_>, _>>()?;
    let looked_at = found.iter().fold(0, |sum: u64, it| sum.saturating_add(it.looked));
    let end = found.iter().filter_map(|it| it.end.as_ref()).min().cloned();
    let to = end.clone().or_else(|| search.to.clone());
    let seen = found.iter().filter_map(|it| it.seen.as_ref());
    let seen = seen.min_by(|left, right| left.order(right)).cloned();
    let is_certain = |event: &EventSummary| {
        to.as_ref().is_none_or(|to| event.place() <= *to)
            && seen.as_ref().is_none_or(|seen| event.cursor().order(seen) != Ordering::Greater)
    };
    let certain = |found: Found| found.events.into_iter().filter(is_certain).collect();
    let lists = found.into_iter().map(certain).collect();
    // One more than is shown, to know whether there are more.
    let mut page = merge::merge(lists, limit.saturating_add(1), EventSummary::order);
    let is_more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| is_more).map(EventSummary::cursor);
    let cursor = match (last.or(seen), to) {
        (Some(after), to) => {
            Some(EventCursor { after: Some(after), from: search.from.clone(), to })
        }
        (None, Some(to)) => Some(EventCursor { from: Some(to), ..EventCursor::default() }),
        (None, None) => None,
    };
    Ok(Response::json(&Page {
        events: page.into_iter().map(EventView::from).collect(),
        limit,
        looked_at,
        cursor: cursor.as_ref().map(EventCursor::text),
    }))
}

fn found(reply: Replied) -> Result<Found, Outcome> {
    match reply {
        Ok(Reply::Found(found)) => Ok(found),
        _ => Err(Outcome::LedgerUnavailable),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "an overflow fails the test")]

    use core::cmp::Reverse;
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::super::query::parse_event_cursor;
    use super::super::tests::{body, broken, event, one};
    use super::*;
    use crate::ledger::entry::{Entry, EventState};
    use crate::ledger::event_meta::EventMeta;
    use crate::ledger::job::JobPolicy;
    use crate::ledger::job_row::Job;
    use crate::ledger::jobs::JobStore as _;
    use crate::ledger::listing::Filter;
    use crate::ledger::message::Call;
    use crate::ledger::policy::Policy;
    use crate::ledger::protocol;
    use crate::ledger::sqlite_store::SqliteStore;
    use crate::ledger::store::Store as _;
    use crate::ledger::tests::sqlite::{Sqlite, fresh_store};

    #[allow(clippy::unnecessary_wraps, reason = "one of several replies")]
    fn listed(times: &[u64]) -> Replied {
        let events = times.iter().map(|last_ms| event(*last_ms)).collect();
        Ok(Reply::Found(Found { events, ..Found::default() }))
    }

    /// An event of the naive ledger: shard, job, key, time, and what is filtered by.
    type Row = (usize, String, String, u64, Option<String>);

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let row = (0..3_usize, 0..5_u32, 0..12_u64, 0..3_u32, any::<bool>());
        proptest::collection::vec(row, 0..40).prop_map(|rows| {
            let rows = rows.into_iter().enumerate();
            rows.map(|(number, (shard, job, last_ms, outcome, has_job))| {
                // All events of a job are in one shard.
                let job_id = if has_job { format!("job_{job}_{shard}") } else { String::new() };
                let outcome = (outcome > 0).then(|| format!("outcome_{outcome}"));
                (shard, job_id, format!("event-{:02}", number * 7 % 40), last_ms, outcome)
            })
            .collect()
        })
    }

    fn shards(rows: &[Row]) -> Vec<SqliteStore<Sqlite>> {
        let mut shards: Vec<_> = (0..3).map(|_| fresh_store()).collect();
        insert(&mut shards, rows);
        shards
    }

    fn insert(shards: &mut [SqliteStore<Sqlite>], rows: &[Row]) {
        for (shard, job_id, key, last_ms, outcome) in rows {
            let state = if last_ms % 3 == 0 { EventState::Open } else { EventState::Done };
            let entry = Entry {
                state,
                attempts: 1,
                first_ms: 0,
                last_ms: *last_ms,
                last_outcome: outcome.clone(),
                meta: EventMeta {
                    job_id: Some(job_id.clone()).filter(|it| !it.is_empty()),
                    ..EventMeta::default()
                },
                owed: None,
                noted: Vec::new(),
            };
            shards[*shard].insert(key, &entry).unwrap();
            if !job_id.is_empty() {
                let job = Job::new(JobPolicy { after_ms: 1, deadline_ms: 1 }, 0, 0);
                let tenant = Some(tenant_of(job_id).to_owned());
                shards[*shard].set_job(job_id, &Job { tenant, ..job }).unwrap();
            }
        }
    }

    fn tenant_of(job_id: &str) -> &'static str {
        if job_id.starts_with("job_1") { "acme" } else { "other" }
    }

    proptest! {
        /// However few rows a look takes, and however few events a page has: the pages together are the filtered
        /// list. If a shard is one piece, in its order as well. Events that come meanwhile change nothing about those
        /// that do not.
        #[test]
        fn pages_follow_each_other_without_gap_or_repetition(
            rows in rows(),
            state in proptest::option::of(0..3_usize),
            tenant in any::<bool>(),
            outcome in any::<bool>(),
            since_ms in proptest::option::of(0..8_u64),
            until_ms in proptest::option::of(4..12_u64),
            most in 1..8_u32,
            is_whole in any::<bool>(),
            limit in 1..6_usize,
            later in rows(),
        ) {
            let mut stores = shards(&rows);
            let filter = Filter {
                state: state.map(|it| ["open", "done", "dead"][it].to_owned()),
                tenant: tenant.then(|| "acme".to_owned()),
                last_outcome: outcome.then(|| "outcome_1".to_owned()),
                since_ms,
                until_ms,
                limit: u32::try_from(limit).unwrap() + 1,
                ..Filter::default()
            };
            let mut expected: Vec<_> = rows
                .iter()
                .filter(|(_, job_id, _, last_ms, outcome)| {
                    let is_open = last_ms % 3 == 0;
                    filter.state.as_deref().is_none_or(|it| {
                        (it == "open" && is_open) || (it == "done" && !is_open)
                    }) && (!tenant || (!job_id.is_empty() && tenant_of(job_id) == "acme"))
                        && (filter.last_outcome.is_none() || filter.last_outcome == *outcome)
                        && since_ms.is_none_or(|since_ms| *last_ms >= since_ms)
                        && until_ms.is_none_or(|until_ms| *last_ms < until_ms)
                })
                .map(|(_, _, key, last_ms, _)| (Reverse(*last_ms), key.clone()))
                .collect();
            expected.sort();
            let expected: Vec<_> = expected.into_iter().map(|(_, key)| key).collect();
            let most = if is_whole { 100 } else { most };
            // A piece has room for so many more.
            let mut later = later.into_iter().take(usize::try_from(most).unwrap());
            let mut search = Search { filter, rows: most, ..Search::default() };
            let mut shown = Vec::new();
            for pages in 0.. {
                prop_assert!(pages < 1_000, "it never ends");
                let mut looked = 0;
                let mut replies = Vec::new();
                for store in &mut stores {
                    let call = Call::Search(search.clone());
                    let reply = protocol::act(store, call, None, &Policy::of_tests(), 99).unwrap();
                    let Reply::Found(found) = &reply else { panic!("{reply:?}") };
                    let is_later = search.filter.after.is_some();
                    let most = if is_later { 2 * most } else { most };
                    prop_assert!(found.looked <= most.into());
                    looked += found.looked;
                    replies.push(Ok(reply));
                }
                let page = body(&list(replies, &search, limit).unwrap());
                let events = page["events"].as_array().unwrap();
                prop_assert!(events.len() <= limit);
                prop_assert_eq!(&page["looked_at"], &json!(looked));
                shown.extend(events.iter().map(|event| event["key"].as_str().unwrap().to_owned()));
                let Some(cursor) = page["cursor"].as_str() else { break };
                let cursor = parse_event_cursor(cursor);
                prop_assert!(cursor.is_some(), "{}", page);
                let EventCursor { after, from, to } = cursor.unwrap();
                search = Search { from, to, ..search };
                search.filter.after = after;
                if let Some((shard, job_id, key, last_ms, outcome)) = later.next() {
                    let row = (shard, job_id, format!("{key}-later"), last_ms, outcome);
                    insert(&mut stores, &[row]);
                }
            }
            let different: BTreeSet<_> = shown.iter().collect();
            prop_assert_eq!(different.len(), shown.len(), "{:?}", shown);
            shown.retain(|key| !key.ends_with("-later"));
            if !is_whole && state != Some(0) && state != Some(2) {
                shown.sort();
                let mut expected = expected;
                expected.sort();
                prop_assert_eq!(shown, expected);
            } else {
                prop_assert_eq!(shown, expected);
            }
        }
    }

    #[test]
    fn a_page_says_how_many_rows_were_looked_at() {
        let found = |looked| Ok(Reply::Found(Found { looked, ..Found::default() }));
        let page = list(vec![found(10_000), found(7)], &Search::default(), 50).unwrap();
        let expected = json!({ "events": [], "limit": 50, "looked_at": 10_007, "cursor": null });
        assert_eq!(body(&page), expected);
    }

    #[test]
    fn a_list_with_gaps_is_not_shown() {
        let list = |replies| list(replies, &Search::default(), 9);
        assert_eq!(list(vec![listed(&[1]), broken()]), Err(Outcome::LedgerUnavailable));
        // One of before searches.
        assert_eq!(list(vec![one(&[1])]), Err(Outcome::LedgerUnavailable));
    }
}
