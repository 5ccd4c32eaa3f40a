//! An admin's request, from what is asked of the shards to the response.

mod questions;

use std::sync::Arc;

use super::job_request;
use super::replay_request::ReplayRequest;
use super::route::{AdminRoute, Refusal};
use crate::client_address;
use crate::counts::Counts;
use crate::isolate::Isolate;
use crate::ledger::job::NewJob;
use crate::ledger::message::{Call, CallError, Reply};
use crate::machine::{
    Input, LEDGER_TIMEOUT_MS, OUT_OF_TURN, Output, Step, TokenRefusal, administer, respond,
};
use crate::merge;
use crate::outcome::Outcome;
use crate::record::TokenRecord;
use crate::request::Request;
use crate::response::Response;
use crate::settings::{MAX_SHARDS, Role, Settings, Token};
use crate::trace::{self, Random};
use crate::watch::WatchPage;
use questions::to_each;

/// A request that waits for its body, or for the shards.
#[derive(Clone)]
pub(crate) struct AdminRequest {
    pub(super) settings: Arc<Settings>,
    pub(super) route: AdminRoute,
    /// Names of the shards that were called: those in use first, then those of former numbers of shards.
    pub(super) shards: Vec<String>,
    /// What the shards have replied, in their order; a list for each question.
    pub(super) replies: Vec<Vec<Replied>>,
    /// Outcomes that were reported along with it.
    pub(super) counts: Counts,
    pub(super) correlation_id: String,
    /// The name of who asks, as it stands in the audit log.
    pub(super) by: String,
    /// What they may do.
    pub(super) role: Role,
    /// The name of a bulk replay that starts now.
    pub(super) replay_id: String,
    /// What the body says, once it is read.
    pub(super) body: Option<Body>,
    /// What the watch says, or why it does not; none if it is not asked.
    pub(super) watch: Option<Result<String, String>>,
}

/// The body of a request.
#[derive(Clone)]
pub(super) enum Body {
    /// A bulk replay that is planned or started.
    Replay(ReplayRequest),
    /// A job that is registered.
    Job(NewJob),
}

/// A shard's reply, or why there is none.
pub(super) type Replied = Result<Reply, CallError>;

/// How long the body may take, in milliseconds.
const BODY_TIMEOUT_MS: u32 = 10_000;

impl AdminRequest {
    /// Begins with a request to a path for admins, whether or not it carries a token.
    pub(crate) fn begin(
        isolate: &mut Isolate,
        settings: Arc<Settings>,
        request: &Request,
        correlation_id: String,
        random: &Random,
        now_ms: u64,
    ) -> Step {
        let Some(given) = Token::given_by(request.header("authorization")) else {
            isolate.count(Outcome::NotFound);
            return respond(&correlation_id, Outcome::NotFound.response(), None);
        };
        let Some(holder) = settings.access.of(&given) else {
            return TokenRefusal::begin(isolate, request, correlation_id, now_ms);
        };
        let route = match AdminRoute::of(&request.method, request.path(), request.query()) {
            Ok(route) => route,
            Err(refusal) => return respond(&correlation_id, refused(&refusal), None),
        };
        if let Some(needed) = route.needs().filter(|needed| !holder.role().may(*needed)) {
            isolate.count(Outcome::Forbidden);
            let client = client_address::of(request);
            let record =
                TokenRecord::new(now_ms, correlation_id.clone(), Outcome::Forbidden, client);
            let log = record.with_holder(holder).line();
            return respond(&correlation_id, forbidden(holder.role(), needed), Some(log));
        }
        if route.is_about_jobs() && settings.policy.jobs.is_none() {
            return respond(&correlation_id, Outcome::JobsNotKept.response(), None);
        }
        let (by, role) = (holder.name().to_owned(), holder.role());
        let begun = Self {
            settings,
            route,
            shards: Vec::new(),
            replies: Vec::new(),
            counts: Counts::new(),
            correlation_id,
            by,
            role,
            // Not the sender's correlation id, which may come again.
            replay_id: trace::correlation_id(None, random),
            body: None,
            watch: None,
        };
        if let AdminRoute::Watch(page) = begun.route {
            return begun.ask_watch(page);
        }
        match begun.route.most_bytes() {
            Some(limit) => administer(
                begun,
                Output::ReadBody {
                    limit,
                    length: None,
                    prefix: String::new(),
                    hand_over_limit: limit,
                    deadline_ms: BODY_TIMEOUT_MS,
                },
            ),
            // The token has said it.
            None if begun.route == AdminRoute::Whoami => begun.respond(isolate, now_ms),
            None => begun.ask(isolate),
        }
    }

    /// Calls the shards in use.
    fn ask(mut self, isolate: &mut Isolate) -> Step {
        self.shards = self.concerned(&[self.settings.ledger_shards]);
        let mut calls = self.calls(&self.shards);
        if self.is_about_figures() {
            // What this isolate has counted is reported along with it, to any one shard.
            self.counts = isolate.take_counts();
            if let Some(first) = calls.first_mut() {
                first.message = Call::Figures { counts: self.counts.clone() }.encode();
            }
        } else if self.route != AdminRoute::RegisterJob {
            // The figures name the numbers of shards that were in use.
            let figures = Call::Figures { counts: Counts::new() };
            calls.extend(to_each(&self.shards, &figures.encode()));
        }
        administer(self, Output::CallLedger { calls, deadline_ms: LEDGER_TIMEOUT_MS })
    }

