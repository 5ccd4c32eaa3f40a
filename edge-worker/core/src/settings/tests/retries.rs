//! Who retries, how often, and in which order.

use super::*;
use crate::ledger::order::LateEvents;

#[test]
fn who_retries_is_one_of_two() {
    assert_eq!(settings_with(&[]).delivery, DeliveryMode::Durable);
    for (value, mode) in [("durable", DeliveryMode::Durable), ("through", DeliveryMode::Through)] {
        assert_eq!(settings_with(&[("DELIVERY", value)]).delivery, mode);
    }
    let others = ["Durable", "both", "true"];
    assert_refused("DELIVERY", &others, "neither `durable` nor `through`");
    assert!(settings_with(&[]).policy.is_ordered);
    assert!(!settings_with(&[("ORDER", "none")]).policy.is_ordered);
    assert_refused("ORDER", &["strict"], "neither `job` nor `none`");
}

#[test]
fn late_events_are_forwarded_or_dropped_and_nothing_else() {
    let late_events = |value| settings_with(&[("LATE_EVENTS", value)]).policy.late_events;
    assert_eq!(late_events("forward"), LateEvents::Forward);
    assert_eq!(late_events("drop"), LateEvents::Drop);
    let others = ["Drop", "true", "forward, drop"];
    assert_refused("LATE_EVENTS", &others, "neither `forward` nor `drop`");
}

#[test]
fn retries_are_as_they_are_set() {
    let policy = settings_with(&[
        ("RETRY_INITIAL_SECONDS", "2"),
        ("RETRY_MAX_SECONDS", "60"),
        ("RETRY_HOURS", "1"),
        ("RETRY_ATTEMPTS", "4"),
        ("RETRIED_STATUSES", "404, 500-503"),
        ("BREAKER_FAILURES", "3"),
        ("BREAKER_SECONDS", "7"),
        ("ORIGIN_CONCURRENCY", "40"),
        ("DEAD_RETENTION_DAYS", "2"),
        ("MAX_WAITING_BYTES", "3000000"),
    ])
    .policy;
    let retry = (policy.retry.initial_ms, policy.retry.max_ms, policy.retry.within_ms);
    assert_eq!((retry, policy.retry.attempts), ((2_000, 60_000, 3_600_000), 4));
    assert!(policy.retried.contains(404) && !policy.retried.contains(504));
    assert_eq!((policy.breaker.failures, policy.breaker.pause_ms), (3, 7_000));
    assert_eq!(policy.concurrency, Some(2), "16 shards share it");
    assert_eq!(policy.dead_retention_ms, 2 * 24 * 3_600_000);
    assert_eq!(policy.most_bytes, 3_000_000);
    assert_eq!(settings_with(&[]).policy.keep_bodies_ms, 0, "bytes go at the commit");
    let kept = [("KEEP_BODIES_HOURS", "36"), ("RETENTION_HOURS", "36")];
    assert_eq!(settings_with(&kept).policy.keep_bodies_ms, 36 * 3_600_000);
    assert_eq!(settings_with(&[]).policy.concurrency, None);
}

#[test]
fn settings_that_retries_could_not_obey_are_refused() {
    for (setting, value, text) in [
        ("RETRY_INITIAL_SECONDS", "0", "not a whole number from 1"),
        ("RETRY_ATTEMPTS", "0", "not a whole number from 1"),
        ("RETRY_HOURS", "721", "to 720"),
        ("RETRIED_STATUSES", "5xx", "not a list of statuses"),
        ("BREAKER_SECONDS", "301", "to 300"),
        ("DEAD_RETENTION_DAYS", "0", "not a whole number"),
        ("KEEP_BODIES_HOURS", "-1", "not a whole number from 0"),
        ("KEEP_BODIES_HOURS", "73", "is more than RETENTION_HOURS"),
        ("MAX_WAITING_BYTES", "1000", "not a whole number from 2000000"),
        ("ORIGIN_CONCURRENCY", "0", "not a whole number"),
        ("ORIGIN_CONCURRENCY", "15", "less than LEDGER_SHARDS"),
    ] {
        assert_refused(setting, &[value], text);
    }
    let pauses = [("RETRY_INITIAL_SECONDS", Some("61")), ("RETRY_MAX_SECONDS", Some("60"))];
    assert!(problem("RETRY_MAX_SECONDS", &pauses).contains("less than RETRY_INITIAL_SECONDS"));
    let hours = ("RETRY_HOURS", Some("1"));
    let pauses = [hours, ("RETRY_MAX_SECONDS", Some("3601"))];
    assert!(problem("RETRY_MAX_SECONDS", &pauses).contains("longer than RETRY_HOURS"));
    let pauses =
        [("RETRY_HOURS", "1"), ("RETRY_INITIAL_SECONDS", "3601"), ("RETRY_MAX_SECONDS", "3601")];
    let problems = problems_with(&pauses);
    assert!(problems.iter().any(|it| it.starts_with("RETRY_INITIAL_SECONDS")), "{problems:?}");
    settings_with(&[("RETRY_HOURS", "1"), ("RETRY_MAX_SECONDS", "3600")]);
    let body = [("DELIVERY", Some("durable")), ("MAX_BODY_BYTES", Some("1700001"))];
    assert!(problem("MAX_BODY_BYTES", &body).contains("at most 1700000"));
    settings_with(&[("DELIVERY", "durable"), ("MAX_BODY_BYTES", "1700000")]);
}
