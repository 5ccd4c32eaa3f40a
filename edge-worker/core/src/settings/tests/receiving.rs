//! Where deliveries come in, from whom, and signed in which header.

use super::*;

#[test]
fn the_webhooks_path_must_be_one_that_requests_can_have() {
    let relative = ["webhook", "https://edge.example/webhook"];
    assert_refused("WEBHOOK_PATH", &relative, "does not start with");
    let own = ["/healthz", "/_edge", "/_edge/", "/_edge/hook"];
    assert_refused("WEBHOOK_PATH", &own, "worker's own");
    let unmatched = ["/a b", "/ä", "/a?b", "/a#b", "/a/../b", "/./a", "/a/%2E.", "/a\\b"];
    assert_refused("WEBHOOK_PATH", &unmatched, "never match");
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
fn signature_headers_must_be_names_without_another_meaning() {
    let no_names = ["a b", "x-signature,", ",", "x-signature;x-other", "ä"];
    assert_refused("SIGNATURE_HEADERS", &no_names, "not a list of header names");
    let taken = ["Authorization", "cookie", "x-signature, cf-ray", "x-edge-signature", "host"];
    assert_refused("SIGNATURE_HEADERS", &taken, "another meaning");
}

#[test]
fn source_addresses_must_be_addresses_and_prefixes() {
    let others = ["example.com", "192.0.2.7;192.0.2.8", "192.0.2.7/24", "192.0.2.0/33", ",", "*"];
    assert_refused("SOURCE_ADDRESSES", &others, "is not a list of IP addresses");
    problem_with("SOURCE_ADDRESSES", " ");
}
