//! Waiting for the end of a job.

use core::time::Duration;

use anyhow::Context as _;
use clap::Args;
use nextapi_client::{Client, DriveError, Job, Moment, PollConfig, Poller};

use super::account::Account;
use super::progress::Progress;
use super::standing::Standing;
use super::{failure, report};
use crate::output::line;
use crate::signals::Signals;

#[derive(Args)]
pub(super) struct Poll {
    /// How long to wait for the end of the job
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// The wait between the first two looks; it doubles from there, up to 30s
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = interval)]
    interval: Duration,
}

impl Poll {
    fn config(&self) -> anyhow::Result<PollConfig> {
        let deadline = self.timeout.as_millis().try_into().context("--timeout is too long")?;
        let first = self.interval.as_millis().try_into().context("--interval is too long")?;
        let config = PollConfig::default();
        Ok(PollConfig { first, max: config.max.max(first), deadline, ..config })
    }

    /// Waits for the end of a job that the provider has or has not known before, and prints it. A signal ends only
    /// the waiting.
    pub(super) async fn run(
        &self,
        client: &Client,
        id: &str,
        seen: bool,
        json: bool,
        account: &Account,
        signals: &mut Signals,
    ) -> anyhow::Result<Standing> {
        let config = self.config()?;
        let mut progress = Progress::new(json)?;
        let state = Poller::new(id, seen, config, client.options()).state().clone();
        let watch = |poller: &Poller, moment: Moment<'_>| match (moment, poller.job()) {
            (Moment::Waits { .. }, Some(job)) => progress.show(job),
            _ => Ok(()),
        };
        let ended = tokio::select! {
            ended = client.wait(state, config, watch) => Some(ended),
            _ = signals.wait() => None,
        };
        progress.end();
        let resume =
            format!("nextapi-hook job wait {}{}", report::printable(id), account.as_options());
        match ended {
            None => {
                eprintln!("The job goes on without anybody waiting. To wait again:\n  {resume}");
                Ok(Standing::NotOver)
            }
            Some(Ok(job)) => finish(&job, json, &mut progress),
            Some(Err(DriveError::Watcher(error))) => Err(error),
            Some(Err(DriveError::Operation(error))) => {
                let standing = failure::tell(&error);
                match failure::remedy(error.kind) {
                    Some(remedy) => eprintln!("{remedy}"),
                    None => eprintln!("To wait again:\n  {resume}"),
                }
                Ok(standing)
            }
        }
    }
}

fn finish(job: &Job, json: bool, progress: &mut Progress) -> anyhow::Result<Standing> {
    if json {
        progress.show(job)?;
    } else {
        line(report::in_words(job))?;
    }
    Ok(Standing::of(&job.status))
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if interval < Duration::from_millis(100) {
        return Err("expected is at least 100ms".to_owned());
    }
    Ok(interval)
}
