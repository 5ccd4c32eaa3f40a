//! Looking at one job.

use alloc::boxed::Box;
use alloc::string::String;

use crate::exchange::{Exchange, JOBS, Turn};
use crate::http::push_segment;
use crate::{
    Call, ErrorKind, HttpResponse, Job, Method, Millis, Operation, Options, Step, TransportError,
};

/// Looks at one job: `GET /video/generations/{id}`.
pub struct Retrieve {
    exchange: Exchange,
    id: Box<str>,
    job: Option<Job>,
}

impl Retrieve {
    /// Looks for the job of this id, its own or its video's. `seen` says that the provider has known the id before:
    /// then it is asked three times in about a minute before "not found" is believed.
    #[must_use]
    pub fn new(id: &str, seen: bool, options: Options) -> Self {
        Self { exchange: Exchange::new(Call::Retrieve { seen }, options), id: id.into(), job: None }
    }

    /// What the last attempt has failed with, and the status if there was an answer.
    pub(crate) const fn last(&self) -> Option<(ErrorKind, Option<u16>)> {
        self.exchange.last()
    }
}

impl Operation for Retrieve {
    type Output = Job;

    fn step(&mut self, now: Millis, entropy: u64) -> Step<Job> {
        match self.exchange.step(now, entropy) {
            Turn::Send { timeout, resend_count } => {
                let mut path = String::from(JOBS);
                path.push('/');
                push_segment(&mut path, &self.id);
                Step::Send(self.exchange.request(Method::Get, path, timeout, resend_count))
            }
            Turn::Wait { until, why } => Step::Wait { until, why },
            Turn::Done(Ok(())) => Step::Done(self.job.take().ok_or_else(Exchange::finished)),
            Turn::Done(Err(error)) => Step::Done(Err(error)),
        }
    }

    fn on_response(&mut self, now: Millis, response: HttpResponse<'_>) {
        // An answer about another job is none.
        let job = Job::read(response.body).filter(|job| job.is(&self.id));
        if self.exchange.on_response(now, &response, job.is_some()) {
            self.job = job;
        }
    }

    fn on_error(&mut self, now: Millis, error: TransportError) {
        self.exchange.on_error(now, error);
    }
}
