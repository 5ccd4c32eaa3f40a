//! An admin's request, from what is asked of the shards to the response.

use std::sync::Arc;

use super::overview::Overview;
use super::replay_request::{self, ReplayRequest};
use super::route::{AdminRoute, Refusal};
use super::{events, metrics, replays, status};
use crate::counts::Counts;
use crate::isolate::Isolate;
use crate::ledger::bulk_replay::Steering;
use crate::ledger::listing::Filter;
use crate::ledger::message::{Call, CallError, Reply};
use crate::ledger::shard;
use crate::machine::{Input, LEDGER_TIMEOUT_MS, LedgerCall, Output, Step, administer, respond};
use crate::merge;
use crate::outcome::Outcome;
use crate::record::{AdminRecord, Target};
use crate::request::Request;
use crate::response::Response;
use crate::settings::{MAX_SHARDS, Settings};
use crate::trace::{self, Random};

/// A request that waits for its body, or for the shards.
#[derive(Clone)]
pub(crate) struct AdminRequest {
    settings: Arc<Settings>,
    route: AdminRoute,
    /// Names of the shards that were called: those in use first, then those of former numbers of shards.
    shards: Vec<String>,
    /// What the shards in use have replied, while former ones are asked.
    replies: Vec<Replied>,
    /// Outcomes that were reported along with it.
    counts: Counts,
    correlation_id: String,
    /// The name of a bulk replay that starts now.
    replay_id: String,
    /// The bulk replay that the body asks for, once it is read.
    replay: Option<ReplayRequest>,
}

/// A shard's reply, or why there is none.
type Replied = Result<Reply, CallError>;

/// How long the body may take, in milliseconds.
const BODY_TIMEOUT_MS: u32 = 10_000;

impl AdminRequest {
    /// Begins with a request to a path for admins, whether or not it carries the token.
    pub(crate) fn begin(
        isolate: &mut Isolate,
        settings: Arc<Settings>,
        request: &Request,
        correlation_id: String,
        random: &Random,
    ) -> Step {
        let authorization = request.header("authorization");
        let is_admin =
            settings.admin_token.as_ref().is_some_and(|token| token.is_given_by(authorization));
        if !is_admin {
            isolate.count(Outcome::NotFound);
            return respond(&correlation_id, Outcome::NotFound.response(), None);
        }
        let route = match AdminRoute::of(&request.method, request.path(), request.query()) {
            Ok(route) => route,
            Err(refusal) => return respond(&correlation_id, refused(&refusal), None),
        };
        let begun = Self {
            settings,
            route,
            shards: Vec::new(),
            replies: Vec::new(),
            counts: Counts::new(),
            correlation_id,
            // Not the sender's correlation id, which may come again.
            replay_id: trace::correlation_id(None, random),
            replay: None,
        };
        if begun.route == AdminRoute::NewReplay {
            let output = Output::ReadBody {
                limit: replay_request::MAX_BYTES,
                length: None,
                prefix: String::new(),
                hand_over_limit: replay_request::MAX_BYTES,
                deadline_ms: BODY_TIMEOUT_MS,
            };
            return administer(begun, output);
        }
        begun.ask(isolate)
    }

    /// Calls the shards in use.
    fn ask(mut self, isolate: &mut Isolate) -> Step {
        self.shards = self.concerned(&[self.settings.ledger_shards]);
        let mut calls = self::calls(&self.shards, &self.call());
        if self.is_about_figures() {
            // What this isolate has counted is reported along with it, to any one shard.
            self.counts = isolate.take_counts();
            if let Some(first) = calls.first_mut() {
                first.message = Call::Figures { counts: self.counts.clone() }.encode();
            }
        } else {
            // The figures name the numbers of shards that were in use.
            let figures = Call::Figures { counts: Counts::new() };
            calls.extend(self::calls(&self.shards, &figures));
        }
        administer(self, Output::CallLedger { calls, deadline_ms: LEDGER_TIMEOUT_MS })
    }

    /// The body was read, or not.
    fn read(mut self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
        let result = match input {
            Input::Body(bytes) if bytes.len() <= replay_request::MAX_BYTES => {
                ReplayRequest::read(&bytes, now_ms)
            }
            Input::BodyTimedOut => Err(Outcome::BodyTimeout.into()),
            Input::BodyCut => Err(Outcome::BodyCut.into()),
            _ => Err(Refusal {
                outcome: Outcome::BodyTooLarge,
                text: Some(format!("The body has more than {} bytes.", replay_request::MAX_BYTES)),
            }),
        };
        match result {
            Ok(request) => {
                if let Some(id) = &request.id {
                    self.replay_id.clone_from(id);
                }
                self.replay = Some(request);
                self.ask(isolate)
            }
            Err(refusal) => respond(&self.correlation_id, refused(&refusal), None),
        }
    }

