//! Every outcome of every operation after every history, beside a table that was written by hand.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use nextapi_client::{
    Call, ErrorCode, ErrorKind, History, Outcome, RateLimit, TransportError, Verdict, classify,
};

/// What a row says, without kinds and moments. Three letters, for a submission first, for a look at a job that was
/// known, and for the list: `S`uccess, `R`etry, re`F`used, `B`locked, `U`nknown.
type Row = (&'static str, [&'static str; 3]);

/// For each status the answers by history: nothing before, maybe sent before, twice the same before (and maybe sent).
/// A look at a job and the list do not care about "maybe sent".
#[rustfmt::skip]
const STATUSES: &[(&[u16], ErrorKind, [Row; 3])] = {
    use ErrorKind as K;
    &[
        (&[200, 201, 202, 299], K::Finished,
            [("first", ["S", "S", "S"]), ("maybe", ["S", "S", "S"]), ("twice", ["S", "S", "S"])]),
        (&[300, 301, 302, 303, 304, 307, 308, 399], K::Redirected,
            [("first", ["F", "F", "F"]), ("maybe", ["U", "F", "F"]), ("twice", ["U", "F", "F"])]),
        (&[400, 405, 406, 410, 411, 413, 415, 418, 421, 422, 424, 426, 431, 451, 499], K::InvalidRequest,
            [("first", ["F", "F", "F"]), ("maybe", ["U", "F", "F"]), ("twice", ["U", "F", "F"])]),
        (&[401], K::Unauthorized,
            [("first", ["B", "B", "B"]), ("maybe", ["U", "B", "B"]), ("twice", ["U", "B", "B"])]),
        (&[402], K::InsufficientCredits,
            [("first", ["B", "B", "B"]), ("maybe", ["U", "B", "B"]), ("twice", ["U", "B", "B"])]),
        (&[403], K::Forbidden,
            [("first", ["B", "B", "B"]), ("maybe", ["U", "B", "B"]), ("twice", ["U", "B", "B"])]),
        (&[404], K::NotFound,
            [("first", ["F", "R", "F"]), ("maybe", ["U", "R", "F"]), ("twice", ["U", "B", "F"])]),
        (&[409], K::Conflict,
            [("first", ["F", "F", "F"]), ("maybe", ["R", "F", "F"]), ("twice", ["U", "F", "F"])]),
        (&[408, 425], K::Unavailable,
            [("first", ["R", "R", "R"]), ("maybe", ["R", "R", "R"]), ("twice", ["R", "R", "R"])]),
        (&[429], K::RateLimited,
            [("first", ["R", "R", "R"]), ("maybe", ["R", "R", "R"]), ("twice", ["R", "R", "R"])]),
        (&[500], K::InternalError,
            [("first", ["R", "R", "R"]), ("maybe", ["R", "R", "R"]), ("twice", ["U", "R", "R"])]),
        (&[501, 502, 503, 504, 505, 507, 520, 522, 524, 529, 599], K::Unavailable,
            [("first", ["R", "R", "R"]), ("maybe", ["R", "R", "R"]), ("twice", ["R", "R", "R"])]),
        (&[0, 100, 101, 199, 600, 999], K::Unreadable,
            [("first", ["R", "R", "R"]), ("maybe", ["R", "R", "R"]), ("twice", ["R", "R", "R"])]),
    ]
};

/// What each code turns the letter of the status into, when nothing was sent before: `S` stands for a 2xx without a
/// job, which is `R` by itself.
#[rustfmt::skip]
const CODES: &[(ErrorCode, [(&str, &str); 4])] = &[
    (ErrorCode::InvalidRequest,      [("S", "F"), ("R", "F"), ("F", "F"), ("B", "B")]),
    (ErrorCode::Unauthorized,        [("S", "B"), ("R", "B"), ("F", "B"), ("B", "B")]),
    (ErrorCode::RateLimitExceeded,   [("S", "R"), ("R", "R"), ("F", "F"), ("B", "B")]),
    (ErrorCode::InsufficientCredits, [("S", "B"), ("R", "B"), ("F", "B"), ("B", "B")]),
    (ErrorCode::InternalError,       [("S", "R"), ("R", "R"), ("F", "F"), ("B", "B")]),
];

