//! Every setting that is refused, and why; and what the defaults are.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::ledger::order::LateEvents;

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

#[test]
fn defaults() {
    let settings = settings_with(&[]);
    assert_eq!(settings.webhook_path, "/webhook");
    assert_eq!(settings.signature_headers, ["x-nextapi-signature", "x-webhook-signature"]);
    assert_eq!(settings.verifier.tolerance(), Tolerance::new(300, 300));
    assert!(settings.source_networks.is_none());
    assert!(settings.origin_authorization.is_none());
    assert!(settings.edge_signing_key.is_none());
    assert_eq!(settings.max_body_bytes, 262_144);
    assert_eq!(settings.origin_timeout_ms, 7_000);
    assert_eq!(settings.policy.lease_ms, 30_000);
    assert_eq!(settings.policy.late_events, LateEvents::Forward);
    assert_eq!(settings.policy.retention_ms, 72 * 60 * 60 * 1_000);
    assert_eq!(settings.ledger_shards, 16);
    assert!(settings.access.holders().is_empty());
}

#[test]
fn every_setting_is_taken_over() {
    let settings = settings_with(&[
        ("WEBHOOK_PATH", "/hooks/nextapi"),
        ("SIGNATURE_HEADERS", " X-Signature ,x-other"),
        ("TOLERANCE_PAST_SECONDS", "3600"),
        ("TOLERANCE_FUTURE_SECONDS", "60"),
        ("ORIGIN_URL", " http://127.0.0.1:9000 "),
        ("ORIGIN_AUTHORIZATION", "Bearer abc"),
        ("SOURCE_ADDRESSES", "192.0.2.7, 198.51.100.0/24,\n\t2001:db8::/32 ,"),
        ("EDGE_SIGNING_SECRET", "edge"),
        ("MAX_BODY_BYTES", "1"),
        ("ORIGIN_TIMEOUT_MS", " 9000 "),
        ("LEASE_SECONDS", "14"),
        ("RETENTION_HOURS", "36"),
        ("LEDGER_SHARDS", "1"),
        ("LATE_EVENTS", "drop"),
        ("ADMIN_TOKEN", "0123456789abcdef"),
    ]);
    assert_eq!(settings.webhook_path, "/hooks/nextapi");
    assert_eq!(settings.signature_headers, ["x-signature", "x-other"]);
    assert_eq!(settings.verifier.tolerance(), Tolerance::new(3_600, 60));
    assert_eq!(settings.origin.expose(), "http://127.0.0.1:9000/");
    assert_eq!(settings.origin_authorization.unwrap().expose(), "Bearer abc");
    assert!(settings.edge_signing_key.is_some());
    let networks = ["192.0.2.7", "198.51.100.0/24", "2001:db8::/32"];
    assert_eq!(settings.source_networks, networks.map(Network::parse).into_iter().collect());
    assert_eq!(settings.max_body_bytes, 1);
    assert_eq!(settings.origin_timeout_ms, 9_000);
    assert_eq!(settings.policy.lease_ms, 14_000);
    assert_eq!(settings.policy.late_events, LateEvents::Drop);
    assert_eq!(settings.policy.retention_ms, 36 * 60 * 60 * 1_000);
    assert_eq!(settings.ledger_shards, 1);
    assert_eq!(settings.access.holders().len(), 1);
}

#[test]
fn late_events_are_forwarded_or_dropped_and_nothing_else() {
    assert_eq!(
        settings_with(&[("LATE_EVENTS", "forward")]).policy.late_events,
        LateEvents::Forward,
    );
    for value in ["Drop", "true", "forward, drop"] {
        let text = problem_with("LATE_EVENTS", value);
        assert!(text.contains("neither `forward` nor `drop`"), "{text}");
    }
}

#[test]
fn no_key_is_refused() {
    let text = problem("WEBHOOK_SECRETS", &[("WEBHOOK_SECRETS", None)]);
    assert!(text.starts_with("WEBHOOK_SECRETS is not set"), "{text}");
}

