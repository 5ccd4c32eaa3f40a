//! 2. Which looks a round makes, and what comes of them.

use nextapi_client::{
    Disposition, Error, ErrorKind, HttpResponse, JobPage, JobWalk, TransportError, Watermark,
};

use super::{
    AHEAD_SECONDS, LONGEST_HOLD_MS, LONGEST_PAUSE_MS, PAGE, Phase, Round, SHORT_PAUSE_MS, Turn,
};
use crate::reconciler::look::{self, Look, Seen};
use crate::reconciler::place::Shown;
use crate::reconciler::{RoundInput, RoundOutput};

/// If no more jobs are due than that, they are asked for one by one.
const ONE_BY_ONE: usize = 10;
/// Pause after the API has refused us, which somebody has to mend, in milliseconds.
const TROUBLE_PAUSE_MS: u64 = 10 * 60_000;
/// Pause after the list was of no help, in milliseconds. Jobs are asked for one by one meanwhile.
const LIST_PAUSE_MS: u64 = 5 * 60_000;
/// So many jobs in a row that the API cannot answer for are its own failure; so many failures of the list are the
/// list's.
const MOST_ODD: u32 = 3;
/// So many jobs that are due are worth a page.
const JOBS_PER_PAGE: usize = 5;
/// A job may have been submitted so much earlier than the edge heard of it, in milliseconds.
const EARLIER_MS: u64 = 10 * 60_000;

impl Round {
    pub(super) fn begin_walks(&mut self, now_ms: u64) {
        let from = |ms: u64| Some(Watermark { created_at: ms / 1_000, ids: Vec::new() });
        let is_left_alone = (now_ms..now_ms.saturating_add(LIST_PAUSE_MS))
            .contains(&self.memory.list_not_before_ms);
        if !self.is_about_all() {
            self.walk = None;
        } else if self.walk.is_none() {
            self.walk = Some(JobWalk::new(from(self.memory.since_ms), PAGE));
        }
        let is_at_its_beginning = |walk: &JobWalk| walk.state().offset == 0;
        let is_due_first = core::mem::take(&mut self.memory.is_due_first);
        self.is_walked = is_left_alone
            || is_due_first
                && !self.due.is_empty()
                && self.walk.as_ref().is_some_and(is_at_its_beginning);
        self.has_waited = is_due_first;
        if self.due.len() <= ONE_BY_ONE {
            self.due_walk = None;
            self.memory.due_pages = None;
        } else if is_left_alone {
            self.due_walk = None;
        } else if self.memory.due_pages.is_none() {
            let oldest_ms = self.oldest_ms.min(now_ms).saturating_sub(EARLIER_MS);
            self.due_walk = Some(JobWalk::new(from(oldest_ms), PAGE));
            // More pages would be more requests than for one job after the other.
            self.memory.due_pages = u32::try_from(self.due.len() / JOBS_PER_PAGE).ok();
            self.memory.singles = 0;
        }
    }

    /// 2. The next look, or the end of the round.
    pub(super) fn look(mut self, now_ms: u64) -> Turn {
        if self.walk.as_ref().is_some_and(|walk| walk.next_page().is_none()) {
            self.end_walk();
        }
        let is_done = |walk: &JobWalk| walk.next_page().is_none();
        if self.memory.due_pages == Some(0) || self.due_walk.as_ref().is_some_and(is_done) {
            self.due_walk = None;
            self.memory.due_pages = self.memory.due_pages.map(|_| 0);
        }
        let walk = self.walk.as_ref().filter(|_| !self.is_walked);
        let page = walk.or(self.due_walk.as_ref()).and_then(JobWalk::next_page);
        if page.is_none() && self.due.is_empty() {
            let pause_ms = self.pause_ms();
            return self.end(now_ms, pause_ms);
        }
        if self.odd >= MOST_ODD {
            self.memory.failed(now_ms);
            return self.end(now_ms, SHORT_PAUSE_MS);
        }
        let Some(left) = self.requests.checked_sub(1) else {
            return self.end(now_ms, SHORT_PAUSE_MS);
        };
        let Some(reconcile) = self.reconcile() else { return self.end(now_ms, LONGEST_PAUSE_MS) };
        let options = look::options(reconcile.environment, &self.limits, &self.correlation_id);
        let look = if let Some(page) = page {
            Look::page(page, options)
        } else {
            let place = self.due.remove(0);
            self.memory.singles = self.memory.singles.saturating_add(1);
            if usize::try_from(self.memory.singles).is_ok_and(|singles| singles >= ONE_BY_ONE) {
                // The next round may read pages again.
                self.memory.due_pages = self.memory.due_pages.filter(|pages| *pages > 0);
            }
            if matches!(place.job_id.as_str(), "." | "..") {
                // It would be another path of the API's.
                return self.observe(vec![Shown { place, job: Err("not_found") }], now_ms);
            }
            Look::job(place, options)
        };
        self.memory.budget.sent(self.requests, now_ms);
        self.requests = left;
        self.report.requests = self.report.requests.saturating_add(1);
        self.ask(look, now_ms)
    }

