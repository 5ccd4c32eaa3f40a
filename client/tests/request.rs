//! Requests, their idempotency keys, and API keys.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use nextapi_client::{
    ApiKey, ApiKeyError, Environment, GenerationRequest, IdempotencyKey, Intent, Problem,
    ValidRequest,
};

const BODY: &str = concat!(
    r#"{"model":"seedance-2.0-pro","prompt":"a \"fox\"\n","duration_seconds":6,"resolution":"1080p","#,
    r#""image_url":"https://example.com/a.png?sig=1","seed":7}"#
);

fn example() -> GenerationRequest {
    GenerationRequest::new("seedance-2.0-pro", "a \"fox\"\n")
        .duration_seconds(6)
        .resolution("1080p")
}

fn valid() -> ValidRequest {
    let url = "https://example.com/a.png?sig=1";
    example().extra("seed", "7").reference("image_url", url).validate().unwrap()
}

#[test]
fn the_bytes_are_frozen_and_do_not_depend_on_the_order_of_calls() {
    assert_eq!(core::str::from_utf8(valid().body()).unwrap(), BODY);
    let url = "https://example.com/a.png?sig=1";
    let other = GenerationRequest::new("seedance-2.0-pro", "a \"fox\"\n")
        .reference("image_url", url)
        .extra("seed", "7")
        .resolution("1080p")
        .duration_seconds(6);
    assert_eq!(other.validate().unwrap(), valid());
    assert_eq!(valid().references().iter().map(|it| it.url.as_str()).collect::<Vec<_>>(), [url]);
}

