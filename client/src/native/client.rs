//! Drives operations: sends what they want sent, waits when they wait.

use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::sleep;

use super::builder::ClientBuilder;
use super::transport::Transport;
use crate::{
    ApiKey, Error, Fingerprint, HttpRequest, HttpResponse, IdempotencyKey, Job, JobPage, JobWalk,
    ListPage, Millis, Operation, Options, PageRequest, PollConfig, Poller, PollerState, Retrieve,
    Step, Submit, SubmitState, Submitted, ValidRequest, WaitReason, WalkError, Watermark,
};

/// The provider's API, for one API key. A clone shares connections and limits.
///
/// ```no_run
/// # async fn example(request: nextapi_client::ValidRequest) -> Result<(), Box<dyn std::error::Error>> {
/// use nextapi_client::{ApiKey, Client, Environment, IdempotencyKey, Intent, Operation, PollConfig, Poller};
///
/// let api_key = ApiKey::new(&std::env::var("NEXTAPI_API_KEY")?, Environment::Test)?;
/// let client = Client::builder(api_key).build()?;
/// let intent = Intent { namespace: *b"orders of acme\0\0", name: "order-42", take: 1 };
/// let key = IdempotencyKey::derive(&intent, Environment::Test, &request);
/// let submitted = client.submit(&request, key).await?;
/// let config = PollConfig::default();
/// let mut poller = Poller::new(&submitted.job.id, true, config, client.options());
/// let job = client.run(&mut poller).await?;
/// println!("{} {}", job.id, job.status);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    transport: Transport,
    options: Options,
}

/// What a driver is about to do, or has just done, with an operation.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Moment<'a> {
    /// The request is about to be sent: the moment to write a journal.
    BeforeSend(&'a HttpRequest),
    /// The operation has taken an answer in, or that there is none.
    Answered,
    /// It waits.
    Waits {
        /// Until when.
        until: Millis,
        /// What for.
        why: WaitReason,
    },
}

/// Why a driven operation has no result.
#[derive(Debug)]
pub enum DriveError<E> {
    /// It ended without one.
    Operation(Error),
    /// The caller could not follow, because its journal cannot be written, for one. If that was before a request,
    /// the request was not sent.
    Watcher(E),
}

impl Client {
    /// A client for this API key, in the environment that the key belongs to.
    #[must_use]
    pub fn builder(key: ApiKey) -> ClientBuilder {
        ClientBuilder::new(key)
    }

    pub(super) const fn new(transport: Transport, options: Options) -> Self {
        Self { transport, options }
    }

    /// What operations that are made by hand, and driven with [`drive`](Self::drive), need.
    #[must_use]
    pub fn options(&self) -> Options {
        self.options.clone()
    }