    pub(super) fn ask(mut self, mut look: Look, now_ms: u64) -> Turn {
        let Some(request) = look.request(now_ms, self.entropy()) else {
            // Another request was refused for the limit.
            self.memory.wait_until(self.limits.not_before(now_ms).unwrap_or(now_ms));
            return self.end(now_ms, SHORT_PAUSE_MS);
        };
        let Some(reconcile) = self.reconcile() else { return self.end(now_ms, LONGEST_PAUSE_MS) };
        let url = format!("{}{}", reconcile.api_url, request.path);
        let mut headers = request.headers;
        headers.push(("authorization", format!("Bearer {}", reconcile.api_key.expose())));
        let output = RoundOutput::AskApi {
            url,
            headers,
            deadline_ms: request.timeout,
            limit: request.max_response_bytes,
        };
        self.phase = Phase::Looking(look);
        (Some(self), output)
    }

    pub(super) fn take_answer(mut self, look: Look, input: &RoundInput, now_ms: u64) -> Turn {
        let entropy = self.entropy();
        let seen = match input {
            RoundInput::Answer { status, headers, body } => {
                let headers: Vec<_> =
                    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let response = HttpResponse { status: *status, headers: &headers, body };
                look.take(Ok(response), now_ms, entropy)
            }
            RoundInput::NoAnswer(error) => look.take(Err(*error), now_ms, entropy),
            _ => look.take(Err(TransportError::Broken), now_ms, entropy),
        };
        if let Some(free_ms) = self.limits.not_before(now_ms) {
            self.memory.wait_until(free_ms);
            // What follows may be cut off.
            if let Some(seen) = seen {
                return self.keep(Phase::Holding(Box::new(seen)));
            }
        }
        self.take_seen(seen, now_ms)
    }

    pub(super) fn take_seen(mut self, seen: Option<Seen>, now_ms: u64) -> Turn {
        match seen {
            Some(Seen::Job(place, Ok(job))) => {
                self.has_answered();
                self.observe(vec![Shown { place, job: Ok(job) }], now_ms)
            }
            Some(Seen::Page(Ok(page))) => {
                self.has_answered();
                self.take_page(page, now_ms)
            }
            Some(Seen::Job(_, Err(error))) if is_about_all_requests(&error) => {
                self.memory.turn = self.memory.turn.wrapping_add(1);
                self.failed(&error, now_ms)
            }
            Some(Seen::Job(place, Err(error))) => {
                if error.kind == ErrorKind::NotFound {
                    self.has_answered();
                } else {
                    self.odd = self.odd.saturating_add(1);
                    self.report.trouble = Some(error.to_string());
                }
                self.observe(vec![Shown { place, job: Err(error.kind.as_str()) }], now_ms)
            }
            Some(Seen::Page(Err(error))) if is_refused(&error) => self.failed(&error, now_ms),
            Some(Seen::Page(Err(error))) => {
                self.memory.list_failures = self.memory.list_failures.saturating_add(1);
                // It may have been the API as a whole.
                if is_about_all_requests(&error) && self.memory.list_failures < MOST_ODD {
                    return self.failed(&error, now_ms);
                }
                let is_final = error.disposition == Disposition::Refused;
                self.without_list(error.to_string(), is_final, now_ms)
            }
            None => self.end(now_ms, SHORT_PAUSE_MS),
        }
    }

