//! `sign` and `verify`: output, exit status, and where secrets come from.

use std::fs;
use std::process::Command;

use nextapi_webhook::EventKey;
use serde_json::{Value, json};

use crate::support::{SECRET, hook, run, with_input};

const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded","data":{"job":{"id":"job_1"}}}"#;

fn sign(timestamp: &str, body: &[u8]) -> String {
    let (status, stdout, stderr) =
        with_input(hook().args(["sign", "--timestamp", timestamp, "-"]), body);
    assert_eq!(status, 0, "{stderr}");
    stdout.trim_end().to_owned()
}

fn verify(header: &str, now: &str, body: &[u8]) -> (i32, Value) {
    let mut command = hook();
    command.args(["verify", "--header", header, "--now", now, "-"]);
    let (status, stdout, stderr) = with_input(&mut command, body);
    (status, serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}{stderr}")))
}

/// HMAC-SHA256 by an implementation that has nothing to do with ours.
fn node_signature(timestamp: &str, body: &[u8]) -> String {
    const SCRIPT: &str = "\
        const body = require('fs').readFileSync(0);\
        const [secret, t] = process.argv.slice(1);\
        const mac = require('crypto').createHmac('sha256', secret).update(t + '.').update(body);\
        process.stdout.write(`t=${t},v=${mac.digest('hex')}`);";
    let (status, stdout, stderr) =
        with_input(Command::new("node").args(["-e", SCRIPT, "--", SECRET, timestamp]), body);
    assert_eq!(status, 0, "{stderr}");
    stdout
}

#[test]
fn sign_agrees_with_an_independent_implementation() {
    let all_bytes: Vec<u8> = (0..=255).collect();
    for body in [BODY, b"", b"\n", &all_bytes] {
        for timestamp in ["0", "1700000000", "18446744073709551615"] {
            assert_eq!(sign(timestamp, body), node_signature(timestamp, body));
        }
    }
}

#[test]
fn the_label_can_be_chosen_and_nothing_else_changes() {
    let plain = sign("5", BODY);
    for label in ["v", "v1", "sha256"] {
        let mut command = hook();
        command.args(["sign", "--timestamp", "5", "--label", label, "-"]);
        let (_, stdout, _) = with_input(&mut command, BODY);
        assert_eq!(stdout.trim_end(), plain.replace("v=", &format!("{label}=")));
        assert_eq!(verify(stdout.trim_end(), "5", BODY).0, 0);
    }
}

#[test]
fn a_body_is_read_from_a_file_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body");
    fs::write(&file, b"\xff\r\n").unwrap();
    let (_, stdout, _) = run(hook().args(["sign", "--timestamp", "5"]).arg(&file));
    assert_eq!(stdout.trim_end(), sign("5", b"\xff\r\n"));
}

#[test]
fn verify_tells_what_it_knows_of_an_accepted_delivery() {
    let (status, report) = verify(&sign("1000", BODY), "1010", BODY);
    assert_eq!(status, 0);
    let expected = json!({
        "accepted": true,
        "code": null,
        "message": "the signature holds",
        "explanation": [],
        "key_index": 0,
        "age_seconds": 10,
        "event": {
            "id": "evt_1",
            "type": "job.succeeded",
            "status": null,
            "job_id": "job_1",
        },
        "event_key": EventKey::of_unverified(BODY).to_string(),
    });
    assert_eq!(report, expected);
}

#[test]
fn verify_accepts_what_is_authentic_but_no_event() {
    let (status, report) = verify(&sign("1000", b"hello"), "1000", b"hello");
    assert_eq!((status, &report["accepted"], &report["event"]), (0, &json!(true), &Value::Null));
    assert_eq!(report["event_key"], EventKey::of_unverified(b"hello").to_string());
}

#[test]
fn freshness_ends_at_300_seconds_in_both_directions() {
    let header = sign("1000", BODY);
    for (now, code) in [
        ("701", None),
        ("700", Some("timestamp_ahead")),
        ("1299", None),
        ("1300", Some("timestamp_expired")),
    ] {
        let (status, report) = verify(&header, now, BODY);
        assert_eq!(report["code"], json!(code), "now = {now}");
        assert_eq!(status, i32::from(code.is_some()), "now = {now}");
    }
}

