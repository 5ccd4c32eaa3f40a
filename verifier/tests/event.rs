//! Bodies: which event they are, of which job, and under which key they are remembered.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_sign_loss,
    reason = "a test may stop at the first surprise"
)]

use nextapi_webhook::{Event, EventError, EventKey, MAX_DEPTH};
use sha2::{Digest, Sha256};

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn event_key(id: &str, event_type: &str, status: &str) -> String {
    format!("event-{}", sha256(format!("{id}\n{event_type}\n{status}").as_bytes()))
}

fn body_key(body: &str) -> String {
    format!("body-{}", sha256(body.as_bytes()))
}

const ENVELOPE: &str = r#"{"id":"evt_1","type":"job.succeeded","created_at":1700000000,
    "data":{"job":{"id":"job_7","status":"succeeded","cost_credits":1.05,"prompt":"a \"cat\" [}"}}}"#;
const FLAT: &str = r#"{"id":"vid_3","job_id":"job_7","video_id":"vid_3","status":"succeeded",
    "video_url":"https://example.com/v.mp4?a=b","cost_credits":50,"created_at":"2026-01-02T03:04:05Z"}"#;
const NEITHER: &str = r#"{"type":"batch.completed","data":{"batch":"b_1","done":12}}"#;

#[test]
fn envelope() {
    let event = Event::read_unverified(ENVELOPE.as_bytes()).unwrap();
    assert_eq!(event.id(), Some("evt_1"));
    assert_eq!(event.event_type(), Some("job.succeeded"));
    assert_eq!(event.status(), Some("succeeded"));
    assert_eq!(event.job_id(), Some("job_7"));
    assert_eq!(event.credits(), Some("1.05"));
    assert_eq!(
        EventKey::of_unverified(ENVELOPE.as_bytes()).to_string(),
        event_key("evt_1", "job.succeeded", "")
    );
}

#[test]
fn envelope_with_the_job_directly_in_data() {
    let body = br#"{"id":"evt_2","type":"job.running","data":{"job_id":"job_8","video_id":"vid_9","credits":2}}"#;
    let event = Event::read_unverified(body).unwrap();
    assert_eq!(event.job_id(), Some("job_8"));
    assert_eq!(event.credits(), Some("2"));
    let body = br#"{"id":"evt_2","type":"job.running","data":{"video_id":"vid_9"}}"#;
    assert_eq!(Event::read_unverified(body).unwrap().job_id(), Some("vid_9"));
}

#[test]
fn flat() {
    let event = Event::read_unverified(FLAT.as_bytes()).unwrap();
    assert_eq!(event.id(), Some("vid_3"));
    assert_eq!(event.event_type(), None);
    assert_eq!(event.status(), Some("succeeded"));
    assert_eq!(event.job_id(), Some("job_7"));
    assert_eq!(event.credits(), Some("50"));
    assert_eq!(
        EventKey::of_unverified(FLAT.as_bytes()).to_string(),
        event_key("vid_3", "", "succeeded")
    );
}

#[test]
fn flat_running_and_succeeded_have_one_id_and_two_keys() {
    let running = FLAT.replace("succeeded", "running");
    assert_ne!(
        EventKey::of_unverified(FLAT.as_bytes()),
        EventKey::of_unverified(running.as_bytes())
    );
}

