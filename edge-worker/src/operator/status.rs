//! The status page: one JSON object.

use serde::Serialize;

use super::overview::Overview;
use crate::ledger::figures::COUNT_LIMIT;
use crate::settings::{Settings, Summary};
use crate::tally::Tally;
use crate::time::rfc3339;

#[derive(Serialize)]
struct Status<'a> {
    time: String,
    version: &'static str,
    settings: Summary<'a>,
    /// Deliveries by outcome since the ledger was made.
    outcomes: &'a Tally,
    /// Events by state.
    events: &'a Tally,
    /// In every shard and state, events beyond this number are not counted.
    events_counted_up_to: u32,
    shards: Vec<Shard<'a>>,
    shard_counts: Vec<ShardCount>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Shard<'a> {
    Known { shard: &'a str, events: &'a Tally, oldest: Option<String>, bytes: u64 },
    Unknown { shard: &'a str, error: &'a str },
}

#[derive(Serialize)]
struct ShardCount {
    shards: u32,
    since: String,
}

/// The status as JSON.
pub(crate) fn json(overview: &Overview, settings: &Settings, now_ms: u64) -> String {
    let shards = overview.shards.iter().map(|(shard, figures)| match figures {
        Ok(figures) => Shard::Known {
            shard,
            events: &figures.rows,
            oldest: figures.oldest_ms.map(rfc3339),
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
        events: &overview.rows,
        events_counted_up_to: COUNT_LIMIT,
        shards: shards.collect(),
        shard_counts: shard_counts
            .map(|(since_ms, shards)| ShardCount { shards: *shards, since: rfc3339(*since_ms) })
            .collect(),
        warnings: overview.warnings(settings.ledger_shards, settings.retention_ms, now_ms),
    };
    // Texts and numbers can always be written as JSON.
    serde_json::to_string(&status).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
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
            rows: Tally::decode("done:3,open:1"),
            oldest_ms: Some(1_700_000_000_000),
            bytes: 4_096,
            shard_counts: vec![(1_600_000_000_000, 2)],
            tally: Tally::decode("forwarded:3"),
        };
        let overview = Overview::of(vec![
            ("shard-0".to_owned(), Ok(figures)),
            ("shard-1".to_owned(), Err("no answer".to_owned())),
        ]);
        let text = json(&overview, &settings, 1_700_000_001_000);
        assert!(!text.contains("canary"), "{text}");
        let page: Value = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "time": "2023-11-14T22:13:21.000Z",
            "version": env!("CARGO_PKG_VERSION"),
            "settings": serde_json::to_value(settings.summary()).unwrap(),
            "outcomes": { "forwarded": 3 },
            "events": { "done": 3, "open": 1 },
            "events_counted_up_to": 10_000,
            "shards": [
                {
                    "shard": "shard-0",
                    "events": { "done": 3, "open": 1 },
                    "oldest": "2023-11-14T22:13:20.000Z",
                    "bytes": 4_096,
                },
                { "shard": "shard-1", "error": "no answer" },
            ],
            "shard_counts": [{ "shards": 2, "since": "2020-09-13T12:26:40.000Z" }],
            "warnings": overview.warnings(2, settings.retention_ms, 1_700_000_001_000),
        });
        assert_eq!(page, expected);
        assert_eq!(page["warnings"].as_array().map(Vec::len), Some(1));
    }
}
