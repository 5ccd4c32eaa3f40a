//! An admin's request, from what is asked of the shards to the response.

use std::sync::Arc;

use super::overview::Overview;
use super::replay_request::{self, ReplayRequest};
use super::route::{AdminRoute, Refusal};
use super::{events, metrics, replays, status};
use crate::counts::Counts;
use crate::isolate::Isolate;
use crate::ledger::bulk_replay::Steering;
use crate::ledger::message::{Call, CallError, Reply};
use crate::ledger::shard;
use crate::machine::{Input, LEDGER_TIMEOUT_MS, LedgerCall, Output, Step, administer, respond};
use crate::outcome::Outcome;
use crate::record::{AdminRecord, Target};
use crate::request::Request;
use crate::response::Response;
use crate::settings::Settings;
use crate::trace::{self, Random};

/// A request that waits for its body, or for the shards.
#[derive(Clone)]
pub(crate) struct AdminRequest {
    settings: Arc<Settings>,
    route: AdminRoute,
    /// Names of the shards that were called, in order.
    shards: Vec<String>,
    /// Outcomes that were reported along with it.
    counts: Counts,
    correlation_id: String,
    /// The name of a bulk replay that starts now.
    replay_id: String,
    /// The bulk replay that the body asks for, once it is read.
    replay: Option<ReplayRequest>,
}

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
        begun.call(isolate)
    }

    /// Calls the shards.
    fn call(mut self, isolate: &mut Isolate) -> Step {
        let calls = self.calls(isolate);
        self.shards = calls.iter().map(|call| call.shard.clone()).collect();
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
                self.call(isolate)
            }
            Err(refusal) => respond(&self.correlation_id, refused(&refusal), None),
        }
    }

    /// What to ask of which shard about a bulk replay that is planned or starts.
    fn replay_calls(&self, request: &ReplayRequest) -> Vec<LedgerCall> {
        let call = |shards| {
            if request.start {
                Call::StartReplay(request.new_replay(&self.replay_id, shards))
            } else {
                Call::PlanReplay(request.selection.clone())
            }
        };
        // All events of a job are in one shard.
        match &request.selection.job_id {
            Some(job_id) => {
                let shard = shard::name_of_job(job_id, self.settings.ledger_shards);
                vec![LedgerCall::new(shard, call(1).encode())]
            }
            None => self.call_all(&call(self.settings.ledger_shards)),
        }
    }

    /// What to ask of which shard.
    fn calls(&mut self, isolate: &mut Isolate) -> Vec<LedgerCall> {
        match &self.route {
            AdminRoute::Status | AdminRoute::Metrics => {
                // What this isolate has counted is reported along with it, to any one shard.
                self.counts = isolate.take_counts();
                let reported = Call::Figures { counts: self.counts.clone() };
                let mut calls = self.call_all(&Call::Figures { counts: Counts::new() });
                if let Some(first) = calls.first_mut() {
                    first.message = reported.encode();
                }
                calls
            }
            // All events of a job are in one shard.
            AdminRoute::Events { filter, .. } => match &filter.job_id {
                Some(job_id) => {
                    let shard = shard::name_of_job(job_id, self.settings.ledger_shards);
                    vec![LedgerCall::new(shard, Call::List(filter.clone()).encode())]
                }
                None => self.call_all(&Call::List(filter.clone())),
            },
            AdminRoute::Event(key) => self.call_all(&Call::Find { key: key.clone() }),
            AdminRoute::Reopen(key) => self.call_all(&Call::Reopen { key: key.clone() }),
            AdminRoute::Replay(key) => {
                let id = self.correlation_id.clone();
                self.call_all(&Call::Replay { key: key.clone(), id })
            }
            AdminRoute::NewReplay => {
                self.replay.as_ref().map_or_else(Vec::new, |request| self.replay_calls(request))
            }
            AdminRoute::Replays => self.call_all(&Call::Replays { id: None }),
            AdminRoute::BulkReplay(id) => self.call_all(&Call::Replays { id: Some(id.clone()) }),
            AdminRoute::SteerReplay { id, steering } => {
                self.call_all(&Call::SteerReplay { id: id.clone(), steering: *steering })
            }
            AdminRoute::Pause { is_paused } => {
                self.call_all(&Call::Pause { is_paused: *is_paused })
            }
        }
    }

    /// The same call for every shard. An event's shard depends on its job, which its key does not reveal.
    fn call_all(&self, call: &Call) -> Vec<LedgerCall> {
        let message = call.encode();
        let shards = 0..self.settings.ledger_shards;
        let call = |index| LedgerCall::new(shard::name_of(index), message.clone());
        shards.map(call).collect()
    }

    /// The body was read, or the shards have replied, or not.
    pub(crate) fn handle(self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
        if self.route == AdminRoute::NewReplay && self.replay.is_none() {
            return self.read(isolate, input, now_ms);
        }
        let replies = match input {
            Input::LedgerReplies(messages) => Reply::decode_all(&messages, self.shards.len()),
            _ => Vec::new(),
        };
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
    fn new_replay(
        &self,
        replies: Vec<Result<Reply, CallError>>,
        now_ms: u64,
    ) -> (Response, Option<String>) {
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

    fn overview(&self, isolate: &mut Isolate, replies: Vec<Result<Reply, CallError>>) -> Overview {
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
