//! Submissions that go on after a crash, or after a long time.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod support;

use nextapi_client::{
    ApiKey, Disposition, Environment, Error, ErrorKind, Fingerprint, Job, Millis, Operation,
    Options, RESEND_WITHIN, Step, Submit, TransportError,
};
use support::{NOW, Reply, api_key, drive, key, request};

fn options() -> Options {
    Options::new(Environment::Live)
}

fn submit() -> Submit {
    Submit::new(&request(), key(), api_key(), options())
}

/// A submission whose process was killed after its first request, gone on with so long after it.
fn resumed(after: Millis, api_key: Fingerprint) -> (Result<(), Error>, usize) {
    let mut first = submit();
    assert!(matches!(first.step(NOW, 1), Step::Send(_)));
    let state = first.state().clone();
    assert_eq!((state.sends, state.first_sent_at), (1, Some(NOW)));
    let mut second = Submit::resume(state, &request(), api_key, options());
    let (result, sent) = drive(&mut second, &mut (NOW + after), 3, |_, _| Reply::job("queued"));
    (result.map(|submitted| assert!(submitted.resent)), sent.len())
}

#[test]
fn nothing_is_sent_again_after_23_hours_or_under_another_key() {
    const HOUR: Millis = 3_600_000;
    assert_eq!(resumed(RESEND_WITHIN - 1, api_key()), (Ok(()), 1));
    for after in [RESEND_WITHIN, 24 * HOUR - 60_000, 24 * HOUR + 60_000, 1_000 * HOUR] {
        let (result, sent) = resumed(after, api_key());
        let error = result.unwrap_err();
        assert_eq!(
            (error.disposition, error.kind, sent),
            (Disposition::Unknown, ErrorKind::KeyExpired, 0)
        );
    }
    let other = ApiKey::new("nxa_live_sk_other", Environment::Live).unwrap().fingerprint();
    let (result, sent) = resumed(0, other);
    assert_eq!((result.unwrap_err().kind, sent), (ErrorKind::OtherApiKey, 0));
}

#[test]
fn a_refusal_after_a_crash_says_nothing_about_the_request_before_it() {
    let mut first = submit();
    assert!(matches!(first.step(NOW, 1), Step::Send(_)));
    let mut second = Submit::resume(first.state().clone(), &request(), api_key(), options());
    let (result, sent) =
        drive(&mut second, &mut NOW.clone(), 3, |_, _| Reply::error(402, "insufficient_credits"));
    let error = result.unwrap_err();
    assert_eq!(
        (error.disposition, error.kind),
        (Disposition::Unknown, ErrorKind::InsufficientCredits)
    );
    assert_eq!(
        (error.attempts, sent[0].request.resend_count),
        (2, 1),
        "the one before the crash counts"
    );
}

#[test]
fn a_clock_that_was_set_back_by_more_than_an_hour_hides_how_old_the_request_is() {
    const HOUR: Millis = 3_600_000;
    assert_eq!(RESEND_WITHIN, 23 * HOUR);
    for (back, sends) in [(HOUR, 1), (HOUR + 1, 0)] {
        let mut first = submit();
        assert!(matches!(first.step(NOW, 1), Step::Send(_)));
        let mut second = Submit::resume(first.state().clone(), &request(), api_key(), options());
        let (result, sent) = drive(&mut second, &mut (NOW - back), 3, |_, _| Reply::job("queued"));
        assert_eq!((result.is_ok(), sent.len()), (sends == 1, sends));
    }
}

#[test]
fn candidates_are_the_jobs_of_that_time() {
    let mut submit = submit();
    assert!(!submit.state().is_candidate(&job_at(NOW / 1000)), "nothing was sent");
    assert!(matches!(submit.step(NOW, 1), Step::Send(_)));
    for (at, candidate) in [(-601, false), (-600, true), (0, true), (600, true), (601, false)] {
        let made = (NOW / 1000).checked_add_signed(at).unwrap();
        assert_eq!(submit.state().is_candidate(&job_at(made)), candidate, "{at}");
    }
}

#[test]
fn a_job_without_a_time_is_a_candidate_once_something_was_sent() {
    let job = Job::read(br#"{"id":"job_1"}"#).unwrap();
    let mut submit = submit();
    assert!(!submit.state().is_candidate(&job));
    assert!(matches!(submit.step(NOW, 1), Step::Send(_)));
    assert!(submit.state().is_candidate(&job));
}

fn job_at(created_at: u64) -> Job {
    Job::read(format!(r#"{{"id":"job_1","created_at":{created_at}}}"#).as_bytes()).unwrap()
}

#[test]
fn the_limit_of_23_hours_holds_within_a_run() {
    let mut submit = submit();
    assert!(matches!(submit.step(NOW, 1), Step::Send(_)));
    submit.on_error(NOW, TransportError::TimedOut);
    // The machine slept.
    let Step::Done(Err(error)) = submit.step(NOW + RESEND_WITHIN, 1) else { panic!("it goes on") };
    assert_eq!((error.disposition, error.kind), (Disposition::Unknown, ErrorKind::KeyExpired));
}

#[test]
fn an_answer_that_came_in_time_counts_however_late_it_is_looked_at() {
    let mut submit = submit();
    assert!(matches!(submit.step(NOW, 1), Step::Send(_)));
    support::deliver(&mut submit, NOW, &Reply::job("queued"));
    assert!(matches!(submit.step(NOW + RESEND_WITHIN, 1), Step::Done(Ok(_))));
}
