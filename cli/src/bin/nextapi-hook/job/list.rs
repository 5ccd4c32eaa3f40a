//! `nextapi-hook job list`

use clap::Args;
use nextapi_client::PageRequest;
use serde_json::json;

use super::account::Account;
use super::standing::Standing;
use super::{failure, help, report};
use crate::output::{HEADING, line};

/// List jobs, newest first
#[derive(Args)]
#[command(long_about = help::JOB_LIST, after_long_help = help::AFTER_JOB_LIST)]
pub(super) struct List {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
    limit: u64,
    /// How many newer ones to leave out
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    account: Account,
}

impl List {
    pub(super) async fn run(self) -> anyhow::Result<Standing> {
        let client = self.account.client()?;
        let page = match client.list(PageRequest { limit: self.limit, offset: self.offset }).await {
            Ok(page) => page,
            Err(error) => {
                let standing = failure::tell(&error);
                if let Some(remedy) = failure::remedy(error.kind) {
                    eprintln!("{remedy}");
                }
                return Ok(standing);
            }
        };
        if self.json {
            let jobs: Vec<_> = page.jobs.iter().map(report::as_json).collect();
            line(json!({"jobs": jobs, "total": page.total, "offset": page.offset}))?;
            return Ok(Standing::Done);
        }
        let width = page.jobs.iter().map(|job| job.id.chars().count()).max().unwrap_or(0).max(3);
        line(format_args!(
            "{HEADING}{:<width$}  {:<10} {:>8}  {:<20}{HEADING:#}",
            "job", "status", "credits", "created"
        ))?;
        for job in &page.jobs {
            let credits = job.credits.or(job.estimated_credits);
            line(format_args!(
                "{:<width$}  {:<10} {:>8}  {}",
                report::printable(&job.id),
                report::status(job),
                credits.map(|credits| credits.to_string()).unwrap_or_default(),
                job.created_at.map(report::date).unwrap_or_default(),
            ))?;
        }
        if let Some(total) = page.total {
            line(format_args!("{} of {total}", page.jobs.len()))?;
        }
        Ok(Standing::Done)
    }
}
