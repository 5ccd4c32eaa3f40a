//! One round, step by step.

use std::sync::Arc;

use nextapi_client::{
    Disposition, Environment, Error, ErrorKind, HttpResponse, Job, JobPage, JobWalk, KeyLimits,
    TransportError, WalkState, Watermark,
};
use serde::Serialize;

use super::look::{self, Look, Seen};
use super::memory::Memory;
use super::place::{Place, Shown};
use super::{RoundCall, RoundInput, RoundOutput};
use crate::isolate::Isolate;
use crate::ledger::message::{Call, CallError, Reply};
use crate::ledger::shard;
use crate::machine::LEDGER_TIMEOUT_MS;
use crate::merge;
use crate::settings::{self, ReconcileSettings, ReconciledJobs, Settings};
use crate::time::rfc3339;
use crate::trace::{self, Random};

/// One round that waits for an input. The module's documentation says how it is driven.
pub struct Round {
    settings: Arc<Settings>,
    memory: Memory,
    limits: Arc<KeyLimits>,
    correlation_id: String,
    entropy: u64,
    /// Jobs that are due for a look.
    due: Vec<Place>,
    /// When the first of them became known, in milliseconds since 1970.
    oldest_ms: u64,
    /// The walk through the list for jobs that nobody knows of, with `RECONCILE_JOBS=all`.
    walk: Option<JobWalk>,
    /// Whether it has come to its end in this round, or has to wait.
    is_walked: bool,
    /// Whether it has waited.
    has_waited: bool,
    /// The walk for jobs that are due, if they are many.
    due_walk: Option<JobWalk>,
    /// Requests that this round may still send.
    requests: u32,
    /// Jobs in a row that the API could not answer for.
    odd: u32,
    report: Report,
    phase: Phase,
}

/// What a round waits for.
enum Phase {
    /// The jobs of all shards that are due.
    Due { shards: Vec<String> },
    /// That the requests of this round are on disk as sent.
    Reserving,
    /// The API.
    Looking(Look),
    /// Which of these jobs the ledger knows by their videos' ids.
    Naming { shown: Vec<Shown>, jobs: Vec<Job>, shards: Vec<String> },
    /// What the shards make of what was shown.
    Observing { shown: Vec<Shown>, shards: Vec<String> },
    /// Whether the ends of these jobs came under other names, of which so many were asked about for each.
    Checking { ripe: Vec<Shown>, asked: Vec<usize> },
    /// The ends that are being stored, and the jobs that are followed no longer.
    Making { calls: usize },
}

/// What a round has done, for the log.
#[derive(Default, Serialize)]
struct Report {
    /// Requests to the API.
    requests: u32,
    /// Jobs that it has shown.
    seen: u32,
    /// Ends that were made.
    made: u32,
    /// Calls of the ledger that had no sound reply.
    unanswered: u32,
    /// Why nothing goes on until somebody acts, or why the API was of no help.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    correlation_id: &'a str,
    reconciliation: &'a Report,
}

/// The machine that waits for the next input, and what to do for it; no machine after the end.
pub(super) type Turn = (Option<Round>, RoundOutput);

/// Jobs of one shard that a round looks at. Those that are left are due in the next one.
const DUE_LIMIT: u32 = 200;
/// If no more jobs are due than that, they are asked for one by one.
const ONE_BY_ONE: usize = 10;
/// The jobs of a page.
const PAGE: u64 = 100;
/// Requests of one round: each may be followed by a call for each of a page's jobs, and an alarm may make some
/// thousands.
const MOST_REQUESTS: u32 = 20;
/// Pause before the next round if there is more to do, in milliseconds.
const SHORT_PAUSE_MS: u64 = 1_000;
/// The longest pause between two rounds, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 60_000;
/// Pause after the API has refused us, which somebody has to mend, in milliseconds.
const TROUBLE_PAUSE_MS: u64 = 10 * 60_000;
/// The longest pause that the API can ask for, in milliseconds: the client bounds it by an hour, and spreads what comes
/// after it.
const LONGEST_HOLD_MS: u64 = 70 * 60_000;
/// Pause after the list was of no help, in milliseconds. Jobs are asked for one by one meanwhile.
const LIST_PAUSE_MS: u64 = 5 * 60_000;
/// So many jobs in a row that the API cannot answer for are its own failure; so many failures of the list are the
/// list's.
const MOST_ODD: u32 = 3;
/// No job was submitted so far ahead of the clock, in seconds.
const AHEAD_SECONDS: u64 = 5 * 60;
/// So many jobs that are due are worth a page.
const JOBS_PER_PAGE: usize = 5;
/// A job may have been submitted so much earlier than the edge heard of it, in milliseconds.
const EARLIER_MS: u64 = 10 * 60_000;

