//! The figures in Prometheus's text format, version 0.0.4.

use core::fmt::{Display, Write as _};

use super::overview::Overview;
use crate::isolate::attempt_name;
use crate::ledger::entry::EventState;
use crate::ledger::expired;
use crate::ledger::figures::Figures;
use crate::outcome::Outcome;
use crate::settings::Settings;

/// The content type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A metric being written: its samples follow its head.
struct Metric<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl<'a> Metric<'a> {
    fn new(text: &'a mut String, name: &'static str, kind: &str, help: &str) -> Self {
        // Writing to a string does not fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Self { text, name }
    }

    /// One sample. Label values are names of ours, which need no escapes.
    fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{}{labels} {value}", self.name);
    }
}

/// The shards that have replied.
fn known(overview: &Overview) -> impl Iterator<Item = (&String, &Figures)> {
    let shards = overview.shards.iter();
    shards.filter_map(|(shard, figures)| Some((shard, figures.as_ref().ok()?)))
}

/// All metrics. Every outcome and state is there, with 0 if it never occurred, so that an alert has
/// something to compare with from the start.
///
/// Counters have no samples while a shard does not tell: without its part they would go back, which Prometheus takes for
/// a fresh start and counts everything once more. It bridges a gap.
pub(crate) fn text(overview: &Overview, settings: &Settings, now_ms: u64) -> String {
    let mut text = String::new();

    let mut deliveries = Metric::new(
        &mut text,
        "nextapi_edge_deliveries_total",
        "counter",
        "Requests by outcome, as far as the worker's isolates have reported them.",
    );
    for code in Outcome::CODES.iter().filter(|_| overview.is_whole()) {
        deliveries.sample(&[("outcome", code)], overview.outcomes.get(code));
    }

    let mut events = Metric::new(
        &mut text,
        "nextapi_edge_events",
        "gauge",
        "Events in the ledger by state, counted up to 10000 in each shard and state.",
    );
    for (shard, figures) in &overview.shards {
        for state in EventState::NAMES.iter().filter(|_| figures.is_ok()) {
            let count = figures.as_ref().map_or(0, |figures| figures.events.get(state));
            events.sample(&[("shard", shard), ("state", state)], count);
        }
    }

    let mut oldest = Metric::new(
        &mut text,
        "nextapi_edge_oldest_event_timestamp_seconds",
        "gauge",
        "When the event that changed longest ago did so, in seconds since 1970.",
    );
    for (shard, figures) in &overview.shards {
        if let Some(oldest_ms) = figures.as_ref().ok().and_then(|figures| figures.oldest_ms) {
            oldest.sample(&[("shard", shard)], oldest_ms / 1_000);
        }
    }

    owed(&mut text, overview);
    jobs(&mut text, overview);

    let mut bytes = Metric::new(
        &mut text,
        "nextapi_edge_ledger_bytes",
        "gauge",
        "The size of the shard's database, in bytes.",
    );
    for (shard, figures) in &overview.shards {
        if let Ok(figures) = figures {
            bytes.sample(&[("shard", shard)], figures.bytes);
        }
    }

    let mut up = Metric::new(
        &mut text,
        "nextapi_edge_ledger_up",
        "gauge",
        "Whether the shard answered: 1 or 0.",
    );
    for (shard, figures) in &overview.shards {
        up.sample(&[("shard", shard)], u8::from(figures.is_ok()));
    }

    Metric::new(
        &mut text,
        "nextapi_edge_abandoned_events",
        "gauge",
        "Events that were not delivered and that no retry is expected for any more.",
    )
    .sample(&[], overview.abandoned);

    let mut gone = Metric::new(
        &mut text,
        "nextapi_edge_expired_events_total",
        "counter",
        "Events that were deleted undelivered, by the state that they were in.",
    );
    let counts = overview.expired();
    for state in expired::STATES.iter().filter(|_| overview.is_whole()) {
        gone.sample(&[("state", state)], counts.get(state));
    }

    let changed = overview.is_sharding_changed(settings, now_ms);
    Metric::new(
        &mut text,
        "nextapi_edge_ledger_shards_changed",
        "gauge",
        "Whether LEDGER_SHARDS was changed less than a retention ago: 1 or 0.",
    )
    .sample(&[], u8::from(changed));

    Metric::new(
        &mut text,
        "nextapi_edge_unused_shards_owed",
        "gauge",
        "Events that wait or are under way in shards that LEDGER_SHARDS no longer reaches.",
    )
    .sample(&[], overview.owed_by_unused(settings));

    alerts(&mut text, overview);
    Metric::new(&mut text, "nextapi_edge_info", "gauge", "The worker's version.")
        .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    text
}

