//! The operator's side: what an admin asks of the edge, over HTTP as anybody does.

use http::StatusCode;
use reqwest::{Client, Method};
use serde_json::Value;

/// How often an act is tried again that the ledger cannot take at the moment.
const MAX_TRIES: usize = 20;
const WAIT: core::time::Duration = core::time::Duration::from_millis(250);
/// How often to look at a replay.
const MAX_LOOKS: usize = 480;

/// An admin with the token.
pub(crate) struct Operator {
    client: Client,
    url: String,
    token: String,
}

impl Operator {
    /// `url` is that of the edge.
    pub(crate) fn new(url: &str, token: &str) -> Self {
        // The engine closes connections that are idle for as long as a pause lasts.
        let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { client, url: url.to_owned(), token: token.to_owned() }
    }

    pub(crate) async fn pause(&self) {
        self.ask(Method::POST, "_edge/pause").await;
    }

    pub(crate) async fn resume(&self) {
        self.ask(Method::POST, "_edge/resume").await;
    }

    /// Has all dead letters delivered anew, and gives the replay's id.
    pub(crate) async fn replay_dead(&self) -> String {
        let body = r#"{"state":"dead","rate":1000,"start":true}"#;
        let started = self.ask_with(Method::POST, "_edge/replays", body).await;
        started["id"].as_str().unwrap().to_owned()
    }

    /// Waits until all that a replay has released was delivered or given up; goes on with it if it has paused
    /// itself. Gives up after a while: what that means is for the verdict to say.
    pub(crate) async fn see_through(&self, id: &str) {
        let path = format!("_edge/replays/{id}");
        for _ in 0..MAX_LOOKS {
            let replay = self.ask(Method::GET, &path).await;
            let count = |name: &str| replay[name].as_u64().unwrap_or(0);
            if replay["state"] == "paused" {
                self.ask(Method::POST, &format!("{path}/resume")).await;
            }
            if replay["state"] == "done" && count("delivered") + count("dead") >= count("released")
            {
                return;
            }
            tokio::time::sleep(WAIT).await;
        }
    }

    /// How many events are on disk and neither delivered nor given up.
    pub(crate) async fn owed(&self) -> u64 {
        let status = self.ask(Method::GET, "_edge/status").await;
        let count = |state: &str| status["events"][state].as_u64().unwrap_or(0);
        count("waiting") + count("claimed")
    }

    async fn ask(&self, method: Method, path: &str) -> Value {
        self.ask_with(method, path, "").await
    }

    async fn ask_with(&self, method: Method, path: &str, body: &'static str) -> Value {
        let mut tries = 0;
        loop {
            let request = self.client.request(method.clone(), format!("{}{path}", self.url));
            let answer = request.bearer_auth(&self.token).body(body).send().await.unwrap();
            tries += 1;
            if answer.status() == StatusCode::OK {
                return serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            }
            assert!(tries < MAX_TRIES, "{method} {path}: {}", answer.text().await.unwrap());
            tokio::time::sleep(WAIT).await;
        }
    }
}
