//! The answer to an admin's request, once the shards have replied.

use serde::Serialize;

use super::overview::Overview;
use super::request::{AdminRequest, Body, Replied};
use super::route::AdminRoute;
use super::{audit, costs, events, jobs, metrics, replays, status};
use crate::isolate::Isolate;
use crate::ledger::bulk_replay::Steering;
use crate::ledger::message::Reply;
use crate::machine::{Step, respond};
use crate::outcome::Outcome;
use crate::record::{AdminRecord, Target};
use crate::response::Response;
use crate::settings::Role;
use crate::time::rfc3339;
use crate::watch::Findings;

/// Whose token came.
#[derive(Serialize)]
struct Whoami<'a> {
    name: &'a str,
    role: Role,
    /// The edge's clock, by which all times that it tells are to be read.
    time: String,
}

impl AdminRequest {
    /// Responds, and logs what was done.
    pub(super) fn respond(mut self, isolate: &mut Isolate, now_ms: u64) -> Step {
        let mut questions = core::mem::take(&mut self.replies).into_iter();
        let replies = questions.next().unwrap_or_default();
        let more = questions.next().unwrap_or_default();
        let mut log = None;
        let response = match &self.route {
            AdminRoute::Whoami => {
                let time = rfc3339(now_ms);
                Response::json(&Whoami { name: &self.by, role: self.role, time })
            }
            AdminRoute::Status => {
                let overview = self.overview(isolate, replies, more, now_ms);
                status::response(&overview, &self.settings, now_ms)
            }
            AdminRoute::Metrics => {
                let overview = self.overview(isolate, replies, more, now_ms);
                let text = metrics::text(&overview, &self.settings, now_ms);
                Response::text(metrics::CONTENT_TYPE, text)
            }
            AdminRoute::Events { search, limit } => {
                events::list(replies, search, *limit).unwrap_or_else(Outcome::response)
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
            AdminRoute::RegisterJob => {
                let result = jobs::registered(&replies);
                log = self.registration(result, now_ms);
                result.map_or_else(Outcome::response, |()| Response::status("registered"))
            }
            AdminRoute::Jobs { limit, .. } => {
                jobs::list(replies, *limit).unwrap_or_else(Outcome::response)
            }
            AdminRoute::Job(_) => jobs::find(replies, more).unwrap_or_else(no_such_job),
            AdminRoute::Costs => costs::page(replies).unwrap_or_else(Outcome::response),
            AdminRoute::Audit { limit, .. } => {
                audit::list(replies, self.asked(), *limit).unwrap_or_else(Outcome::response)
            }
            AdminRoute::Watch(_) => match self.watch {
                Some(Ok(page)) => Response::text("application/json", page),
                _ => Outcome::LedgerUnavailable.response_saying("The watch could not be reached."),
            },
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
        let Some(Body::Replay(request)) = &self.body else {
            return (Outcome::InternalError.response(), None);
        };
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

    /// The line about a registration.
    fn registration(&self, result: Result<(), Outcome>, now_ms: u64) -> Option<String> {
        let Some(Body::Job(job)) = &self.body else { return None };
        let target = Target::Job(&job.job_id, job.tenant.as_deref());
        Some(self.record(now_ms, "register_job", Some(target), result))
    }

    fn record(
        &self,
        now_ms: u64,
        operation: &'static str,
        target: Option<Target<'_>>,
        result: Result<(), Outcome>,
    ) -> String {
        AdminRecord::new(now_ms, &self.correlation_id, &self.by, operation, target, result).line()
    }

    /// `more` are the costs, if they were asked for.
    fn overview(
        &mut self,
        isolate: &mut Isolate,
        replies: Vec<Replied>,
        more: Vec<Replied>,
        now_ms: u64,
    ) -> Overview {
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
        let is_asked = !more.is_empty();
        let mut overview = Overview::of(shards.collect(), costs::total(more).filter(|_| is_asked));
        overview.watch = self
            .watch
            .take()
            .map(|page| Findings::read(&page?, now_ms).ok_or_else(|| "malformed page".to_owned()));
        overview
    }
}

fn no_such_job(outcome: Outcome) -> Response {
    match outcome {
        Outcome::NotFound => outcome.response_saying("The ledger has no such job."),
        outcome => outcome.response(),
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
