//! What goes wrong on the way.

use std::io;

use nextapi_client::{
    Cap, Client, ClientError, Disposition, DriveError, ErrorKind, IdempotencyKey, RetryConfig,
    Submit, SubmitState,
};
use tokio::net::TcpListener;

use super::server::{Act, Server, answer, api_key, client, client_with, job, request};

fn key() -> IdempotencyKey {
    IdempotencyKey::from_text("key-1").unwrap()
}

#[tokio::test]
async fn a_redirect_is_refused_and_its_target_never_called() {
    let target = Server::start(vec![job()]).await;
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let location = format!("location: {}/video/generations\r\n", target.url);
        let provider = Server::start(vec![answer(status, &location, "")]).await;
        let error = client(&provider.url).submit(&request(), key()).await.unwrap_err();
        assert_eq!((error.disposition, error.kind), (Disposition::Refused, ErrorKind::Redirected));
        let received = provider.received();
        assert_eq!(received.len(), 1);
        assert!(
            received[0].contains("authorization: Bearer nxa_test_sk_canary"),
            "{}",
            received[0]
        );
    }
    assert_eq!(target.received(), Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_bytes() {
    let provider = Server::start(vec![Act::Cut, answer("503 Away", "", ""), job()]).await;
    let submitted = client(&provider.url).submit(&request(), key()).await.unwrap();
    assert_eq!((&*submitted.job.id, submitted.resent), ("job_1", true));
    let received = provider.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|it| *it == received[0]), "{received:?}");
    for line in [
        "POST /v1/video/generations HTTP/1.1",
        "idempotency-key: key-1",
        "x-nextapi-environment: test",
    ] {
        assert!(received[0].lines().any(|it| it == line), "{line}: {}", received[0]);
    }
    assert!(received[0].contains("\r\nx-correlation-id: nxc_"));
    assert!(received[0].ends_with(core::str::from_utf8(request().body()).unwrap()));
}

#[tokio::test]
async fn only_a_connection_that_was_never_made_is_not_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", closed.local_addr().unwrap());
    drop(closed);
    let error = client(&url).submit(&request(), key()).await.unwrap_err();
    assert_eq!((error.disposition, error.kind), (Disposition::Exhausted, ErrorKind::NotSent));

    let once = RetryConfig { max_attempts: 1, attempt_timeout: 200, ..RetryConfig::default() };
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{\"id\":\"job_1\"".to_owned();
    let large =
        format!("HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n{}", " ".repeat(5_000_000));
    for (act, kind) in [
        (Act::Hang, ErrorKind::TimedOut),
        (Act::Cut, ErrorKind::Broken),
        (Act::Answer(endless), ErrorKind::Broken),
        (Act::Answer("nonsense\r\n\r\n".to_owned()), ErrorKind::Broken),
        (Act::Answer(large), ErrorKind::TooLarge),
        (answer("200 OK", "", "{}"), ErrorKind::Unreadable),
    ] {
        // Time is short only for who waits for nothing.
        let attempt_timeout = if matches!(act, Act::Hang) { 200 } else { 30_000 };
        let provider = Server::start(vec![act]).await;
        let client = client_with(&provider.url, RetryConfig { attempt_timeout, ..once });
        let error = client.submit(&request(), key()).await.unwrap_err();
        assert_eq!(
            (error.disposition, error.kind, error.cap),
            (Disposition::Unknown, kind, Some(Cap::Attempts))
        );
        assert_eq!(provider.received().len(), 1, "{kind:?}");
    }
}

fn fresh(client: &Client) -> SubmitState {
    Submit::new(&request(), key(), client.fingerprint(), client.options()).state().clone()
}

#[tokio::test]
async fn the_journal_is_written_before_each_request() {
    let provider = Server::start(vec![Act::Cut, job()]).await;
    let client = client(&provider.url);
    let mut written = Vec::new();
    let journal = |state: &SubmitState| {
        written.push((state.sends, provider.received().len()));
        Ok::<_, io::Error>(())
    };
    client.submit_with(&request(), fresh(&client), journal).await.unwrap();
    assert_eq!(written, [(1, 0), (2, 1)]);
}

#[tokio::test]
async fn what_cannot_be_journalled_is_not_sent() {
    let provider = Server::start(vec![job()]).await;
    let client = client(&provider.url);
    let full = |_: &SubmitState| Err(io::Error::other("the disk is full"));
    let error = client.submit_with(&request(), fresh(&client), full).await.unwrap_err();
    assert!(matches!(error, DriveError::Watcher(_)), "{error:?}");
    assert_eq!(provider.received().len(), 0);
}

#[tokio::test]
async fn answers_of_this_machines_only_may_be_in_the_clear() {
    for url in [
        "http://api.nextapi.top/v1",
        "ftp://127.0.0.1/",
        "https://user:canary@example.com/",
        "nonsense",
        "https://example.com/?canary",
        "https://example.com/#canary",
        "http://127.0.0.1.example.com/",
    ] {
        let error = Client::builder(api_key()).base_url(url).build().unwrap_err();
        assert!(matches!(error, ClientError::BaseUrl), "{url}");
        assert!(!format!("{error:?} {error}").contains("canary"));
    }
    for url in ["https://example.com/v1/", "http://localhost:8800", "http://[::1]:1/"] {
        assert!(Client::builder(api_key()).base_url(url).build().is_ok(), "{url}");
    }
}
