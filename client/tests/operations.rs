//! Operations, driven step by step with a clock that tests move.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod support;

use nextapi_client::{
    Bucket, Cap, Disposition, Ending, Environment, ErrorKind, HttpRequest, JobPage, ListPage,
    Millis, Operation, Options, PageRequest, PollConfig, Poller, RESEND_WITHIN, Retrieve,
    RetryConfig, Step, Submit, TransportError, WaitReason,
};
use support::{NOW, Reply, api_key, drive, job, key, request};

fn options() -> Options {
    Options::new(Environment::Live)
}

fn submit() -> Submit {
    Submit::new(&request(), key(), api_key(), options())
}

#[test]
fn a_submission_is_sent_with_its_key_and_its_bytes() {
    let (result, sent) = drive(&mut submit(), &mut NOW.clone(), 1, |_, _| Reply::job("queued"));
    let submitted = result.unwrap();
    assert_eq!((&*submitted.job.id, submitted.resent), ("job_1", false));
    let request = &sent[0].request;
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/video/generations"));
    let header = |name: &str| {
        request.headers.iter().find(|(it, _)| *it == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(header("idempotency-key"), Some("key-1"));
    assert_eq!(header("x-nextapi-environment"), Some("live"));
    assert_eq!(header("content-type"), Some("application/json"));
    assert!(header("x-correlation-id").unwrap().len() > 8);
    assert_eq!(header("authorization"), None, "the driver adds it");
    assert_eq!((request.timeout, request.max_response_bytes), (30_000, 4_194_304));
    assert_eq!(*request.body, **support::request().body());
}

#[test]
fn every_resend_has_the_same_bytes_and_headers() {
    let mut replies = [
        Reply::Lost(TransportError::TimedOut),
        Reply::of(503, ""),
        Reply::Lost(TransportError::Broken),
        Reply::of(200, "{\"id\":"),
        Reply::job("running"),
    ]
    .into_iter();
    let (result, sent) = drive(&mut submit(), &mut NOW.clone(), 7, |_, _| replies.next().unwrap());
    assert!(result.unwrap().resent);
    assert_eq!(sent.len(), 5);
    for (number, it) in sent.iter().enumerate() {
        assert_eq!(it.request.resend_count as usize, number);
        assert_eq!(
            (&it.request.headers, &it.request.body),
            (&sent[0].request.headers, &sent[0].request.body)
        );
    }
}

#[test]
fn a_submission_that_may_have_been_acted_on_ends_as_unknown() {
    for reply in [Reply::Lost(TransportError::TimedOut), Reply::of(502, ""), Reply::of(200, "x")] {
        let (result, sent) = drive(&mut submit(), &mut NOW.clone(), 3, |_, _| reply.clone());
        let error = result.unwrap_err();
        assert_eq!(
            (error.disposition, error.cap),
            (Disposition::Unknown, Some(Cap::Attempts)),
            "{reply:?}"
        );
        assert_eq!((error.attempts, sent.len()), (5, 5));
    }
    // Never connected: nothing can have happened.
    let (result, _) =
        drive(&mut submit(), &mut NOW.clone(), 3, |_, _| Reply::Lost(TransportError::NotSent));
    let error = result.unwrap_err();
    assert_eq!((error.disposition, error.kind), (Disposition::Exhausted, ErrorKind::NotSent));
}

#[test]
fn two_minutes_are_the_end_whatever_is_left() {
    let mut now = NOW;
    let slow = RetryConfig { max_attempts: 255, ..RetryConfig::default() };
    let mut submit =
        Submit::new(&request(), key(), api_key(), Options { retry: slow, ..options() });
    let mut chance = support::Chance(5);
    let error = loop {
        match submit.step(now, chance.next()) {
            Step::Send(request) => {
                assert!(
                    now + request.timeout <= NOW + 120_000,
                    "an attempt outlives the operation"
                );
                now += request.timeout;
                submit.on_error(now, TransportError::TimedOut);
            }
            Step::Wait { until, .. } => now = until,
            Step::Done(result) => break result.unwrap_err(),
        }
    };
    assert_eq!((error.cap, error.disposition), (Some(Cap::Time), Disposition::Unknown));
    assert!(now <= NOW + 120_000);
}

#[test]
fn the_limit_is_waited_for_and_not_for_too_long() {
    let limited = |reset: &str| {
        Reply::error(429, "rate_limit_exceeded")
            .header("Date", "Tue, 14 Nov 2023 22:13:20 GMT")
            .header("X-RateLimit-Reset", reset)
    };
    let mut replies = [limited("1700000060"), Reply::job("queued")].into_iter();
    // Our clock is ten minutes off.
    let start = NOW - 600_000;
    let (result, sent) =
        drive(&mut submit(), &mut start.clone(), 3, |_, _| replies.next().unwrap());
    assert!(result.is_ok());
    assert!((60_000..=70_000).contains(&(sent[1].at - start)), "{}", sent[1].at - start);

    let (result, sent) = drive(&mut submit(), &mut NOW.clone(), 3, |_, _| limited("1700000121"));
    let error = result.unwrap_err();
    assert_eq!(
        (error.disposition, error.kind, error.cap),
        (Disposition::Exhausted, ErrorKind::RateLimited, Some(Cap::ServerDelay))
    );
    assert_eq!((error.retry_at, sent.len()), (Some(NOW + 121_000), 1));
}

#[test]
fn operations_under_one_key_wait_for_its_limit_together() {
    let options = options();
    let used_up =
        Reply::job("queued").header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", "30");
    let mut first = Retrieve::new("job_1", true, options.clone());
    drive(&mut first, &mut NOW.clone(), 3, |_, _| used_up.clone()).0.unwrap();
    let mut second = Retrieve::new("job_1", true, options);
    let Step::Wait { until, why } = second.step(NOW, 0) else { panic!("it does not wait") };
    assert_eq!((until, why), (NOW + 30_000, WaitReason::RateLimit));
}

#[test]
fn a_header_silences_nobody_for_more_than_an_hour() {
    for (status, body) in [(200, job("queued")), (429, String::new())] {
        let options = options();
        let reply = Reply::of(status, body)
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", "86400");
        let mut look = Retrieve::new("job_1", true, options.clone());
        let _ = drive(&mut look, &mut NOW.clone(), 3, |_, _| reply.clone());
        assert_eq!(options.limits.not_before(NOW), Some(NOW + 3_600_000));
        assert_eq!(options.limits.not_before(NOW + 3_600_000), None);
    }
}

#[test]
fn a_report_that_nobody_waits_for_is_ignored() {
    let mut submit = submit();
    support::deliver(&mut submit, NOW, &Reply::of(400, ""));
    assert!(matches!(submit.step(NOW, 1), Step::Send(_)));
    submit.on_error(NOW, TransportError::TimedOut);
    support::deliver(&mut submit, NOW, &Reply::of(400, ""));
    assert!(matches!(submit.step(NOW, 499), Step::Wait { .. }));
}

#[test]
fn a_reset_that_is_over_leaves_the_backoff() {
    let mut submit = submit();
    assert!(matches!(submit.step(NOW, 1), Step::Send(_)));
    let limited = Reply::error(429, "rate_limit_exceeded").header("x-ratelimit-reset", "0");
    support::deliver(&mut submit, NOW, &limited);
    let Step::Wait { until, why } = submit.step(NOW, 500) else { panic!("it does not wait") };
    assert_eq!((until, why), (NOW + 500, WaitReason::Backoff));
}

#[test]
fn a_success_gives_back_what_its_retry_took() {
    let options = options();
    let look = |replies: Vec<Reply>| {
        let mut replies = replies.into_iter();
        let mut last = Reply::of(503, "");
        let mut look = Retrieve::new("job_1", true, options.clone());
        let answer = |_, _: &HttpRequest| {
            last = replies.next().unwrap_or_else(|| last.clone());
            last.clone()
        };
        let _ = drive(&mut look, &mut NOW.clone(), 3, answer);
        options.limits.tokens()
    };
    assert_eq!(look(vec![]), 480, "four retries, five each");
    assert_eq!(look(vec![Reply::of(503, ""), Reply::job("queued")]), 480);
    assert_eq!(look(vec![Reply::Lost(TransportError::TimedOut), Reply::job("queued")]), 480);
    let lost = || Reply::Lost(TransportError::TimedOut);
    assert_eq!(look(vec![lost(), lost(), Reply::job("queued")]), 470, "ten after a time-out");
    assert_eq!(look(vec![Reply::job("queued")]), 471);
}

#[test]
fn a_used_up_quota_and_a_veto_end_retries() {
    let options = options();
    let mut sends = 0;
    for _ in 0..100 {
        let mut look = Retrieve::new("job_1", true, options.clone());
        let (result, sent) = drive(&mut look, &mut NOW.clone(), 3, |_, _| Reply::of(503, ""));
        sends += sent.len();
        if result.unwrap_err().cap == Some(Cap::Quota) {
            break;
        }
    }
    assert!((100..=140).contains(&sends), "{sends}");

    let vetoed =
        Options { veto: Some(|_, outcome| outcome.status() == Some(503)), ..self::options() };
    let mut look = Retrieve::new("job_1", true, vetoed);
    let (result, sent) = drive(&mut look, &mut NOW.clone(), 3, |_, _| Reply::of(503, ""));
    assert_eq!((result.unwrap_err().cap, sent.len()), (Some(Cap::Veto), 1));
}

/// A submission whose process was killed after its first request, gone on with so long after it.
fn resumed(
    after: Millis,
    api_key: nextapi_client::Fingerprint,
) -> (Result<(), nextapi_client::Error>, usize) {
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
    let other =
        nextapi_client::ApiKey::new("nxa_live_sk_other", Environment::Live).unwrap().fingerprint();
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
    let job = nextapi_client::Job::read(br#"{"id":"job_1"}"#).unwrap();
    let mut submit = submit();
    assert!(!submit.state().is_candidate(&job));
    assert!(matches!(submit.step(NOW, 1), Step::Send(_)));
    assert!(submit.state().is_candidate(&job));
}

fn job_at(created_at: u64) -> nextapi_client::Job {
    nextapi_client::Job::read(format!(r#"{{"id":"job_1","created_at":{created_at}}}"#).as_bytes())
        .unwrap()
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

#[test]
fn waits_of_exactly_what_is_allowed_are_waited() {
    let retry = RetryConfig { operation_timeout: 999_000, ..RetryConfig::default() };
    for (wait, sends) in [(120, 2), (121, 1)] {
        let mut submit = Submit::new(&request(), key(), api_key(), Options { retry, ..options() });
        let limited =
            Reply::error(429, "rate_limit_exceeded").header("retry-after", wait.to_string());
        let mut replies = [limited, Reply::job("queued")].into_iter();
        let (_, sent) = drive(&mut submit, &mut NOW.clone(), 3, |_, _| replies.next().unwrap());
        assert_eq!(sent.len(), sends, "{wait} s");
    }
}

#[test]
fn a_job_that_was_known_is_asked_for_three_times() {
    for (seen, sends, disposition) in
        [(true, 3, Disposition::Blocked), (false, 1, Disposition::Refused)]
    {
        let (mut now, mut look) = (NOW, Retrieve::new("job_1", seen, options()));
        let (result, sent) =
            drive(&mut look, &mut now, 3, |_, _| Reply::error(404, "invalid_request"));
        let error = result.unwrap_err();
        assert_eq!(
            (error.disposition, error.kind, sent.len()),
            (disposition, ErrorKind::NotFound, sends)
        );
        assert!(now <= NOW + 60_000);
    }
}

#[test]
fn an_id_is_one_segment_of_the_path_and_another_job_is_no_answer() {
    let mut look = Retrieve::new("../a b?x#é", false, options());
    let (result, sent) = drive(&mut look, &mut NOW.clone(), 3, |_, _| Reply::job("queued"));
    assert_eq!(sent[0].request.path, "/video/generations/..%2Fa%20b%3Fx%23%C3%A9");
    assert_eq!(result.unwrap_err().kind, ErrorKind::Unreadable);
}

#[test]
fn a_page_is_asked_for_and_read() {
    let page = |body: &str| {
        let mut list = ListPage::new(PageRequest { limit: 100, offset: 90 }, options());
        let (result, sent) = drive(&mut list, &mut NOW.clone(), 3, |_, _| Reply::of(200, body));
        assert_eq!(sent[0].request.path, "/video/generations?limit=100&offset=90");
        result
    };
    let body = format!(r#"{{"data":[{}],"total":91,"limit":100,"offset":90}}"#, job("failed"));
    assert_eq!(page(&body).unwrap(), JobPage::read(body.as_bytes()).unwrap());
    assert_eq!(page("{}").unwrap_err().kind, ErrorKind::Unreadable);
}

fn poll(
    config: PollConfig,
    now: &mut Millis,
    provider: impl FnMut(Millis, &HttpRequest) -> Reply,
) -> (Result<nextapi_client::Job, nextapi_client::Error>, Bucket, Vec<support::Sent>) {
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
        assert_eq!((error.kind, error.cap), (ErrorKind::NotOver, Some(Cap::Time)));
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
    use nextapi_client::BlockedReason;
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
    assert_eq!(bucket, Bucket::Blocked(nextapi_client::BlockedReason::Credentials));
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

#[test]
fn nothing_follows_the_end() {
    let mut look = Retrieve::new("job_1", true, options());
    drive(&mut look, &mut NOW.clone(), 3, |_, _| Reply::job("queued")).0.unwrap();
    let Step::Done(Err(error)) = look.step(NOW, 1) else { panic!("it goes on") };
    assert_eq!(error.kind, ErrorKind::Finished);
}
