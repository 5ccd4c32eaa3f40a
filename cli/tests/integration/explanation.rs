//! `verify`: captured requests, and what it says of a rejection.

use nextapi_webhook::{Key, UnixTime};
use serde_json::Value;

use crate::support::{SECRET, hook, with_input};

const BODY: &str = r#"{"type":"job.failed","id":"evt_body_canary"}"#;

fn signature(secret: &str, body: &str) -> String {
    Key::new(secret.as_bytes())
        .unwrap()
        .sign(UnixTime::from_secs(1000), body.as_bytes())
        .to_string()
}

fn mac() -> String {
    let signature = signature(SECRET, BODY);
    signature.split_once("v=").unwrap().1.to_owned()
}

fn captured(header: &str, body: &str) -> String {
    format!("POST /webhook?token=hidden HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n{body}")
}

fn verify(request: &str, arguments: &[&str]) -> (i32, String) {
    let mut command = hook();
    command.args(["verify", "--request", "-", "--now", "1012"]).args(arguments);
    let (status, stdout, stderr) = with_input(&mut command, request.as_bytes());
    assert_eq!(stderr, "");
    (status, stdout)
}

fn report(request: &str, arguments: &[&str]) -> (i32, String, Vec<String>) {
    let (status, stdout) = verify(request, arguments);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let explanation = report["explanation"].as_array().unwrap().iter();
    let explanation = explanation.map(|text| text.as_str().unwrap().to_owned()).collect();
    (status, report["code"].as_str().unwrap_or("-").to_owned(), explanation)
}

#[test]
fn a_captured_request_is_accepted_under_either_name() {
    let signature = signature(SECRET, BODY);
    for name in ["X-NextAPI-Signature", "x-webhook-signature"] {
        let request = captured(&format!("{name}: {signature}"), BODY);
        assert_eq!(report(&request, &[]), (0, "-".into(), vec![]));
    }
    let request = captured(&format!("X-Edge-Signature: {signature}"), BODY);
    assert_eq!(report(&request, &["--header-name", "x-edge-signature"]).0, 0);

    let (status, code, explanation) = report(&request, &[]);
    assert_eq!((status, code.as_str()), (1, "signature_missing"));
    assert!(explanation[0].contains("x-edge-signature; choose with --header-name"));
}

#[test]
fn a_rejection_is_explained() {
    let one_body = |sent: &str| format!("X-NextAPI-Signature: {}", signature(SECRET, sent));
    for (request, told) in [
        (captured(&one_body(BODY), &format!("{BODY}\n")), "Without the line end at its end"),
        (
            captured(&one_body(BODY), r#"{"type": "job.failed", "id": "evt_body_canary"}"#),
            "parsed and serialised again",
        ),
        (
            captured(
                &format!("X-NextAPI-Signature: {}", signature(&format!("{SECRET}\n"), BODY)),
                BODY,
            ),
            "The secret has a trailing newline",
        ),
    ] {
        let (status, code, explanation) = report(&request, &[]);
        assert_eq!((status, code.as_str()), (1, "signature_mismatch"));
        assert!(explanation[0].contains("12 s old"), "{explanation:?}");
        assert!(explanation[1].contains(told) && explanation.len() == 2, "{explanation:?}");
    }
}

#[test]
fn an_age_is_explained() {
    let request = captured(&format!("X-NextAPI-Signature: {}", signature(SECRET, BODY)), BODY);
    let mut command = hook();
    command.args(["verify", "--request", "-", "--now", "1300", "--text"]);
    let (status, stdout, _) = with_input(&mut command, request.as_bytes());
    assert_eq!(status, 1);
    assert!(stdout.starts_with("rejected (timestamp_expired): "), "{stdout}");
    assert!(stdout.contains("\n- The timestamp 1000 (1970-01-01T00:16:40Z) is 300 s old"));
}

#[test]
fn more_than_the_announced_length_is_left_out_and_said() {
    let header = format!(
        "Content-Length: {}\r\nX-NextAPI-Signature: {}",
        BODY.len(),
        signature(SECRET, BODY)
    );
    let (status, _, explanation) = report(&captured(&header, &format!("{BODY}\n")), &[]);
    assert_eq!(status, 0);
    assert!(explanation[0].contains("Content-Length says"), "{explanation:?}");
}

/// `with_input` looks for the secret in all of these.
#[test]
fn neither_the_mac_nor_the_body_is_told_unless_asked_for() {
    let wrong = format!("t=1000,v={}", "0".repeat(64));
    for header in [wrong.as_str(), "t=1000", "hello", SECRET, "t=1000,v=short"] {
        let request = captured(&format!("X-NextAPI-Signature: {header}"), BODY);
        for arguments in [[].as_slice(), &["--text"]] {
            let (status, stdout) = verify(&request, arguments);
            assert_eq!(status, 1);
            for hidden in [mac().as_str(), "body_canary", "hidden"] {
                assert!(!stdout.contains(hidden), "{stdout}");
            }
        }
    }
    let request = captured(&format!("X-NextAPI-Signature: {wrong}"), BODY);
    for arguments in [["--unsafe-show-mac"].as_slice(), &["--unsafe-show-mac", "--text"]] {
        assert!(verify(&request, arguments).1.contains(&mac()));
    }
}

#[test]
fn what_cannot_be_read_ends_with_2() {
    for (request, told) in
        [("hello\n", "request line"), ("POST / HTTP/1.1\nhello\n\n", "line 2 is not a header")]
    {
        let mut command = hook();
        let (status, _, stderr) =
            with_input(command.args(["verify", "--request", "-"]), request.as_bytes());
        assert_eq!(status, 2);
        assert!(stderr.contains(told), "{stderr}");
    }
}
