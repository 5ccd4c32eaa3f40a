//! The status page: one JSON object.

use serde::Serialize;

use super::costs::Money;
use super::overview::Overview;
use crate::counts::Counts;
use crate::ledger::figures::COUNT_LIMIT;
use crate::ledger::job::JobFigures;
use crate::response::Response;
use crate::settings::{Settings, Summary};
use crate::time::rfc3339;

#[derive(Serialize)]
struct Status<'a> {
    time: String,
    version: &'static str,
    settings: Summary<'a>,
    /// Deliveries by outcome since the ledger was made.
    outcomes: &'a Counts,
    /// Events by state.
    events: &'a Counts,
    /// In every shard and state, events beyond this number are not counted.
    events_counted_up_to: u32,
    /// Events that the origin may not have and that no retry is expected for any more.
    abandoned: u64,
    /// Events that were deleted undelivered since the ledger was made, by the state that they were in.
    expired: Counts,
    /// Jobs: open, overdue, and since the ledger was made those whose end was made and those with two ends; null if
    /// jobs are not kept.
    jobs: Option<JobFigures>,
    /// What the jobs cost that the ledger remembers; null as well if a shard did not tell.
    credits: Option<Money>,
    shards: Vec<Shard<'a>>,
    shard_counts: Vec<ShardCount>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Shard<'a> {
    Known {
        shard: &'a str,
        events: &'a Counts,
        oldest: Option<String>,
        oldest_waiting: Option<String>,
        paused: bool,
        paused_replays: u64,
        breaker: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        breaker_open_since: Option<String>,
        bytes: u64,
    },
    Unknown {
        shard: &'a str,
        error: &'a str,
    },
}

#[derive(Serialize)]
struct ShardCount {
    shards: u32,
    since: String,
}

/// The status as JSON.
pub(super) fn response(overview: &Overview, settings: &Settings, now_ms: u64) -> Response {
    let shards = overview.shards.iter().map(|(shard, figures)| match figures {
        Ok(figures) => Shard::Known {
            shard,
            events: &figures.events,
            oldest: figures.oldest_ms.map(rfc3339),
            oldest_waiting: figures.oldest_waiting_ms.map(rfc3339),
            paused: figures.is_paused,
            paused_replays: figures.paused_replays,
            breaker: figures.breaker.name(),
            breaker_open_since: figures.breaker.open_since_ms().map(rfc3339),
            bytes: figures.bytes,
        },
        Err(error) => Shard::Unknown { shard, error },
    });
    let shard_counts = overview.shard_counts.iter();
    let status = Status {
        time: rfc3339(now_ms),
        version: env!("CARGO_PKG_VERSION"),
        settings: settings.summary(),
        outcomes: &overview.outcomes,
        events: &overview.events,
        events_counted_up_to: COUNT_LIMIT,
        abandoned: overview.abandoned,
        expired: overview.expired(),
        jobs: overview.jobs,
        credits: overview.costs.map(|(money, _)| money),
        shards: shards.collect(),
        shard_counts: shard_counts
            .map(|(since_ms, shards)| ShardCount { shards: *shards, since: rfc3339(*since_ms) })
            .collect(),
        warnings: overview.warnings(settings, now_ms),
    };
    Response::json(&status)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::ledger::breaker::Breaker;
    use crate::ledger::credits::Credits;
    use crate::ledger::figures::Figures;
    use crate::settings::tests::settings_with;

    #[test]
    fn the_page_is_pinned() {
        let settings = settings_with(&[
            ("ADMIN_TOKEN", "canary-of-the-admin-token"),
            ("ORIGIN_AUTHORIZATION", "Bearer canary-of-the-origin"),
            ("LEDGER_SHARDS", "2"),
        ]);
        let figures = Figures {
            events: "done:3,open:1".into(),
            abandoned: 1,
            oldest_ms: Some(1_700_000_000_000),
            oldest_waiting_ms: Some(1_700_000_000_500),
            is_paused: true,
            paused_replays: 1,
            breaker: Breaker::Open { until_ms: 1, pause_ms: 1, since_ms: 1_700_000_000_000 },
            bytes: 4_096,
            shard_counts: vec![(1_600_000_000_000, 2)],
            outcomes: "expired_dead:2,forwarded:3".into(),
            jobs: Some(JobFigures { open: 4, overdue: 0, reconciled: 2, conflicts: 1 }),
        };
        let credits = |text| Credits::parse(text).unwrap();
        let money = Money { settled: credits("1.05"), refunded: credits("2"), ..Money::default() };
        let shards = vec![
            ("shard-0".to_owned(), Ok(figures)),
            ("shard-1".to_owned(), Err("no answer".to_owned())),
        ];
        let overview = Overview::of(shards, Some((money, 0)));
        let text = response(&overview, &settings, 1_700_000_001_000).body;
        assert!(!text.contains("canary"), "{text}");
        let page: Value = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "time": "2023-11-14T22:13:21.000Z",
            "version": env!("CARGO_PKG_VERSION"),
            "settings": serde_json::to_value(settings.summary()).unwrap(),
            "outcomes": { "expired_dead": 2, "forwarded": 3 },
            "events": { "done": 3, "open": 1 },
            "events_counted_up_to": 10_000,
            "abandoned": 1,
            "expired": { "dead": 2 },
            "jobs": { "open": 4, "overdue": 0, "reconciled": 2, "conflicts": 1 },
            "credits": {
                "reserved": "0",
                "settled": "1.05",
                "refunded": "2",
                "paid_not_delivered": "0",
            },
            "shards": [
                {
                    "shard": "shard-0",
                    "events": { "done": 3, "open": 1 },
                    "oldest": "2023-11-14T22:13:20.000Z",
                    "oldest_waiting": "2023-11-14T22:13:20.500Z",
                    "paused": true,
                    "paused_replays": 1,
                    "breaker": "open",
                    "breaker_open_since": "2023-11-14T22:13:20.000Z",
                    "bytes": 4_096,
                },
                { "shard": "shard-1", "error": "no answer" },
            ],
            "shard_counts": [{ "shards": 2, "since": "2020-09-13T12:26:40.000Z" }],
            "warnings": overview.warnings(&settings, 1_700_000_001_000),
        });
        assert_eq!(page, expected);
        assert_eq!(page["warnings"].as_array().map(Vec::len), Some(4));
    }
}
