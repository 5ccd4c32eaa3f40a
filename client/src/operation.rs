//! What a driver drives.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use crate::{
    Call, Environment, Error, HttpRequest, HttpResponse, KeyLimits, Millis, Outcome, RetryConfig,
    TransportError,
};

/// An operation without I/O, clock or chance. The contract of driving it:
///
/// 1. Call [`step`](Self::step), with fresh entropy each time.
/// 2. On [`Step::Send`], send the request once, and report what came of it with exactly one of
///    [`on_response`](Self::on_response) and [`on_error`](Self::on_error). A driver that keeps a journal writes the
///    operation's state to disk *before* it sends.
/// 3. On [`Step::Wait`], call `step` again at that moment. Earlier does no harm.
/// 4. On [`Step::Done`], it is over.
///
/// A report that nobody waits for is ignored.
pub trait Operation {
    /// What a success gives.
    type Output;

    /// What to do now.
    fn step(&mut self, now: Millis, entropy: u64) -> Step<Self::Output>;

    /// Reports the answer to the request.
    fn on_response(&mut self, now: Millis, response: HttpResponse<'_>);

    /// Reports that there is no whole answer to it.
    fn on_error(&mut self, now: Millis, error: TransportError);
}

/// What a driver is to do.
#[derive(Debug)]
pub enum Step<T> {
    /// Send this.
    Send(HttpRequest),
    /// Nothing until then.
    Wait {
        /// When to call `step` again.
        until: Millis,
        /// What for.
        why: WaitReason,
    },
    /// It is over.
    Done(Result<T, Error>),
}

/// What an operation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitReason {
    /// The report about the request that is under way.
    Answer,
    /// The backoff before another attempt.
    Backoff,
    /// The reset of the limit on requests.
    RateLimit,
    /// The next look at a job.
    Poll,
}

/// Forbids another attempt that the table would allow, by returning `true`. It cannot allow one.
pub type Veto = fn(Call, &Outcome) -> bool;

/// What all operations of a client have in common.
#[derive(Clone)]
pub struct Options {
    /// The environment that is asked for in `X-NextAPI-Environment`.
    pub environment: Environment,
    /// How often and for how long to try.
    pub retry: RetryConfig,
    /// What operations under the same API key share.
    pub limits: Arc<KeyLimits>,
    /// Forbids retries.
    pub veto: Option<Veto>,
    /// `X-Correlation-Id` of every request of the operation; without one, it is made of the first step's entropy.
    pub correlation_id: Option<String>,
}

impl Options {
    /// The defaults, with limits of their own.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            retry: RetryConfig::default(),
            limits: Arc::new(KeyLimits::new()),
            veto: None,
            correlation_id: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("environment", &self.environment)
            .field("retry", &self.retry)
            .field("limits", &self.limits)
            .field("correlation_id", &self.correlation_id)
            .finish_non_exhaustive()
    }
}
