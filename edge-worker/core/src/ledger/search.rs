//! A look through a shard's events for those that pass a filter: how many rows it takes is bounded.
//!
//! What is settled is in no index by time, since that would cost a row written with each event. So a look for the
//! latest events goes through a *piece* of the table: so many rows behind a place, in the order of their keys. What it
//! finds there comes latest first, and the next look goes on where the piece ends. A shard with few rows is one piece.
//! Events of a state that somebody has to look at are in an index by time, and those of a job side by side: for them
//! there are no pieces.

use serde::Serialize;

use crate::json::from_json;
use crate::merge;

use super::entry::Entry;
use super::listing::{Cursor, EventSummary, Filter, list_order};
use super::store::Store;
use super::walk::Place;

/// The most rows that one look takes: some ten milliseconds, in which a shard does nothing else. A later
/// page of a piece takes up to twice as many, for rows that have come since the first one.
pub(crate) const MOST_ROWS: u32 = 10_000;

/// Which events are looked for, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Search {
    /// Which events are meant.
    pub(crate) filter: Filter,
    /// The piece begins behind this place, or with the first row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<Place>,
    /// It ends with this place, or with the last row, if it has not too many rows until there. What was shown of a
    /// piece comes again only if more than so many have come into it since its first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<Place>,
    /// How many rows may be looked at, up to [`MOST_ROWS`]; twice as many for a later page of a piece.
    pub(crate) rows: u32,
}

from_json!(Search { filter = required, from = or_default, to = or_default, rows = required });

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Found {
    /// The latest events first.
    pub(crate) events: Vec<EventSummary>,
    /// Behind this place in the list there may be more in the piece; none if there are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<Cursor>,
    /// The last row of the piece, if it has as many rows as it may and others may follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<Place>,
    /// How many rows were looked at.
    pub(crate) looked: u64,
}

from_json!(Found { events = required, seen = or_default, end = or_default, looked = required });

/// What a store has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The latest rows first, with their keys; as many as the filter allows.
    pub(crate) rows: Vec<(String, Entry)>,
    /// The last row that was looked at in the order of the list, if others may follow.
    pub(crate) last: Option<Cursor>,
    /// The last row of the piece, if others may follow.
    pub(crate) end: Option<Place>,
    /// How many rows were looked at.
    pub(crate) looked: u64,
}

impl Looked {
    /// Up to where in the list all that passes was found; none if that is all in the piece.
    fn seen(&self, limit: u32) -> Option<Cursor> {
        let is_full = u64::try_from(self.rows.len()).unwrap_or(u64::MAX) >= u64::from(limit);
        match self.rows.last() {
            Some((key, row)) if is_full => Some(Cursor { last_ms: row.last_ms, key: key.clone() }),
            _ => self.last.clone(),
        }
    }
}

/// Looks once.
///
/// # Errors
/// The store's message.
pub(crate) fn look(store: &impl Store, search: &Search) -> Result<Found, String> {
    let looked = store.look(search)?;
    let seen = looked.seen(search.filter.limit);
    let Looked { rows, end, looked, .. } = looked;
    let events = rows.into_iter().map(|(key, row)| EventSummary::of(&key, row)).collect();
    Ok(Found { events, seen, end, looked })
}

/// Looks until all is seen, however many rows that takes: for the events of a job, which are few, and for a Worker of
/// before pieces.
///
/// # Errors
/// The store's message.
pub(crate) fn list(store: &impl Store, filter: &Filter) -> Result<Vec<(String, Entry)>, String> {
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let filter = filter.clone();
    let mut search = Search { filter, rows: MOST_ROWS, ..Search::default() };
    let mut lists = Vec::new();
    loop {
        let Looked { rows, last, end, .. } = store.look(&search)?;
        let is_full = rows.len() >= limit;
        lists.push(rows);
        match (end, last) {
            (Some(end), _) => search.from = Some(end),
            (None, Some(last)) if !is_full => search.filter.after = Some(last),
            _ => break,
        }
    }
    Ok(merge::merge(lists, limit, |(left_key, left), (right_key, right)| {
        list_order((left.last_ms, left_key), (right.last_ms, right_key))
    }))
}