/// The rules of `ALERTS`.
fn alerts(text: &mut String, overview: &Overview) {
    if let Some(Ok(findings)) = &overview.watch {
        let mut firing = Metric::new(
            text,
            "nextapi_edge_alerts_firing",
            "gauge",
            "Whether a rule of ALERTS holds: 1 or 0.",
        );
        // A rule has no letter that would need an escape.
        for (rule, is_firing) in &findings.rules {
            firing.sample(&[("rule", rule)], u8::from(*is_firing));
        }
    }
}

/// What is owed, and what becomes of it.
fn owed(text: &mut String, overview: &Overview) {
    let mut waiting = Metric::new(
        text,
        "nextapi_edge_oldest_waiting_timestamp_seconds",
        "gauge",
        "When the owed event that waits longest was accepted, in seconds since 1970.",
    );
    for (shard, figures) in known(overview) {
        if let Some(oldest_ms) = figures.oldest_waiting_ms {
            waiting.sample(&[("shard", shard)], oldest_ms / 1_000);
        }
    }

    let mut open = Metric::new(
        text,
        "nextapi_edge_breaker_open",
        "gauge",
        "Whether events are held because the origin is down: 1 or 0.",
    );
    for (shard, figures) in known(overview) {
        open.sample(&[("shard", shard)], u8::from(figures.breaker.open_since_ms().is_some()));
    }

    let mut paused = Metric::new(
        text,
        "nextapi_edge_paused",
        "gauge",
        "Whether an admin has paused deliveries: 1 or 0.",
    );
    for (shard, figures) in known(overview) {
        paused.sample(&[("shard", shard)], u8::from(figures.is_paused));
    }

    let mut replays = Metric::new(
        text,
        "nextapi_edge_paused_replays",
        "gauge",
        "Bulk replays that are paused, by an admin or after repeated failures.",
    );
    for (shard, figures) in known(overview) {
        replays.sample(&[("shard", shard)], figures.paused_replays);
    }

    let mut attempts = Metric::new(
        text,
        "nextapi_edge_attempts_total",
        "counter",
        "Attempts of owed events by outcome, as far as they were reported.",
    );
    for outcome in Outcome::OF_ATTEMPTS.iter().filter(|_| overview.is_whole()) {
        let name = attempt_name(outcome.code());
        attempts.sample(&[("outcome", outcome.code())], overview.outcomes.get(&name));
    }
}

/// Jobs, and what they cost. Tenants are no labels: there may be any number of them.
fn jobs(text: &mut String, overview: &Overview) {
    if let Some(jobs) = overview.jobs {
        let mut open = Metric::new(
            text,
            "nextapi_edge_jobs",
            "gauge",
            "Jobs that have not ended, by whether their deadline has passed, counted up to 10000 in each shard.",
        );
        open.sample(&[("state", "open")], jobs.open.saturating_sub(jobs.overdue));
        open.sample(&[("state", "overdue")], jobs.overdue);
    }
    if let Some(jobs) = overview.jobs.filter(|_| overview.is_whole()) {
        Metric::new(
            text,
            "nextapi_edge_reconciled_jobs_total",
            "counter",
            "Jobs whose end was made, since the provider's webhook had not come.",
        )
        .sample(&[], jobs.reconciled);
        Metric::new(
            text,
            "nextapi_edge_conflicting_jobs_total",
            "counter",
            "Jobs of which the provider's webhook says something else than the end that was made.",
        )
        .sample(&[], jobs.conflicts);
    }
    if let Some((money, _)) = overview.costs {
        let mut credits = Metric::new(
            text,
            "nextapi_edge_credits",
            "gauge",
            "Credits of the jobs that the ledger remembers.",
        );
        credits.sample(&[("kind", "reserved")], money.reserved);
        credits.sample(&[("kind", "settled")], money.settled);
        credits.sample(&[("kind", "refunded")], money.refunded);
        credits.sample(&[("kind", "paid_not_delivered")], money.paid_not_delivered);
        if let Some([p50, p95]) = money.percentiles {
            let mut prices = Metric::new(
                text,
                "nextapi_edge_job_price_credits",
                "gauge",
                "What so many in a hundred of the succeeded jobs that the ledger remembers cost at most.",
            );
            prices.sample(&[("percentile", "50")], p50);
            prices.sample(&[("percentile", "95")], p95);
        }
    }
}

#[cfg(test)]
mod tests {
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
            breaker: crate::ledger::breaker::Breaker::Open {
                until_ms: 1,
                pause_ms: 1,
                since_ms: 1,
            },
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
}
