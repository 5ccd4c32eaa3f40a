//! One round, step by step.

use std::sync::Arc;

use nextapi_client::{
    Disposition, Environment, Error, ErrorKind, HttpResponse, Job, JobPage, JobWalk, KeyLimits,
    TransportError, Watermark,
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
    /// Whether it has come to its end in this round.
    is_walked: bool,
    /// The walk for jobs that are due, if they are many.
    due_walk: Option<JobWalk>,
    /// Requests that this round may still send.
    requests: u32,
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
    /// The API's limit.
    Resting(Look),
    /// Which of these jobs the ledger knows by their videos' ids.
    Naming { shown: Vec<Shown>, jobs: Vec<Job>, shards: Vec<String> },
    /// What the shards make of what was shown.
    Observing { shown: Vec<Shown>, shards: Vec<String> },
    /// The ends that are being stored.
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
/// The longest wait for the API's limit within a round, in milliseconds.
const LONGEST_REST_MS: u64 = 2_000;
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
            && memory.not_before_ms <= now_ms.saturating_add(TROUBLE_PAUSE_MS)
        {
            return end(&memory, Some(memory.not_before_ms), Vec::new());
        }
        memory.not_before_ms = 0;
        let shards: Vec<_> = (0..settings.ledger_shards).map(shard::name_of).collect();
        let message = Call::DueJobs { limit: DUE_LIMIT }.encode();
        let calls = shards.iter().map(|shard| call(shard.clone(), message.clone())).collect();
        let round = Self {
            walk: memory.walk.take().map(JobWalk::resume),
            due_walk: memory.due_walk.take().map(JobWalk::resume),
            memory,
            limits: Arc::new(KeyLimits::new()),
            correlation_id: trace::correlation_id(None, random),
            entropy: u64::from_be_bytes(random.span),
            due: Vec::new(),
            oldest_ms: now_ms,
            is_walked: false,
            requests: 0,
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
            Phase::Resting(look) => self.ask(look, now_ms),
            Phase::Naming { shown, jobs, shards } => {
                let replies = self.replies(input, shards.len());
                self.take_names(shown, jobs, replies, now_ms)
            }
            Phase::Observing { shown, shards } => {
                let replies = self.replies(input, shards.len());
                self.take_ripe(&shown, &shards, replies, now_ms)
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
    }

    fn begin_walks(&mut self, now_ms: u64) {
        let from = |ms: u64| Some(Watermark { created_at: ms / 1_000, ids: Vec::new() });
        if !self.is_about_all() {
            self.walk = None;
        } else if self.walk.is_none() {
            self.walk = Some(JobWalk::new(from(self.memory.since_ms), PAGE));
        }
        if self.due.len() <= ONE_BY_ONE {
            self.due_walk = None;
        } else if self.due_walk.is_none() {
            let oldest_ms = self.oldest_ms.min(now_ms).saturating_sub(EARLIER_MS);
            self.due_walk = Some(JobWalk::new(from(oldest_ms), PAGE));
            // More pages would be more requests than for one job after the other.
            self.memory.due_pages =
                u32::try_from(self.due.len() / JOBS_PER_PAGE).unwrap_or(u32::MAX);
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
        if self.memory.due_pages == 0
            || self.due.len() <= ONE_BY_ONE
            || self.due_walk.as_ref().is_some_and(is_done)
        {
            self.due_walk = None;
        }
        let walk = self.walk.as_ref().filter(|_| !self.is_walked);
        let page = walk.or(self.due_walk.as_ref()).and_then(JobWalk::next_page);
        if page.is_none() && self.due.is_empty() {
            let pause_ms = self.pause_ms();
            return self.end(now_ms, pause_ms);
        }
        let Some(left) = self.requests.checked_sub(1) else {
            return self.end(now_ms, SHORT_PAUSE_MS);
        };
        let Some(reconcile) = self.reconcile() else { return self.end(now_ms, LONGEST_PAUSE_MS) };
        let options = look::options(environment(reconcile), &self.limits, &self.correlation_id);
        let look = match page {
            Some(page) => Look::page(page, options),
            None => match self.due.pop() {
                Some(place) => Look::job(place, options),
                None => return self.end(now_ms, SHORT_PAUSE_MS),
            },
        };
        self.memory.budget.sent(self.requests, now_ms);
        self.requests = left;
        self.report.requests = self.report.requests.saturating_add(1);
        self.ask(look, now_ms)
    }

    fn ask(mut self, mut look: Look, now_ms: u64) -> Turn {
        let Some(request) = look.request(now_ms, self.entropy()) else {
            // Another request was refused for the limit.
            let free_ms = self.limits.not_before(now_ms).unwrap_or(now_ms);
            let wait_ms = free_ms.saturating_sub(now_ms);
            if (1..=LONGEST_REST_MS).contains(&wait_ms) {
                self.phase = Phase::Resting(look);
                return (Some(self), RoundOutput::Wait { ms: wait_ms });
            }
            self.memory.wait_until(free_ms);
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
                self.observe(vec![Shown { place, job: Some(job) }], now_ms)
            }
            Some(Seen::Job(place, Err(error))) if error.kind == ErrorKind::NotFound => {
                self.has_answered();
                self.observe(vec![Shown { place, job: None }], now_ms)
            }
            Some(Seen::Page(Ok(page))) => {
                self.has_answered();
                self.take_page(page, now_ms)
            }
            Some(Seen::Job(_, Err(error)) | Seen::Page(Err(error))) => self.failed(&error, now_ms),
            None => self.end(now_ms, SHORT_PAUSE_MS),
        }
    }

    fn has_answered(&mut self) {
        self.memory.failures = 0;
        self.memory.trouble = None;
    }

    /// The API was of no help. What is due stays due.
    fn failed(mut self, error: &Error, now_ms: u64) -> Turn {
        let text = error.to_string();
        if error.disposition == Disposition::Exhausted {
            self.memory.failed(now_ms);
            if let Some(retry_ms) = error.retry_at {
                self.memory.wait_until(retry_ms.min(now_ms.saturating_add(TROUBLE_PAUSE_MS)));
            }
        } else {
            self.memory.trouble = Some(text.clone());
            self.memory.wait_until(now_ms.saturating_add(TROUBLE_PAUSE_MS));
        }
        self.report.trouble = Some(text);
        self.end(now_ms, SHORT_PAUSE_MS)
    }

    fn take_page(mut self, page: JobPage, now_ms: u64) -> Turn {
        let walk = if self.is_walked { None } else { self.walk.as_mut() };
        if walk.is_none() {
            self.memory.due_pages = self.memory.due_pages.saturating_sub(1);
        }
        let walked =
            walk.or(self.due_walk.as_mut()).map_or(Ok(Vec::new()), |walk| walk.on_page(page));
        let jobs = match walked {
            Ok(jobs) => jobs,
            Err(error) => {
                // The next round begins at its beginning.
                self.report.trouble = Some(error.to_string());
                self.memory.failed(now_ms);
                return self.end(now_ms, SHORT_PAUSE_MS);
            }
        };
        let since_s = self.memory.since_ms / 1_000;
        let is_about_all = self.is_about_all() && !self.is_walked;
        let (mut shown, mut others) = (Vec::new(), Vec::new());
        for job in jobs {
            if let Some(index) = self.due.iter().position(|place| job.is(&place.job_id)) {
                shown.push(Shown { place: self.due.swap_remove(index), job: Some(job) });
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
            Some(Shown { place: self.place(job_id), job: Some(job.clone()) })
        };
        let named: Vec<_> = jobs.iter().filter_map(by_video).collect();
        if named.is_empty() {
            return self.take_names(shown, jobs, Vec::new(), now_ms);
        }
        let (shards, calls) = observations(&named, true);
        self.phase = Phase::Naming { shown, jobs, shards };
        self.call(calls)
    }

    fn place(&self, job_id: String) -> Place {
        Place { shard: shard::name_of_job(&job_id, self.settings.ledger_shards), job_id }
    }

    fn take_names(
        self,
        mut shown: Vec<Shown>,
        jobs: Vec<Job>,
        replies: Vec<Result<Reply, CallError>>,
        now_ms: u64,
    ) -> Turn {
        let mut unknown = Vec::new();
        for reply in replies {
            if let Ok(Reply::Observed { unknown: names, .. }) = reply {
                unknown.extend(names);
            }
        }
        for job in jobs {
            let is_unknown = |name: &str| unknown.iter().any(|it| it == name);
            let name = match job.video_id.as_deref() {
                // One whose shard does not reply may be known there: nothing is made for it then.
                Some(video_id) if !is_unknown(video_id) => video_id,
                _ => &job.id,
            };
            shown.push(Shown { place: self.place(name.to_owned()), job: Some(job) });
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
    fn take_ripe(
        mut self,
        shown: &[Shown],
        shards: &[String],
        replies: Vec<Result<Reply, CallError>>,
        now_ms: u64,
    ) -> Turn {
        let mut calls = Vec::new();
        for (shard, reply) in shards.iter().zip(replies) {
            let Ok(Reply::Observed { ripe, .. }) = reply else { continue };
            let is_ripe = |it: &&Shown| it.place.shard == *shard && ripe.contains(&it.place.job_id);
            let made = shown.iter().filter(is_ripe);
            calls.extend(made.filter_map(|it| it.make_end(&self.correlation_id, now_ms)));
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
        if self.report.unanswered == 0 {
            walk.stored();
        } else {
            // What somebody was not told of is shown again by a walk from the same watermark.
            let watermark = walk.state().watermark.clone();
            *walk = JobWalk::new(watermark, PAGE);
        }
    }

    fn end(mut self, now_ms: u64, pause_ms: u64) -> Turn {
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
