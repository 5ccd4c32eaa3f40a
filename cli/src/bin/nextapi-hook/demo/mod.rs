//! `nextapi-hook demo`

mod arrival;
mod lost_webhooks;
mod outage;
mod stay;
mod submission;
mod tally;

use core::time::Duration;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use nextapi_hook::{Scenario, Step, summary};
use nextapi_simulator::{ApiKeys, DeliveryOutcome, Environment};
use nextapi_testkit::{Deliverer, LocalEdge, Origin, Status, random_hex};
use nextapi_webhook::{Event, Key, UnixTime};
use zeroize::Zeroizing;

use crate::End;
use crate::output::{HEADING, heading, line};
use crate::signals::Signals;
use arrival::Arrival;
use lost_webhooks::Desk;
use stay::Stay;
use submission::Submission;
use tally::Tally;

/// Where the demo's edge takes deliveries.
const WEBHOOK_PATH: &str = "/webhook";
/// How long to wait for what should come at once, or after a retry of a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Start the edge and an origin on this machine, deliver every kind of event, and show what happens
#[derive(Args)]
#[command(after_long_help = crate::help::AFTER_DEMO)]
pub(crate) struct Demo {
    /// The folder of the built edge worker
    #[arg(long, value_name = "DIR", default_value = "edge-worker")]
    edge_dir: PathBuf,
    /// The edge's port on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Leave edge and origin running until Ctrl-C, and say where the operator's page is
    #[arg(long)]
    stay: bool,
}

impl Demo {
    pub(crate) async fn run(self) -> anyhow::Result<End> {
        let mut signals = Signals::catch()?;
        let webhook_secret = format!("whsec_{}", random_hex::<32>()?);
        let edge_secret = random_hex::<32>()?;

        let api_keys = ApiKeys::generate()?;
        let mut generated = api_keys.generated();
        let (_, api_key) =
            generated.find(|(of, _)| *of == Environment::Live).context("no API key was made")?;
        let api_key = Zeroizing::new(api_key.to_owned());
        drop(generated);
        let submit_token = random_hex::<32>()?;
        let api_port = lost_webhooks::free_port()?;

        let origin = Origin::start().await?;
        line(format_args!("1/3  The origin, where verified events go, is at {}", origin.url()))?;
        let stay = if self.stay { Some(Stay::new()?) } else { None };
        let edge = LocalEdge::builder(&self.edge_dir)
            .port(self.port)
            .setting("WEBHOOK_PATH", WEBHOOK_PATH)
            .setting("WEBHOOK_SECRETS", &webhook_secret)
            .setting("EDGE_SIGNING_SECRET", &edge_secret)
            .setting("ORIGIN_URL", origin.url())
            // An outage of seconds instead of hours.
            .setting("RETRY_INITIAL_SECONDS", "1")
            .setting("RETRY_MAX_SECONDS", "1")
            .setting("BREAKER_SECONDS", "1")
            // A second instead of ten minutes.
            .setting("RECONCILE_AFTER_SECONDS", "1")
            .setting("SUBMIT_TOKEN", &submit_token)
            .setting("NEXTAPI_API_KEY", api_key.as_str())
            .setting("NEXTAPI_API_URL", format!("http://127.0.0.1:{api_port}/v1"));
        let starting = match &stay {
            Some(stay) => stay.open(edge),
            None => edge,
        }
        .start();
        let mut edge = tokio::select! {
            edge = starting => edge?,
            status = signals.wait() => return Ok(End::Signal(status)),
        };
        line(format_args!("2/3  The edge, in the real engine (workerd), is at {}", edge.url()))?;

        let webhook_url = format!("{}{WEBHOOK_PATH}", edge.url().trim_end_matches('/'));
        let key = Key::new(webhook_secret.as_bytes())?;
        let desk =
            Desk::start(api_port, &webhook_url, key.clone(), api_keys, &api_key, &submit_token)
                .await?;
        let mut story = Story {
            key,
            desk,
            deliverer: Deliverer::new(&webhook_url)?,
            webhook_url,
            arrival: Arrival::new(&edge_secret)?,
            origin,
            tally: Tally::default(),
            due: 0,
        };
        let told = tokio::select! {
            told = story.tell(&mut edge) => Ok(told),
            status = signals.wait() => Err(status),
        };
        if stay.is_none() {
            edge.kill().await;
        }
        let told = match told {
            Ok(told) => told,
            Err(status) => return Ok(End::Signal(status)),
        };
        let log = edge.logs();
        let end = told.and_then(|mut tally| {
            let secrets = [webhook_secret.as_str(), &edge_secret, &api_key, &submit_token];
            let has_secret = |line: &&String| {
                secrets.iter().any(|secret| line.contains(secret))
                    || stay.as_ref().is_some_and(|stay| stay.is_in(line))
            };
            let fact = format!("no secret in the edge's {} log lines", log.len());
            let leak = log.iter().find(has_secret);
            let fault = leak.map(|_| "one of them has a secret in it".to_owned());
            tally.fact(&fact, fault.as_slice())?;
            tally.finish()
        });
        if !matches!(end, Ok(End::Good)) {
            line(format_args!("{HEADING}The edge's log:{HEADING:#}"))?;
            for printed in log {
                line(format_args!("  {printed}"))?;
            }
        } else if let Some(stay) = stay {
            stay.wait(&edge, &mut signals).await?;
        }
        end
    }
}

