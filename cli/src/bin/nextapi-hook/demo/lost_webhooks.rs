//! The story of a job whose webhooks never come: the edge asks the provider's API.

use core::net::Ipv4Addr;
use std::net::TcpListener;

use anyhow::Context as _;
use nextapi_simulator::{ApiKeys, Behaviour, Client, Environment, Faults, Simulator};
use nextapi_webhook::{Event, Key};

use super::Story;
use super::submission::{JOB_DURATION, job};
use crate::output::{heading, line};

/// A port for the API, which the edge has to be told of before the simulator, which sends to the edge, can start.
pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// The simulated NextAPI that sends no webhook.
pub(super) async fn silent_provider(
    port: u16,
    webhook_url: &str,
    key: Key,
    keys: ApiKeys,
) -> anyhow::Result<Simulator> {
    let faults = Faults { drop_jobs: 1.0, ..Faults::default() };
    Simulator::builder(webhook_url, key)
        .port(port)
        .behaviour(Behaviour { job_duration: JOB_DURATION, faults, ..Behaviour::default() })
        .start(keys)
        .await
}

impl Story {
    pub(super) async fn lost_webhooks(&mut self) -> anyhow::Result<()> {
        heading(
            "lost",
            "a job is submitted and no webhook of it ever comes; the edge asks the API, and delivers the end",
        )?;
        let before = self.origin.count();
        let client = Client::of(&self.silent, Environment::Live)?;
        let headers = [("x-nextapi-environment", "live"), ("idempotency-key", "lost")];
        let answer = client.submit(&headers, &job()).await?;
        let job_id = answer.id().context("the simulator refuses the job")?;
        line("   the job runs and ends, and the provider's webhooks get lost")?;
        self.due = self.due.saturating_add(1);
        self.wait(before.saturating_add(1)).await;
        let received: Vec<_> = self.origin.received().into_iter().skip(before).collect();
        let mut faults = Vec::new();
        let what = if let [request] = &received[..] {
            let event = Event::read_unverified(request.body()).ok();
            if event.as_ref().and_then(Event::job_id) != Some(&job_id) {
                faults.push("it is not about the job that was submitted".to_owned());
            }
            if event.as_ref().and_then(Event::event_type) != Some("job.succeeded") {
                faults.push("it does not say that the job has succeeded".to_owned());
            }
            if request.header("x-nextapi-signature").is_some() {
                faults.push("it pretends to come from the provider".to_owned());
            }
            faults.extend(self.arrival.additions(request));
            format!("{} bytes", request.body().len())
        } else {
            faults.push(format!("{} requests reached the origin, not 1", received.len()));
            format!("{} requests", received.len())
        };
        self.tally.row("job.succeeded, made by the edge", "", &what, &faults)
    }
}
