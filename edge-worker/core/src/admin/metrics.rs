//! The figures in Prometheus's text format, version 0.0.4.

mod metric;
#[cfg(test)]
mod tests;

use super::overview::Overview;
use crate::isolate::attempt_name;
use crate::ledger::entry::EventState;
use crate::ledger::expired;
use crate::ledger::figures::Figures;
use crate::outcome::Outcome;
use crate::settings::Settings;
use metric::Metric;

/// The content type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

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

    by_shard(
        &mut text,
        overview,
        "nextapi_edge_oldest_event_timestamp_seconds",
        "When the event that changed longest ago did so, in seconds since 1970.",
        |figures| figures.oldest_ms.map(|oldest_ms| oldest_ms / 1_000),
    );

    owed(&mut text, overview);
    jobs(&mut text, overview);

    by_shard(
        &mut text,
        overview,
        "nextapi_edge_ledger_bytes",
        "The size of the shard's database, in bytes.",
        |figures| Some(figures.bytes),
    );

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

/// A gauge with a sample for each shard that has replied and has something to say.
fn by_shard(
    text: &mut String,
    overview: &Overview,
    name: &'static str,
    help: &str,
    value: fn(&Figures) -> Option<u64>,
) {
    let mut metric = Metric::new(text, name, "gauge", help);
    for (shard, figures) in &overview.shards {
        if let Some(value) = figures.as_ref().ok().and_then(value) {
            metric.sample(&[("shard", shard)], value);
        }
    }
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
    by_shard(
        text,
        overview,
        "nextapi_edge_oldest_waiting_timestamp_seconds",
        "When the owed event that waits longest was accepted, in seconds since 1970.",
        |figures| figures.oldest_waiting_ms.map(|oldest_ms| oldest_ms / 1_000),
    );
    by_shard(
        text,
        overview,
        "nextapi_edge_breaker_open",
        "Whether events are held because the origin is down: 1 or 0.",
        |figures| Some(figures.breaker.open_since_ms().is_some().into()),
    );
    by_shard(
        text,
        overview,
        "nextapi_edge_paused",
        "Whether an admin has paused deliveries: 1 or 0.",
        |figures| Some(figures.is_paused.into()),
    );
    by_shard(
        text,
        overview,
        "nextapi_edge_paused_replays",
        "Bulk replays that are paused, by an admin or after repeated failures.",
        |figures| Some(figures.paused_replays),
    );

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
