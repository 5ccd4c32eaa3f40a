//! A client of the simulator's HTTP API, for tests and demonstrations.

use core::time::Duration;

use anyhow::{Context as _, ensure};
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::{Environment, Simulator};

/// How long a request may take. The simulator answers at once, except on a machine that is very busy.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Value,
}

impl Response {
    /// The status, and the error's code, which is `none` if there is no error.
    #[must_use]
    pub fn error(&self) -> (u16, &str) {
        let code = self.body.pointer("/error/code").and_then(Value::as_str);
        (self.status, code.unwrap_or("none"))
    }

    /// The `id` in the body of a `200`.
    ///
    /// # Errors
    /// If the answer is another one. The error quotes it.
    pub fn id(&self) -> anyhow::Result<String> {
        ensure!(self.status == 200, "the answer is {} {}", self.status, self.body);
        let id = self.body.get("id").and_then(Value::as_str).context("the answer has no id")?;
        Ok(id.to_owned())
    }
}

/// Calls the simulator's API with one API key.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

impl Client {
    /// A client of the simulator at `url`. With an empty key it says nothing of who it is.
    ///
    /// # Errors
    /// If no HTTP client can be set up.
    pub fn new(url: &str, key: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
        let http = http.context("cannot set up an HTTP client")?;
        Ok(Self { http, base: url.trim_end_matches('/').to_owned(), key: key.to_owned() })
    }

    /// With the key that the simulator has made for an environment.
    ///
    /// # Errors
    /// If it has made none, because keys were given to it.
    pub fn of(simulator: &Simulator, environment: Environment) -> anyhow::Result<Self> {
        let mut keys = simulator.keys().generated();
        let (_, key) = keys
            .find(|(found, _)| *found == environment)
            .context("the simulator has made no key for this environment")?;
        Self::new(&simulator.url(), key)
    }

    /// Makes a request.
    ///
    /// # Errors
    /// If there is no whole answer, or its body is not JSON.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> anyhow::Result<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body);
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.context("the simulator does not answer")?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.context("the simulator's answer broke off")?;
        let body = serde_json::from_str(&text)
            .with_context(|| format!("the simulator's answer is not JSON: {status} {text:?}"))?;
        Ok(Response { status, headers, body })
    }

    /// Asks for a path.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn get(&self, path: &str) -> anyhow::Result<Response> {
        self.call(Method::GET, path, &[], String::new()).await
    }

    /// Submits a job.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn submit(&self, headers: &[(&str, &str)], job: &Value) -> anyhow::Result<Response> {
        self.call(Method::POST, "/v1/video/generations", headers, job.to_string()).await
    }
}
