//! Each mistake made on purpose: its finding appears, and no other of the mistakes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::*;

const SECRET: &[u8] = b"whsec_Y2FuYXJ5LWNhbmFyeQ==";
const BODY: &[u8] = br#"{"type":"job.failed","id":"canary-body"}"#;
const T: &str = "1700000000";

fn mac(secret: &[u8], message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(message);
    base16ct::lower::encode_string(&mac.finalize().into_bytes())
}

/// The MAC as it should be.
fn sound(body: &[u8]) -> String {
    mac(SECRET, &[T.as_bytes(), b".", body].concat())
}

fn diagnose(secret: &[u8], header: &str, body: &[u8]) -> Vec<&'static str> {
    let secrets = Secrets::parse(secret).unwrap();
    let diagnosis = Diagnosis {
        header: header.as_bytes(),
        body,
        now: UnixTime::from_secs(1_700_000_012),
        tolerance: Tolerance::DEFAULT,
        secrets: &secrets,
    };
    let findings = diagnosis.findings();
    let expected = diagnosis.expected_macs();
    for finding in &findings {
        let text = finding.to_string();
        assert!(text.ends_with(['.', '?']), "{text}");
        for secret in ["Y2FuYXJ5", "canary"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(!expected.iter().any(|mac| text.contains(mac.as_str())), "{text}");
    }
    let names = findings.iter().map(Finding::name);
    names.filter(|name| *name != "time_fresh").collect()
}

/// A header that is well formed, with the MAC of something.
fn signed(secret: &[u8], message: &[u8]) -> String {
    format!("t={T},v={}", mac(secret, message))
}

#[test]
fn nothing_is_wrong_with_what_is_right() {
    assert!(diagnose(SECRET, &format!("t={T},v={}", sound(BODY)), BODY).is_empty());
    let both = [b"whsec_newer ", SECRET].concat();
    assert!(diagnose(&both, &format!("t={T},v={}", sound(BODY)), BODY).is_empty());
}

#[test]
fn a_wrong_secret_is_none_of_the_mistakes() {
    let header = signed(b"another", &[T.as_bytes(), b".", BODY].concat());
    assert_eq!(diagnose(SECRET, &header, BODY), ["unexplained"]);
    let header = format!("t={T},v={}", sound(BODY));
    assert_eq!(diagnose(SECRET, &header, b""), ["body_empty", "unexplained"]);
    assert_eq!(diagnose(SECRET, &header, "\u{fffd}".as_bytes()), ["body_decoded", "unexplained"]);
}

#[test]
fn a_body_that_was_changed_on_the_way() {
    let line = |end: &str| [BODY, end.as_bytes()].concat();
    let pretty = br#"{
  "type": "job.failed",
  "id": "canary-body"
}"#;
    let sorted = br#"{"id":"canary-body","type":"job.failed"}"#;
    let spaced = br#"{"type": "job.failed", "id": "canary-body"}"#;
    let quoted = serde_json::to_vec(&String::from_utf8_lossy(BODY)).unwrap();
    for (sent, given, expected) in [
        (line("\n"), BODY.to_vec(), "body_newline_lost"),
        (line("\r\n"), BODY.to_vec(), "body_newline_lost"),
        (BODY.to_vec(), line("\n"), "body_newline_added"),
        (BODY.to_vec(), line("\r\n"), "body_newline_added"),
        (b"a\nb".to_vec(), b"a\r\nb".to_vec(), "body_line_ends"),
        (b"a\r\nb".to_vec(), b"a\nb".to_vec(), "body_line_ends"),
        (BODY.to_vec(), [b"\xef\xbb\xbf", BODY].concat(), "body_byte_order_mark"),
        (BODY.to_vec(), BASE64_STANDARD.encode(BODY).into_bytes(), "body_base64"),
        (BODY.to_vec(), quoted, "body_quoted"),
        (BODY.to_vec(), pretty.to_vec(), "body_reserialised"),
        (BODY.to_vec(), spaced.to_vec(), "body_reserialised"),
        (pretty.to_vec(), BODY.to_vec(), "body_reserialised"),
        (spaced.to_vec(), BODY.to_vec(), "body_reserialised"),
        (sorted.to_vec(), BODY.to_vec(), "body_reserialised"),
        ("{\"a\":\"é\"}".into(), b"{\"a\":\"\\u00e9\"}".to_vec(), "body_reserialised"),
        (b"{\"a\":\"\\/\"}".to_vec(), b"{\"a\":\"/\"}".to_vec(), "body_reserialised"),
    ] {
        let header = format!("t={T},v={}", sound(&sent));
        let given_text = String::from_utf8_lossy(&given);
        assert_eq!(diagnose(SECRET, &header, &given), [expected], "{given_text:?}");
    }
}

