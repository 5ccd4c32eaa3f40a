//! Messages as text, pinned, and back.

use proptest::prelude::*;

use super::*;

fn key() -> String {
    "event-00".to_owned()
}

#[test]
fn calls_are_pinned() {
    let some = |text: &str| Some(text.to_owned());
    let facts =
        Facts { event_id: some("evt_1"), event_type: some("job.succeeded"), job_id: some("job_1") };
    let tally = || Tally::decode("duplicate:2");
    let outcome = "origin_failed".to_owned();
    let release = Call::Release { key: key(), token: 2, outcome, tally: tally() };
    let filter = Filter {
        state: some("open"),
        job_id: some("job_1"),
        event_type: some("job.failed"),
        limit: 50,
    };
    for (call, text) in [
        (
            Call::Claim { key: key(), facts },
            "claim\nkey=event-00\nevent_id=evt_1\nevent_type=job.succeeded\njob_id=job_1",
        ),
        (Call::Claim { key: key(), facts: Facts::default() }, "claim\nkey=event-00"),
        (
            Call::Commit { key: key(), token: 2, tally: tally() },
            "commit\nkey=event-00\ntoken=2\ntally=duplicate:2",
        ),
        (
            Call::Commit { key: key(), token: 2, tally: Tally::default() },
            "commit\nkey=event-00\ntoken=2",
        ),
        (release, "release\nkey=event-00\ntoken=2\noutcome=origin_failed\ntally=duplicate:2"),
        (Call::Forget { key: key() }, "forget\nkey=event-00"),
        (Call::Figures { tally: tally() }, "figures\ntally=duplicate:2"),
        (Call::List(filter), "list\nstate=open\njob_id=job_1\nevent_type=job.failed\nlimit=50"),
        (Call::List(Filter { limit: 1, ..Filter::default() }), "list\nlimit=1"),
        (Call::Find { key: key() }, "find\nkey=event-00"),
    ] {
        assert_eq!(call.encode(), text);
        assert_eq!(Call::decode(text), Some(call));
    }
}

#[test]
fn answers_are_pinned() {
    let figures = Figures {
        rows: Tally::decode("done:3,open:1"),
        oldest_ms: Some(7),
        bytes: 4_096,
        shard_counts: vec![(5, 8), (6, 16)],
        tally: Tally::decode("duplicate:2"),
    };
    let row = |last_ms, line: &str| Listed { last_ms, line: line.to_owned() };
    for (answer, text) in [
        (Answer::Granted { token: 1, order: Order::InOrder }, "granted\ntoken=1\norder=in-order"),
        (Answer::Granted { token: 2, order: Order::Late }, "granted\ntoken=2\norder=late"),
        (Answer::LateDropped, "late_dropped"),
        (Answer::Absent, "absent"),
        (
            Answer::Figures(figures),
            "figures\nrows=done:3,open:1\nbytes=4096\ntally=duplicate:2\noldest_ms=7\n\
             shards=5:8\nshards=6:16",
        ),
        (Answer::Figures(Figures::default()), "figures\nbytes=0"),
        (
            Answer::Rows(vec![row(9, r#"{"key":"a=b"}"#), row(8, "{}")]),
            "rows\nrow=9:{\"key\":\"a=b\"}\nrow=8:{}",
        ),
        (Answer::Rows(Vec::new()), "rows"),
        (Answer::InFlight { remaining_ms: 29_500 }, "in_flight\nremaining_ms=29500"),
        (Answer::Duplicate, "duplicate"),
        (Answer::Ok, "ok"),
        (Answer::Refused, "refused"),
    ] {
        assert_eq!(answer.encode(), text);
        assert_eq!(Answer::decode(text), Some(answer));
    }
}

#[test]
fn what_a_later_version_adds_is_no_hindrance() {
    let text = "granted\nage=5\ntoken=1\nline without a sign\norder=late";
    let granted = Answer::Granted { token: 1, order: Order::Late };
    assert_eq!(Answer::decode(text), Some(granted));
}

/// Once no orders were said; later, how many shards there are was said in every claim.
#[test]
fn what_an_earlier_version_says_otherwise_is_no_hindrance() {
    let claim = Call::Claim { key: key(), facts: Facts::default() };
    assert_eq!(Call::decode("claim\nkey=event-00\nshards=16"), Some(claim));
    let granted = Answer::Granted { token: 1, order: Order::InOrder };
    assert_eq!(Answer::decode("granted\ntoken=1"), Some(granted));
}

#[test]
fn anything_else_is_no_message() {
    for text in [
        "",
        "\n",
        "Ok",
        "ok ",
        "granted",
        "granted\ntoken=\norder=late",
        "granted\ntoken=-1\norder=late",
        "granted\ntoken=1\norder=other",
        "figures",
        "figures\nbytes=1\nshards=1",
        "rows\nrow=1",
    ] {
        assert_eq!(Answer::decode(text), None, "{text:?}");
    }
    for text in
        ["", "claim", "commit\nkey=k", "release\nkey=k\ntoken=1", "list", "find", "other\nkey=k"]
    {
        assert_eq!(Call::decode(text), None, "{text:?}");
    }
}

#[test]
fn a_value_cannot_pass_for_another_field() {
    let facts = Facts { event_id: Some("1\njob_id=2".to_owned()), ..Facts::default() };
    let claim = |facts| Call::Claim { key: key(), facts };
    assert_eq!(Call::decode(&claim(facts).encode()), Some(claim(Facts::default())));
}

proptest! {
    #[test]
    fn every_claim_arrives_as_it_was_sent(
        event_id in proptest::option::of("[^\n\0]*"),
        event_type in proptest::option::of("[^\n\0]*"),
        job_id in proptest::option::of("[^\n\0]*"),
    ) {
        let facts = Facts { event_id, event_type, job_id };
        let call = Call::Claim { key: key(), facts };
        prop_assert_eq!(Call::decode(&call.encode()), Some(call));
    }

    #[test]
    fn no_text_makes_decoding_panic(text in ".*") {
        let _ = Call::decode(&text);
        let _ = Answer::decode(&text);
    }
}
