//! The JSON reader beside `serde_json`: both read a document, or both refuse it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use nextapi_webhook::{Event, EventError};
use proptest::prelude::*;
use serde_json::Value;

/// An event with `document` as one of its members.
fn body(document: &str) -> String {
    format!(r#"{{"id":"a","type":"b","x":{document}}}"#)
}

fn is_json_to_us(body: &str) -> bool {
    match Event::read_unverified(body.as_bytes()) {
        Ok(_) => true,
        Err(EventError::NotAnEvent) => false,
        Err(error) => panic!("{body}: {error}"),
    }
}

/// The one difference in numbers: they stay text to us, however large.
fn is_out_of_range(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("number out of range")
}

#[test]
fn a_number_that_no_float_holds_is_a_number() {
    for number in ["1E1000", "-1e999", "1.5e+400"] {
        let body = body(number);
        assert!(is_json_to_us(&body), "{body}");
        let theirs = serde_json::from_str::<Value>(&body);
        assert!(theirs.as_ref().is_err_and(is_out_of_range), "{theirs:?}");
    }
}

/// Strings are read several bytes at a time, and none of them may hide among the others.
#[test]
fn every_byte_is_judged_alike_at_every_place_of_a_string() {
    for byte in 0..=u8::MAX {
        for place in 0..20 {
            let mut body = body(r#""xxxxxxxxxxxxxxxxxxxx""#).into_bytes();
            let start = body.len() - r#"xxxxxxxxxxxxxxxxxxxx"}"#.len();
            body[start + place] = byte;
            let theirs = serde_json::from_slice::<Value>(&body).is_ok();
            let ours = Event::read_unverified(&body).is_ok();
            assert_eq!(ours, theirs, "{}", body.escape_ascii());
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Text made of the pieces of JSON, sound and unsound.
fn almost_json() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just("\"a\"".to_owned()),
        "-?[0-9]{0,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?",
        "\"(\\\\[\"\\\\/bfnrtux]|\\\\u[0-9a-fA-Fg]{3,4}|\\\\ud[89c][0-9a-f]{2}|[ -~])*\"",
        "[ \\t\\n\\r]{0,2}",
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        "[ -~]{0,3}",
        Just("\u{b}".to_owned()),
    ];
    proptest::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

/// Whatever stands around them: eight bytes may be looked at together.
#[test]
fn raw_control_characters_are_refused() {
    for control in 0..0x20_u8 {
        for count in [1, 7, 8, 9, 16, 24] {
            for (before, after) in [("", ""), ("plain text", ""), ("", "plain text"), ("ä", "€")]
            {
                let controls = String::from_utf8(vec![control; count]).unwrap();
                let document = format!("\"{before}{controls}{after}\"");
                let shown = document.escape_debug();
                assert!(!is_json_to_us(&body(&document)), "{shown}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_048, ..ProptestConfig::default() })]

    #[test]
    fn what_serde_writes_is_read(value in any_json()) {
        prop_assert!(is_json_to_us(&body(&value.to_string())));
        prop_assert!(is_json_to_us(&body(&serde_json::to_string_pretty(&value).unwrap())));
    }

    #[test]
    fn what_is_almost_json_is_judged_alike(document in almost_json()) {
        let body = body(&document);
        let theirs = serde_json::from_str::<Value>(&body);
        // serde_json stops at a number that no f64 holds, whatever stands behind it.
        prop_assume!(!theirs.as_ref().is_err_and(is_out_of_range));
        prop_assert_eq!(is_json_to_us(&body), theirs.is_ok(), "{}", body);
    }

    #[test]
    fn strings_mean_the_same(text in "(\\\\u[0-9a-f]{4}|\\\\[\"\\\\/]|[ !#-Z^-~äß€😀]){0,16}") {
        let body = format!(r#"{{"id":"{text}","type":"b"}}"#);
        let theirs = serde_json::from_str::<Value>(&body).ok().map(|body| body["id"].clone());
        match Event::read_unverified(body.as_bytes()) {
            // An empty text is as good as none.
            Ok(event) => prop_assert_eq!(event.id().unwrap_or_default(), theirs.unwrap()),
            Err(EventError::NotAnEvent) => prop_assert_eq!(theirs, None),
            Err(EventError::FieldInvalid { .. }) => {
                prop_assert!(theirs.unwrap().as_str().unwrap().contains(char::is_control));
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