#[test]
fn set_but_blank_is_never_not_set() {
    for setting in NAMES.into_iter().filter(|name| *name != "SOURCE_ADDRESSES") {
        for blank in ["", " ", "\n\t"] {
            let text = problem_with(setting, blank);
            assert!(text.contains("is set but empty"), "{text}");
        }
    }
}

#[test]
fn several_keys_are_taken_up_to_the_limit() {
    let keys = |count| vec!["key"; count].join("\n");
    assert!(read(&[("WEBHOOK_SECRETS", Some(&keys(8)))]).is_ok());
    let text = problem_with("WEBHOOK_SECRETS", &keys(9));
    assert!(text.contains("more than 8 keys"), "{text}");
}

#[test]
fn every_active_key_verifies_newest_first() {
    let settings = settings_with(&[("WEBHOOK_SECRETS", " new\told\n")]);
    let now = nextapi_webhook::UnixTime::from_secs(1_700_000_000);
    for (index, secret) in ["new", "old"].into_iter().enumerate() {
        let header = Key::new(secret.as_bytes()).unwrap().sign(now, b"body").to_string();
        let verified = settings.verifier.verify(&header, b"body", now).unwrap();
        assert_eq!(verified.key_index(), index);
    }
}

#[test]
fn an_origin_that_cannot_be_forwarded_to_is_refused() {
    problem("ORIGIN_URL", &[("ORIGIN_URL", None)]);
    for value in ["origin.example", "ftp://a.example", "https://user:canary@a.example"] {
        let text = problem_with("ORIGIN_URL", value);
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn an_origin_that_is_the_worker_itself_is_refused() {
    let settings = settings_with(&[("ORIGIN_URL", "https://edge.example/other?canary")]);
    let problem = settings.origin_is_own("https://edge.example/webhook").unwrap().to_string();
    assert!(problem.starts_with("ORIGIN_URL is the worker itself"), "{problem}");
    assert!(!problem.contains("canary"), "{problem}");
    assert_eq!(settings.origin_is_own("https://other.example/webhook"), None);
}

#[test]
fn source_addresses_must_be_addresses_and_prefixes() {
    for value in ["example.com", "192.0.2.7;192.0.2.8", "192.0.2.7/24", "192.0.2.0/33", ",", "*"] {
        let text = problem_with("SOURCE_ADDRESSES", value);
        assert!(text.contains("is not a list of IP addresses"), "{value}: {text}");
    }
    problem_with("SOURCE_ADDRESSES", " ");
}

#[test]
fn signature_headers_must_be_names_without_another_meaning() {
    for value in ["a b", "x-signature,", ",", "x-signature;x-other", "ä"] {
        let text = problem_with("SIGNATURE_HEADERS", value);
        assert!(text.contains("not a list of header names"), "{text}");
    }
    for value in ["Authorization", "cookie", "x-signature, cf-ray", "x-edge-signature", "host"] {
        let text = problem_with("SIGNATURE_HEADERS", value);
        assert!(text.contains("another meaning"), "{text}");
    }
}

#[test]
fn the_webhooks_path_must_be_one_that_requests_can_have() {
    for value in ["webhook", "https://edge.example/webhook"] {
        assert!(problem_with("WEBHOOK_PATH", value).contains("does not start with"));
    }
    for value in ["/healthz", "/_edge", "/_edge/", "/_edge/hook"] {
        assert!(problem_with("WEBHOOK_PATH", value).contains("worker's own"));
    }
    for value in ["/a b", "/ä", "/a?b", "/a#b", "/a/../b", "/./a", "/a/%2E.", "/a\\b"] {
        assert!(problem_with("WEBHOOK_PATH", value).contains("never match"), "{value}");
    }
    for value in ["/", "/a/b", "/a%20b", "//", "/_edges", "/healthz/x"] {
        assert_eq!(settings_with(&[("WEBHOOK_PATH", value)]).webhook_path, value);
    }
}

#[test]
fn a_refused_path_is_not_used_and_a_sound_one_is_kept() {
    let refused = read(&[("WEBHOOK_PATH", Some("webhook"))]).unwrap_err();
    assert_eq!(refused.webhook_path, None);
    let refused = read(&[("WEBHOOK_PATH", Some("/hook")), ("ORIGIN_URL", None)]).unwrap_err();
    assert_eq!(refused.webhook_path.as_deref(), Some("/hook"));
}

#[test]
fn numbers_must_be_whole_and_within_their_range() {
    for (setting, least, most) in [
        ("MAX_BODY_BYTES", 1, 4_194_304),
        ("ORIGIN_TIMEOUT_MS", 1, 9_000),
        ("LEDGER_SHARDS", 1, 256),
        ("RETENTION_HOURS", 36, 8_760),
    ] {
        for sound in [least, most] {
            // What is stored has a lower limit for bodies, which has a test of its own.
            let settings = [("DELIVERY", Some("through")), (setting, Some(&sound.to_string()))];
            assert!(read(&settings).is_ok(), "{setting} {sound}");
        }
        let beyond = (most + 1).to_string();
        for value in ["0", &beyond, "-1", "+5", "1.5", "1e3", "0x10", "5 s", "99999999999999999999"]
        {
            let text = problem_with(setting, value);
            assert!(text.contains(&format!("from {least} to {most}")), "{text}");
        }
    }
    for setting in ["TOLERANCE_PAST_SECONDS", "TOLERANCE_FUTURE_SECONDS"] {
        for value in ["0", "300s", "999999999"] {
            problem_with(setting, value);
        }
    }
    problem_with("LEASE_SECONDS", "601");
}

#[test]
fn an_event_must_be_remembered_for_as_long_as_its_signature_is_accepted() {
    let with = |past, future, hours| {
        [
            ("TOLERANCE_PAST_SECONDS", Some(past)),
            ("TOLERANCE_FUTURE_SECONDS", Some(future)),
            ("RETENTION_HOURS", Some(hours)),
        ]
    };
    assert!(read(&with("129300", "300", "36")).is_ok());
    let text = problem("RETENTION_HOURS", &with("129301", "300", "36"));
    assert!(text.contains("replayed"), "{text}");
    problem("RETENTION_HOURS", &with("300", "129301", "36"));
}

#[test]
fn a_lease_must_outlast_the_origins_deadline() {
    let with =
        |timeout, lease| [("ORIGIN_TIMEOUT_MS", Some(timeout)), ("LEASE_SECONDS", Some(lease))];
    assert!(read(&with("7000", "12")).is_ok());
    assert!(problem("LEASE_SECONDS", &with("7000", "11")).contains("at least 12"));
    assert!(problem("LEASE_SECONDS", &with("7001", "12")).contains("at least 13"));
}

#[test]
fn header_secrets_must_be_header_values() {
    for value in [" Bearer a", "Bearer a\n", "Bearer a\r\nX: y", "Bearer ä", "a\u{0}b", "a\tb"] {
        let text = problem_with("ORIGIN_AUTHORIZATION", value);
        assert!(!text.contains("Bearer"), "{text}");
    }
}

#[test]
fn the_signing_secret_must_be_one_word() {
    for value in ["a b", "a\n", " a"] {
        assert!(problem_with("EDGE_SIGNING_SECRET", value).contains("white space"));
    }
}

#[test]
fn all_problems_are_named_at_once() {
    let refused = read(&[
        ("WEBHOOK_SECRETS", None),
        ("ORIGIN_URL", Some("nowhere")),
        ("LEASE_SECONDS", Some("x")),
        ("RETENTION_HOURS", Some("0")),
    ])
    .unwrap_err();
    let named: Vec<_> = refused.problems.iter().map(|problem| problem.setting).collect();
    assert_eq!(named, ["WEBHOOK_SECRETS", "ORIGIN_URL", "LEASE_SECONDS", "RETENTION_HOURS"]);
}

#[test]
fn debug_shows_no_secret_and_no_query() {
    let settings = settings_with(&[
        ("WEBHOOK_SECRETS", "canary_1 canary_2"),
        ("ORIGIN_AUTHORIZATION", "Bearer canary_3"),
        ("EDGE_SIGNING_SECRET", "canary_4"),
    ]);
    let text = format!("{settings:?}");
    assert!(text.contains("origin.example"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

/// Made into a text it would be one that anybody can guess.
#[test]
fn a_secret_that_is_not_a_text_is_refused() {
    for setting in [
        "WEBHOOK_SECRETS",
        "ORIGIN_AUTHORIZATION",
        "EDGE_SIGNING_SECRET",
        "ADMIN_TOKEN",
        "ADMIN_TOKENS",
        "SUBMIT_TOKEN",
        "NEXTAPI_API_KEY",
    ] {
        for json in ["null", "true", "0", "1234567890123456", "[]", "{}", r#"["secret"]"#] {
            let problems = read_json(setting, json).unwrap_err().problems;
            assert_eq!(problems.len(), 1, "{setting} {json}: {problems:?}");
            let text = problems[0].to_string();
            assert!(text.starts_with(&format!("{setting} is not a text")), "{text}");
        }
    }
}

#[test]
fn other_settings_may_be_json_numbers_and_nothing_else() {
    assert_eq!(read_json("MAX_BODY_BYTES", "1024").unwrap().max_body_bytes, 1_024);
    for json in ["1.5", "-1", "1e3", "1e30"] {
        let problems = read_json("MAX_BODY_BYTES", json).unwrap_err().problems;
        assert!(problems[0].text.contains("whole number"), "{json}: {problems:?}");
    }
    for json in ["null", "true", "[1024]", "{}"] {
        let problems = read_json("MAX_BODY_BYTES", json).unwrap_err().problems;
        assert!(problems[0].text.contains("neither a text nor a number"), "{json}: {problems:?}");
    }
}

#[test]
fn a_misspelled_setting_is_warned_of_whether_the_others_are_sound_or_not() {
    let warning = "RETENTION_HOUR is not a setting and is ignored: did you mean RETENTION_HOURS?";
    assert_eq!(settings_with(&[("RETENTION_HOUR", "48")]).warnings, [warning]);
    let invalid = read(&[("RETENTION_HOUR", Some("48")), ("ORIGIN_URL", None)]).unwrap_err();
    assert_eq!(invalid.warnings, [warning]);
    assert_eq!(settings_with(&[("SOMETHING_ELSE", "1")]).warnings, [""; 0]);
}

#[test]
fn every_setting_is_documented() {
    let page = include_str!("../../../../docs/settings.md");
    let example = include_str!("../../../wrangler.jsonc");
    for setting in NAMES {
        assert!(page.contains(&format!("`{setting}`")), "{setting} is not in docs/settings.md");
        assert!(example.contains(setting), "{setting} is not in wrangler.jsonc");
    }
}

#[test]
fn who_retries_is_one_of_two() {
    assert_eq!(settings_with(&[]).delivery, DeliveryMode::Durable);
    for (value, mode) in [("durable", DeliveryMode::Durable), ("through", DeliveryMode::Through)] {
        assert_eq!(settings_with(&[("DELIVERY", value)]).delivery, mode);
    }
    for value in ["Durable", "both", "true"] {
        assert!(problem_with("DELIVERY", value).contains("neither `durable` nor `through`"));
    }
    assert!(settings_with(&[]).policy.is_ordered);
    assert!(!settings_with(&[("ORDER", "none")]).policy.is_ordered);
    assert!(problem_with("ORDER", "strict").contains("neither `job` nor `none`"));
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
        let problem = problem_with(setting, value);
        assert!(problem.contains(text), "{problem}");
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
