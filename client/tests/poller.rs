//! Waiting for the end of a job, with a clock that tests move.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod support;

use nextapi_client::{
    BlockedReason, Bucket, Cap, Disposition, Ending, Environment, Error, ErrorKind, HttpRequest,
    Job, Millis, Operation, Options, PollConfig, Poller, Step, TransportError, WaitReason,
};
use support::{NOW, Reply, drive, job};

fn options() -> Options {
    Options::new(Environment::Live)
}

fn poll(
    config: PollConfig,
    now: &mut Millis,
    provider: impl FnMut(Millis, &HttpRequest) -> Reply,
) -> (Result<Job, Error>, Bucket, Vec<support::Sent>) {
    let mut poller = Poller::new("job_1", true, config, options());
    let (result, sent) = drive(&mut poller, now, 3, provider);
    (result, poller.bucket(), sent)
}

#[test]
fn a_poller_waits_for_the_end() {
    for (end, ending) in [("succeeded", Ending::Succeeded), ("failed", Ending::Failed)] {
        let mut now = NOW;
        let (result, bucket, sent) =
            poll(PollConfig::default(), &mut now, |now, _| match now - NOW {
                0..10_000 => Reply::job("queued"),
                10_000..100_000 => Reply::job("running"),
                _ => Reply::job(end),
            });
        assert_eq!(result.unwrap().status.ending(), Some(ending));
        assert_eq!(bucket, Bucket::Terminal(ending));
        assert!((5..15).contains(&sent.len()), "{}", sent.len());
    }
}

#[test]
fn a_poller_ends_at_its_deadline_and_at_a_stall() {
    let mut now = NOW;
    let mut progress = 0;
    let config = PollConfig { deadline: 600_000, ..PollConfig::default() };
    let (result, bucket, _) = poll(config, &mut now, |_, _| {
        progress += 1;
        Reply::of(200, format!(r#"{{"id":"job_1","status":"running","progress":{progress}}}"#))
    });
    assert_eq!(result.unwrap_err().kind, ErrorKind::NotOver, "although every look succeeds");
    assert_eq!((now, bucket), (NOW + 600_000, Bucket::InProgress));

    let mut now = NOW;
    let (result, _, _) = poll(PollConfig::default(), &mut now, |_, _| Reply::job("running"));
    assert_eq!(result.unwrap_err().kind, ErrorKind::Stalled);
    assert!((1_800_000..1_840_000).contains(&(now - NOW)));
}

#[test]
fn a_poller_that_is_late_ends_whatever_its_look_wants() {
    let deadline = NOW + PollConfig::default().deadline;
    for late in [0, 1] {
        let mut poller = Poller::new("job_1", true, PollConfig::default(), options());
        assert!(matches!(poller.step(NOW, 1), Step::Send(_)));
        support::deliver(&mut poller, NOW, &Reply::of(503, ""));
        let Step::Wait { until, why } = poller.step(NOW, 500) else { panic!("it does not wait") };
        assert_eq!((until, why), (NOW + 500, WaitReason::Backoff), "the look's own backoff");
        let Step::Done(Err(error)) = poller.step(deadline + late, 1) else { panic!("it goes on") };
        assert_eq!((error.kind, error.cap), (ErrorKind::Unavailable, Some(Cap::Time)));
    }
    // A look that waits when the deadline passes.
    let config = PollConfig { deadline: 400, ..PollConfig::default() };
    let mut poller = Poller::new("job_1", true, config, options());
    assert!(matches!(poller.step(NOW, 1), Step::Send(request) if request.timeout == 400));
    support::deliver(&mut poller, NOW, &Reply::of(503, ""));
    assert!(matches!(poller.step(NOW, 500), Step::Wait { until, .. } if until == NOW + 400));
    assert!(matches!(poller.step(NOW + 400, 1), Step::Done(Err(_))));
    // And one that would send just then.
    let mut poller = Poller::new("job_1", true, config, options());
    assert!(matches!(poller.step(NOW, 1), Step::Send(_)));
    support::deliver(&mut poller, NOW, &Reply::of(503, ""));
    assert!(matches!(poller.step(NOW, 300), Step::Wait { until, .. } if until == NOW + 300));
    assert!(matches!(poller.step(NOW + 400, 1), Step::Done(Err(_))));
}

/// Whoever waits must not be told that the job is not over when nobody could ask.
#[test]
fn a_poller_that_could_not_look_says_why() {
    let config = PollConfig { deadline: 600_000, ..PollConfig::default() };
    let away = Reply::Lost(TransportError::NotSent);
    for (from, to, kind, status) in [
        (0, 600_000, ErrorKind::NotSent, None),
        (300_000, 600_000, ErrorKind::NotSent, None),
        (0, 300_000, ErrorKind::NotOver, None),
    ] {
        let mut now = NOW;
        let (result, ..) = poll(config, &mut now, |now, _| {
            if (from..to).contains(&(now - NOW)) { away.clone() } else { Reply::job("running") }
        });
        let error = result.unwrap_err();
        assert_eq!((error.disposition, error.cap), (Disposition::Exhausted, Some(Cap::Time)));
        assert_eq!((error.kind, error.status), (kind, status), "{from} to {to}");
    }
    let mut now = NOW;
    let (result, ..) = poll(config, &mut now, |_, _| Reply::of(503, ""));
    let error = result.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Unavailable, Some(503)));
}