    /// What is asked of every shard that it concerns.
    fn call(&self) -> Call {
        match &self.route {
            AdminRoute::Status | AdminRoute::Metrics => Call::Figures { counts: Counts::new() },
            AdminRoute::Events { filter, .. } => Call::List(filter.clone()),
            AdminRoute::Event(key) => Call::Find { key: key.clone() },
            AdminRoute::Reopen(key) => Call::Reopen { key: key.clone() },
            AdminRoute::Replay(key) => {
                Call::Replay { key: key.clone(), id: self.correlation_id.clone() }
            }
            AdminRoute::NewReplay => {
                let request = self.replay.clone().unwrap_or_default();
                if request.start {
                    let is_of_job = request.selection.job_id.is_some();
                    let shards = if is_of_job { 1 } else { self.settings.ledger_shards };
                    Call::StartReplay(request.new_replay(&self.replay_id, shards))
                } else {
                    Call::PlanReplay(request.selection)
                }
            }
            AdminRoute::Replays => Call::Replays { id: None },
            AdminRoute::BulkReplay(id) => Call::Replays { id: Some(id.clone()) },
            AdminRoute::SteerReplay { id, steering } => {
                Call::SteerReplay { id: id.clone(), steering: *steering }
            }
            AdminRoute::Pause { is_paused } => Call::Pause { is_paused: *is_paused },
        }
    }

    const fn is_about_figures(&self) -> bool {
        matches!(self.route, AdminRoute::Status | AdminRoute::Metrics)
    }

    /// The shards that it concerns if the ledger was used with these numbers of shards.
    fn concerned(&self, numbers: &[u32]) -> Vec<String> {
        let job_id = match &self.route {
            AdminRoute::Events { filter: Filter { job_id, .. }, .. } => job_id.as_ref(),
            AdminRoute::NewReplay => {
                self.replay.as_ref().and_then(|request| request.selection.job_id.as_ref())
            }
            _ => None,
        };
        match job_id {
            // All events of a job are in one shard.
            Some(job_id) => {
                numbers.iter().map(|number| shard::name_of_job(job_id, *number)).collect()
            }
            // An event's shard depends on its job, which its key does not reveal.
            None => (0..numbers.iter().copied().max().unwrap_or(0)).map(shard::name_of).collect(),
        }
    }

    /// The body was read, or the shards have replied, or not. After those in use, the ones are asked that were in use
    /// under another number of shards: what they owe is still theirs to deliver.
    pub(crate) fn handle(mut self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
        if self.route == AdminRoute::NewReplay && self.replay.is_none() {
            return self.read(isolate, input, now_ms);
        }
        // Another input counts as replies that cannot be read.
        let messages =
            if let Input::LedgerReplies(messages) = input { messages } else { String::new() };
        if !self.replies.is_empty() {
            let former = self.shards.len().saturating_sub(self.replies.len());
            self.replies.extend(Reply::decode_all(&messages, former));
            return self.respond(isolate, now_ms);
        }
        let former = self.first_replies(&messages);
        if former.is_empty() {
            return self.respond(isolate, now_ms);
        }
        let calls = self::calls(&former, &self.call());
        self.shards.extend(former);
        administer(self, Output::CallLedger { calls, deadline_ms: LEDGER_TIMEOUT_MS })
    }

    /// Takes the replies of the shards in use; the other shards that the request concerns, as they tell.
    fn first_replies(&mut self, messages: &str) -> Vec<String> {
        let asked = self.shards.len();
        let figures = if self.is_about_figures() {
            self.replies = Reply::decode_all(messages, asked);
            self.replies.clone()
        } else {
            self.replies = Reply::decode_all(messages, asked.saturating_mul(2));
            self.replies.split_off(asked)
        };
        let mut numbers = Vec::new();
        for (reply, figures) in self.replies.iter_mut().zip(figures) {
            match figures {
                Ok(Reply::Figures(figures)) => {
                    numbers.extend(figures.shard_counts.iter().map(|(_, number)| *number));
                }
                // Nobody knows then whether there are shards that were not asked.
                Ok(_) => *reply = Err("malformed reply".into()),
                Err(error) => *reply = Err(error),
            }
        }
        numbers.retain(|number| u64::from(*number) <= MAX_SHARDS);
        merge::sort(&mut numbers);
        let mut former = self.concerned(&numbers);
        // Of a job, two numbers may name the same shard.
        let mut known = self.shards.clone();
        former.retain(|shard| {
            let is_new = !known.contains(shard);
            if is_new {
                known.push(shard.clone());
            }
            is_new
        });
        former
    }

