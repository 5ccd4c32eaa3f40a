//! The settings as a whole: defaults, values, all problems at once.

use super::*;
use crate::ledger::order::LateEvents;

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
fn every_setting_is_documented() {
    let page = include_str!("../../../../../docs/settings.md");
    let example = include_str!("../../../../wrangler.jsonc");
    for setting in NAMES {
        assert!(page.contains(&format!("`{setting}`")), "{setting} is not in docs/settings.md");
        assert!(example.contains(setting), "{setting} is not in wrangler.jsonc");
    }
}

#[test]
fn set_but_blank_is_never_not_set() {
    for setting in NAMES.into_iter().filter(|name| *name != "SOURCE_ADDRESSES") {
        assert_refused(setting, &["", " ", "\n\t"], "is set but empty");
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
fn a_misspelled_setting_is_warned_of_whether_the_others_are_sound_or_not() {
    let warning = "RETENTION_HOUR is not a setting and is ignored: did you mean RETENTION_HOURS?";
    assert_eq!(settings_with(&[("RETENTION_HOUR", "48")]).warnings, [warning]);
    let invalid = read(&[("RETENTION_HOUR", Some("48")), ("ORIGIN_URL", None)]).unwrap_err();
    assert_eq!(invalid.warnings, [warning]);
    assert_eq!(settings_with(&[("SOMETHING_ELSE", "1")]).warnings, [""; 0]);
}

#[test]
fn other_settings_may_be_json_numbers_and_nothing_else() {
    assert_eq!(read_json("MAX_BODY_BYTES", "1024").unwrap().max_body_bytes, 1_024);
    for (text, values) in [
        ("whole number", ["1.5", "-1", "1e3", "1e30"]),
        ("neither a text nor a number", ["null", "true", "[1024]", "{}"]),
    ] {
        for json in values {
            let problems = read_json("MAX_BODY_BYTES", json).unwrap_err().problems;
            assert!(problems[0].text.contains(text), "{json}: {problems:?}");
        }
    }
}