#[test]
fn looks_are_half_a_wait_apart_or_up_to_a_whole_one() {
    for (entropy, wait) in [(0, 1_000), (1_000, 2_000), (1_001, 1_000), (7, 1_007)] {
        let mut poller = Poller::new("job_1", true, PollConfig::default(), options());
        assert!(matches!(poller.step(NOW, 1), Step::Send(_)));
        support::deliver(&mut poller, NOW, &Reply::job("queued"));
        let Step::Wait { until, why } = poller.step(NOW, entropy) else {
            panic!("it does not wait")
        };
        assert_eq!((until - NOW, why), (wait, WaitReason::Poll));
    }
}

#[test]
fn progress_never_goes_backwards_within_a_status() {
    let mut poller = Poller::new("job_1", true, PollConfig::default(), options());
    let mut now = NOW;
    for (status, progress, expected) in [
        ("queued", 50, 50),
        ("running", 10, 10),
        ("running", 40, 40),
        ("running", 30, 40),
        ("running", 60, 60),
    ] {
        let body = format!(r#"{{"id":"job_1","status":"{status}","progress":{progress}}}"#);
        while let Step::Wait { until, .. } = poller.step(now, 1) {
            now = until;
        }
        support::deliver(&mut poller, now, &Reply::of(200, body));
        let _ = poller.step(now, 1);
        assert_eq!(poller.job().unwrap().progress, Some(expected));
        assert_eq!(poller.state().progress, Some(expected));
    }
}

#[test]
fn every_reason_to_block_is_its_own() {
    for (reply, reason) in [
        (Reply::error(403, "unauthorized"), BlockedReason::Credentials),
        (Reply::error(402, "insufficient_credits"), BlockedReason::Credits),
        (Reply::of(404, ""), BlockedReason::NotFound),
        (Reply::job("paused"), BlockedReason::UnknownStatus),
        (Reply::of(200, r#"{"id":"job_1","status":"succeeded"}"#), BlockedReason::NoUrl),
        (Reply::job("running"), BlockedReason::Stalled),
    ] {
        let (result, bucket, _) =
            poll(PollConfig::default(), &mut NOW.clone(), |_, _| reply.clone());
        assert_eq!(
            (result.unwrap_err().disposition, bucket),
            (Disposition::Blocked, Bucket::Blocked(reason))
        );
    }
}

#[test]
fn looks_that_fail_do_not_end_a_poller_and_refusals_do() {
    let mut now = NOW;
    let (result, _, _) = poll(PollConfig::default(), &mut now, |now, _| match now - NOW {
        0..200_000 => Reply::of(503, ""),
        200_000..500_000 => Reply::Lost(TransportError::TimedOut),
        _ => Reply::job("succeeded"),
    });
    assert!(result.is_ok());
    let (result, bucket, sent) =
        poll(PollConfig::default(), &mut NOW.clone(), |_, _| Reply::error(401, "unauthorized"));
    assert_eq!((result.unwrap_err().disposition, sent.len()), (Disposition::Blocked, 1));
    assert_eq!(bucket, Bucket::Blocked(BlockedReason::Credentials));
}

#[test]
fn odd_jobs_are_believed_after_three_looks_and_a_minute() {
    for (body, kind) in [
        (job("paused"), ErrorKind::UnknownStatus),
        (r#"{"id":"job_1","status":"succeeded"}"#.to_owned(), ErrorKind::NoUrl),
    ] {
        let mut now = NOW;
        let (result, _, sent) =
            poll(PollConfig::default(), &mut now, |_, _| Reply::of(200, body.clone()));
        let error = result.unwrap_err();
        assert_eq!((error.disposition, error.kind), (Disposition::Blocked, kind));
        assert!((NOW + 60_000..NOW + 120_000).contains(&now) && sent.len() >= 3);
    }
}

#[test]
fn a_stale_look_does_not_take_a_job_back_and_a_poller_can_be_resumed() {
    let mut poller = Poller::new("job_1", true, PollConfig::default(), options());
    let mut now = NOW;
    let mut look = |poller: &mut Poller, status: &str| loop {
        match poller.step(now, 9) {
            Step::Send(_) => {
                support::deliver(poller, now, &Reply::job(status));
                assert!(matches!(poller.step(now, 9), Step::Wait { .. }));
                return poller.job().map(|job| job.status.to_string());
            }
            Step::Wait { until, .. } => now = until,
            Step::Done(_) => panic!("it is over"),
        }
    };
    assert_eq!(look(&mut poller, "running").as_deref(), Some("running"));
    assert_eq!(look(&mut poller, "queued").as_deref(), Some("running"));
    let mut poller = Poller::resume(poller.state().clone(), PollConfig::default(), options());
    assert_eq!(look(&mut poller, "queued"), None, "still ignored after a crash");
    let started = poller.state().started_at;
    assert_eq!(started, Some(NOW), "the deadline counts from the first start");
}

/// The body of a job that has failed has an `error`, as that of a refusal has.
#[test]
fn the_error_of_a_job_is_none_of_the_request() {
    for code in ["internal_error", "rate_limit_exceeded", "insufficient_credits", "unauthorized"] {
        let body = format!(
            r#"{{"id":"job_1","status":"failed","error":{{"code":"{code}","message":"no"}}}}"#
        );
        let (result, bucket, sent) =
            poll(PollConfig::default(), &mut NOW.clone(), |_, _| Reply::of(200, body.clone()));
        assert_eq!(result.unwrap().error_code.as_deref(), Some(code));
        assert_eq!((bucket, sent.len()), (Bucket::Terminal(Ending::Failed), 1));
    }
}

#[test]
fn a_pause_that_is_longer_than_a_look_may_take_is_kept() {
    let (result, _, sent) = poll(PollConfig::default(), &mut NOW.clone(), |now, _| match now {
        NOW => Reply::of(503, "").header("retry-after", "300"),
        _ => Reply::job("succeeded"),
    });
    assert!(result.is_ok());
    assert_eq!(sent.iter().map(|sent| sent.at >= NOW + 300_000).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn an_odd_look_long_ago_does_not_count() {
    let (result, ..) = poll(PollConfig::default(), &mut NOW.clone(), |now, _| match now - NOW {
        0 | 200_000..250_000 => Reply::job("paused"),
        1..200_000 => Reply::job("running"),
        _ => Reply::job("succeeded"),
    });
    assert!(result.is_ok(), "{result:?}");
}