    /// The fingerprint of the API key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.transport.fingerprint()
    }

    /// Submits a job. Without a journal, a submission that the process does not survive can be repeated safely with
    /// the same key for 23 hours; see [`submit_with`](Self::submit_with) for one with a journal.
    ///
    /// # Errors
    /// [`Error`]. After [`Disposition::Unknown`](crate::Disposition::Unknown) the job may be there.
    pub async fn submit(
        &self,
        request: &ValidRequest,
        key: IdempotencyKey,
    ) -> Result<Submitted, Error> {
        let mut submit = Submit::new(request, key, self.fingerprint(), self.options());
        self.run(&mut submit).await
    }

    /// Submits a job, or goes on with it after a crash. `journal` is called before each request, with what has to be
    /// on disk before it is sent; if it fails, nothing is sent.
    ///
    /// # Errors
    /// As [`submit`](Self::submit), or with the journal's error.
    pub async fn submit_with<E>(
        &self,
        request: &ValidRequest,
        state: SubmitState,
        mut journal: impl FnMut(&SubmitState) -> Result<(), E>,
    ) -> Result<Submitted, DriveError<E>> {
        let mut submit = Submit::resume(state, request, self.fingerprint(), self.options());
        let watch = |submit: &Submit, moment: Moment<'_>| match moment {
            Moment::BeforeSend(_) => journal(submit.state()),
            _ => Ok(()),
        };
        self.drive(&mut submit, watch).await
    }

    /// Looks at a job. `seen` says that the provider has known its id before.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn retrieve(&self, id: &str, seen: bool) -> Result<Job, Error> {
        self.run(&mut Retrieve::new(id, seen, self.options())).await
    }

    /// Reads a page of the list of jobs, newest first.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn list(&self, page: PageRequest) -> Result<JobPage, Error> {
        self.run(&mut ListPage::new(page, self.options())).await
    }

    /// Waits for the end of a job, which is a job that has succeeded or failed. `watch` is called with each step of
    /// the way.
    ///
    /// # Errors
    /// [`Error`], or the watcher's.
    pub async fn wait<E>(
        &self,
        state: PollerState,
        config: PollConfig,
        watch: impl FnMut(&Poller, Moment<'_>) -> Result<(), E>,
    ) -> Result<Job, DriveError<E>> {
        self.drive(&mut Poller::resume(state, config, self.options()), watch).await
    }

    /// The jobs that may be what a submission has made whose outcome is unknown, newest first: for a person to pick.
    ///
    /// # Errors
    /// [`Error`], or that the list changes too fast to be read.
    pub async fn candidates(&self, state: &SubmitState) -> Result<Vec<Job>, DriveError<WalkError>> {
        let since = state.first_sent_at.unwrap_or(0) / 1000;
        // The walk goes two minutes further back than this by itself.
        let since = Watermark { created_at: since.saturating_sub(600), ids: Vec::new() };
        let mut walk = JobWalk::new(Some(since), 100);
        let mut found: Vec<Job> = Vec::new();
        while let Some(page) = walk.next_page() {
            let page = self.list(page).await.map_err(DriveError::Operation)?;
            let jobs = walk.on_page(page).map_err(DriveError::Watcher)?;
            for job in jobs {
                if state.is_candidate(&job) && !found.iter().any(|it| it.id == job.id) {
                    found.push(job);
                }
            }
        }
        Ok(found)
    }

    /// Drives an operation to its end.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn run<O: Operation>(&self, operation: &mut O) -> Result<O::Output, Error> {
        match self.drive(operation, |_, _| Ok::<_, Infallible>(())).await {
            Ok(output) => Ok(output),
            Err(DriveError::Operation(error)) => Err(error),
            Err(DriveError::Watcher(never)) => match never {},
        }
    }

    /// Drives an operation to its end, and tells `watch` of each step.
    ///
    /// If the future is dropped, a request that is under way may or may not have been acted on: a submission goes on
    /// from its [state](Submit::state).
    ///
    /// # Errors
    /// [`Error`], or the watcher's.
    pub async fn drive<O: Operation, E>(
        &self,
        operation: &mut O,
        mut watch: impl FnMut(&O, Moment<'_>) -> Result<(), E>,
    ) -> Result<O::Output, DriveError<E>> {
        loop {
            match operation.step(now(), fastrand::u64(..)) {
                Step::Send(request) => {
                    watch(operation, Moment::BeforeSend(&request)).map_err(DriveError::Watcher)?;
                    match self.transport.send(&request).await {
                        Ok(answer) => {
                            let headers: Vec<_> = answer
                                .headers
                                .iter()
                                .map(|(name, value)| (*name, value.as_str()))
                                .collect();
                            let (status, body) = (answer.status, answer.body.as_slice());
                            operation.on_response(
                                now(),
                                HttpResponse { status, headers: &headers, body },
                            );
                        }
                        Err(error) => operation.on_error(now(), error),
                    }
                    watch(operation, Moment::Answered).map_err(DriveError::Watcher)?;
                }
                Step::Wait { until, why } => {
                    watch(operation, Moment::Waits { until, why }).map_err(DriveError::Watcher)?;
                    sleep(Duration::from_millis(until.saturating_sub(now()))).await;
                }
                Step::Done(result) => return result.map_err(DriveError::Operation),
            }
        }
    }
}

/// The time that operations count in. It must go on while the machine sleeps, or an idempotency key would seem younger
/// than it is.
fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(Millis::MAX)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &String::from(self.transport.base()))
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<E: fmt::Display> fmt::Display for DriveError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(error) => error.fmt(f),
            Self::Watcher(error) => error.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for DriveError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Operation(_) => None,
            Self::Watcher(error) => error.source(),
        }
    }
}
