//! A few events and jobs, what is asked for of them, and values that they have.

use proptest::prelude::*;

use super::START_MS;
use crate::counts::Counts;
use crate::ledger::bulk_replay::Selection;
use crate::ledger::credits::Credits;
use crate::ledger::entry::EventState;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::listing::{Cursor, Filter};
use crate::ledger::search::Search;
use crate::ledger::walk::Place;

const TYPES: [Option<&str>; 5] =
    [Some("job.queued"), Some("job.running"), Some("job.succeeded"), Some("failed"), Some("other")];
const JOBS: [Option<&str>; 3] = [Some("job_1"), Some("job_2 \u{1F3AC}'\""), None];

/// One of a few events. Job and type belong to the event, so they follow from its number.
pub(super) fn event() -> impl Strategy<Value = (String, EventMeta)> {
    (0..12_usize, credits(), tenant()).prop_map(|(number, credits, tenant)| {
        let meta = EventMeta {
            event_id: (number != 11).then(|| format!("evt_{number}")),
            event_type: TYPES[number % TYPES.len()].map(str::to_owned),
            job_id: JOBS[number % JOBS.len()].map(str::to_owned),
            credits,
            tenant,
        };
        (format!("event-{number:02}"), meta)
    })
}

pub(super) fn key() -> impl Strategy<Value = String> {
    event().prop_map(|(key, _)| key)
}

pub(super) fn credits() -> impl Strategy<Value = Option<Credits>> {
    proptest::option::of((1..3_u64).prop_map(|whole| Credits::of_millionths(whole * 500_000)))
}

pub(super) fn tenant() -> impl Strategy<Value = Option<String>> {
    some_of(&["acme", "\u{e9}t\u{e9}"])
}

/// A job, mostly one that has events.
pub(super) fn job_id() -> impl Strategy<Value = String> {
    (0..3_usize).prop_map(|number| JOBS[number].unwrap_or("job_3").to_owned())
}

/// A time, mostly in the past, of which several things have the same.
pub(super) fn time() -> impl Strategy<Value = Option<u64>> {
    proptest::option::of((0..40_u64).prop_map(|tens| START_MS - 100 + tens * 10))
}

pub(super) fn counts() -> impl Strategy<Value = Counts> {
    prop_oneof![Just(""), Just("forwarded:1"), Just("duplicate:2,in_flight:3")]
        .prop_map(Counts::from)
}

pub(super) fn some_of(names: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    proptest::option::of(proptest::sample::select(names).prop_map(str::to_owned))
}

pub(super) fn filter() -> impl Strategy<Value = Filter> {
    const STATES: [&str; 8] = [
        EventState::NAMES[0],
        EventState::NAMES[1],
        EventState::NAMES[2],
        EventState::NAMES[3],
        EventState::NAMES[4],
        EventState::NAMES[5],
        EventState::NAMES[6],
        "x",
    ];
    let fields = (some_of(&STATES), some_of(&["job_1", "job_3"]), some_of(&["failed", "other"]));
    // Times of which several events have the same, so that the key decides.
    let after = (0..40_u64, key())
        .prop_map(|(tens, key)| Cursor { last_ms: START_MS - 100 + tens * 10, key });
    let after = proptest::option::of(after);
    let more = (
        tenant(),
        some_of(&["forwarded", "origin_failed", "reopened"]),
        some_of(&["evt_1", "evt_4", "evt_x"]),
        (time(), time()),
    );
    (fields, more, after, 0..8_u32).prop_map(
        |((state, job_id, event_type), (tenant, last_outcome, event_id, times), after, limit)| {
            Filter {
                state,
                job_id,
                event_type,
                tenant,
                last_outcome,
                event_id,
                since_ms: times.0,
                until_ms: times.1,
                after,
                limit,
                with_trails: limit % 2 == 0,
            }
        },
    )
}

pub(super) fn search() -> impl Strategy<Value = Search> {
    let place =
        || {
            proptest::option::of((0..3_usize, key()).prop_map(|(job, key)| Place {
                job_id: JOBS[job].unwrap_or_default().to_owned(),
                key,
            }))
        };
    (filter(), place(), place(), 0..6_u32).prop_map(|(filter, from, to, rows)| Search {
        filter,
        from,
        to,
        rows,
    })
}

pub(super) fn selection() -> impl Strategy<Value = Selection> {
    let times = (0..40_u64, 0..200_u64);
    let filter = (some_of(&["job_1", "job_3"]), some_of(&["failed", "other"]));
    (0..3_usize, times, filter).prop_map(|(state, (since, until), (job_id, event_type))| {
        Selection {
            state: Selection::STATES[state].to_owned(),
            since_ms: START_MS - 100 + since * 10,
            until_ms: START_MS + until * 10,
            job_id,
            event_type,
        }
    })
}
