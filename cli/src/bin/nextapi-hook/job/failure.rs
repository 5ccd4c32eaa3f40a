//! What went wrong, what is certain, and what to do.

use core::time::Duration;

use nextapi_client::{Client, Disposition, Error, ErrorKind, SubmitState};

use super::report::{date, printable, status};
use super::standing::Standing;

/// How long to look for jobs that a submission may have made.
const SEARCH: Duration = Duration::from_secs(20);

/// How many of them to show.
const SHOWN: usize = 10;

/// Tells of an operation that has ended without a result.
pub(super) fn tell(error: &Error) -> Standing {
    eprintln!("error: {error}");
    if let Some(at) = error.retry_at {
        eprintln!("The provider takes requests again at {}.", date(at.div_ceil(1000)));
    }
    match error.disposition {
        Disposition::Refused => Standing::Failed,
        Disposition::Blocked => Standing::Blocked,
        Disposition::Exhausted => Standing::NotOver,
        Disposition::Unknown => Standing::Unknown,
    }
}

/// What to do about it, where that is the same for everything.
pub(super) const fn remedy(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Unauthorized | ErrorKind::Forbidden => {
            "Check the API key, its environment and what it may do; then run the same command again."
        }
        ErrorKind::InsufficientCredits => {
            "Add credits or raise the spend limit; then run the same command again."
        }
        ErrorKind::NotFound => "Check the id and the environment.",
        ErrorKind::UnknownStatus | ErrorKind::NoUrl | ErrorKind::Stalled => {
            "Look at the job at the provider; to wait again, run the same command again."
        }
        _ => return None,
    })
}

/// Tells which jobs a submission may have made whose outcome is unknown.
pub(super) async fn tell_candidates(client: &Client, state: &SubmitState) {
    let found = tokio::time::timeout(SEARCH, client.candidates(state)).await;
    let Ok(Ok(jobs)) = found else {
        eprintln!("The list of jobs, where it would be, cannot be read now.");
        return;
    };
    if jobs.is_empty() {
        eprintln!("No job in the list was submitted at that time.");
        return;
    }
    eprintln!("It may be one of these, which were submitted at that time:");
    for job in jobs.iter().take(SHOWN) {
        let created = job.created_at.map(date).unwrap_or_default();
        eprintln!("  {} {} {created}", printable(&job.id), status(job));
    }
    if jobs.len() > SHOWN {
        eprintln!("  and {} more", jobs.len().saturating_sub(SHOWN));
    }
}
