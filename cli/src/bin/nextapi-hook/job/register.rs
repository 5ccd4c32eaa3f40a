//! Tells an edge about a job, so that it looks for the job's end if no webhook comes.

use core::time::Duration;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context as _, ensure};
use clap::Args;
use nextapi_client::Credits;
use reqwest::{StatusCode, Url, redirect, retry};
use serde_json::{Map, Value, json};

use super::account::secret;

/// The environment variable with the token.
const SUBMIT_TOKEN: &str = "SUBMIT_TOKEN";

/// How long the edge may take to answer.
const TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Args)]
#[command(next_help_heading = "Registration")]
pub(super) struct Register {
    /// Tell this edge about the job: its URL, to which `/_edge/jobs` is added
    #[arg(long = "register", value_name = "URL")]
    url: Option<String>,
    /// Read the edge's token from this file instead of the environment variable `SUBMIT_TOKEN`
    #[arg(long, value_name = "FILE", requires = "url")]
    submit_token_file: Option<PathBuf>,
    /// Whose job it is
    #[arg(long, value_name = "NAME", requires = "url")]
    tenant: Option<String>,
    /// How long from now the job may take until it counts as overdue [default: as the edge is set]
    #[arg(long, value_name = "DURATION", requires = "url", value_parser = humantime::parse_duration)]
    deadline: Option<Duration>,
}

/// An edge, ready to be told.
pub(super) struct Edge {
    http: reqwest::Client,
    request: reqwest::RequestBuilder,
    fields: Map<String, Value>,
}

impl Register {
    /// Everything that can be wrong before a job is submitted. Nothing, if no edge is to be told.
    pub(super) fn prepare(&self) -> anyhow::Result<Option<Edge>> {
        let Some(url) = &self.url else { return Ok(None) };
        // Not repeated, as it may hold a password.
        let url = Url::parse(url).ok().context("--register is malformed: expected a URL")?;
        let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        ensure!(
            plain && (url.scheme() == "https" || (url.scheme() == "http" && local)),
            "--register must be https, without user, password, query and fragment"
        );
        let (token, source) =
            secret(self.submit_token_file.as_deref(), SUBMIT_TOKEN, "--submit-token-file")?;
        ensure!(!token.is_empty(), "{source} is empty");
        let mut http = reqwest::Client::builder()
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .referer(false)
            .https_only(!local)
            .timeout(TIMEOUT);
        if local {
            http = http.no_proxy();
        }
        let http = http.build().context("the HTTP client cannot be set up")?;
        let path = format!("{}/_edge/jobs", url.as_str().trim_end_matches('/'));
        let request = http.post(path).bearer_auth(token.as_str());
        let mut fields = Map::new();
        if let Some(tenant) = &self.tenant {
            fields.insert("tenant".to_owned(), json!(tenant));
        }
        if let Some(deadline) = self.deadline {
            let time = SystemTime::now().checked_add(deadline).context("--deadline is too long")?;
            let time = humantime::format_rfc3339_seconds(time).to_string();
            fields.insert("deadline".to_owned(), json!(time));
        }
        Ok(Some(Edge { http, request, fields }))
    }
}

impl Edge {
    /// Tells the edge. To repeat it does no harm.
    pub(super) async fn tell(mut self, id: &str, credits: Option<Credits>) -> anyhow::Result<()> {
        self.fields.insert("id".to_owned(), json!(id));
        if let Some(credits) = credits {
            let number: Value = serde_json::from_str(&credits.to_string())?;
            self.fields.insert("estimated_credits".to_owned(), number);
        }
        let body = Value::Object(self.fields).to_string();
        let request = self.request.header("content-type", "application/json").body(body).build();
        let answer = self.http.execute(request.map_err(reqwest::Error::without_url)?).await;
        let answer =
            answer.map_err(reqwest::Error::without_url).context("the edge does not answer")?;
        let status = answer.status();
        ensure!(status == StatusCode::OK, "the edge answers HTTP {}", status.as_u16());
        Ok(())
    }
}
