//! Operations, driven step by step with a clock that tests move.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod support;

use nextapi_client::{
    Cap, Disposition, Environment, ErrorKind, HttpRequest, JobPage, ListPage, Operation, Options,
    PageRequest, Retrieve, RetryConfig, Step, Submit, TransportError, WaitReason,
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

#[test]
fn nothing_follows_the_end() {
    let mut look = Retrieve::new("job_1", true, options());
    drive(&mut look, &mut NOW.clone(), 3, |_, _| Reply::job("queued")).0.unwrap();
    let Step::Done(Err(error)) = look.step(NOW, 1) else { panic!("it goes on") };
    assert_eq!(error.kind, ErrorKind::Finished);
}
