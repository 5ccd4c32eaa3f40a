//! `nextapi-hook job wait`

use anyhow::{Context as _, bail};
use clap::Args;
use nextapi_hook::{ClaimError, Phase};
use serde_json::json;

use super::account::Account;
use super::help;
use super::name::Name;
use super::poll::Poll;
use super::standing::Standing;
use super::submit::{Outcome, go_on, in_use, tell};
use crate::output::line;
use crate::signals::Signals;

/// Wait for the end of a job
#[derive(Args)]
#[command(long_about = help::JOB_WAIT, after_long_help = help::AFTER_JOB_WAIT)]
pub(super) struct Wait {
    /// The job's id; without it, --name says which job
    #[arg(conflicts_with = "name")]
    id: Option<String>,
    /// Print a line of JSON for each change
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    poll: Poll,
    #[command(flatten)]
    account: Account,
    #[command(flatten)]
    name: Name,
}

impl Wait {
    pub(super) async fn run(self) -> anyhow::Result<Standing> {
        let client = self.account.client()?;
        let mut signals = Signals::catch()?;
        let (id, seen) = match (&self.id, &self.name.name) {
            (Some(id), _) => {
                if self.json {
                    line(json!({"kind": "waiting", "id": id}))?;
                } else {
                    line(super::report::printable(id))?;
                }
                (id.clone(), false)
            }
            (None, Some(name)) => match self.submitted(name, &client, &mut signals).await? {
                Outcome::Accepted(accepted) => (accepted.id, true),
                Outcome::Ended(standing) => return Ok(standing),
            },
            (None, None) => bail!("which job? Give its id, or --name NAME"),
        };
        self.poll.run(&client, &id, seen, self.json, &self.account, &mut signals).await
    }

    /// Finds a job in the journal, and goes on with its submission if that is not over.
    async fn submitted(
        &self,
        name: &str,
        client: &nextapi_client::Client,
        signals: &mut Signals,
    ) -> anyhow::Result<Outcome> {
        let journal = self.name.journal()?;
        let intent = self.name.intent(name, self.account.environment());
        let record = journal.find(&intent)?.with_context(|| {
            format!(
                "the journal knows no job of this name in the environment {}",
                intent.environment
            )
        })?;
        if let Phase::Refused { kind } = &record.phase {
            eprintln!(
                "error: the provider has refused this job ({kind}); submit it again, corrected"
            );
            return Ok(Outcome::Ended(Standing::Failed));
        }
        if record.base_url != self.account.base_url() {
            bail!("this job was submitted to another --api-url; use that one");
        }
        let resume = self.name.resume(name, &self.account);
        let mut claim = match journal.claim(&intent) {
            Ok(claim) => claim,
            Err(ClaimError::InUse) => return Ok(Outcome::Ended(in_use(&resume))),
            Err(ClaimError::Broken(error)) => return Err(error),
        };
        let outcome = go_on(client, &mut claim, &resume, signals).await?;
        if let Outcome::Accepted(accepted) = &outcome {
            tell(accepted, &intent, self.json)?;
        }
        Ok(outcome)
    }
}
