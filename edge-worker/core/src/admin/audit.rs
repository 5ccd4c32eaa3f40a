//! The audit logs of all shards, put together.

use core::cmp::Ordering;

use serde::Serialize;

use super::query;
use crate::ledger::audit::{AuditCursor, AuditEntry};
use crate::ledger::message::{CallError, Reply};
use crate::merge;
use crate::outcome::Outcome;
use crate::response::Response;
use crate::time::rfc3339;

/// A shard's reply, or why there is none.
type Replied = Result<Reply, CallError>;

/// How far apart the entries of shards may be that were asked for one act at once, in milliseconds: they have a few
/// seconds to answer, and those of former numbers of shards are asked after the others.
const WINDOW_MS: u64 = 10_000;

/// Entries that each shard sends beyond those of a page, so that its last act is seen as a whole.
pub(super) const MORE: usize = 32;

/// A page of the log.
#[derive(Serialize)]
struct Page<'a> {
    entries: Vec<EntryView<'a>>,
    limit: usize,
    /// Where the next page begins; none on the last page.
    cursor: Option<String>,
}

/// One act as an admin sees it.
#[derive(Serialize)]
struct EntryView<'a> {
    at: String,
    by: &'a str,
    act: &'a str,
    about: Option<&'a str>,
    result: &'a str,
    /// How many shards have done it.
    shards: usize,
}

/// An entry, and the number of its shard.
type Located = (usize, AuditEntry);

/// One act, which several shards may have done: its entries, the latest first.
struct Done<'a>(Vec<&'a Located>);

impl<'a> Done<'a> {
    /// Whether an entry is of the same act. A shard does an act once.
    fn has_part(&self, (shard, entry): &Located) -> bool {
        let Some((_, latest)) = self.0.first() else { return false };
        latest.by == entry.by
            && latest.act == entry.act
            && latest.about == entry.about
            && latest.result == entry.result
            && latest.at_ms.saturating_sub(entry.at_ms) <= WINDOW_MS
            && self.0.iter().all(|(other, _)| other != shard)
    }

    fn view(&self) -> Option<EntryView<'a>> {
        let (_, latest) = self.0.first()?;
        Some(EntryView {
            at: rfc3339(latest.at_ms),
            by: &latest.by,
            act: &latest.act,
            about: Some(latest.about.as_str()).filter(|about| !about.is_empty()),
            result: &latest.result,
            shards: self.0.len(),
        })
    }
}

fn order((_, left): &Located, (_, right): &Located) -> Ordering {
    right.cursor().cmp(&left.cursor())
}

/// A page of `limit` acts, the latest first; `asked` is how many entries each shard was asked for. A page is longer if
/// else it would be cut within an act that several shards have done.
pub(super) fn list(replies: Vec<Replied>, asked: usize, limit: usize) -> Result<Response, Outcome> {
    let mut lists = Vec::new();
    // The last place up to which the list is known to be whole.
    let mut horizon: Option<AuditCursor> = None;
    for (shard, reply) in replies.into_iter().enumerate() {
        let Ok(Reply::Audit(entries)) = reply else { return Err(Outcome::LedgerUnavailable) };
        if let Some(last) = entries.last().filter(|_| entries.len() >= asked) {
            horizon = horizon.max(Some(last.cursor()));
        }
        lists.push(entries.into_iter().map(|entry| (shard, entry)).collect());
    }
    let merged = merge::merge(lists, usize::MAX, order);
    let is_known = |(_, entry): &&Located| horizon.is_none_or(|horizon| entry.cursor() >= horizon);
    let entries: Vec<_> = merged.iter().take_while(is_known).collect();
    let mut done: Vec<Done<'_>> = Vec::new();
    let mut last = None;
    let mut rest = entries.as_slice();
    while let [next, behind @ ..] = rest {
        let place = Some(next.1.cursor());
        // Entries of several shards at one place belong to one page: a cursor says no shard.
        if done.len() >= limit && place != last && !is_within(&done, rest) {
            break;
        }
        match done.iter_mut().find(|it| it.has_part(next)) {
            Some(act) => act.0.push(next),
            None => done.push(Done(vec![next])),
        }
        (last, rest) = (place, behind);
    }
    let is_more = !rest.is_empty() || horizon.is_some();
    let cursor = last.filter(|_| is_more);
    Ok(Response::json(&Page {
        entries: done.iter().filter_map(Done::view).collect(),
        limit,
        cursor: cursor.map(query::audit_cursor_text),
    }))
}