    /// Asks the watch.
    fn ask_watch(mut self, page: WatchPage) -> Step {
        // Until it says something.
        self.watch = Some(Err(OUT_OF_TURN.to_owned()));
        administer(self, Output::AskWatch { page, deadline_ms: LEDGER_TIMEOUT_MS })
    }

    /// The shards have replied: what the status and the metrics say of alerts is asked of the watch.
    fn finish(self, isolate: &mut Isolate, now_ms: u64) -> Step {
        if self.is_about_figures() && self.settings.watches() {
            return self.ask_watch(WatchPage::Alerts);
        }
        self.respond(isolate, now_ms)
    }

    /// The body was read, or not.
    fn read(mut self, isolate: &mut Isolate, input: Input, limit: usize, now_ms: u64) -> Step {
        let result = match input {
            Input::Body(bytes) if bytes.len() <= limit => match self.route {
                AdminRoute::RegisterJob => job_request::read(&bytes).map(Body::Job),
                _ => ReplayRequest::read(&bytes, now_ms).map(Body::Replay),
            },
            Input::BodyTimedOut => Err(Outcome::BodyTimeout.into()),
            Input::BodyCut => Err(Outcome::BodyCut.into()),
            _ => Err(Refusal {
                outcome: Outcome::BodyTooLarge,
                text: Some(format!("The body has more than {limit} bytes.")),
            }),
        };
        match result {
            Ok(body) => {
                if let Body::Replay(ReplayRequest { id: Some(id), .. }) = &body {
                    self.replay_id.clone_from(id);
                }
                self.body = Some(body);
                self.ask(isolate)
            }
            Err(refusal) => respond(&self.correlation_id, refused(&refusal), None),
        }
    }

    pub(super) const fn is_about_figures(&self) -> bool {
        matches!(self.route, AdminRoute::Status | AdminRoute::Metrics)
    }

    /// The body was read, or the shards have replied, or not. After those in use, the ones are asked that were in use
    /// under another number of shards: what they owe is still theirs to deliver.
    pub(crate) fn handle(mut self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
        if self.watch.is_some() {
            if let Input::Watch(page) = input {
                self.watch = Some(page);
            }
            return self.respond(isolate, now_ms);
        }
        if let (None, Some(limit)) = (&self.body, self.route.most_bytes()) {
            return self.read(isolate, input, limit, now_ms);
        }
        // Another input counts as replies that cannot be read.
        let messages =
            if let Input::LedgerReplies(messages) = input { messages } else { String::new() };
        if let Some(first) = self.replies.first() {
            let former = self.shards.len().saturating_sub(first.len());
            let more = by_question(&messages, former, self.replies.len());
            for (replies, more) in self.replies.iter_mut().zip(more) {
                replies.extend(more);
            }
            return self.finish(isolate, now_ms);
        }
        let former = self.first_replies(&messages);
        if former.is_empty() {
            return self.finish(isolate, now_ms);
        }
        let calls = self.calls(&former);
        self.shards.extend(former);
        administer(self, Output::CallLedger { calls, deadline_ms: LEDGER_TIMEOUT_MS })
    }

    /// Takes the replies of the shards in use; the other shards that the request concerns, as they tell.
    fn first_replies(&mut self, messages: &str) -> Vec<String> {
        let (asked, questions) = (self.shards.len(), self.questions().len());
        if self.route == AdminRoute::RegisterJob {
            // A job goes to where its events go from now on.
            self.replies = by_question(messages, asked, questions);
            return Vec::new();
        }
        let figures = if self.is_about_figures() {
            self.replies = by_question(messages, asked, questions);
            self.replies.first().cloned()
        } else {
            self.replies = by_question(messages, asked, questions.saturating_add(1));
            self.replies.pop()
        };
        let mut numbers = Vec::new();
        for (shard, figures) in figures.unwrap_or_default().into_iter().enumerate() {
            // Without figures, nobody knows whether there are shards that were not asked.
            let error = match figures {
                Ok(Reply::Figures(figures)) => {
                    numbers.extend(figures.shard_counts.iter().map(|(_, number)| *number));
                    continue;
                }
                Ok(_) => CallError::from("malformed reply"),
                Err(error) => error,
            };
            for reply in self.replies.iter_mut().filter_map(|replies| replies.get_mut(shard)) {
                *reply = Err(error.clone());
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
}

/// The replies of so many shards to so many questions.
fn by_question(messages: &str, shards: usize, questions: usize) -> Vec<Vec<Replied>> {
    let mut replies = Reply::decode_all(messages, shards.saturating_mul(questions)).into_iter();
    (0..questions).map(|_| replies.by_ref().take(shards).collect()).collect()
}

/// What a role is too little for, and which ones are enough.
fn forbidden(role: Role, needed: Role) -> Response {
    let enough = match needed {
        Role::Operate => "`operate`".to_owned(),
        needed => format!("`{}` or `operate`", needed.name()),
    };
    let text =
        format!("This token has the role `{}`, and the request takes {enough}.", role.name());
    Outcome::Forbidden.response_saying(&text)
}

fn refused(Refusal { outcome, text }: &Refusal) -> Response {
    match text {
        Some(text) => outcome.response_saying(text),
        None => outcome.response(),
    }
}
