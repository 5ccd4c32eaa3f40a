//! Reading a page of the list of jobs.

use alloc::format;

use crate::exchange::{Exchange, JOBS, Turn};
use crate::{
    Call, HttpResponse, JobPage, Method, Millis, Operation, Options, Step, TransportError,
};

/// Which part of the list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// How many jobs at most.
    pub limit: u64,
    /// How many newer jobs to leave out.
    pub offset: u64,
}

/// Reads a page of the list of jobs, newest first: `GET /video/generations?limit=…&offset=…`.
pub struct ListPage {
    exchange: Exchange,
    page: PageRequest,
    read: Option<JobPage>,
}

impl ListPage {
    /// Asks for this page.
    #[must_use]
    pub const fn new(page: PageRequest, options: Options) -> Self {
        Self { exchange: Exchange::new(Call::List, options), page, read: None }
    }
}

impl Operation for ListPage {
    type Output = JobPage;

    fn step(&mut self, now: Millis, entropy: u64) -> Step<JobPage> {
        match self.exchange.step(now, entropy) {
            Turn::Send { timeout, resend_count } => {
                let PageRequest { limit, offset } = self.page;
                let path = format!("{JOBS}?limit={limit}&offset={offset}");
                Step::Send(self.exchange.request(Method::Get, path, timeout, resend_count))
            }
            Turn::Wait { until, why } => Step::Wait { until, why },
            Turn::Done(Ok(())) => Step::Done(self.read.take().ok_or_else(Exchange::finished)),
            Turn::Done(Err(error)) => Step::Done(Err(error)),
        }
    }

    fn on_response(&mut self, now: Millis, response: HttpResponse<'_>) {
        let page = JobPage::read(response.body);
        if self.exchange.on_response(now, &response, page.is_some()) {
            self.read = page;
        }
    }

    fn on_error(&mut self, now: Millis, error: TransportError) {
        self.exchange.on_error(now, error);
    }
}
