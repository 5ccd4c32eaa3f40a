//! One round, step by step. Its steps have the numbers of the module's documentation.

mod looking;
mod telling;

use std::sync::Arc;

use nextapi_client::{Job, JobWalk, KeyLimits, WalkState, Watermark};
use serde::Serialize;

use super::look::{Look, Seen};
use super::memory::Memory;
use super::place::{Place, Shown};
use super::{RoundCall, RoundInput, RoundOutput};
use crate::isolate::Isolate;
use crate::ledger::message::{Call, CallError, Reply};
use crate::ledger::shard;
use crate::machine::LEDGER_TIMEOUT_MS;
use crate::settings::{ReconcileSettings, ReconciledJobs, Settings};
use crate::time::rfc3339;
use crate::trace::{self, Random, TraceContext};

/// One round that waits for an input. The module's documentation says how it is driven.
pub struct Round {
    settings: Arc<Settings>,
    memory: Memory,
    limits: Arc<KeyLimits>,
    correlation_id: String,
    /// The trace of the round, which the ends that it makes belong to.
    trace: TraceContext,
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
    /// That it is on disk until when the API wants to be left alone, which came with what was seen.
    Holding(Box<Seen>),
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
    trace_id: &'a str,
    span_id: &'a str,
    reconciliation: &'a Report,
}

/// The machine that waits for the next input, and what to do for it; no machine after the end.
pub(super) type Turn = (Option<Round>, RoundOutput);

/// Jobs of one shard that a round looks at. Those that are left are due in the next one.
const DUE_LIMIT: u32 = 200;
/// The jobs of a page.
const PAGE: u64 = 100;
/// Requests of one round: each may be followed by a call for each of a page's jobs, and an alarm may make some
/// thousands.
const MOST_REQUESTS: u32 = 20;
/// Pause before the next round if there is more to do, in milliseconds.
const SHORT_PAUSE_MS: u64 = 1_000;
/// The longest pause between two rounds, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 60_000;
/// The longest pause that the API can ask for, in milliseconds: the client bounds it by an hour, and spreads what comes
/// after it.
const LONGEST_HOLD_MS: u64 = 70 * 60_000;
/// No job was submitted so far ahead of the clock, in seconds.
const AHEAD_SECONDS: u64 = 5 * 60;

impl Round {
    /// Begins. `memory` is what the round before has left; for the first one it is `{"since_ms":…}`, with the time
    /// since which jobs count that are in the provider's list.
    #[must_use]
    pub fn begin(isolate: &Isolate, memory: &str, random: &Random, now_ms: u64) -> Turn {
        let mut memory = Memory::decode(memory, now_ms);
        let reserved = core::mem::take(&mut memory.reserved);
        memory.budget.cut_off(reserved, now_ms);
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
            trace: TraceContext::begun(random),
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
            Phase::Holding(seen) => self.take_seen(Some(*seen), now_ms),
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
        self.keep(Phase::Reserving)
    }

    /// Keeps what must not be lost if this round is cut off.
    fn keep(mut self, phase: Phase) -> Turn {
        self.phase = phase;
        let mut memory = Memory { reserved: self.requests, ..self.memory.clone() };
        memory.walk = self.walk.as_ref().map(|walk| walk.state().clone());
        memory.due_walk = self.due_walk.as_ref().map(|walk| walk.state().clone());
        (Some(self), RoundOutput::Keep { memory: memory.encode() })
    }

    /// The pause if nothing is left to do.
    fn pause_ms(&self) -> u64 {
        self.reconcile().map_or(LONGEST_PAUSE_MS, |it| it.after_ms / 2)
    }

    fn end(mut self, now_ms: u64, pause_ms: u64) -> Turn {
        self.memory.is_due_first = self.is_walked && !self.has_waited && !self.due.is_empty();
        self.memory.budget.give_back(self.requests);
        self.memory.walk = self.walk.take().map(|walk| not_ahead(walk.state().clone(), now_ms));
        self.memory.due_walk = self.due_walk.take().map(|walk| walk.state().clone());
        let pause_ms = pause_ms.clamp(SHORT_PAUSE_MS, LONGEST_PAUSE_MS);
        let alarm_ms = now_ms.saturating_add(pause_ms).max(self.memory.not_before_ms);
        let Report { made, unanswered, trouble, .. } = &self.report;
        let mut log = Vec::new();
        if *made > 0 || *unanswered > 0 || trouble.is_some() {
            let line = Line {
                time: rfc3339(now_ms),
                correlation_id: &self.correlation_id,
                trace_id: &self.trace.span().trace_id,
                span_id: &self.trace.span().span_id,
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

/// A walk whose watermark is not ahead of the clock: younger jobs of a clock that goes right would lie behind it.
fn not_ahead(mut walk: WalkState, now_ms: u64) -> WalkState {
    let latest_s = now_ms / 1_000;
    for mark in walk.watermark.iter_mut().chain(&mut walk.newest) {
        if mark.created_at > latest_s {
            *mark = Watermark { created_at: latest_s, ids: Vec::new() };
        }
    }
    walk
}

fn end(memory: &Memory, alarm_ms: Option<u64>, log: Vec<String>) -> Turn {
    (None, RoundOutput::End { memory: memory.encode(), alarm_ms, log })
}

fn call(shard: String, message: String) -> RoundCall {
    RoundCall { shard, message, body: None }
}
