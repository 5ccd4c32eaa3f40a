//! Messages as they are on the wire, pinned, and what a rollout may bring.

mod calls;
mod replies;

use std::path::Path;
use std::{env, fs};

use proptest::prelude::*;

use super::*;
use crate::ledger::bulk_replay::{NewReplay, Selection};
use crate::ledger::event_meta::EventMeta;
use crate::ledger::order::Order;
use calls::{acts, calls};
use replies::replies;

/// One message a line. If this fails, the wire format has changed: undo the change, or take a new
/// version. With `UPDATE_GOLDEN` in the environment, writes the file instead.
fn assert_golden(file: &str, messages: &[String]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ledger/message").join(file);
    let text: String = messages.iter().flat_map(|message| [message.as_str(), "\n"]).collect();
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

fn key() -> String {
    "event-00".to_owned()
}

fn selection() -> Selection {
    Selection {
        state: "dead".to_owned(),
        since_ms: 5,
        until_ms: 1_700_000_000_000,
        job_id: Some("job_1".to_owned()),
        event_type: Some("job.failed".to_owned()),
    }
}

fn new_replay() -> NewReplay {
    NewReplay { id: "r-1".to_owned(), selection: selection(), rate: 10, interval_ms: 1_600 }
}

fn decoded(message: &str) -> Result<Reply, CallError> {
    Reply::decode_all(message, 1).remove(0)
}

#[test]
fn calls_are_pinned() {
    let messages: Vec<_> = calls().iter().map(Call::encode).chain(acts()).collect();
    assert_golden("calls.golden", &messages);
    for call in calls() {
        assert_eq!(Call::decode(&call.encode()), Ok(call));
    }
}

#[test]
fn who_acts_is_read_and_need_not_be_said() {
    let call = Call::Reopen { key: key() };
    for by in ["admin", "a \"b\"\n", ""] {
        let expected = (call.clone(), Some(by.to_owned()));
        assert_eq!(Call::decode_by(&call.encode_by(by)), Ok(expected));
        assert_eq!(Call::decode(&call.encode_by(by)), Ok(call.clone()));
    }
    assert_eq!(Call::decode_by(&call.encode()), Ok((call, None)));
}

#[test]
fn replies_are_pinned() {
    assert_golden("replies.golden", &replies().iter().map(Reply::encode).collect::<Vec<_>>());
    for reply in replies() {
        assert_eq!(decoded(&reply.encode()), Ok(reply));
    }
}

/// What the Worker's platform half says in place of a reply.
#[test]
fn errors_are_read() {
    for (text, overloaded, retryable) in [
        (r#"{"error":{"message":"broken","overloaded":true}}"#, true, false),
        (r#"{"error":{"message":"broken","overloaded":false,"retryable":true}}"#, false, true),
        (r#"{"error":{"message":"broken"}}"#, false, false),
    ] {
        let expected = CallError { message: "broken".to_owned(), overloaded, retryable };
        assert_eq!(decoded(text), Err(expected));
    }
}

#[test]
fn what_a_later_version_adds_is_no_hindrance() {
    let granted = Reply::Granted { token: 1, order: Order::Late };
    let text = r#"{"v":1,"age":5,"reply":{"granted":{"token":1,"order":"late","more":[1]}}}"#;
    assert_eq!(decoded(text), Ok(granted));
    let find = Call::Find { key: key() };
    let text = r#"{"v":1,"call":{"find":{"key":"event-00","more":{}}},"more":null}"#;
    assert_eq!(Call::decode(text), Ok(find));
}

/// Never a success: the delivery is answered 503 and comes again.
#[test]
fn another_version_is_an_error_that_says_so() {
    for reply in [r#"{"v":2,"reply":"ok"}"#, r#"{"v":2,"reply":{"new":{}}}"#] {
        let error = decoded(reply).unwrap_err().message;
        assert!(error.contains("version 2"), "{error}");
    }
    for call in [r#"{"v":2,"call":{"find":{"key":"k"}}}"#, r#"{"v":2,"call":{"new":{}}}"#] {
        let error = Call::decode(call).unwrap_err();
        assert!(error.contains("version 2"), "{error}");
    }
}

#[test]
fn anything_else_is_no_message() {
    for text in [
        "",
        "{}",
        "null",
        r#""ok""#,
        r#"{"v":1}"#,
        r#"{"v":1,"reply":"new"}"#,
        r#"{"v":1,"reply":{"granted":{"token":1}}}"#,
        r#"{"v":1,"reply":{"granted":{"token":-1,"order":"late"}}}"#,
        r#"{"v":1,"reply":{"granted":{"token":1,"order":"other"}}}"#,
        r#"{"reply":"ok"}"#,
    ] {
        assert!(decoded(text).is_err(), "{text}");
    }
    for text in [
        "",
        "{}",
        r#"{"v":1}"#,
        r#"{"v":1,"call":"claim"}"#,
        r#"{"v":1,"call":{"claim":{}}}"#,
        r#"{"v":1,"call":{"commit":{"key":"k"}}}"#,
        r#"{"v":1,"call":{"new":{"key":"k"}}}"#,
        r#"{"call":{"find":{"key":"k"}}}"#,
    ] {
        assert!(Call::decode(text).is_err(), "{text}");
    }
}

#[test]
fn too_few_or_too_many_replies_are_none() {
    let ok = Reply::Ok.encode();
    for (text, calls) in [(String::new(), 1), (format!("{ok}\n{ok}"), 1), (ok, 2)] {
        let replies = Reply::decode_all(&text, calls);
        assert_eq!(replies.len(), calls);
        assert!(replies.iter().all(Result::is_err), "{text}");
    }
}

/// During a rollout one shard may be of another version. The others have replied all the same.
#[test]
fn a_reply_that_cannot_be_read_leaves_the_others_alone() {
    let ok = Reply::Ok.encode();
    for odd in ["", "undefined", r#"{"v":1,"reply":"new"}"#, r#"{"v":2,"reply":{"new":{}}}"#] {
        let replies = Reply::decode_all(&format!("{ok}\n{odd}\n{ok}"), 3);
        assert!(matches!(&replies[..], [Ok(Reply::Ok), Err(_), Ok(Reply::Ok)]), "{replies:?}");
    }
}

proptest! {
    #[test]
    fn every_claim_arrives_as_it_was_sent(
        event_id: Option<String>, event_type: Option<String>, job_id: Option<String>,
    ) {
        let meta = EventMeta { event_id, event_type, job_id, ..EventMeta::default() };
        let call = Call::Claim { key: key(), meta, correlation_id: None };
        prop_assert_eq!(Call::decode(&call.encode()), Ok(call));
    }

    #[test]
    fn no_text_makes_decoding_panic(text in ".*") {
        let _ = (Call::decode(&text), Reply::decode_all(&text, 1));
    }
}
