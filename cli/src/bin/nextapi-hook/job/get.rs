//! `nextapi-hook job get`

use clap::Args;

use super::account::Account;
use super::standing::Standing;
use super::{failure, help, report};
use crate::output::line;

/// Look at a job, once
#[derive(Args)]
#[command(long_about = help::JOB_GET, after_long_help = help::AFTER_JOB_GET)]
pub(super) struct Get {
    /// The job's id, or its video's
    id: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    account: Account,
}

impl Get {
    pub(super) async fn run(self) -> anyhow::Result<Standing> {
        let client = self.account.client()?;
        match client.retrieve(&self.id, false).await {
            Ok(job) => {
                if self.json {
                    line(report::as_json(&job))?;
                } else {
                    line(report::in_words(&job))?;
                }
                Ok(Standing::of(&job.status))
            }
            Err(error) => {
                let standing = failure::tell(&error);
                if let Some(remedy) = failure::remedy(error.kind) {
                    eprintln!("{remedy}");
                }
                Ok(standing)
            }
        }
    }
}
