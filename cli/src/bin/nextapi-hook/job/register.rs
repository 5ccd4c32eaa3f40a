//! Tells an edge about a job, so that it looks for the job's end if no webhook comes.

use core::time::Duration;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use nextapi_client::Credits;
use reqwest::{Response, StatusCode, Url, redirect, retry};
use serde_json::{Map, Value, json};

use super::account::secret;
use super::report::printable;

/// The environment variable with the token.
const SUBMIT_TOKEN: &str = "SUBMIT_TOKEN";

/// The longest error that is read, in bytes, and how much of it is shown.
const MAX_ERROR_BYTES: usize = 16 * 1024;
const SHOWN_CHARACTERS: usize = 300;

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
        let answer = answer
            .map_err(reqwest::Error::without_url)
            .context("the edge does not answer. Check --register URL")?;
        let status = answer.status();
        if status == StatusCode::OK {
            return Ok(());
        }
        let says = match says(answer).await {
            Some(says) => format!(" ({})", printable(&says)),
            None => String::new(),
        };
        bail!("the edge answers HTTP {}{says}. {}", status.as_u16(), remedy(status));
    }
}

/// What the edge says about an error: its own words, which repeat no value. Another server's are cut.
async fn says(mut answer: Response) -> Option<String> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.ok()? {
        body.extend_from_slice(&piece);
        if body.len() > MAX_ERROR_BYTES {
            return None;
        }
    }
    let body: Value = serde_json::from_slice(&body).ok()?;
    let says = body.get("error")?.get("message")?.as_str()?;
    Some(says.chars().take(SHOWN_CHARACTERS).collect())
}

const fn remedy(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "Check the token for --register.",
        StatusCode::NOT_FOUND => "Check --register URL, and that the edge has a token for it.",
        StatusCode::BAD_REQUEST => "Correct --tenant or --deadline.",
        _ => "Wait a little.",
    }
}
