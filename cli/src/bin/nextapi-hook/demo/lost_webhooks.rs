//! The story of a job whose webhooks never come: the edge asks the provider's API.

use core::net::Ipv4Addr;
use std::env;
use std::net::TcpListener;

use anyhow::{Context as _, ensure};
use nextapi_simulator::{ApiKeys, Behaviour, Faults, Simulator};
use nextapi_webhook::{Event, Key};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::Story;
use super::submission::JOB_DURATION;
use crate::output::{heading, line};

/// A port for the API, which the edge has to be told of before the simulator, which sends to the edge, can start.
pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// Where jobs are submitted whose webhooks get lost.
pub(super) struct Desk {
    /// A simulated NextAPI that sends no webhook.
    simulator: Simulator,
    api_key: Zeroizing<String>,
    /// The edge's token for the registration of jobs.
    submit_token: String,
}

impl Desk {
    pub(super) async fn start(
        port: u16,
        webhook_url: &str,
        key: Key,
        api_keys: ApiKeys,
        api_key: &str,
        submit_token: &str,
    ) -> anyhow::Result<Self> {
        let faults = Faults { drop_jobs: 1.0, ..Faults::default() };
        let simulator = Simulator::builder(webhook_url, key)
            .port(port)
            .behaviour(Behaviour { job_duration: JOB_DURATION, faults, ..Behaviour::default() })
            .start(api_keys)
            .await?;
        let api_key = Zeroizing::new(api_key.to_owned());
        Ok(Self { simulator, api_key, submit_token: submit_token.to_owned() })
    }
}

/// Submits a job as anybody would, with the command `job submit`, which tells the edge about it: the job's id.
async fn submit(desk: &Desk, edge_url: &str) -> anyhow::Result<String> {
    let journal = tempfile::tempdir().context("no temporary folder can be made")?;
    let api_url = format!("{}/v1", desk.simulator.url().trim_end_matches('/'));
    let output = Command::new(env::current_exe().context("this program is not found")?)
        .args(["job", "submit", "--prompt", "a fox that reads its mail", "--duration", "6"])
        .args(["--resolution", "1080p", "--environment", "live", "--api-url", &api_url])
        .args(["--register", edge_url, "--tenant", "demo", "--journal"])
        .arg(journal.path())
        .env("NEXTAPI_API_KEY", desk.api_key.as_str())
        .env("SUBMIT_TOKEN", &desk.submit_token)
        .kill_on_drop(true)
        .output()
        .await
        .context("`job submit` does not start")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`job submit` fails: {}", said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Story {
    pub(super) async fn lost_webhooks(&mut self, edge_url: &str) -> anyhow::Result<()> {
        heading(
            "lost",
            "a job is submitted and no webhook of it ever comes; the edge asks the API, and delivers the end",
        )?;
        let before = self.origin.count();
        let job_id = submit(&self.desk, edge_url).await?;
        line(format_args!("   {job_id} is submitted; its webhooks get lost"))?;
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
