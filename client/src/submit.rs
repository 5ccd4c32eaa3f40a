//! Submitting a job, once.

use alloc::sync::Arc;

use crate::exchange::{Exchange, JOBS, Turn};
use crate::{
    Call, Disposition, ErrorKind, Fingerprint, HttpResponse, IdempotencyKey, Job, Method, Millis,
    Operation, Options, Step, TransportError, ValidRequest,
};

/// A submission is sent again until this long after it was sent first: 23 hours. The provider forgets an
/// idempotency key after 24, and what it has forgotten it would bill again.
pub const RESEND_WITHIN: Millis = 23 * 60 * 60 * 1000;

/// Seconds by which a candidate's time may differ.
const CANDIDATE_SLACK: u64 = 600;

/// How far a clock may be set back between two attempts. By more, nobody knows how old the first one is.
const CLOCK_SET_BACK: Millis = 60 * 60 * 1000;

/// Submits a job: `POST /video/generations`. Whatever happens, the same bytes are sent under the same key, and never
/// when the provider could take them for another job.
pub struct Submit {
    exchange: Exchange,
    body: Arc<[u8]>,
    state: SubmitState,
    /// The fingerprints of what would be sent now.
    api_key: Fingerprint,
    request: Fingerprint,
    job: Option<Job>,
}

/// What has to outlive a crash, besides the body. A journal is written when [`Step::Send`] was returned and before
/// the request is sent: the state counts that request already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SubmitState {
    /// The idempotency key.
    pub key: IdempotencyKey,
    /// The API key under which it was sent.
    pub api_key: Fingerprint,
    /// The body.
    pub body: Fingerprint,
    /// How many requests were sent, or about to be.
    pub sends: u32,
    /// When the first one was.
    pub first_sent_at: Option<Millis>,
    /// When the last one was.
    pub last_sent_at: Option<Millis>,
}

impl SubmitState {
    /// Whether a job may be what this submission has made: it was submitted between the first request and the last,
    /// give or take ten minutes for clocks and requests that were long under way. When the outcome is unknown, a
    /// person picks among these.
    #[must_use]
    pub fn is_candidate(&self, job: &Job) -> bool {
        let (Some(first), Some(last), Some(made)) =
            (self.first_sent_at, self.last_sent_at, job.created_at)
        else {
            // Without a time nothing rules it out, if anything was sent at all.
            return self.sends > 0;
        };
        let earliest = (first / 1000).saturating_sub(CANDIDATE_SLACK);
        let latest = (last / 1000).saturating_add(CANDIDATE_SLACK);
        (earliest..=latest).contains(&made)
    }
}

/// A job that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submitted {
    /// The job as the answer tells it.
    pub job: Job,
    /// Whether it took more than one request. Then the answer may be the stored one of the first request, so only
    /// the id can be relied on: [`Retrieve`](crate::Retrieve) tells how the job is.
    pub resent: bool,
}

impl Submit {
    /// Submits a request under a key for the first time, with the API key of this fingerprint.
    #[must_use]
    pub fn new(
        request: &ValidRequest,
        key: IdempotencyKey,
        api_key: Fingerprint,
        options: Options,
    ) -> Self {
        let body = request.fingerprint();
        let state =
            SubmitState { key, api_key, body, sends: 0, first_sent_at: None, last_sent_at: None };
        Self::resume(state, request, api_key, options)
    }

    /// Goes on after a crash. If requests were sent, another one is sent only within [`RESEND_WITHIN`], under the
    /// same API key, and with the same body; else the outcome is unknown.
    #[must_use]
    pub fn resume(
        state: SubmitState,
        request: &ValidRequest,
        api_key: Fingerprint,
        options: Options,
    ) -> Self {
        let mut exchange = Exchange::new(Call::Submit, options);
        exchange.resume(state.sends);
        let mut submit = Self {
            exchange,
            body: Arc::clone(request.body()),
            state,
            api_key,
            request: request.fingerprint(),
            job: None,
        };
        if submit.state.sends == 0 {
            // Nothing was sent, so nothing binds.
            (submit.state.api_key, submit.state.body) = (submit.api_key, submit.request);
        }
        submit
    }

    /// What has to be on disk before the request that [`step`](Operation::step) has returned is sent.
    #[must_use]
    pub const fn state(&self) -> &SubmitState {
        &self.state
    }

    /// Why no further request may be sent now, if so.
    fn forbidden(&self, now: Millis) -> Option<ErrorKind> {
        if self.state.sends == 0 {
            return None;
        }
        if self.api_key != self.state.api_key {
            return Some(ErrorKind::OtherApiKey);
        }
        if self.request != self.state.body {
            return Some(ErrorKind::OtherBody);
        }
        // A journal that counts requests and does not say when: as good as expired.
        let first = self.state.first_sent_at.unwrap_or(0);
        let expired = now.saturating_sub(first) >= RESEND_WITHIN
            || first.saturating_sub(now) > CLOCK_SET_BACK;
        expired.then_some(ErrorKind::KeyExpired)
    }
}

impl Operation for Submit {
    type Output = Submitted;

    fn step(&mut self, now: Millis, entropy: u64) -> Step<Submitted> {
        if self.exchange.may_send()
            && let Some(kind) = self.forbidden(now)
        {
            self.exchange.fail(Disposition::Unknown, kind);
        }
        match self.exchange.step(now, entropy) {
            Turn::Send { timeout, resend_count } => {
                self.state.sends = self.state.sends.saturating_add(1);
                self.state.first_sent_at.get_or_insert(now);
                self.state.last_sent_at = Some(now);
                let mut request =
                    self.exchange.request(Method::Post, JOBS.into(), timeout, resend_count);
                request.headers.push(("content-type", "application/json".into()));
                request.headers.push(("idempotency-key", self.state.key.as_str().into()));
                request.body = Arc::clone(&self.body);
                Step::Send(request)
            }
            Turn::Wait { until, why } => Step::Wait { until, why },
            Turn::Done(Ok(())) => {
                let resent = self.state.sends > 1;
                Step::Done(
                    self.job
                        .take()
                        .map(|job| Submitted { job, resent })
                        .ok_or_else(Exchange::finished),
                )
            }
            Turn::Done(Err(error)) => Step::Done(Err(error)),
        }
    }

    fn on_response(&mut self, now: Millis, response: HttpResponse<'_>) {
        let job = Job::read(response.body);
        if self.exchange.on_response(now, &response, job.is_some()) {
            self.job = job;
        }
    }

    fn on_error(&mut self, now: Millis, error: TransportError) {
        self.exchange.on_error(now, error);
    }
}
