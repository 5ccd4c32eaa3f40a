//! A client of the stand-in's HTTP API.

use core::time::Duration;

use http::{HeaderMap, Method};
use nextapi_hook::{ApiKeys, Behaviour, Environment, StandIn, StandInBuilder};
use nextapi_webhook::Key;
use serde_json::{Value, json};

use crate::support::SECRET;

/// Long enough for a busy machine; what is waited for comes at once.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// What came back.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Response {
    /// Status and error code.
    pub(crate) fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or("none"))
    }

    pub(crate) fn id(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["id"].as_str().unwrap().to_owned()
    }
}

/// Speaks to a stand-in with one of its keys.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

impl Client {
    pub(crate) fn new(url: &str, key: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(SOON).build().unwrap();
        Self { http, base: url.trim_end_matches('/').to_owned(), key: key.to_owned() }
    }

    /// With the key that the stand-in has made for an environment.
    pub(crate) fn of(stand_in: &StandIn, environment: Environment) -> Self {
        let (_, key) =
            stand_in.keys().generated().find(|(found, _)| *found == environment).unwrap();
        Self::new(&stand_in.url(), key)
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Response {
        self.try_call(method, path, headers, body).await.unwrap()
    }

    /// The error means that there was no answer, or half of one.
    pub(crate) async fn try_call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> reqwest::Result<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body);
        if !self.key.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.key));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} {text:?}"));
        Ok(Response { status, headers, body })
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.call(Method::GET, path, &[], String::new()).await
    }

    pub(crate) async fn submit(&self, headers: &[(&str, &str)], body: &Value) -> Response {
        self.call(Method::POST, "/v1/video/generations", headers, body.to_string()).await
    }
}

/// The documentation's example of a submission.
pub(crate) fn example() -> Value {
    json!({
        "model": "seedance-2.0-pro", "prompt": "a fox in the snow", "duration_seconds": 6,
        "resolution": "1080p",
    })
}

/// Jobs that take next to no time, the same ones failing in every run.
pub(crate) fn quick() -> Behaviour {
    Behaviour {
        job_duration: Duration::from_millis(40),
        retry_scale: 0.0001,
        seed: Some(7),
        ..Behaviour::default()
    }
}

pub(crate) fn builder(webhook_url: &str, behaviour: Behaviour) -> StandInBuilder {
    let key = Key::new(SECRET.as_bytes()).unwrap();
    StandIn::builder(webhook_url, key).behaviour(behaviour)
}

pub(crate) async fn start(webhook_url: &str, behaviour: Behaviour) -> StandIn {
    builder(webhook_url, behaviour).start(ApiKeys::generate().unwrap()).await.unwrap()
}