/// Whether an entry that follows is part of an act of this page.
fn is_within(done: &[Done<'_>], rest: &[&Located]) -> bool {
    let Some((_, latest)) = done.last().and_then(|act| act.0.first()) else { return false };
    // The acts before it are later, so what is behind its window is part of none.
    let from_ms = latest.at_ms.saturating_sub(WINDOW_MS);
    rest.iter()
        .take_while(|(_, entry)| entry.at_ms >= from_ms)
        .any(|entry| done.iter().any(|act| act.has_part(entry)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(at_ms: u64, id: u64, act: &str, about: &str) -> AuditEntry {
        AuditEntry {
            id,
            at_ms,
            by: "admin".to_owned(),
            act: act.to_owned(),
            about: about.to_owned(),
            result: "ok".to_owned(),
        }
    }

    fn pause(at_ms: u64) -> AuditEntry {
        entry(at_ms, 1, "pause", "")
    }

    /// All pages, as the shards do it: each lists what is behind the cursor.
    fn pages(shards: &[Vec<AuditEntry>], limit: usize, more: usize) -> Vec<Value> {
        let (mut pages, mut after) = (Vec::new(), None::<AuditCursor>);
        loop {
            let asked = limit.saturating_add(more);
            let lists = shards.iter().map(|entries| {
                let is_behind = |it: &&AuditEntry| after.is_none_or(|after| it.cursor() < after);
                Ok(Reply::Audit(entries.iter().filter(is_behind).take(asked).cloned().collect()))
            });
            let page = list(lists.collect(), asked, limit).unwrap();
            let page: Value = serde_json::from_str(&page.body).unwrap();
            let cursor = page["cursor"].as_str().map(str::to_owned);
            pages.push(page);
            assert!(pages.len() < 100, "no end");
            let Some(cursor) = cursor else { return pages };
            after = query::parse_audit_cursor(&cursor);
            assert!(after.is_some(), "{cursor}");
        }
    }

    /// What is shown on all pages: act, what it is about, and in how many shards.
    fn shown(pages: &[Value]) -> Vec<(String, String, u64)> {
        let entries = pages.iter().flat_map(|page| page["entries"].as_array().unwrap());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        entries
            .map(|it| (text(&it["act"]), text(&it["about"]), it["shards"].as_u64().unwrap()))
            .collect()
    }

    #[test]
    fn a_page_is_pinned() {
        let shards = [
            vec![pause(1_700_000_000_004), entry(1_700_000_000_001, 1, "replay", "event-1")],
            vec![pause(1_700_000_000_007)],
        ];
        let expected = json!({
            "entries": [
                {
                    "at": "2023-11-14T22:13:20.007Z",
                    "by": "admin",
                    "act": "pause",
                    "about": null,
                    "result": "ok",
                    "shards": 2,
                },
                {
                    "at": "2023-11-14T22:13:20.001Z",
                    "by": "admin",
                    "act": "replay",
                    "about": "event-1",
                    "result": "ok",
                    "shards": 1,
                },
            ],
            "limit": 50,
            "cursor": null,
        });
        assert_eq!(pages(&shards, 50, 32), [expected]);
    }

    /// Other acts come between its entries, and the pages are short.
    #[test]
    fn an_act_of_all_shards_appears_once() {
        let replay = |at_ms, about| entry(at_ms, 1, "replay", about);
        let shards = [
            vec![pause(20_009), replay(20_003, "c"), pause(20_001), replay(9, "b")],
            vec![replay(20_008, "d"), pause(20_004), replay(20_000, "a")],
            vec![pause(20_002), pause(20_000 - WINDOW_MS)],
        ];
        for limit in 1..9 {
            let pages = pages(&shards, limit, 32);
            let mut acts = shown(&pages);
            acts.sort();
            let expected = [
                // Two in one shard are two acts, and so is one that is far from the others.
                ("pause", "", 1),
                ("pause", "", 1),
                ("pause", "", 3),
                ("replay", "a", 1),
                ("replay", "b", 1),
                ("replay", "c", 1),
                ("replay", "d", 1),
            ];
            let expected: Vec<_> = expected
                .map(|(act, about, shards)| (act.to_owned(), about.to_owned(), shards))
                .into();
            assert_eq!(acts, expected, "{limit}");
        }
    }

    #[test]
    fn entries_of_several_shards_at_one_place_are_not_cut_apart() {
        let shards: Vec<_> = ["a", "b", "c"]
            .map(|about| vec![entry(7, 1, "replay", about), entry(5, 1, "replay", about)])
            .into();
        for limit in 1..9 {
            let pages = pages(&shards, limit, 0);
            let mut about: Vec<_> = shown(&pages).into_iter().map(|(_, about, _)| about).collect();
            about.sort();
            assert_eq!(about, ["a", "a", "b", "b", "c", "c"], "{limit}");
        }
    }

    /// As the reconciler may have it.
    #[test]
    fn many_acts_of_one_millisecond_are_all_shown() {
        let many = |shard: &str| -> Vec<_> {
            (1..=40).rev().map(|id| entry(7, id, "make_end", &format!("{shard}-{id}"))).collect()
        };
        for limit in [1, 3, 50] {
            let pages = pages(&[many("a"), many("b")], limit, 1);
            let mut about: Vec<_> = shown(&pages).into_iter().map(|(_, about, _)| about).collect();
            about.sort();
            about.dedup();
            assert_eq!((about.len(), shown(&pages).len()), (80, 80), "{limit}");
        }
    }

    #[test]
    fn a_log_with_gaps_is_not_shown() {
        let gap = Err("broken".into());
        let result = list(vec![Ok(Reply::Audit(Vec::new())), gap], 9, 9);
        assert_eq!(result, Err(Outcome::LedgerUnavailable));
    }
}
