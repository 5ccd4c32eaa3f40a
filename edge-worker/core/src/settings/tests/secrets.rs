//! Keys, tokens and other secrets.

use super::*;

#[test]
fn no_key_is_refused() {
    let text = problem("WEBHOOK_SECRETS", &[("WEBHOOK_SECRETS", None)]);
    assert!(text.starts_with("WEBHOOK_SECRETS is not set"), "{text}");
}

#[test]
fn several_keys_are_taken_up_to_the_limit() {
    let keys = |count| vec!["key"; count].join("\n");
    assert!(read(&[("WEBHOOK_SECRETS", Some(&keys(8)))]).is_ok());
    assert_refused("WEBHOOK_SECRETS", &[&keys(9)], "more than 8 keys");
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
fn header_secrets_must_be_header_values() {
    for value in [" Bearer a", "Bearer a\n", "Bearer a\r\nX: y", "Bearer ä", "a\u{0}b", "a\tb"] {
        let text = problem_with("ORIGIN_AUTHORIZATION", value);
        assert!(!text.contains("Bearer"), "{text}");
    }
}

#[test]
fn the_signing_secret_must_be_one_word() {
    assert_refused("EDGE_SIGNING_SECRET", &["a b", "a\n", " a"], "white space");
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