impl Round {
    /// Begins. `memory` is what the round before has left; for the first one it is `{"since_ms":…}`, with the time
    /// since which jobs count that are in the provider's list.
    #[must_use]
    pub fn begin(isolate: &Isolate, memory: &str, random: &Random, now_ms: u64) -> Turn {
        let mut memory = Memory::decode(memory, now_ms);
        let settings = match isolate.settings.clone() {
            Ok(settings) if settings.reconcile.is_some() => settings,
            // Without sound settings there is nothing that it could do soon.
            Err(_) => {
                return end(&memory, Some(now_ms.saturating_add(LONGEST_PAUSE_MS)), Vec::new());
            }
            Ok(_) => return end(&memory, None, Vec::new()),
        };
        if now_ms < memory.not_before_ms
            && memory.not_before_ms <= now_ms.saturating_add(LONGEST_HOLD_MS)
        {
            return end(&memory, Some(memory.not_before_ms), Vec::new());
        }
        memory.not_before_ms = 0;
        let shards: Vec<_> = (0..settings.ledger_shards).map(shard::name_of).collect();
        let message = Call::DueJobs { limit: DUE_LIMIT }.encode();
        let calls = shards.iter().map(|shard| call(shard.clone(), message.clone())).collect();
        let round = Self {
            walk: memory.walk.take().map(|walk| JobWalk::resume(not_ahead(walk, now_ms))),
            due_walk: memory.due_walk.take().map(JobWalk::resume),
            memory,
            limits: Arc::new(KeyLimits::new()),
            correlation_id: trace::correlation_id(None, random),
            entropy: u64::from_be_bytes(random.span),
            due: Vec::new(),
            oldest_ms: now_ms,
            is_walked: false,
            has_waited: false,
            requests: 0,
            odd: 0,
            report: Report::default(),
            phase: Phase::Due { shards },
            settings,
        };
        round.call(calls)
    }

    /// Continues with the result of the last output. An input of another kind counts as its failure.
    #[must_use]
    pub fn handle(mut self, input: RoundInput, now_ms: u64) -> Turn {
        match core::mem::replace(&mut self.phase, Phase::Making { calls: 0 }) {
            Phase::Due { shards } => {
                let replies = self.replies(input, shards.len());
                self.take_due(&shards, replies);
                self.begin_walks(now_ms);
                self.reserve(now_ms)
            }
            Phase::Reserving => self.look(now_ms),
            Phase::Looking(look) => self.take_answer(look, &input, now_ms),
            Phase::Naming { shown, jobs, shards } => {
                let replies = self.replies(input, shards.len());
                self.take_names(shown, jobs, &shards, replies, now_ms)
            }
            Phase::Observing { shown, shards } => {
                let replies = self.replies(input, shards.len());
                self.take_ripe(shown, &shards, replies, now_ms)
            }
            Phase::Checking { ripe, asked } => {
                let replies = self.replies(input, asked.iter().sum());
                self.make(&ripe, &asked, replies, now_ms)
            }
            Phase::Making { calls } => {
                let replies = self.replies(input, calls);
                let made = replies.iter().filter(|it| matches!(it, Ok(Reply::Stored))).count();
                self.report.made =
                    self.report.made.saturating_add(u32::try_from(made).unwrap_or(u32::MAX));
                self.look(now_ms)
            }
        }
    }