    fn respond(mut self, isolate: &mut Isolate, now_ms: u64) -> Step {
        let replies = core::mem::take(&mut self.replies);
        let mut log = None;
        let response = match &self.route {
            AdminRoute::Status => {
                status::response(&self.overview(isolate, replies), &self.settings, now_ms)
            }
            AdminRoute::Metrics => {
                let text = metrics::text(&self.overview(isolate, replies), &self.settings, now_ms);
                Response::text(metrics::CONTENT_TYPE, text)
            }
            AdminRoute::Events { limit, .. } => {
                events::list(replies, *limit).unwrap_or_else(Outcome::response)
            }
            AdminRoute::Event(_) => events::find(replies).unwrap_or_else(no_such_event),
            AdminRoute::Reopen(key) => {
                let result = events::reopened(replies);
                log = Some(self.record(now_ms, "reopen", Some(Target::Event(key)), result));
                result.map_or_else(no_such_event, |()| Response::status("reopened"))
            }
            AdminRoute::Replay(key) => {
                let result = events::reopened(replies);
                log = Some(self.record(now_ms, "replay", Some(Target::Event(key)), result));
                result.map_or_else(no_such_event, |()| Response::status("replayed"))
            }
            AdminRoute::NewReplay => {
                let (response, line) = self.new_replay(replies, now_ms);
                log = line;
                response
            }
            AdminRoute::Replays => {
                replays::list(replies, &self.shards).unwrap_or_else(Outcome::response)
            }
            AdminRoute::BulkReplay(_) => {
                replays::find(replies, &self.shards).unwrap_or_else(no_such_replay)
            }
            AdminRoute::SteerReplay { id, steering } => {
                let result = replays::steered(&replies);
                let (operation, done) = match steering {
                    Steering::Pause => ("replay_pause", "paused"),
                    Steering::Resume => ("replay_resume", "resumed"),
                    Steering::Cancel => ("replay_cancel", "cancelled"),
                };
                log = Some(self.record(now_ms, operation, Some(Target::Replay(id)), result));
                result.map_or_else(no_such_replay, |()| Response::status(done))
            }
            AdminRoute::Pause { is_paused } => {
                let result = events::all_done(&replies);
                let (operation, done) =
                    if *is_paused { ("pause", "paused") } else { ("resume", "resumed") };
                log = Some(self.record(now_ms, operation, None, result));
                result.map_or_else(Outcome::response, |()| Response::status(done))
            }
        };
        respond(&self.correlation_id, response, log)
    }

    /// The plan or the start of a bulk replay, and the line about a start.
    fn new_replay(&self, replies: Vec<Replied>, now_ms: u64) -> (Response, Option<String>) {
        let Some(request) = &self.replay else { return (Outcome::InternalError.response(), None) };
        let id = request.start.then_some(self.replay_id.as_str());
        let result = replays::planned(replies, request, id);
        let line = id.map(|id| {
            let outcome = match &result {
                Err(response) if response.status == Outcome::ReplayRefused.status() => {
                    Err(Outcome::ReplayRefused)
                }
                Err(_) => Err(Outcome::LedgerUnavailable),
                Ok(_) => Ok(()),
            };
            self.record(now_ms, "replay_start", Some(Target::Replay(id)), outcome)
        });
        (result.unwrap_or_else(|response| response), line)
    }

    fn record(
        &self,
        now_ms: u64,
        operation: &'static str,
        target: Option<Target<'_>>,
        result: Result<(), Outcome>,
    ) -> String {
        AdminRecord::new(now_ms, &self.correlation_id, operation, target, result).line()
    }

    fn overview(&self, isolate: &mut Isolate, replies: Vec<Replied>) -> Overview {
        if replies.first().is_none_or(Result::is_err) {
            isolate.give_back(&self.counts);
        }
        let shards = self.shards.iter().cloned().zip(replies).map(|(name, reply)| {
            let figures = match reply {
                Ok(Reply::Figures(figures)) => Ok(figures),
                Ok(_) => Err("malformed reply".to_owned()),
                Err(error) => Err(error.message),
            };
            (name, figures)
        });
        Overview::of(shards.collect())
    }
}

/// The same call for each of these shards.
fn calls(shards: &[String], call: &Call) -> Vec<LedgerCall> {
    let message = call.encode();
    shards.iter().map(|shard| LedgerCall::new(shard.clone(), message.clone())).collect()
}

fn refused(Refusal { outcome, text }: &Refusal) -> Response {
    match text {
        Some(text) => outcome.response_saying(text),
        None => outcome.response(),
    }
}

fn no_such_replay(outcome: Outcome) -> Response {
    match outcome {
        Outcome::NotFound => outcome.response_saying("The ledger has no such replay."),
        outcome => outcome.response(),
    }
}

fn no_such_event(outcome: Outcome) -> Response {
    match outcome {
        Outcome::NotFound => outcome.response_saying("The ledger has no such event."),
        outcome => outcome.response(),
    }
}