const CALLS: [Call; 3] = [Call::Submit, Call::Retrieve { seen: true }, Call::List];

fn histories() -> [(&'static str, History); 3] {
    let first = History::default();
    let maybe = History { maybe_sent: true, ..first };
    [
        ("first", first),
        ("maybe", maybe),
        ("twice", History { not_found: 2, conflicts: 2, internal_errors: 2, ..maybe }),
    ]
}

fn answer(status: u16, code: Option<ErrorCode>, readable: bool) -> Outcome {
    Outcome::Answer { status, code, readable, limit: RateLimit::default() }
}

fn letter(verdict: Verdict) -> (&'static str, Option<ErrorKind>) {
    match verdict {
        Verdict::Success => ("S", None),
        Verdict::Retry { kind, .. } => ("R", Some(kind)),
        Verdict::Refused(kind) => ("F", Some(kind)),
        Verdict::Blocked(kind) => ("B", Some(kind)),
        Verdict::Unknown(kind) => ("U", Some(kind)),
    }
}

#[test]
fn every_status_of_every_operation_after_every_history() {
    let mut judged = 0;
    for (statuses, kind, rows) in STATUSES {
        for &status in *statuses {
            for ((name, history), (row, letters)) in histories().into_iter().zip(rows) {
                assert_eq!(name, *row);
                for (call, expected) in CALLS.into_iter().zip(letters) {
                    let verdict = classify(call, &history, &answer(status, None, true), 0);
                    let kind = (*expected != "S").then_some(*kind);
                    assert_eq!(letter(verdict), (*expected, kind), "{status} {call:?} {name}");
                    judged += 1;
                }
            }
        }
    }
    assert_eq!(judged, 53 * 9);
}

#[test]
fn a_job_that_was_never_seen_is_not_asked_for_again() {
    let unseen = Call::Retrieve { seen: false };
    assert_eq!(
        letter(classify(unseen, &History::default(), &answer(404, None, false), 0)),
        ("F", Some(ErrorKind::NotFound))
    );
}

#[test]
fn the_stricter_of_status_and_code_counts() {
    let by_status = |status: u16, call: Call| match status {
        200 => "S",
        _ => letter(classify(call, &History::default(), &answer(status, None, false), 0)).0,
    };
    for (code, letters) in CODES {
        for status in
            [200, 302, 400, 401, 402, 403, 404, 408, 409, 413, 422, 425, 429, 500, 502, 503, 599]
        {
            for call in CALLS {
                let from = by_status(status, call);
                let (_, expected) = letters.iter().find(|(it, _)| *it == from).unwrap();
                // Beside these two, `invalid_request` says nothing new.
                let silent = *code == ErrorCode::InvalidRequest && (status == 404 || status == 409);
                let expected = if silent { from } else { expected };
                let (found, kind) = letter(classify(
                    call,
                    &History::default(),
                    &answer(status, Some(*code), false),
                    0,
                ));
                assert_eq!(found, expected, "{status} {code:?} {call:?}");
                if *code == ErrorCode::InsufficientCredits {
                    assert_eq!(
                        kind,
                        Some(ErrorKind::InsufficientCredits),
                        "under any status: {status} {call:?}"
                    );
                }
                // After a request that may have been acted on, neither refuses a submission.
                let maybe = History { maybe_sent: true, ..History::default() };
                let (found, _) =
                    letter(classify(call, &maybe, &answer(status, Some(*code), false), 0));
                if call == Call::Submit {
                    assert!(["R", "U"].contains(&found), "{status} {code:?}: {found}");
                } else {
                    assert_eq!(found, expected, "{status} {code:?} {call:?}");
                }
            }
        }
    }
}

#[test]
fn of_two_that_are_as_strict_the_status_names_the_kind() {
    for (status, code, kind) in [
        (403, ErrorCode::Unauthorized, ErrorKind::Forbidden),
        (302, ErrorCode::InvalidRequest, ErrorKind::Redirected),
        (429, ErrorCode::InternalError, ErrorKind::RateLimited),
        (503, ErrorCode::RateLimitExceeded, ErrorKind::Unavailable),
    ] {
        let verdict =
            classify(Call::List, &History::default(), &answer(status, Some(code), false), 0);
        assert_eq!(letter(verdict).1, Some(kind), "{status} {code:?}");
    }
}

#[test]
fn without_an_answer_or_with_half_of_one_it_is_tried_again() {
    for call in CALLS {
        for (_, history) in histories() {
            for (error, kind) in [
                (TransportError::NotSent, ErrorKind::NotSent),
                (TransportError::TimedOut, ErrorKind::TimedOut),
                (TransportError::Broken, ErrorKind::Broken),
                (TransportError::TooLarge, ErrorKind::TooLarge),
            ] {
                let verdict = classify(call, &history, &Outcome::Transport(error), 7);
                assert_eq!(verdict, Verdict::Retry { kind, not_before: None });
            }
            for status in [200, 204, 299] {
                let verdict = classify(call, &history, &answer(status, None, false), 7);
                assert_eq!(
                    verdict,
                    Verdict::Retry { kind: ErrorKind::Unreadable, not_before: None }
                );
            }
        }
    }
}

#[test]
fn what_may_have_been_acted_on_is_remembered() {
    let after = |outcome: Outcome| {
        let mut history = History::default();
        history.note(&outcome);
        history.maybe_sent
    };
    assert!(!after(Outcome::Transport(TransportError::NotSent)));
    for error in [TransportError::TimedOut, TransportError::Broken, TransportError::TooLarge] {
        assert!(after(Outcome::Transport(error)), "{error:?}");
    }
    for status in 0..=999 {
        let expected = match status {
            300..=499 => status == 408 || status == 425,
            _ => true,
        };
        assert_eq!(after(answer(status, None, false)), expected, "{status}");
    }
    assert!(!after(answer(200, None, true)));
}

#[test]
fn only_answers_alike_are_counted() {
    let mut history = History::default();
    for (status, expected) in [
        (404, (1, 0, 0)),
        (409, (1, 1, 0)),
        (500, (1, 1, 1)),
        (500, (1, 1, 2)),
        (502, (1, 1, 0)),
        (500, (1, 1, 1)),
        (429, (1, 1, 0)),
    ] {
        history.note(&answer(status, None, false));
        assert_eq!(
            (history.not_found, history.conflicts, history.internal_errors),
            expected,
            "{status}"
        );
    }
    history.note(&answer(500, None, false));
    history.note(&Outcome::Transport(TransportError::NotSent));
    assert_eq!(history.internal_errors, 1, "nothing came between");
    history.note(&Outcome::Transport(TransportError::Broken));
    assert_eq!(history.internal_errors, 0);
}

#[test]
fn nothing_is_sent_before_the_provider_takes_it() {
    let limit = RateLimit { remaining: Some(0), reset: Some(30_000), retry_after: Some(10_000) };
    let at = |call, status, history: History| {
        let outcome = Outcome::Answer { status, code: None, readable: false, limit };
        match classify(call, &history, &outcome, 1_000) {
            Verdict::Retry { not_before, .. } => not_before,
            verdict => panic!("{verdict:?}"),
        }
    };
    for call in CALLS {
        assert_eq!(at(call, 429, History::default()), Some(31_000), "the later of both");
        assert_eq!(
            at(call, 503, History::default()),
            Some(11_000),
            "the reset is about another limit"
        );
    }
    let seen = Call::Retrieve { seen: true };
    assert_eq!(at(seen, 404, History::default()), Some(21_000));
    let maybe = History { maybe_sent: true, ..History::default() };
    assert_eq!(at(Call::Submit, 409, maybe), Some(11_000));
    let plain = answer(409, None, false);
    let Verdict::Retry { not_before, .. } = classify(Call::Submit, &maybe, &plain, 1_000) else {
        panic!("no retry")
    };
    assert_eq!(not_before, Some(6_000));
}