    fn reconcile(&self) -> Option<&ReconcileSettings> {
        self.settings.reconcile.as_ref()
    }

    fn is_about_all(&self) -> bool {
        self.reconcile().is_some_and(|it| it.jobs == ReconciledJobs::All)
    }

    fn call(self, calls: Vec<RoundCall>) -> Turn {
        (Some(self), RoundOutput::CallLedger { calls, deadline_ms: LEDGER_TIMEOUT_MS })
    }

    fn replies(&mut self, input: RoundInput, calls: usize) -> Vec<Result<Reply, CallError>> {
        // Another input counts as replies that cannot be read.
        let messages =
            if let RoundInput::LedgerReplies(messages) = input { messages } else { String::new() };
        if calls == 0 {
            return Vec::new();
        }
        let replies = Reply::decode_all(&messages, calls);
        let unanswered = replies.iter().filter(|reply| reply.is_err()).count();
        let unanswered = u32::try_from(unanswered).unwrap_or(u32::MAX);
        self.report.unanswered = self.report.unanswered.saturating_add(unanswered);
        replies
    }

    /// 1.
    fn take_due(&mut self, shards: &[String], replies: Vec<Result<Reply, CallError>>) {
        for (shard, reply) in shards.iter().zip(replies) {
            let Ok(Reply::DueJobs { jobs, .. }) = reply else { continue };
            for job in jobs {
                self.oldest_ms = self.oldest_ms.min(job.known_ms);
                self.due.push(Place { shard: shard.clone(), job_id: job.job_id });
            }
        }
        if let Some(turn) =
            usize::try_from(self.memory.turn).ok().and_then(|it| it.checked_rem(self.due.len()))
        {
            self.due.rotate_left(turn);
        }
    }