#[test]
fn every_text_survives_as_json() {
    let request = GenerationRequest::new("m", "\r\t\u{1}\\").validate().unwrap();
    assert_eq!(&**request.body(), br#"{"model":"m","prompt":"\r\t\u0001\\"}"#);
    let prompt: String = (0..=0x2fff_u32).chain([0x1f98a]).filter_map(char::from_u32).collect();
    let request = GenerationRequest::new("m", prompt.clone()).validate().unwrap();
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(body["prompt"], prompt);
}

#[test]
fn violations_name_the_field_and_show_no_value() {
    let https = Problem::NotHttps;
    for (request, field, problem) in [
        (GenerationRequest::new("", "x"), "model", Problem::Empty),
        (GenerationRequest::new("a b", "x"), "model", Problem::NotVisibleAscii),
        (GenerationRequest::new("m".repeat(65), "x"), "model", Problem::TooLong(64)),
        (GenerationRequest::new("m", " \n"), "prompt", Problem::Empty),
        (example().duration_seconds(0), "duration_seconds", Problem::Zero),
        (example().resolution(""), "resolution", Problem::Empty),
        (example().extra("seed", "canary"), "seed", Problem::NotJson),
        (example().extra("seed", "7 8"), "seed", Problem::NotJson),
        (example().extra("seed", ""), "seed", Problem::NotJson),
        (example().extra("seed", "1,\"prompt\":2"), "seed", Problem::NotJson),
        (example().extra("", "7"), "", Problem::Empty),
        (example().extra("prompt", "\"canary\""), "prompt", Problem::Twice),
        (example().extra("seed", "7").extra("seed", "8"), "seed", Problem::Twice),
        (example().extra("a", "7").reference("a", "https://e.com/"), "a", Problem::Twice),
        (example().reference("image_url", "http://example.com/canary"), "image_url", https),
        (example().reference("image_url", "https:///canary"), "image_url", https),
        (example().reference("image_url", "https://user:canary@example.com/"), "image_url", https),
        (example().reference("image_url", "https://example.com/a b"), "image_url", https),
        (example().reference("image_url", "data:canary"), "image_url", https),
        (
            example().extra("blob", format!("\"{}\"", "x".repeat(300_000))),
            "body",
            Problem::TooLong(262_144),
        ),
    ] {
        let violations = request.validate().unwrap_err();
        assert_eq!(
            violations.len(),
            if problem == Problem::Twice && field != "prompt" { violations.len() } else { 1 }
        );
        assert_eq!((violations[0].field.as_str(), violations[0].problem), (field, problem));
        let shown = format!("{violations:?} {}", violations[0]);
        assert!(shown.starts_with("[Violation") && !shown.contains("canary"), "{shown}");
    }
    assert!(GenerationRequest::new("m".repeat(64), "x").validate().is_ok(), "as long as it may be");
    let all = GenerationRequest::new("", "").duration_seconds(0).validate().unwrap_err();
    assert_eq!(all.len(), 3, "all of them at once");
}

/// Computed by Python's `hashlib` from what the documentation of `derive` says.
const GOLDEN: &str = "nxk1_9a5092211fbb68e8d6f5e68d0dae3e592537f60ee9e4f33629c05aade7a34daf";

#[test]
fn a_key_depends_on_its_intent_and_on_nothing_else() {
    let mut namespace = [0; 16];
    for (byte, number) in namespace.iter_mut().zip(0..) {
        *byte = number;
    }
    let intent = Intent { namespace, name: "order-42", take: 1 };
    let key = IdempotencyKey::derive(&intent, Environment::Live, &valid());
    assert_eq!(key.as_str(), GOLDEN);
    let frozen = ValidRequest::from_frozen(BODY.as_bytes());
    assert_eq!(IdempotencyKey::derive(&intent, Environment::Live, &frozen), key);
    for other in [
        IdempotencyKey::derive(&Intent { take: 2, ..intent }, Environment::Live, &valid()),
        IdempotencyKey::derive(&Intent { name: "order-43", ..intent }, Environment::Live, &valid()),
        IdempotencyKey::derive(
            &Intent { namespace: [0; 16], ..intent },
            Environment::Live,
            &valid(),
        ),
        IdempotencyKey::derive(&intent, Environment::Test, &valid()),
        IdempotencyKey::derive(&intent, Environment::Live, &example().validate().unwrap()),
    ] {
        assert_ne!(other, key);
    }
}

#[test]
fn keys_of_the_callers_own_are_checked() {
    assert_eq!(IdempotencyKey::from_text("a-1").unwrap().as_str(), "a-1");
    for text in ["", "a b", "é", "a\r\nx: y", &"x".repeat(256)] {
        assert!(IdempotencyKey::from_text(text).is_err(), "{text:?}");
    }
}

#[test]
fn an_api_key_is_of_one_environment_and_never_shown() {
    let key = ApiKey::new(" nxa_test_sk_canary\n", Environment::Test).unwrap();
    assert_eq!(&**key.authorization(), "Bearer nxa_test_sk_canary");
    assert_eq!(format!("{key:?}"), "ApiKey(test, redacted)");
    assert!(!format!("{:?}", key.fingerprint()).contains("canary"));
    assert_ne!(
        key.fingerprint(),
        ApiKey::new("nxa_test_sk_other", Environment::Test).unwrap().fingerprint()
    );
    for (text, environment, error) in [
        ("nxa_live_sk_canary", Environment::Test, ApiKeyError::OtherEnvironment(Environment::Live)),
        ("nxa_test_sk_canary", Environment::Live, ApiKeyError::OtherEnvironment(Environment::Test)),
        ("nxa_live_sk_", Environment::Live, ApiKeyError::Malformed),
        ("sk_live_canary", Environment::Live, ApiKeyError::Malformed),
        ("nxa_live_sk_canary\r\nx", Environment::Live, ApiKeyError::Malformed),
        ("", Environment::Live, ApiKeyError::Malformed),
    ] {
        let found = ApiKey::new(text, environment).unwrap_err();
        assert_eq!(found, error);
        assert!(
            !format!("{found} {found:?}").contains("canary")
                && found.to_string().contains("API key")
        );
    }
}

#[test]
fn nothing_that_is_submitted_is_shown() {
    let request = GenerationRequest::new("m", "canary-prompt")
        .reference("image_url", "https://example.com/a?sig=canary")
        .extra("note", "\"canary\"");
    let shown = format!("{request:?} {:?}", request.clone().validate().unwrap());
    assert!(!shown.contains("canary") && shown.contains("https://example.com/a"), "{shown}");
}