#[test]
fn a_type_beside_the_status_does_not_hide_it() {
    let body = |status| format!(r#"{{"id":"vid_3","type":"video","status":"{status}"}}"#);
    for status in ["running", "succeeded"] {
        let key = EventKey::of_unverified(body(status).as_bytes()).to_string();
        assert_eq!(key, event_key("vid_3", "video", status));
    }
}

/// The digests come from `printf '…' | sha256sum` with the lines of the documentation.
#[test]
fn keys_are_pinned() {
    for (body, digest) in [
        (
            r#"{"id":"evt_1","type":"job.succeeded"}"#,
            "62bbd99d105f73172fe09e5cc90c75a3c525698d9cb395e397000f557cd16dfa",
        ),
        (
            r#"{"id":"vid_1","status":"succeeded"}"#,
            "7cbf91eeaa758d7aece62655b20e239139df9e52e4abf2ff9527c46fbd5b5659",
        ),
        (
            r#"{"id":"vid_1","type":"video","status":"succeeded"}"#,
            "5a97c2b4709b0864772ddbbe1907feb7a67213e93ef512df6bfbb1574cdc8f24",
        ),
    ] {
        assert_eq!(
            EventKey::of_unverified(body.as_bytes()).to_string(),
            format!("event-{digest}"),
            "{body}"
        );
    }
}

#[test]
fn a_type_is_not_mistaken_for_a_status() {
    let a_type = EventKey::of_unverified(br#"{"id":"vid_3","type":"running"}"#);
    let a_status = EventKey::of_unverified(br#"{"id":"vid_3","status":"running"}"#);
    assert_ne!(a_type, a_status);
}

/// The status of the job describes the event. Whether it is there, and what it says, depends on who
/// wrote the body, so that it has no part in the key.
#[test]
fn the_status_of_the_job_is_no_part_of_the_key() {
    let key = |job| {
        let body = format!(r#"{{"id":"evt_1","type":"job.running","data":{{"job":{job}}}}}"#);
        Event::read_unverified(body.as_bytes()).unwrap().key().unwrap().to_string()
    };
    assert_eq!(key(r#"{"status":"running"}"#), event_key("evt_1", "job.running", ""));
    let body = r#"{"id":"vid_1","data":{"job":{"status":"running"}}}"#;
    assert_eq!(Event::read_unverified(body.as_bytes()).unwrap().status(), Some("running"));
    assert_eq!(EventKey::of_unverified(body.as_bytes()).to_string(), body_key(body));
}

#[test]
fn without_an_id_the_body_is_the_key() {
    assert_eq!(Event::read_unverified(NEITHER.as_bytes()).unwrap().key(), None);
    assert_eq!(EventKey::of_unverified(NEITHER.as_bytes()).to_string(), body_key(NEITHER));
}

#[test]
fn an_id_alone_is_no_key() {
    let body = r#"{"id":"evt_1"}"#;
    assert_eq!(EventKey::of_unverified(body.as_bytes()).to_string(), body_key(body));
}

/// Otherwise all events of one kind without an id would be one, and all of a job without a kind.
#[test]
fn an_empty_text_is_no_part_of_a_key() {
    for body in [
        r#"{"id":"","type":"budget.low"}"#,
        r#"{"id":"evt_1","type":""}"#,
        r#"{"id":"evt_1","type":"","status":""}"#,
    ] {
        assert_eq!(EventKey::of_unverified(body.as_bytes()).to_string(), body_key(body));
    }
    let body = br#"{"id":"vid_1","type":"","status":"running"}"#;
    assert_eq!(EventKey::of_unverified(body).to_string(), event_key("vid_1", "", "running"));
    let body = br#"{"id":"evt_1","type":"job.running","status":""}"#;
    assert_eq!(EventKey::of_unverified(body).to_string(), event_key("evt_1", "job.running", ""));
}

/// Otherwise all events that name no job would be events of one job.
#[test]
fn an_empty_text_is_absent_and_the_next_place_is_looked_at() {
    let read = |body: &str| Event::read_unverified(body.as_bytes()).unwrap();
    let event = read(
        r#"{"id":"","type":"","status":"","job_id":"","video_id":"",
        "data":{"job_id":"","video_id":"","job":{"id":"","status":""}}}"#,
    );
    assert_eq!((event.id(), event.event_type(), event.status()), (None, None, None));
    assert_eq!(event.job_id(), None);

    let places = [
        r#""data":{"job":{"id":"WHERE"},"job_id":"a","video_id":"b"},"job_id":"c","video_id":"d""#,
        r#""data":{"job":{"id":""},"job_id":"WHERE","video_id":"b"},"job_id":"c","video_id":"d""#,
        r#""data":{"job":{"id":""},"job_id":"","video_id":"b"},"job_id":"WHERE","video_id":"d""#,
        r#""data":{"job":{"id":""},"job_id":"","video_id":"WHERE"},"job_id":"","video_id":"d""#,
        r#""data":{"job":{"id":""},"job_id":"","video_id":""},"job_id":"","video_id":"WHERE""#,
    ];
    for members in places {
        assert_eq!(read(&format!("{{{members}}}")).job_id(), Some("WHERE"), "{members}");
    }
    let event = read(r#"{"status":"","data":{"job":{"status":"running"}}}"#);
    assert_eq!(event.status(), Some("running"));
}

#[test]
fn the_same_event_has_the_same_key_however_it_is_written() {
    let escaped = r#" { "type" : "job\u002esucceeded", "id" : "evt_\u0031" } "#;
    assert_eq!(
        EventKey::of_unverified(escaped.as_bytes()),
        EventKey::of_unverified(ENVELOPE.as_bytes())
    );
}

#[test]
fn what_only_describes_the_event_never_costs_its_identity() {
    for data in [
        "null",
        "17",
        r#""text""#,
        "[1,2]",
        r#"{"job":17}"#,
        r#"{"job":{"id":17,"status":[]}}"#,
        r#"{"job":{"status":"much longer than any status that there is"}}"#,
        r#"{"job":{"status":"a\u0000"}}"#,
        r#"{"job_id":{}}"#,
    ] {
        let body =
            format!(r#"{{"id":"evt_1","type":"job.succeeded","credits":"x","data":{data}}}"#);
        let event = Event::read_unverified(body.as_bytes()).unwrap();
        assert_eq!(
            event.key().unwrap().to_string(),
            event_key("evt_1", "job.succeeded", ""),
            "{data}"
        );
        assert_eq!((event.job_id(), event.credits()), (None, None), "{data}");
    }
    let long = format!(r#"{{"id":"a","type":"b","job_id":"{}"}}"#, "x".repeat(129));
    assert_eq!(Event::read_unverified(long.as_bytes()).unwrap().job_id(), None);
}

#[test]
fn what_is_no_event_is_keyed_by_its_bytes() {
    for body in [
        "",
        " ",
        "null",
        "17",
        r#""text""#,
        "[]",
        "{",
        r#"{"id":"a","type":"b""#,
        r#"{"id":"a",}"#,
        r#"{"id":"a","type":"b"} {}"#,
        r#"{"id":17,"type":"b"}"#,
        r#"{"id":"a","type":["b"]}"#,
        r#"{"id":"a","id":"b","type":"c"}"#,
        r#"{"id":"a","\u0069d":"a","type":"c"}"#,
        r#"{"id":"a","type":"b"]"#,
        r#"{"id":"a","type":"b","x":[1}}"#,
        r#"{"id":"a","type":"b","x":{"y":1]}"#,
        r#"{"id":"a","type":"b","x":tru}"#,
        r#"{"id":"a","type":"b","x":01}"#,
        r#"{"id":"a","type":"b","x":"\x41"}"#,
        r#"{"id":"a","type":"b","x":"\ud83d"}"#,
        r#"{"id":"a","type":"b","x":"\u12"}"#,
        "{\"id\":\"a\tb\",\"type\":\"b\"}",
        "\u{feff}{}",
    ] {
        assert_eq!(Event::read_unverified(body.as_bytes()), Err(EventError::NotAnEvent), "{body}");
        assert_eq!(EventKey::of_unverified(body.as_bytes()).to_string(), body_key(body), "{body}");
    }
    let not_utf8 = b"{\"id\":\"\xff\",\"type\":\"b\"}";
    assert_eq!(Event::read_unverified(not_utf8), Err(EventError::NotAnEvent));
    assert!(EventKey::of_unverified(not_utf8).to_string().starts_with("body-"));
}

#[test]
fn lengths_are_bounded_by_a_named_error() {
    let body = |id: usize, kind: usize, status: usize| {
        let (id, kind, status) = ("i".repeat(id), "t".repeat(kind), "s".repeat(status));
        format!(r#"{{"id":"{id}","type":"{kind}","status":"{status}"}}"#)
    };
    assert!(Event::read_unverified(body(128, 64, 32).as_bytes()).is_ok());
    for (body, name, room) in [
        (body(129, 64, 32), "id", 128),
        (body(128, 65, 32), "type", 64),
        (body(128, 64, 33), "status", 32),
    ] {
        match Event::read_unverified(body.as_bytes()) {
            Err(EventError::FieldTooLong { field, limit, .. }) => {
                assert_eq!((field, limit), (name, room));
            }
            other => panic!("{other:?}"),
        }
    }
    let escapes = format!(r#"{{"id":"{}","type":"b"}}"#, r"\u0061".repeat(128));
    assert!(Event::read_unverified(escapes.as_bytes()).is_ok());
}

#[test]
fn control_characters_are_refused() {
    for id in [r"a\nb", r"\u0000", r"\u007f", r"\u0085"] {
        let body = format!(r#"{{"id":"{id}","type":"b"}}"#);
        let read = Event::read_unverified(body.as_bytes());
        assert!(
            matches!(read, Err(EventError::FieldInvalid { field: "id", .. })),
            "{id}: {read:?}"
        );
    }
}

#[test]
fn escapes_are_resolved() {
    for (written, meant) in [
        (r"\u0061\u00e4\u20AC", "aä€"),
        (r"\ud83d\ude00", "😀"),
        (r"\udbff\udfff", "\u{10ffff}"),
        (r#"\"\\\/"#, r#""\/"#),
        ("ä\\u0062", "äb"),
    ] {
        let body = format!(r#"{{"\u0069d":"{written}","t\u0079pe":"b"}}"#);
        let event = Event::read_unverified(body.as_bytes()).unwrap();
        assert_eq!(event.id(), Some(meant), "{written}");
        assert_eq!(event.event_type(), Some("b"));
    }
}

#[test]
fn exactly_the_escapes_of_json_are_known() {
    for byte in 0..=127_u8 {
        let escape = char::from(byte);
        let body = format!(r#"{{"id":"a","type":"b","x":"\{escape}"}}"#);
        let is_one = r#""\/bfnrt"#.contains(escape);
        assert_eq!(Event::read_unverified(body.as_bytes()).is_ok(), is_one, "{escape:?}");
    }
}

#[test]
fn values_of_every_kind_are_passed_over() {
    for value in ["true", "false", "null", "0", "-1.5e+3", r#""""#, "[]", "{}", "[[],{}]", " 1\t"] {
        let body = format!(r#"{{"id":"a","type":"b","x":{value},"y":[{value},{value}]}}"#);
        assert!(Event::read_unverified(body.as_bytes()).is_ok(), "{value}");
    }
}

#[test]
fn the_last_of_two_descriptions_counts() {
    let body = br#"{"id":"a","type":"b","data":{"job":{"id":"1","credits":1},"job_id":"2"},
        "data":{"job":{"id":"3"},"job":{"credits":4}},"video_id":"5","video_id":"6"}"#;
    let event = Event::read_unverified(body).unwrap();
    assert_eq!((event.job_id(), event.credits()), (Some("6"), Some("4")));
}

#[test]
fn members_of_other_objects_are_not_mistaken_for_the_job_s() {
    let body = br#"{"id":"a","type":"b","x":{"job_id":"1","job":{"id":"2"}},
        "data":{"x":{"id":"3"},"y":[{"id":"4"},"id","5"],"job":[{"id":"6"}]},
        "z":[{"job":{"id":"7"}},{"job_id":"8"}],
        "after":{"job_id":"9","job":{"id":"10","status":"11","credits":12}}}"#;
    let event = Event::read_unverified(body).unwrap();
    assert_eq!((event.job_id(), event.status(), event.credits()), (None, None, None));
    let body =
        br#"{"id":"a","type":"b","data":{"job":{"x":{"id":"1"}},"after":{"id":"2","credits":3}}}"#;
    let event = Event::read_unverified(body).unwrap();
    assert_eq!((event.job_id(), event.credits()), (None, None));
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        format!(r#"{{"id":"a","type":"b","x":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1))
    };
    assert!(Event::read_unverified(nested(MAX_DEPTH as usize).as_bytes()).is_ok());
    assert_eq!(
        Event::read_unverified(nested(MAX_DEPTH as usize + 1).as_bytes()),
        Err(EventError::TooDeep)
    );
    assert_eq!(Event::read_unverified(nested(100_000).as_bytes()), Err(EventError::TooDeep));
    let in_text = format!(r#"{{"id":"a","type":"b","x":"\"{}"}}"#, "[".repeat(1_000));
    assert!(Event::read_unverified(in_text.as_bytes()).is_ok());
}

/// The first amount counts, wherever it stands, as a number or as a text that is written like one. One
/// that there is no room for is not replaced by another field's.
#[test]
fn the_first_amount_counts_or_none() {
    let long = "1".repeat(33);
    for (members, credits) in [
        (r#""cost_credits":1.05,"credits":2"#.to_owned(), Some("1.05")),
        (r#""cost_credits":"1.05","credits":2"#.to_owned(), Some("1.05")),
        (r#""cost_credits":"-0.5e+3""#.to_owned(), Some("-0.5e+3")),
        (format!(r#""cost_credits":{long},"credits":2"#), None),
        (format!(r#""cost_credits":"{long}","credits":2"#), None),
        // What is no amount is as if it were not there.
        (r#""cost_credits":"n/a","credits":2"#.to_owned(), Some("2")),
        (r#""cost_credits":"","credits":2"#.to_owned(), Some("2")),
        (r#""cost_credits":" 1","credits":2"#.to_owned(), Some("2")),
        (r#""cost_credits":"1 credit","credits":2"#.to_owned(), Some("2")),
        (r#""cost_credits":"01","credits":2"#.to_owned(), Some("2")),
        (r#""cost_credits":null,"credits":2"#.to_owned(), Some("2")),
        (r#""cost_credits":true,"data":{"job":{"credits":"3"}}"#.to_owned(), Some("3")),
    ] {
        let body = format!(r#"{{"id":"evt_1","type":"job.succeeded",{members}}}"#);
        let event = Event::read_unverified(body.as_bytes()).unwrap();
        assert_eq!(event.credits(), credits, "{body}");
    }
}

#[test]
fn a_key_shows_itself_in_debug_output() {
    let key = EventKey::of_unverified(b"");
    assert_eq!(format!("{key:?}"), format!("EventKey({key})"));
}
