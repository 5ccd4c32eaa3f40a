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
fn candidates_are_the_jobs_of_that_time() {
    let mut submit = submit();
    assert!(!submit.state().is_candidate(&job_at(NOW / 1000)), "nothing was sent");
    assert!(matches!(submit.step(NOW, 1), Step::Send(_)));
    for (at, candidate) in [(-601, false), (-600, true), (0, true), (600, true), (601, false)] {
        let made = (NOW / 1000).checked_add_signed(at).unwrap();
        assert_eq!(submit.state().is_candidate(&job_at(made)), candidate, "{at}");
    }
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
fn looks_that_fail_do_not_end_a_poller_and_refusals_do() {
    let mut now = NOW;
    let (result, _, _) = poll(PollConfig::default(), &mut now, |now, _| {
        if now < NOW + 500_000 { Reply::of(503, "") } else { Reply::job("succeeded") }
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