#[test]
fn the_style_of_github_is_recognised() {
    let header = format!("sha256={}", mac(SECRET, BODY));
    assert_eq!(diagnose(SECRET, &header, BODY), ["github_style"]);
    let copied = format!("X-Hub-Signature-256: {header}");
    assert_eq!(diagnose(SECRET, &copied, BODY), ["github_style"]);
    let both = [b"whsec_newer ", SECRET].concat();
    assert_eq!(diagnose(&both, &header, BODY), ["github_style"]);
    assert_eq!(diagnose(SECRET, &header, b"{}"), ["github_style_mismatch"]);
    // With a timestamp it is ours, made over the wrong bytes.
    let ours = format!("t={T},{header}");
    assert_eq!(diagnose(SECRET, &ours, BODY), ["mac_over_body_alone"]);
}

#[test]
fn a_secret_that_is_not_the_same_on_both_sides() {
    let message = [T.as_bytes(), b".", BODY].concat();
    let quoted = [b"\"", SECRET, b"\""].concat();
    for (signs, verifies, expected) in [
        ([SECRET, b"\n"].concat(), SECRET, "secret_newline"),
        ([SECRET, b"\r\n"].concat(), SECRET, "secret_newline"),
        ([SECRET, b" "].concat(), SECRET, "secret_newline"),
        (SECRET.to_vec(), quoted.as_slice(), "secret_quoted_here"),
        (quoted.clone(), SECRET, "secret_quoted_there"),
        (b"Y2FuYXJ5LWNhbmFyeQ==".to_vec(), SECRET, "secret_without_prefix"),
        (SECRET.to_vec(), b"Y2FuYXJ5LWNhbmFyeQ==", "secret_prefix_lost"),
        (b"canary-canary".to_vec(), SECRET, "secret_decoded"),
        (vec![0xca, 0xfe, 0xba, 0xbe, 1], b"whsec_cafebabe01", "secret_decoded"),
    ] {
        assert_eq!(diagnose(verifies, &signed(&signs, &message), BODY), [expected]);
    }
}

#[test]
fn a_mac_over_something_else() {
    let t = T.as_bytes();
    let millis = [t, b"000.", BODY].concat();
    for (message, expected) in [
        (BODY.to_vec(), "mac_over_body_alone"),
        ([t, BODY].concat(), "mac_without_point"),
        ([t, b":", BODY].concat(), "mac_with_other_separator"),
        ([BODY, b".", t].concat(), "mac_over_body_first"),
        (millis, "mac_over_milliseconds"),
    ] {
        assert_eq!(diagnose(SECRET, &signed(SECRET, &message), BODY), [expected]);
    }
    for message in [BODY.to_vec(), [t, b".", BODY].concat()] {
        let header =
            format!("t={T},v={}", base16ct::lower::encode_string(&Sha256::digest(message)));
        assert_eq!(diagnose(SECRET, &header, BODY), ["mac_without_key"]);
        let both = [b"whsec_newer ", SECRET].concat();
        assert_eq!(diagnose(&both, &header, BODY), ["mac_without_key"]);
    }
    let header = format!("t={T}000,v={}", sound(BODY));
    assert_eq!(diagnose(SECRET, &header, BODY), ["timestamp_unit", "mac_over_seconds"]);
}

