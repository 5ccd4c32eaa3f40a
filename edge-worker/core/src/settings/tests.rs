//! Every setting that is refused, and why; and what the defaults are.

mod limits;
mod origin;
mod reading;
mod receiving;
mod retries;
mod secrets;

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

/// All settings.
const NAMES: [&str; 41] = [
    "WEBHOOK_PATH",
    "WEBHOOK_SECRETS",
    "SIGNATURE_HEADERS",
    "TOLERANCE_PAST_SECONDS",
    "TOLERANCE_FUTURE_SECONDS",
    "ORIGIN_URL",
    "ORIGIN_AUTHORIZATION",
    "EDGE_SIGNING_SECRET",
    "MAX_BODY_BYTES",
    "ORIGIN_TIMEOUT_MS",
    "LEASE_SECONDS",
    "RETENTION_HOURS",
    "LEDGER_SHARDS",
    "LATE_EVENTS",
    "ADMIN_TOKEN",
    "ADMIN_TOKENS",
    "SOURCE_ADDRESSES",
    "DELIVERY",
    "ORDER",
    "RETRY_INITIAL_SECONDS",
    "RETRY_MAX_SECONDS",
    "RETRY_HOURS",
    "RETRY_ATTEMPTS",
    "RETRIED_STATUSES",
    "BREAKER_FAILURES",
    "BREAKER_SECONDS",
    "ORIGIN_CONCURRENCY",
    "DEAD_RETENTION_DAYS",
    "KEEP_BODIES_HOURS",
    "MAX_WAITING_BYTES",
    "NEXTAPI_API_KEY",
    "NEXTAPI_API_URL",
    "NEXTAPI_ENVIRONMENT",
    "RECONCILE_AFTER_SECONDS",
    "JOB_DEADLINE_HOURS",
    "RECONCILE_JOBS",
    "RECONCILE_REQUESTS_PER_MINUTE",
    "SUBMIT_TOKEN",
    "TENANT_FIELD",
    "ALERTS",
    "ALERT_URL",
];

/// The provider's secret in [`settings_with`].
pub(crate) const SECRET: &str = "whsec_test_secret";

pub(crate) fn read(changes: &[(&str, Option<&str>)]) -> Result<Settings, InvalidSettings> {
    let mut raw = BTreeMap::from([
        ("WEBHOOK_SECRETS", SECRET),
        ("ORIGIN_URL", "https://origin.example/events?token=query_canary"),
    ]);
    for &(setting, value) in changes {
        match value {
            Some(value) => raw.insert(setting, value),
            None => raw.remove(setting),
        };
    }
    let tagged: BTreeMap<_, _> =
        raw.iter().map(|(name, text)| (name, json!({ "text": text }))).collect();
    let json = serde_json::to_string(&tagged).unwrap();
    Settings::read(&RawSettings::from_json(&json).unwrap(), &parse_url)
}

/// Parses a URL as the platform does.
pub(crate) fn parse_url(text: &str) -> Option<Url> {
    let url = url::Url::parse(text).ok()?;
    Some(Url {
        href: url.to_string(),
        protocol: format!("{}:", url.scheme()),
        username: url.username().to_owned(),
        password: url.password().unwrap_or_default().to_owned(),
        host: url[url::Position::BeforeHost..url::Position::AfterPort].to_owned(),
    })
}

/// The one problem of `setting` with each of these values has this text in it.
fn assert_refused(setting: &str, values: &[&str], text: &str) {
    for value in values {
        let problem = problem_with(setting, value);
        assert!(problem.contains(text), "{value:?}: {problem}");
    }
}

/// Reads sound settings with one of them as a JSON value, as the entry module passes it on.
fn read_json(setting: &str, value: &str) -> Result<Settings, InvalidSettings> {
    let mut raw = BTreeMap::from([
        ("WEBHOOK_SECRETS", json!({ "text": SECRET })),
        ("ORIGIN_URL", json!({ "text": "https://origin.example/" })),
    ]);
    let is_number = value.parse::<f64>().is_ok();
    raw.insert(setting, if is_number { json!({ "number": value }) } else { json!("other") });
    let raw = serde_json::to_string(&raw).unwrap();
    Settings::read(&RawSettings::from_json(&raw).unwrap(), &parse_url)
}

/// Sound settings with some values of one's own.
pub(crate) fn settings_with(values: &[(&str, &str)]) -> Settings {
    let values: Vec<_> = values.iter().map(|&(setting, value)| (setting, Some(value))).collect();
    read(&values).unwrap()
}

/// What is wrong with otherwise sound settings, in words.
pub(crate) fn problems_with(values: &[(&str, &str)]) -> Vec<String> {
    let values: Vec<_> = values.iter().map(|&(setting, value)| (setting, Some(value))).collect();
    read(&values).unwrap_err().problems.iter().map(Problem::to_string).collect()
}

/// The one problem that `changes` cause, which must be with `setting`.
fn problem(setting: &str, changes: &[(&str, Option<&str>)]) -> String {
    let problems = read(changes).unwrap_err().problems;
    assert_eq!(problems.len(), 1, "{changes:?}: {problems:?}");
    assert_eq!(problems[0].setting, setting, "{changes:?}");
    problems[0].to_string()
}

fn problem_with(setting: &str, value: &str) -> String {
    problem(setting, &[(setting, Some(value))])
}
