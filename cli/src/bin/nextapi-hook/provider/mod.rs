//! `nextapi-hook provider`

mod api_faults;
mod spending;

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use nextapi_simulator::{
    ApiKeys, Behaviour, DeliveryOutcome, DeliveryRecord, Faults, Shapes, Simulator,
};
use nextapi_testkit::{Credits, Shape};

use self::api_faults::ApiFaultArguments;
use self::spending::SpendingArguments;
use crate::End;
use crate::help;
use crate::output::line;
use crate::secret_argument::SecretArgument;
use crate::signals::Signals;

/// Be NextAPI: take jobs over HTTP, run them and send signed webhooks about them, until interrupted
#[derive(Args)]
#[command(long_about = help::PROVIDER, after_long_help = help::AFTER_PROVIDER)]
pub(crate) struct Provider {
    #[command(flatten)]
    secret: SecretArgument,
    /// Read the API keys from this file instead of `NEXTAPI_PROVIDER_KEYS`
    #[arg(long, value_name = "FILE")]
    keys_file: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 takes any that is free
    #[arg(long)]
    port: u16,
    /// Keep everything in this file, and go on from it [default: in memory]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Where webhooks go
    #[arg(long, value_name = "URL")]
    webhook_url: String,
    /// How long a job takes; it waits for a quarter of that time
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = humantime::parse_duration)]
    job_duration: Duration,
    /// How many jobs fail
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    failure_rate: f64,
    /// What the waits before retries (1 min, 5 min, 30 min, 2 h, 12 h) are multiplied by
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    retry_scale: f64,
    /// The credits that each environment begins with
    #[arg(long, value_name = "CREDITS", default_value_t = 10_000)]
    credits: u64,
    /// The shape of the webhooks' bodies; mixed draws one for every event
    #[arg(long, default_value = "envelope")]
    shape: ShapeArgument,
    /// How many deliveries are lost on their way, and retried
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    lose: f64,
    /// How many deliveries are made twice at the same moment
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    duplicate: f64,
    /// How long every event is held back before it is delivered
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    delay: Duration,
    /// How many events are overtaken by the next one of their job
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    reorder: f64,
    /// How many events are never delivered
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    drop_events: f64,
    /// How many jobs have events that are never delivered, all of them
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    drop_jobs: f64,
    /// Where chance begins: the same seed, the same decisions [default: another one every time]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    api_faults: ApiFaultArguments,
    #[command(flatten)]
    spending: SpendingArguments,
}

#[derive(Clone, Copy, ValueEnum)]
enum ShapeArgument {
    Envelope,
    EnvelopeJobId,
    Flat,
    Mixed,
}

impl Provider {
    pub(crate) async fn run(self) -> anyhow::Result<End> {
        let key = self.secret.load()?.signing_key()?;
        let keys = ApiKeys::load(self.keys_file.as_deref())?;
        let mut signals = Signals::catch()?;
        let made = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&made);
        let mut builder = Simulator::builder(&self.webhook_url, key)
            .port(self.port)
            .behaviour(self.behaviour())
            .spend_limits(self.spending.limits())
            .moderation(self.spending.moderation())
            .on_delivery(move |record| {
                count.fetch_add(1, Ordering::Relaxed);
                // Should nobody read our output any more, webhooks are sent all the same.
                drop(line(facts(record)));
                if record.gave_up() {
                    drop(line(given_up(record)));
                }
            });
        if let Some(file) = &self.data {
            builder = builder.data(file);
        }
        let simulator = builder.start(keys).await?;
        line(format_args!("listening on {}", simulator.url()))?;
        for (environment, key) in simulator.keys().generated() {
            let environment = environment.as_str();
            line(format_args!("key for {environment}, made for this run: {key}"))?;
        }
        tokio::select! {
            _ = signals.wait() => {}
            error = simulator.failed() => return Err(error),
        }
        line(format_args!("made {}", counted(made.load(Ordering::Relaxed))))?;
        Ok(End::Good)
    }

    const fn behaviour(&self) -> Behaviour {
        Behaviour {
            job_duration: self.job_duration,
            failure_rate: self.failure_rate,
            retry_scale: self.retry_scale,
            credits: Credits::whole(self.credits),
            shapes: match self.shape {
                ShapeArgument::Envelope => Shapes::Only(Shape::Envelope),
                ShapeArgument::EnvelopeJobId => Shapes::Only(Shape::EnvelopeWithJobId),
                ShapeArgument::Flat => Shapes::Only(Shape::Flat),
                ShapeArgument::Mixed => Shapes::Mixed,
            },
            faults: Faults {
                lose: self.lose,
                duplicate: self.duplicate,
                delay: self.delay,
                reorder: self.reorder,
                drop_events: self.drop_events,
                drop_jobs: self.drop_jobs,
            },
            api_faults: self.api_faults.faults(),
            seed: self.seed,
        }
    }
}

fn counted(deliveries: u64) -> String {
    format!("{deliveries} {}", if deliveries == 1 { "delivery" } else { "deliveries" })
}

fn given_up(record: &DeliveryRecord) -> String {
    format!(
        "gave up on {}: {} attempts failed; to deliver it once more, POST \
         /_provider/events/{}/redeliver",
        record.event_id(),
        record.attempt(),
        record.event_id(),
    )
}

fn facts(record: &DeliveryRecord) -> String {
    let status = match record.outcome() {
        DeliveryOutcome::Answered(status) => status.to_string(),
        _ => "-".to_owned(),
    };
    format!(
        "{} job={} event={} attempt={} reason={} outcome={} status={status} ms={}",
        record.event_type(),
        if record.job_id().is_empty() { "-" } else { record.job_id() },
        record.event_id(),
        record.attempt(),
        record.reason().as_str(),
        record.outcome().as_str(),
        record.took().unwrap_or_default().as_millis(),
    )
}
