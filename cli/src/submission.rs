//! Submits a job with a journal.

use core::fmt;

use nextapi_client::{
    Client, Credits, Disposition, DriveError, Error, ErrorKind, Moment, Submit, ValidRequest,
};

use crate::journal::{Boundary, Claim, Phase};

/// A job that was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// Its id.
    pub id: String,
    /// What was reserved for it.
    pub estimated_credits: Option<Credits>,
    /// Whether that was known before, so that nothing was sent.
    pub known: bool,
    /// How many requests were sent for it, by any process.
    pub requests: u32,
    /// Why the journal could not be written afterwards. The next process will send the request again, under the
    /// same key, and learn the same id.
    pub not_noted: Option<anyhow::Error>,
}

/// Why a submission has not come to a job.
#[derive(Debug)]
pub enum SubmissionError {
    /// The client has ended it.
    Ended {
        /// Why.
        error: Error,
        /// Why the journal could not be written afterwards. It says that the request was sent, and the next process
        /// sends it again, under the same key.
        not_noted: Option<anyhow::Error>,
    },
    /// The journal could not be written, so nothing more was sent. What was sent before, the claim's record counts.
    Journal(anyhow::Error),
    /// What was sent is not in the journal any more, as it was intended more than 24 hours ago. Whether there is a
    /// job nobody knows.
    BodyDeleted,
}

/// Submits what the claim says is to be submitted, or goes on with it. Before each request the journal is on the
/// disk.
///
/// # Errors
/// [`SubmissionError`]
pub async fn submit(client: &Client, claim: &mut Claim) -> Result<Accepted, SubmissionError> {
    let Some(record) = claim.record() else {
        return Err(SubmissionError::Journal(anyhow::anyhow!("nothing was intended")));
    };
    let mut requests = record.state.sends;
    if let Phase::Accepted { id, estimated_credits } = &record.phase {
        let (id, estimated_credits) = (id.clone(), *estimated_credits);
        return Ok(Accepted { id, estimated_credits, known: true, requests, not_noted: None });
    }
    let request: ValidRequest = record.request().ok_or_else(|| match record.phase {
        Phase::Sent | Phase::Unknown { .. } => SubmissionError::BodyDeleted,
        _ => SubmissionError::Journal(anyhow::anyhow!(
            "nothing was sent, and the request is not kept any longer: submit it again"
        )),
    })?;
    let mut submit =
        Submit::resume(record.state.clone(), &request, client.fingerprint(), client.options());
    let result = client
        .drive(&mut submit, |submit, moment| {
            match moment {
                Moment::BeforeSend(_) => {
                    let state = submit.state().clone();
                    requests = state.sends;
                    return claim.update(|record| {
                        (record.state, record.phase) = (state, Phase::Sent);
                    });
                }
                Moment::Answered => claim.reached(Boundary::Answered),
                _ => {}
            }
            Ok(())
        })
        .await;
    match result {
        Ok(submitted) => {
            let id = String::from(submitted.job.id);
            let estimated_credits = submitted.job.estimated_credits;
            let phase = Phase::Accepted { id: id.clone(), estimated_credits };
            let noted = claim.update(|record| (record.phase, record.body) = (phase, None));
            let not_noted = noted.err();
            Ok(Accepted { id, estimated_credits, known: false, requests, not_noted })
        }
        Err(DriveError::Watcher(error)) => Err(SubmissionError::Journal(error)),
        Err(DriveError::Operation(error)) => {
            let kind = error.kind.as_str().to_owned();
            let noted = claim.update(|record| match error.disposition {
                // The key is derived from the job, so somebody with another journal is submitting the same one: it
                // goes on as if the request had been ours.
                Disposition::Refused if error.kind == ErrorKind::Conflict => {}
                Disposition::Refused => {
                    record.forget_attempts();
                    (record.phase, record.body) = (Phase::Refused { kind }, None);
                }
                // It is certain that nothing was done.
                Disposition::Blocked | Disposition::Exhausted => {
                    record.forget_attempts();
                    record.phase = Phase::Intended;
                }
                Disposition::Unknown => record.phase = Phase::Unknown { kind },
            });
            Err(SubmissionError::Ended { error, not_noted: noted.err() })
        }
    }
}

impl fmt::Display for SubmissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended { error, .. } => error.fmt(f),
            Self::Journal(error) => write!(f, "{error:#}"),
            Self::BodyDeleted => f.write_str(
                "outcome unknown: the request was sent more than 24 hours ago, and is not kept any longer",
            ),
        }
    }
}

impl core::error::Error for SubmissionError {}