#[test]
fn tolerances_can_be_chosen() {
    let header = sign("1000", BODY);
    for (now, past, future, expected) in
        [("1009", "10", "0", 0), ("1010", "10", "0", 1), ("999", "0", "2", 0), ("998", "0", "2", 1)]
    {
        let mut command = hook();
        command.args(["verify", "--header", &header, "--now", now, "-"]);
        command.args(["--tolerance-past", past, "--tolerance-future", future]);
        assert_eq!(with_input(&mut command, BODY).0, expected, "now = {now}");
    }
}

#[test]
fn a_rejected_body_is_not_talked_about() {
    let header = sign("1000", BODY);
    for (header, body, code) in [
        (header.as_str(), b"{\"id\":\"evt_2\"}".as_slice(), "signature_mismatch"),
        ("hello", BODY, "signature_malformed"),
    ] {
        let (status, report) = verify(header, "1000", body);
        assert_eq!((status, &report["code"]), (1, &json!(code)));
        for unknown in ["event", "event_key", "key_index", "age_seconds"] {
            assert_eq!(report[unknown], Value::Null, "{unknown}");
        }
    }
}

#[test]
fn a_file_may_hold_several_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets");
    fs::write(&file, format!("whsec_newer\n{SECRET}\n")).unwrap();

    let header = sign("1000", BODY);
    let mut command = hook();
    command.args(["verify", "--header", &header, "--now", "1000", "--secret-file"]);
    let (status, stdout, _) = with_input(command.arg(&file).arg("-"), BODY);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((status, &report["key_index"]), (0, &json!(1)));

    // The first one signs, so the old secret alone does not accept it.
    let mut command = hook();
    command.args(["sign", "--timestamp", "1000", "--secret-file"]);
    let (_, stdout, _) = with_input(command.arg(&file).arg("-"), BODY);
    assert_eq!(verify(stdout.trim_end(), "1000", BODY).1["code"], "signature_mismatch");
}

#[test]
fn without_a_secret_it_says_how_to_give_one() {
    let (status, _, stderr) =
        with_input(hook().env_remove("NEXTAPI_WEBHOOK_SECRET").args(["sign", "-"]), b"");
    assert_eq!(status, 2);
    assert!(
        stderr.contains("NEXTAPI_WEBHOOK_SECRET") && stderr.contains("--secret-file"),
        "{stderr}"
    );

    for empty in ["", " \n\t"] {
        let mut command = hook();
        let (status, _, stderr) =
            with_input(command.env("NEXTAPI_WEBHOOK_SECRET", empty).args(["sign", "-"]), b"");
        assert_eq!(status, 2);
        assert!(stderr.contains("NEXTAPI_WEBHOOK_SECRET: is empty"), "{stderr}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    for arguments in [
        ["sign", "--secret-file", "nowhere/secret", "-"].as_slice(),
        &["sign", "nowhere/body"],
        &["verify", "--header", "x", "nowhere/body"],
        &["listen", "--port", "0", "--edge-secret-file", "nowhere/secret"],
    ] {
        let (status, _, stderr) = run(hook().args(arguments));
        assert_eq!(status, 2, "{arguments:?}");
        assert!(stderr.contains("nowhere/"), "{stderr}");
    }
}

#[test]
fn verify_says_what_it_needs() {
    for (arguments, missing) in [
        (&[][..], "nothing to verify"),
        (&["body.json"], "no signature"),
        (&["--header", "t=1,v=1"], "no body"),
    ] {
        let (status, _, stderr) = run(hook().arg("verify").args(arguments));
        assert_eq!(status, 2, "{stderr}");
        for told in [missing, "--header VALUE", "--request FILE", "- for the standard input"] {
            assert!(stderr.contains(told), "{told}: {stderr}");
        }
    }
}

/// A capture of last year, verified without `--now`.
#[test]
fn ages_are_told_in_words() {
    let (status, report) = verify(&sign("1000", BODY), "31533165", BODY);
    assert_eq!((status, &report["code"]), (1, &json!("timestamp_expired")));
    let message = report["message"].as_str().unwrap();
    assert!(message.contains("is about a year old (31,532,165 s);"), "{message}");
    let explanation = report["explanation"][0].as_str().unwrap();
    assert!(explanation.contains(" is about a year old (31,532,165 s) by the"), "{explanation}");
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        [].as_slice(),
        &["sign"],
        &["sign", "--timestamp", "-1", "-"],
        &["sign", "--label", "v2", "-"],
        &["verify", "-"],
        &["listen", "--port", "65536"],
        &["sign", "--secret", "s", "-"],
    ] {
        assert_eq!(run(hook().args(arguments)).0, 2, "{arguments:?}");
    }
}