#[test]
fn a_header_that_is_not_as_documented() {
    let mac = sound(BODY);
    let base64 = BASE64_STANDARD.encode(base16ct::mixed::decode_vec(&mac).unwrap());
    let upper = mac.to_uppercase();
    let many = [","; 9].map(|comma| format!("{comma}v={mac}")).concat();
    let (sha1, short) = (&mac[..40], &mac[..20]);
    for (header, expected) in [
        (format!("t={T},v={upper}"), &["mac_upper_case", "otherwise_right"] as &[_]),
        (format!("t={T},v={base64}"), &["mac_base64", "otherwise_right"]),
        (format!("t={T},v={sha1}"), &["mac_length"]),
        (format!("t={T},v={short}"), &["mac_length"]),
        (format!("t={T},v=hello"), &["mac_not_hexadecimal"]),
        (format!("t={T},v2={mac}"), &["label_unknown", "signature_absent", "otherwise_right"]),
        (format!("t={T}{many}"), &["header_too_many_signatures", "otherwise_right"]),
        (format!("X-NextAPI-Signature: t={T},v={mac}"), &["header_has_name", "otherwise_right"]),
        (format!("\"t={T},v={mac}\""), &["header_quoted", "otherwise_right"]),
        (format!("t={T},{mac}"), &["element_without_name", "signature_absent"]),
        (format!("t={T},v={mac},t={T},v={mac}"), &["headers_joined"]),
        (format!("v={mac}"), &["timestamp_absent"]),
        (format!("T={T},v={mac}"), &["timestamp_misnamed", "timestamp_absent"]),
        (format!("t={T}"), &["signature_absent"]),
        // The secret in the place of the header: `diagnose` looks whether it is shown.
        ("whsec_Y2FuYXJ5LWNhbmFyeQ==".into(), &["timestamp_absent", "signature_absent"]),
        ("canary-canary".into(), &["element_without_name", "timestamp_absent", "signature_absent"]),
        ("a".repeat(1025), &["header_too_long"]),
    ] {
        assert_eq!(diagnose(SECRET, &header, BODY), expected, "{header}");
    }
    let semicolon = diagnose(SECRET, &format!("t={T};v={mac}"), BODY);
    assert!(semicolon.contains(&"header_semicolon"), "{semicolon:?}");
}

#[test]
fn a_timestamp_that_is_not_one() {
    for (t, told) in [
        ("", "empty"),
        ("01", "zero"),
        ("+1", "sign"),
        ("-1", "sign"),
        ("1.5", "fraction"),
        ("2026-01-01T00:00:00Z", "date"),
        ("soon", "not a number"),
        ("18446744073709551616", "64 bits"),
    ] {
        let header = format!("t={t},v={}", "0".repeat(64));
        let header = LooseHeader::read(header.as_bytes());
        let [finding] = header.findings.as_slice() else { panic!("{t}") };
        assert_eq!(finding.name(), "timestamp_invalid");
        assert!(finding.to_string().contains(told), "{finding}");
    }
}

#[test]
fn the_clock_is_compared_with_the_tolerance() {
    let secrets = Secrets::parse(SECRET).unwrap();
    let at = |now, t: &str| {
        let header = format!("t={t},v={}", mac(SECRET, &[t.as_bytes(), b".", BODY].concat()));
        let (now, tolerance) = (UnixTime::from_secs(now), Tolerance::DEFAULT);
        let header = header.as_bytes();
        let findings = Diagnosis { header, body: BODY, now, tolerance, secrets: &secrets };
        let findings = findings.findings();
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        (finding.name(), finding.to_string())
    };
    for (now, t, name, told) in [
        (1_700_000_299, T, "time_fresh", "299 s old"),
        (1_700_000_300, T, "time_expired", "2023-11-14T22:13:20Z) is 300 s old"),
        (1_699_999_701, T, "time_fresh", "299 s ahead"),
        (1_699_999_700, T, "time_ahead", "300 s ahead"),
        (1_700_000_000, "1700000000123", "timestamp_unit", "milliseconds"),
        // 366 days and less than that ahead of the clock.
        (1_700_000_000, "1731622400000", "time_ahead", "ahead"),
        (1_700_000_000, "1731622399999", "timestamp_unit", "milliseconds"),
        (1_700_000_000, "1700000000123456", "timestamp_unit", "microseconds"),
        (1_700_000_000, "1700000000123456789", "timestamp_unit", "nanoseconds"),
        (1_700_000_000, "18446744073709551615", "time_ahead", "ahead"),
    ] {
        let (found, text) = at(now, t);
        assert_eq!(found, name, "{text}");
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn the_expected_mac_is_known_only_where_the_header_names_a_time() {
    let secrets = Secrets::parse(SECRET).unwrap();
    for (header, expected) in [(format!("t={T},v=x"), vec![sound(BODY)]), ("v=x".into(), vec![])] {
        let diagnosis = Diagnosis {
            header: header.as_bytes(),
            body: BODY,
            now: UnixTime::from_secs(0),
            tolerance: Tolerance::DEFAULT,
            secrets: &secrets,
        };
        assert_eq!(diagnosis.expected_macs(), expected);
    }
}
