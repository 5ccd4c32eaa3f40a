//! What is nobody's business is in no trace, no error and no `Debug`.

use nextapi_client::{Client, Disposition, IdempotencyKey, RetryConfig};

use super::log::Log;
use super::server::{Act, Server, answer, client, client_with, request};

fn key() -> IdempotencyKey {
    IdempotencyKey::from_text("key-1").unwrap()
}

#[tokio::test]
async fn there_is_a_span_for_each_request_and_no_canary_in_any() {
    let log = Log::default();
    // While there is one subscriber, a span that another test comes to first is off for all threads: whether it is on is
    // asked there, where nobody listens. While there are two, both are asked.
    let _another = tracing::Dispatch::new(Log::default());
    // This test's runtime has one thread, its own.
    let guard = tracing::subscriber::set_default(log.clone());
    let job = r#"{"id":"job_1","status":"succeeded","video_url":"https://cdn.example.com/1.mp4?sig=canary-query"}"#;
    let provider = Server::start(vec![
        Act::Cut,
        answer("503 Away", "", "canary-body"),
        answer("200 OK", "", job),
    ])
    .await;
    let client = client(&provider.url);
    let submitted = client.submit(&request(), key()).await.unwrap();
    drop(guard);

    let lines = log.lines();
    let spans: Vec<_> =
        lines.iter().filter(|line| line.starts_with("span nextapi_client")).collect();
    assert_eq!(spans.len(), 3, "{lines:#?}");
    for (span, expected) in spans.iter().zip([
        ["error.type=\"broken\"", "http.request.method=\"POST\""],
        ["http.request.resend_count=1", "http.response.status_code=503 error.type=\"503\""],
        ["http.request.resend_count=2", "http.response.status_code=200"],
    ]) {
        for field in expected {
            assert!(span.contains(field), "{field}: {span}");
        }
        let url = format!("url.full=\"{}/video/generations\"", provider.url);
        for field in [url.as_str(), "server.address=\"127.0.0.1\"", "nextapi.correlation_id=\"nxc_"]
        {
            assert!(span.contains(field), "{field}: {span}");
        }
    }
    assert!(!spans[0].contains("resend_count"), "{}", spans[0]);
    let shown = format!("{lines:?} {client:?} {submitted:?} {:?}", client.options());
    assert!(!shown.contains("canary"), "{shown}");
}

async fn failed(client: &Client) -> String {
    let error = client.submit(&request(), key()).await.unwrap_err();
    assert_ne!(error.to_string(), "");
    format!("{error} {error:?}")
}

#[tokio::test]
async fn an_error_says_what_happened_and_repeats_nothing() {
    let body = r#"{"error":{"code":"invalid_request","message":"no such prompt: canary-prompt"}}"#;
    let provider = Server::start(vec![answer("400 No", "", body)]).await;
    let error = client(&provider.url).submit(&request(), key()).await.unwrap_err();
    assert_eq!(error.disposition, Disposition::Refused);
    assert_eq!(
        error.to_string(),
        "refused: the provider does not accept the request (HTTP 400); 1 request was sent"
    );
    assert!(!format!("{error:?}").contains("canary"));
    assert_eq!(error.provider_message(), Some("no such prompt: canary-prompt"), "for whoever asks");

    let once = RetryConfig { max_attempts: 1, ..RetryConfig::default() };
    for act in [
        Act::Cut,
        answer("500 No", "", body),
        answer("200 OK", "", body),
        answer("401 No", "", body),
    ] {
        let provider = Server::start(vec![act]).await;
        let shown = failed(&client_with(&provider.url, once)).await;
        assert!(!shown.contains("canary"), "{shown}");
    }
    let shown = failed(&client_with("http://localhost:1/canary", once)).await;
    assert!(!shown.contains("canary"), "{shown}");
}