/// Everything that takes part while the edge runs.
struct Story {
    key: Key,
    deliverer: Deliverer,
    webhook_url: String,
    /// Where jobs are submitted whose webhooks get lost.
    desk: Desk,
    origin: Origin,
    arrival: Arrival,
    tally: Tally,
    /// How many requests should have reached the origin by now.
    due: usize,
}

impl Story {
    async fn tell(&mut self, edge: &mut LocalEdge) -> anyhow::Result<Tally> {
        line("3/3  Now the provider delivers. What the origin gets is compared byte for byte.")?;
        line("")?;
        Tally::heading()?;
        // The first of all: jobs of the other stories are unknown to this API, and asking for them takes of what the
        // edge may ask for in a minute.
        self.lost_webhooks(&edge.url()).await?;
        for scenario in Scenario::all() {
            heading(scenario.name(), scenario.about())?;
            for step in scenario.steps(&self.key, UnixTime::now())? {
                self.run(step).await?;
            }
        }
        self.submission().await?;
        self.outage(edge).await?;
        line("")?;
        let count = self.origin.count();
        let fact = format!("the origin got {count} requests in all");
        let fault = (count != self.due).then(|| format!("expected {}", self.due));
        self.tally.fact(&fact, fault.as_slice())?;
        Ok(core::mem::take(&mut self.tally))
    }

    /// The story that begins with a job instead of an event.
    async fn submission(&mut self) -> anyhow::Result<()> {
        heading(
            "api",
            "a job is submitted to a simulated NextAPI, which runs it and sends its events",
        )?;
        let before = self.origin.count();
        let mut submission = Submission::make(&self.webhook_url, self.key.clone()).await?;
        for (index, status) in
            [Status::Queued, Status::Running, Status::Succeeded].into_iter().enumerate()
        {
            let delivery = submission.next_delivery().await?;
            self.wait(before.saturating_add(index).saturating_add(1)).await;
            let received = self.origin.received();
            let arrived: Vec<_> =
                received.iter().skip(before.saturating_add(index)).take(1).collect();
            let mut faults = Vec::new();
            if delivery.event_type() != status.event_type() {
                faults.push(format!("expected {}", status.event_type()));
            }
            if delivery.outcome() != DeliveryOutcome::Answered(200) {
                faults.push("expected 200".to_owned());
            }
            let what = if let [request] = arrived[..] {
                let event = Event::read_unverified(request.body());
                if event.ok().as_ref().and_then(Event::job_id) != Some(submission.job_id()) {
                    faults.push("it is not about the job that was submitted".to_owned());
                }
                faults.extend(self.arrival.additions(request));
                format!("{} bytes", request.body().len())
            } else {
                faults.push(format!("{} requests reached the origin, not 1", arrived.len()));
                format!("{} requests", arrived.len())
            };
            self.due = self.due.saturating_add(1);
            let answered = match delivery.outcome() {
                DeliveryOutcome::Answered(status) => status.to_string(),
                other => other.as_str().to_owned(),
            };
            self.tally.row(delivery.event_type(), &answered, &what, &faults)?;
        }
        Ok(())
    }

    async fn run(&mut self, step: Step) -> anyhow::Result<()> {
        let before = self.origin.count();
        let arrivals = step.expected.arrivals(step.deliveries.len());
        self.due = self.due.saturating_add(arrivals);
        let answers = step.run(&self.deliverer).await?;
        self.wait(before.saturating_add(arrivals)).await;
        let received: Vec<_> = self.origin.received().into_iter().skip(before).collect();
        let arrived = self.arrival.check(&step, &received);
        let answers_good = step.expected.is_met_by(&answers);
        self.tally.step(&step, &summary(&answers), answers_good, arrived)
    }

    /// Waits until so many requests have reached the origin, which comes after the provider's answer. That they did
    /// not is for the caller to see.
    async fn wait(&self, count: usize) {
        let _too_few = self.origin.wait_for(count, PATIENCE).await;
    }
}