    pub(super) fn has_answered(&mut self) {
        self.odd = 0;
        self.memory.failures = 0;
        self.memory.trouble = None;
    }

    /// The API was of no help. What is due stays due.
    pub(super) fn failed(mut self, error: &Error, now_ms: u64) -> Turn {
        let text = error.to_string();
        if error.disposition == Disposition::Blocked {
            self.memory.trouble = Some(text.clone());
            self.memory.wait_until(now_ms.saturating_add(TROUBLE_PAUSE_MS));
        } else {
            self.memory.failed(now_ms);
            if let Some(retry_ms) = error.retry_at {
                self.memory.wait_until(retry_ms.min(now_ms.saturating_add(LONGEST_HOLD_MS)));
            }
        }
        self.report.trouble = Some(text);
        self.end(now_ms, SHORT_PAUSE_MS)
    }

    /// The list was of no help: what is due is asked for one by one for the rest of the round; and for a while, if that
    /// is for good or has happened a few times.
    pub(super) fn without_list(mut self, trouble: String, is_final: bool, now_ms: u64) -> Turn {
        self.report.trouble = Some(trouble);
        if is_final || self.memory.list_failures >= MOST_ODD {
            self.memory.list_not_before_ms = now_ms.saturating_add(LIST_PAUSE_MS);
        }
        self.is_walked = true;
        self.due_walk = None;
        // The next round may begin again.
        self.memory.due_pages = None;
        self.look(now_ms)
    }

    pub(super) fn take_page(mut self, mut page: JobPage, now_ms: u64) -> Turn {
        // One such date would end all walks before they have begun.
        let latest_s = (now_ms / 1_000).saturating_add(AHEAD_SECONDS);
        for job in &mut page.jobs {
            job.created_at = job.created_at.filter(|created| *created <= latest_s);
        }
        let walk = if self.is_walked { None } else { self.walk.as_mut() };
        if walk.is_none() {
            self.memory.due_pages = self.memory.due_pages.map(|pages| pages.saturating_sub(1));
        }
        let walked =
            walk.or(self.due_walk.as_mut()).map_or(Ok(Vec::new()), |walk| walk.on_page(page));
        let jobs = match walked {
            Ok(jobs) => jobs,
            // The next walk begins at its beginning.
            Err(error) => {
                self.memory.list_failures = self.memory.list_failures.saturating_add(1);
                return self.without_list(error.to_string(), false, now_ms);
            }
        };
        self.memory.list_failures = 0;
        let since_s = self.memory.since_ms / 1_000;
        let is_about_all = self.is_about_all() && !self.is_walked;
        let (mut shown, mut others) = (Vec::new(), Vec::new());
        for job in jobs {
            if let Some(index) = self.due.iter().position(|place| job.is(&place.job_id)) {
                shown.push(Shown { place: self.due.remove(index), job: Ok(job) });
            } else if is_about_all && job.created_at.is_none_or(|created| created >= since_s) {
                others.push(job);
            }
        }
        self.name(shown, others, now_ms)
    }

    /// The walk is through, and what it has shown is with the shards, as far as they have replied.
    pub(super) fn end_walk(&mut self) {
        self.is_walked = true;
        let Some(walk) = &mut self.walk else { return };
        if core::mem::take(&mut self.memory.is_missed) {
            // What somebody was not told of is shown again by a walk from the same watermark.
            let watermark = walk.state().watermark.clone();
            *walk = JobWalk::new(watermark, PAGE);
        } else {
            walk.stored();
        }
    }
}

/// Whether an error says something of all requests, and nothing of the one job that was asked about.
const fn is_about_all_requests(error: &Error) -> bool {
    let is_away = matches!(
        error.kind,
        ErrorKind::NotSent | ErrorKind::TimedOut | ErrorKind::Broken | ErrorKind::Unavailable
    );
    is_away || is_refused(error)
}

/// Whether we are refused, until somebody acts or the limit is reset.
const fn is_refused(error: &Error) -> bool {
    matches!(error.disposition, Disposition::Blocked)
        || matches!(error.kind, ErrorKind::RateLimited)
}
