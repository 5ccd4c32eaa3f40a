//! One look at the API: at a job, or at a page of the list.

use std::sync::Arc;

use nextapi_client::{
    Environment, Error, HttpRequest, HttpResponse, Job, JobPage, KeyLimits, ListPage,
    Operation as _, Options, PageRequest, Retrieve, RetryConfig, Step, TransportError,
};

use super::place::Place;

/// One look at the API. It is tried once: the next round tries again.
pub(super) enum Look {
    /// At the job that the ledger has in this place.
    Job(Place, Box<Retrieve>),
    /// At a page of the list.
    Page(Box<ListPage>),
}

/// What a look has shown.
pub(super) enum Seen {
    Job(Place, Result<Job, Error>),
    Page(Result<JobPage, Error>),
}

/// How long the API may take, in milliseconds.
const TIMEOUT_MS: u64 = 10_000;

/// How looks are made, with the limits of the API key.
pub(super) fn options(
    environment: Environment,
    limits: &Arc<KeyLimits>,
    correlation_id: &str,
) -> Options {
    let retry = RetryConfig {
        max_attempts: 1,
        attempt_timeout: TIMEOUT_MS,
        operation_timeout: 2 * TIMEOUT_MS,
        ..RetryConfig::default()
    };
    let limits = Arc::clone(limits);
    let correlation_id = Some(correlation_id.to_owned());
    Options { retry, limits, correlation_id, ..Options::new(environment) }
}

impl Look {
    pub(super) fn job(place: Place, options: Options) -> Self {
        // That a job is not found is said at once: the ledger asks again by itself.
        let retrieve = Box::new(Retrieve::new(&place.job_id, false, options));
        Self::Job(place, retrieve)
    }

    pub(super) fn page(page: PageRequest, options: Options) -> Self {
        Self::Page(Box::new(ListPage::new(page, options)))
    }

    /// The request to send; none if the API wants to be left alone.
    pub(super) fn request(&mut self, now_ms: u64, entropy: u64) -> Option<HttpRequest> {
        match self {
            Self::Job(_, retrieve) => sent(retrieve.step(now_ms, entropy)),
            Self::Page(page) => sent(page.step(now_ms, entropy)),
        }
    }

    /// Takes the answer, or why there is none; what was seen, unless the API wants to be asked later.
    pub(super) fn take(
        self,
        answer: Result<HttpResponse<'_>, TransportError>,
        now_ms: u64,
        entropy: u64,
    ) -> Option<Seen> {
        match self {
            Self::Job(place, mut retrieve) => {
                match answer {
                    Ok(response) => retrieve.on_response(now_ms, response),
                    Err(error) => retrieve.on_error(now_ms, error),
                }
                Some(Seen::Job(place, done(retrieve.step(now_ms, entropy))?))
            }
            Self::Page(mut page) => {
                match answer {
                    Ok(response) => page.on_response(now_ms, response),
                    Err(error) => page.on_error(now_ms, error),
                }
                Some(Seen::Page(done(page.step(now_ms, entropy))?))
            }
        }
    }
}

fn sent<T>(step: Step<T>) -> Option<HttpRequest> {
    match step {
        Step::Send(request) => Some(request),
        Step::Wait { .. } | Step::Done(_) => None,
    }
}

fn done<T>(step: Step<T>) -> Option<Result<T, Error>> {
    match step {
        Step::Done(result) => Some(result),
        Step::Send(_) | Step::Wait { .. } => None,
    }
}
