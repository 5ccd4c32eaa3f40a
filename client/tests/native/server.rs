//! A server that answers each connection as it was told, and keeps what it was sent.

use std::sync::{Arc, Mutex};

use nextapi_client::{ApiKey, Client, Environment, GenerationRequest, RetryConfig, ValidRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Answer(String),
    /// Read, then cut.
    Cut,
    /// Read, then nothing.
    Hang,
}

pub(crate) struct Server {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// One act for each connection; the last one for all that follow.
    pub(crate) async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        tokio::spawn(async move {
            let mut hanging = Vec::new();
            for number in 0.. {
                let (mut connection, _) = listener.accept().await.unwrap();
                let request = read(&mut connection).await;
                kept.lock().unwrap().push(request);
                match acts.get(number).or(acts.last()).unwrap() {
                    // A client that has read enough hangs up.
                    Act::Answer(answer) => drop(connection.write_all(answer.as_bytes()).await),
                    Act::Cut => {}
                    Act::Hang => hanging.push(connection),
                }
            }
        });
        Self { url, received }
    }

    /// Heads and bodies of all requests.
    pub(crate) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

async fn read(connection: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8(request.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        let mut chunk = [0; 4096];
        let length = connection.read(&mut chunk).await.unwrap();
        if length == 0 {
            return text;
        }
        request.extend_from_slice(chunk.get(..length).unwrap());
    }
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Answer(format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    ))
}

pub(crate) fn job() -> Act {
    answer("200 OK", "", r#"{"id":"job_1","status":"queued"}"#)
}

pub(crate) fn api_key() -> ApiKey {
    ApiKey::new("nxa_test_sk_canary", Environment::Test).unwrap()
}

/// A client that does not wait long.
pub(crate) fn client(url: &str) -> Client {
    client_with(url, RetryConfig { initial_backoff: 1, max_backoff: 1, ..RetryConfig::default() })
}

pub(crate) fn client_with(url: &str, retry: RetryConfig) -> Client {
    Client::builder(api_key()).base_url(url).retry(retry).build().unwrap()
}

pub(crate) fn request() -> ValidRequest {
    GenerationRequest::new("seedance-2.0-pro", "canary-prompt")
        .reference("image_url", "https://example.com/a.png?sig=canary-query")
        .validate()
        .unwrap()
}
