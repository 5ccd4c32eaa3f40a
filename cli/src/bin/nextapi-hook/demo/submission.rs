//! A job that is submitted through the provider's API, and what it sends about it.

use core::time::Duration;

use anyhow::Context as _;
use nextapi_simulator::{ApiKeys, Behaviour, Client, DeliveryRecord, Environment, Simulator};
use nextapi_webhook::Key;
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How long the job takes: long enough to watch, short enough to wait for.
pub(super) const JOB_DURATION: Duration = Duration::from_millis(600);

/// How long to wait for a webhook that should come at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// A simulated NextAPI, and a job that was submitted to it.
pub(crate) struct Submission {
    /// Runs the job as long as it lives.
    _simulator: Simulator,
    deliveries: UnboundedReceiver<DeliveryRecord>,
    job_id: String,
}

impl Submission {
    /// Starts the simulator, which sends its webhooks to `webhook_url`, and submits a job.
    pub(crate) async fn make(webhook_url: &str, key: Key) -> anyhow::Result<Self> {
        let (tell, deliveries) = unbounded_channel();
        let simulator = Simulator::builder(webhook_url, key)
            .behaviour(Behaviour { job_duration: JOB_DURATION, ..Behaviour::default() })
            // Nobody listens any more once the demo has ended.
            .on_delivery(move |record| drop(tell.send(record.clone())))
            .start(ApiKeys::generate()?)
            .await?;
        let job = json!({
            "model": "seedance-2.0-pro",
            "prompt": "a fox that reads its mail",
            "duration_seconds": 6,
            "resolution": "1080p",
        });
        let headers = [("x-nextapi-environment", "live"), ("idempotency-key", "demo")];
        let client = Client::of(&simulator, Environment::Live)?;
        let answer = client.submit(&headers, &job).await?;
        let job_id = answer.id().context("the simulator refuses the job")?;
        Ok(Self { _simulator: simulator, deliveries, job_id })
    }

    /// The job's id.
    pub(crate) fn job_id(&self) -> &str {
        &self.job_id
    }

    /// The next webhook that was sent, once it has been answered.
    pub(crate) async fn next_delivery(&mut self) -> anyhow::Result<DeliveryRecord> {
        let next = tokio::time::timeout(PATIENCE, self.deliveries.recv()).await;
        next.ok().flatten().context("the simulator has sent no further webhook")
    }
}
