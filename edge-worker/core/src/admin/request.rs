//! An admin's request, from what is asked of the shards to the response.

use std::sync::Arc;

use super::overview::Overview;
use super::route::{AdminRoute, Refusal};
use super::{events, metrics, status};
use crate::counts::Counts;
use crate::isolate::Isolate;
use crate::ledger::message::{Call, CallError, Reply};
use crate::ledger::shard;
use crate::machine::{Input, LEDGER_TIMEOUT_MS, LedgerCall, Output, Step, administer, respond};
use crate::outcome::Outcome;
use crate::record::AdminRecord;
use crate::request::Request;
use crate::response::Response;
use crate::settings::Settings;

/// A request that waits for the shards.
#[derive(Clone)]
pub(crate) struct AdminRequest {
    settings: Arc<Settings>,
    route: AdminRoute,
    /// Names of the shards that were called, in order.
    shards: Vec<String>,
    /// Outcomes that were reported along with it.
    counts: Counts,
    correlation_id: String,
}

impl AdminRequest {
    /// Begins with a request to a path for admins, whether or not it carries the token.
    pub(crate) fn begin(
        isolate: &mut Isolate,
        settings: Arc<Settings>,
        request: &Request,
        correlation_id: String,
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
        let mut begun =
            Self { settings, route, shards: Vec::new(), counts: Counts::new(), correlation_id };
        let calls = begun.calls(isolate);
        begun.shards = calls.iter().map(|call| call.shard.clone()).collect();
        administer(begun, Output::CallLedger { calls, deadline_ms: LEDGER_TIMEOUT_MS })
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

    /// The shards have replied, or not.
    pub(crate) fn handle(self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
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
                log = Some(self.record(now_ms, "reopen", Some(key), result));
                result.map_or_else(no_such_event, |()| Response::status("reopened"))
            }
            AdminRoute::Replay(key) => {
                let result = events::reopened(replies);
                log = Some(self.record(now_ms, "replay", Some(key), result));
                result.map_or_else(no_such_event, |()| Response::status("replayed"))
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

    fn record(
        &self,
        now_ms: u64,
        operation: &'static str,
        event_key: Option<&str>,
        result: Result<(), Outcome>,
    ) -> String {
        AdminRecord::new(now_ms, &self.correlation_id, operation, event_key, result).line()
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

fn no_such_event(outcome: Outcome) -> Response {
    match outcome {
        Outcome::NotFound => outcome.response_saying("The ledger has no such event."),
        outcome => outcome.response(),
    }
}
