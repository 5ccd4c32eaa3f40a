//! The page, line by line.

use super::*;
use crate::admin::costs::Money;
use crate::ledger::credits::Credits;
use crate::ledger::job::JobFigures;
use crate::settings::tests::settings_with;
use crate::watch::Findings;

const NOW_MS: u64 = 1_700_000_001_000;

/// The page when the second of two shards has told this.
fn page_beside(other: Result<Figures, String>) -> String {
    let figures = Figures {
        events: "done:3,open:1".into(),
        abandoned: 1,
        oldest_ms: Some(1_700_000_000_999),
        bytes: 4_096,
        shard_counts: vec![(5, 16)],
        oldest_waiting_ms: Some(1_700_000_000_999),
        is_paused: true,
        paused_replays: 2,
        breaker: crate::ledger::breaker::Breaker::Open { until_ms: 1, pause_ms: 1, since_ms: 1 },
        outcomes: "forwarded:3,attempt_origin_failed:2,expired_dead:4".into(),
        jobs: Some(JobFigures { open: 4, overdue: 3, reconciled: 2, conflicts: 1 }),
    };
    let shards = vec![("shard-0".to_owned(), Ok(figures)), ("shard-1".to_owned(), other)];
    let credits = |text| Credits::parse(text).unwrap();
    let settled = credits("1.05");
    let percentiles = Some([credits("0.35"), credits("0.7")]);
    let money = Money { settled, percentiles, ..Money::default() };
    let mut overview = Overview::of(shards, Some((money, 1)));
    let findings = r#"{"rules":[{"rule":"dead > 0","state":"firing"}],"notifications":[]}"#;
    overview.watch = Some(Ok(Findings::read(findings, NOW_MS).unwrap()));
    text(&overview, &settings_with(&[]), NOW_MS)
}

fn page() -> String {
    page_beside(Ok(Figures { events: "done:2".into(), ..Figures::default() }))
}

#[test]
fn no_counter_goes_back_while_a_shard_does_not_tell() {
    let is_counter = |line: &&str| !line.starts_with('#') && line.contains("_total");
    assert!(page().lines().filter(is_counter).count() > 20);
    let page = page_beside(Err("no answer".to_owned()));
    assert_eq!(page.lines().find(is_counter), None);
    for line in [
        "nextapi_edge_ledger_up{shard=\"shard-1\"} 0",
        "nextapi_edge_events{shard=\"shard-0\",state=\"done\"} 3",
        "nextapi_edge_jobs{state=\"overdue\"} 3",
    ] {
        assert_eq!(page.lines().filter(|it| *it == line).count(), 1, "{line} in\n{page}");
    }
    assert!(!page.contains("nextapi_edge_ledger_bytes{shard=\"shard-1\"}"), "{page}");
}

#[test]
fn samples_are_pinned() {
    let page = page();
    for line in [
        "nextapi_edge_deliveries_total{outcome=\"forwarded\"} 3",
        "nextapi_edge_deliveries_total{outcome=\"duplicate\"} 0",
        "nextapi_edge_events{shard=\"shard-0\",state=\"done\"} 3",
        "nextapi_edge_events{shard=\"shard-0\",state=\"claimed\"} 0",
        "nextapi_edge_oldest_event_timestamp_seconds{shard=\"shard-0\"} 1700000000",
        "nextapi_edge_ledger_bytes{shard=\"shard-0\"} 4096",
        "nextapi_edge_ledger_up{shard=\"shard-0\"} 1",
        "nextapi_edge_ledger_up{shard=\"shard-1\"} 1",
        "nextapi_edge_alerts_firing{rule=\"dead > 0\"} 1",
        "nextapi_edge_abandoned_events 1",
        "nextapi_edge_oldest_waiting_timestamp_seconds{shard=\"shard-0\"} 1700000000",
        "nextapi_edge_breaker_open{shard=\"shard-0\"} 1",
        "nextapi_edge_paused{shard=\"shard-0\"} 1",
        "nextapi_edge_paused_replays{shard=\"shard-0\"} 2",
        "nextapi_edge_attempts_total{outcome=\"origin_failed\"} 2",
        "nextapi_edge_attempts_total{outcome=\"forwarded\"} 0",
        "nextapi_edge_expired_events_total{state=\"dead\"} 4",
        "nextapi_edge_expired_events_total{state=\"open\"} 0",
        "nextapi_edge_jobs{state=\"open\"} 1",
        "nextapi_edge_jobs{state=\"overdue\"} 3",
        "nextapi_edge_reconciled_jobs_total 2",
        "nextapi_edge_conflicting_jobs_total 1",
        "nextapi_edge_credits{kind=\"settled\"} 1.05",
        "nextapi_edge_credits{kind=\"paid_not_delivered\"} 0",
        "nextapi_edge_job_price_credits{percentile=\"50\"} 0.35",
        "nextapi_edge_job_price_credits{percentile=\"95\"} 0.7",
        "nextapi_edge_ledger_shards_changed 0",
        "nextapi_edge_unused_shards_owed 0",
    ] {
        assert_eq!(page.lines().filter(|it| *it == line).count(), 1, "{line} in\n{page}");
    }
}

/// The page that dashboard and alert rules are checked with. `UPDATE_METRICS=1` writes it anew.
#[test]
fn the_example_page_is_what_is_written() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/prometheus/metrics.txt");
    if std::env::var_os("UPDATE_METRICS").is_some() {
        std::fs::write(file, page()).unwrap();
    }
    let example = std::fs::read_to_string(file).unwrap();
    assert!(example == page(), "run `make metrics-page`, then look at dashboard and rules");
}

/// The grammar of the format, as far as it is used here.
#[test]
fn every_line_is_a_comment_or_a_sample_of_the_metric_before() {
    let page = page();
    assert!(page.ends_with('\n'));
    let mut name = "";
    for line in page.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.split(' ');
            let kind = words.next().unwrap();
            let named = words.next().unwrap();
            assert!(matches!(kind, "HELP" | "TYPE"), "{line}");
            assert!(kind == "HELP" || named == name, "{line}");
            name = named;
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let labels = series.strip_prefix(name).unwrap();
        let is_labels = labels.starts_with('{') && labels.ends_with("\"}");
        assert!(labels.is_empty() || is_labels, "{line}");
    }
}
