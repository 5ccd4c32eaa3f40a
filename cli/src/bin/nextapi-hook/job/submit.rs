//! `nextapi-hook job submit`

use clap::Args;
use nextapi_client::{Client, ErrorKind};
use nextapi_hook::{Accepted, Claim, ClaimError, JobIntent, SubmissionError, submit};
use serde_json::json;

use super::account::Account;
use super::name::Name;
use super::poll::Poll;
use super::register::Register;
use super::request::Request;
use super::standing::Standing;
use super::{failure, help, report};
use crate::output::line;
use crate::signals::Signals;

/// Submit a job, once
#[derive(Args)]
#[command(long_about = help::JOB_SUBMIT, after_long_help = help::AFTER_JOB_SUBMIT)]
pub(super) struct Submit {
    /// Wait for the end of the job
    #[arg(long)]
    wait: bool,
    /// Print lines of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    poll: Poll,
    #[command(flatten)]
    account: Account,
    #[command(flatten)]
    name: Name,
    #[command(flatten)]
    register: Register,
    #[command(flatten)]
    request: Request,
}

/// What a submission has come to, in the end.
pub(super) enum Outcome {
    Accepted(Accepted),
    /// It was told why not.
    Ended(Standing),
}

impl Submit {
    pub(super) async fn run(self) -> anyhow::Result<Standing> {
        let client = self.account.client()?;
        let request = self.request.load().await?;
        let edge = self.register.prepare()?;
        let mut signals = Signals::catch()?;
        let name = self.name.name.clone().unwrap_or_else(|| request.fingerprint().to_string());
        let intent = self.name.intent(&name, self.account.environment());
        let resume = self.name.resume(&name, &self.account);
        let journal = self.name.journal()?;
        let mut claim = match journal.claim(&intent) {
            Ok(claim) => claim,
            Err(ClaimError::InUse) => return Ok(in_use(&resume)),
            Err(ClaimError::Broken(error)) => return Err(error),
        };
        claim.intend(self.account.base_url(), client.fingerprint(), &request)??;
        let accepted = match go_on(&client, &mut claim, &resume, &mut signals).await? {
            Outcome::Accepted(accepted) => accepted,
            Outcome::Ended(standing) => return Ok(standing),
        };
        // Others may have the job now.
        drop(claim);
        tell(&accepted, &intent, self.json)?;
        if let Some(edge) = edge
            && let Err(error) = edge.tell(&accepted.id, accepted.estimated_credits).await
        {
            eprintln!("error: the job is submitted, and not registered: {error:#}");
            eprintln!("Then run the same command again: that registers it, and submits nothing.");
            return Ok(Standing::NotOver);
        }
        if !self.wait {
            return Ok(Standing::Done);
        }
        self.poll.run(&client, &accepted.id, true, self.json, &self.account, &mut signals).await
    }
}

/// Submits what is claimed, or goes on with it. `resume` is a command that goes on with it later.
pub(super) async fn go_on(
    client: &Client,
    claim: &mut Claim,
    resume: &str,
    signals: &mut Signals,
) -> anyhow::Result<Outcome> {
    let ended = tokio::select! {
        ended = submit(client, claim) => Some(ended),
        _ = signals.wait() => None,
    };
    let state = claim.record().map(|record| record.state.clone());
    let error = match ended {
        Some(Ok(accepted)) => {
            if let Some(error) = &accepted.not_noted {
                eprintln!(
                    "warning: the job is submitted, and the journal does not know: {error:#}"
                );
            }
            return Ok(Outcome::Accepted(accepted));
        }
        Some(Err(error)) => error,
        None if state.is_some_and(|state| state.sends > 0) => {
            eprintln!("interrupted; outcome unknown. To go on:\n  {resume}");
            return Ok(Outcome::Ended(Standing::Unknown));
        }
        None => {
            eprintln!("interrupted; nothing was sent.");
            return Ok(Outcome::Ended(Standing::NotOver));
        }
    };
    let (standing, kind) = match &error {
        SubmissionError::Journal(_) if state.as_ref().is_none_or(|state| state.sends == 0) => {
            return Err(error.into());
        }
        SubmissionError::Journal(_) => {
            eprintln!("error: {error}; outcome unknown");
            (Standing::Unknown, None)
        }
        SubmissionError::BodyDeleted => {
            eprintln!("error: {error}");
            (Standing::Unknown, Some(ErrorKind::KeyExpired))
        }
        SubmissionError::Ended { error, not_noted } => {
            let standing = failure::tell(error);
            if let Some(error) = not_noted {
                eprintln!("warning: the journal does not know: {error:#}");
            }
            if standing == Standing::Failed && error.kind == ErrorKind::Conflict {
                eprintln!("Somebody else is submitting this very job, with another journal.");
                eprintln!("Do not submit it under another name. To learn its id:\n  {resume}");
                return Ok(Outcome::Ended(Standing::NotOver));
            }
            (standing, Some(error.kind))
        }
    };
    match (standing, state) {
        (Standing::Unknown, Some(state)) => {
            eprintln!("There may be a job. Do not submit it under another name before you know.");
            match kind {
                Some(ErrorKind::KeyExpired | ErrorKind::OtherBody) => {
                    eprintln!("If you are sure that there is none, submit it with another --take.");
                }
                Some(ErrorKind::OtherApiKey) => {
                    eprintln!("With the first API key it can go on, within 23 hours.");
                }
                _ => eprintln!("To go on, within 23 hours of the first attempt:\n  {resume}"),
            }
            failure::tell_candidates(client, &state).await;
        }
        (Standing::Failed, _) => {
            eprintln!("Nothing was done. Correct the request, and submit it under the same name.");
        }
        (Standing::NotOver, _) => eprintln!("Nothing was done. To go on:\n  {resume}"),
        _ => {
            eprintln!("Nothing was done.");
            if let Some(remedy) = kind.and_then(failure::remedy) {
                eprintln!("{remedy}");
            }
        }
    }
    Ok(Outcome::Ended(standing))
}

/// Prints the id: alone, or as JSON.
pub(super) fn tell(accepted: &Accepted, intent: &JobIntent, json: bool) -> anyhow::Result<()> {
    if json {
        return line(json!({
            "kind": "submitted",
            "id": accepted.id,
            "name": intent.name,
            "take": intent.take,
            "environment": intent.environment.as_str(),
            "requests": accepted.requests,
            "known": accepted.known,
            "estimated_credits": accepted.estimated_credits.map(|credits| credits.to_string()),
        }));
    }
    line(report::printable(&accepted.id))
}

/// Tells that another process has the job.
pub(super) fn in_use(resume: &str) -> Standing {
    eprintln!("error: another process is submitting the job of this name; nothing was sent here.");
    eprintln!("To wait for that job:\n  {resume}");
    Standing::NotOver
}
