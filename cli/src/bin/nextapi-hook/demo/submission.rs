//! A job that is submitted through the provider's API, and what it sends about it.

use core::time::Duration;

use anyhow::{Context as _, bail};
use nextapi_hook::{ApiKeys, Behaviour, DeliveryRecord, StandIn};
use nextapi_webhook::Key;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How long the job takes: long enough to watch, short enough to wait for.
const JOB_DURATION: Duration = Duration::from_millis(600);

/// How long to wait for a webhook that should come at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stand-in for NextAPI, and a job that was submitted to it.
pub(crate) struct Submission {
    /// Runs the job as long as it lives.
    _stand_in: StandIn,
    deliveries: UnboundedReceiver<DeliveryRecord>,
    job_id: String,
}

impl Submission {
    /// Starts the stand-in, which sends its webhooks to `webhook_url`, and submits a job.
    pub(crate) async fn make(webhook_url: &str, key: Key) -> anyhow::Result<Self> {
        let (tell, deliveries) = unbounded_channel();
        let stand_in = StandIn::builder(webhook_url, key)
            .behaviour(Behaviour { job_duration: JOB_DURATION, ..Behaviour::default() })
            // Nobody listens any more once the demo has ended.
            .on_delivery(move |record| drop(tell.send(record.clone())))
            .start(ApiKeys::generate()?)
            .await?;
        let job_id = submit(&stand_in).await?;
        Ok(Self { _stand_in: stand_in, deliveries, job_id })
    }

    /// The job's id.
    pub(crate) fn job_id(&self) -> &str {
        &self.job_id
    }

    /// The next webhook that was sent, once it has been answered.
    pub(crate) async fn next_delivery(&mut self) -> anyhow::Result<DeliveryRecord> {
        let next = tokio::time::timeout(PATIENCE, self.deliveries.recv()).await;
        next.ok().flatten().context("the stand-in has sent no further webhook")
    }
}

async fn submit(stand_in: &StandIn) -> anyhow::Result<String> {
    let (environment, api_key) =
        stand_in.keys().generated().next().context("the stand-in has no key")?;
    let job = json!({
        "model": "seedance-2.0-pro",
        "prompt": "a fox that reads its mail",
        "duration_seconds": 6,
        "resolution": "1080p",
    });
    let client = reqwest::Client::builder().no_proxy().build().context("an HTTP client")?;
    let answer = client
        .post(format!("{}v1/video/generations", stand_in.url()))
        .bearer_auth(api_key)
        .header("x-nextapi-environment", environment.as_str())
        .header("idempotency-key", "demo")
        .body(job.to_string())
        .send()
        .await
        .context("the stand-in does not answer")?;
    let status = answer.status();
    let text = answer.text().await.context("the stand-in does not answer")?;
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    match body.get("id").and_then(Value::as_str) {
        Some(id) if status.is_success() => Ok(id.to_owned()),
        _ => bail!("the stand-in refuses the job: {status} {text}"),
    }
}