    fn begin_walks(&mut self, now_ms: u64) {
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

    /// Reserves the requests of this round before the first one is sent: a round that is cut off has sent them.
    fn reserve(mut self, now_ms: u64) -> Turn {
        if self.walk.is_none() && self.due.is_empty() {
            let pause_ms = self.pause_ms();
            return self.end(now_ms, pause_ms);
        }
        let most = self.reconcile().map_or(0, |it| it.requests_per_minute);
        match self.memory.budget.reserve(MOST_REQUESTS, most, now_ms) {
            Ok(requests) => self.requests = requests,
            Err(free_ms) => {
                self.memory.wait_until(free_ms);
                return self.end(now_ms, SHORT_PAUSE_MS);
            }
        }
        self.phase = Phase::Reserving;
        let mut memory = self.memory.clone();
        memory.walk = self.walk.as_ref().map(|walk| walk.state().clone());
        memory.due_walk = self.due_walk.as_ref().map(|walk| walk.state().clone());
        (Some(self), RoundOutput::Keep { memory: memory.encode() })
    }

    /// The pause if nothing is left to do.
    fn pause_ms(&self) -> u64 {
        self.reconcile().map_or(LONGEST_PAUSE_MS, |it| it.after_ms / 2)
    }

    /// 2. The next look, or the end of the round.
    fn look(mut self, now_ms: u64) -> Turn {
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
        let options = look::options(environment(reconcile), &self.limits, &self.correlation_id);
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

    fn ask(mut self, mut look: Look, now_ms: u64) -> Turn {
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

    fn take_answer(mut self, look: Look, input: &RoundInput, now_ms: u64) -> Turn {
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
        }
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

    fn has_answered(&mut self) {
        self.odd = 0;
        self.memory.failures = 0;
        self.memory.trouble = None;
    }

    /// The API was of no help. What is due stays due.
    fn failed(mut self, error: &Error, now_ms: u64) -> Turn {
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
    fn without_list(mut self, trouble: String, is_final: bool, now_ms: u64) -> Turn {
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

    fn take_page(mut self, mut page: JobPage, now_ms: u64) -> Turn {
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

    /// Asks which jobs the ledger knows by their videos' ids.
    fn name(mut self, shown: Vec<Shown>, jobs: Vec<Job>, now_ms: u64) -> Turn {
        let by_video = |job: &Job| {
            let job_id = job.video_id.as_deref()?.to_owned();
            Some(Shown { place: self.place(job_id), job: Ok(job.clone()) })
        };
        let named: Vec<_> = jobs.iter().filter_map(by_video).collect();
        if named.is_empty() {
            return self.take_names(shown, jobs, &[], Vec::new(), now_ms);
        }
        let (shards, calls) = observations(&named, true);
        self.phase = Phase::Naming { shown, jobs, shards };
        self.call(calls)
    }

    fn place(&self, job_id: String) -> Place {
        Place { shard: shard::name_of_job(&job_id, self.settings.ledger_shards), job_id }
    }

    fn take_names(
        mut self,
        mut shown: Vec<Shown>,
        jobs: Vec<Job>,
        shards: &[String],
        replies: Vec<Result<Reply, CallError>>,
        now_ms: u64,
    ) -> Turn {
        let (mut unknown, mut silent) = (Vec::new(), Vec::new());
        for (shard, reply) in shards.iter().zip(replies) {
            match reply {
                Ok(Reply::Observed { unknown: names, .. }) => unknown.extend(names),
                _ => silent.push(shard.clone()),
            }
        }
        for job in jobs {
            let name = match job.video_id.as_deref().map(|name| (name, self.place(name.to_owned())))
            {
                // It may be known there.
                Some((_, place)) if silent.contains(&place.shard) => {
                    self.memory.is_missed = true;
                    continue;
                }
                Some((name, _)) if !unknown.iter().any(|it| it == name) => name,
                _ => &job.id,
            };
            shown.push(Shown { place: self.place(name.to_owned()), job: Ok(job) });
        }
        self.observe(shown, now_ms)
    }

    /// 3.
    fn observe(mut self, shown: Vec<Shown>, now_ms: u64) -> Turn {
        if shown.is_empty() {
            return self.look(now_ms);
        }
        self.report.seen =
            self.report.seen.saturating_add(u32::try_from(shown.len()).unwrap_or(u32::MAX));
        let is_about_all = self.is_about_all();
        let (shards, calls) = observations(&shown, !is_about_all);
        self.phase = Phase::Observing { shown, shards };
        self.call(calls)
    }

    /// 4.
    ///
    /// Before an end is made, it is asked whether it has come under another name of the job's, or to another shard: that
    /// of a job depends on the number of shards.
    fn take_ripe(
        mut self,
        shown: Vec<Shown>,
        shards: &[String],
        replies: Vec<Result<Reply, CallError>>,
        now_ms: u64,
    ) -> Turn {
        let mut ripe_in = Vec::new();
        for (shard, reply) in shards.iter().zip(replies) {
            match reply {
                Ok(Reply::Observed { ripe, .. }) => ripe_in.push((shard, ripe)),
                _ => self.memory.is_missed = true,
            }
        }
        let is_ripe = |it: &Shown| {
            ripe_in
                .iter()
                .any(|(shard, ripe)| it.place.shard == **shard && ripe.contains(&it.place.job_id))
        };
        let ripe: Vec<_> = shown.into_iter().filter(is_ripe).collect();
        let (mut calls, mut asked) = (Vec::new(), Vec::new());
        for it in &ripe {
            let before = calls.len();
            let here = Some(it.place.job_id.as_str());
            for place in
                here.into_iter().chain(it.other_names()).map(|name| self.place(name.to_owned()))
            {
                if place != it.place {
                    calls.push(call(place.shard, Call::FindJob { job_id: place.job_id }.encode()));
                }
            }
            asked.push(calls.len().saturating_sub(before));
        }
        if calls.is_empty() {
            return self.make(&ripe, &asked, Vec::new(), now_ms);
        }
        self.phase = Phase::Checking { ripe, asked };
        self.call(calls)
    }

    /// Has the ends stored that came nowhere.
    fn make(
        mut self,
        ripe: &[Shown],
        asked: &[usize],
        replies: Vec<Result<Reply, CallError>>,
        now_ms: u64,
    ) -> Turn {
        let mut replies = replies.into_iter();
        let mut calls = Vec::new();
        for (it, asked) in ripe.iter().zip(asked) {
            let (mut is_known, mut has_ended) = (true, false);
            for reply in replies.by_ref().take(*asked) {
                match reply {
                    Ok(Reply::Jobs(jobs)) => {
                        has_ended |= jobs.iter().any(|job| job.end_key.is_some());
                    }
                    _ => is_known = false,
                }
            }
            if has_ended {
                let job_id = it.place.job_id.clone();
                calls.push(call(it.place.shard.clone(), Call::ForgetJob { job_id }.encode()));
            } else if is_known {
                calls.extend(it.make_end(&self.correlation_id, now_ms));
            }
        }
        if calls.is_empty() {
            return self.look(now_ms);
        }
        self.phase = Phase::Making { calls: calls.len() };
        self.call(calls)
    }

    /// The walk is through, and what it has shown is with the shards, as far as they have replied.
    fn end_walk(&mut self) {
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

    fn end(mut self, now_ms: u64, pause_ms: u64) -> Turn {
        self.memory.is_due_first = self.is_walked && !self.has_waited && !self.due.is_empty();
        self.memory.budget.give_back(self.requests);
        self.memory.walk = self.walk.take().map(|walk| walk.state().clone());
        self.memory.due_walk = self.due_walk.take().map(|walk| walk.state().clone());
        let pause_ms = pause_ms.clamp(SHORT_PAUSE_MS, LONGEST_PAUSE_MS);
        let alarm_ms = now_ms.saturating_add(pause_ms).max(self.memory.not_before_ms);
        let Report { made, unanswered, trouble, .. } = &self.report;
        let mut log = Vec::new();
        if *made > 0 || *unanswered > 0 || trouble.is_some() {
            let line = Line {
                time: rfc3339(now_ms),
                correlation_id: &self.correlation_id,
                reconciliation: &self.report,
            };
            // As for the memory.
            log.push(serde_json::to_string(&line).unwrap_or_default());
        }
        end(&self.memory, Some(alarm_ms), log)
    }

    /// The next of a sequence that spreads waits (`SplitMix64`).
    fn entropy(&mut self) -> u64 {
        self.entropy = self.entropy.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.entropy ^ (self.entropy >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
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

/// A walk whose watermark is not ahead of the clock.
fn not_ahead(mut walk: WalkState, now_ms: u64) -> WalkState {
    let latest_s = (now_ms / 1_000).saturating_add(AHEAD_SECONDS);
    for mark in walk.watermark.iter_mut().chain(&mut walk.newest) {
        if mark.created_at > latest_s {
            *mark = Watermark { created_at: latest_s, ids: Vec::new() };
        }
    }
    walk
}

fn environment(reconcile: &ReconcileSettings) -> Environment {
    match reconcile.environment {
        settings::Environment::Live => Environment::Live,
        settings::Environment::Test => Environment::Test,
    }
}

fn end(memory: &Memory, alarm_ms: Option<u64>, log: Vec<String>) -> Turn {
    (None, RoundOutput::End { memory: memory.encode(), alarm_ms, log })
}

fn call(shard: String, message: String) -> RoundCall {
    RoundCall { shard, message, body: None }
}

/// One call for each shard that is concerned, and the shards.
fn observations(shown: &[Shown], is_known_only: bool) -> (Vec<String>, Vec<RoundCall>) {
    let mut shards: Vec<String> = shown.iter().map(|it| it.place.shard.clone()).collect();
    merge::sort(&mut shards);
    shards.dedup();
    let of_shard = |shard: &String| {
        let of_it = shown.iter().filter(|it| it.place.shard == *shard);
        let observations = of_it.map(|it| it.observation(is_known_only)).collect();
        call(shard.clone(), Call::Observe(observations).encode())
    };
    let calls = shards.iter().map(of_shard).collect();
    (shards, calls)
}
