//! One request, from its head to the response.
//!
//! A delivery takes these steps; the code carries the same numbers.
//!
//! 1. Method and path; the client's address; a `Content-Length` over the limit is refused before reading.
//!    The signature header is parsed. Then the body is read, once, never more than the limit, and within
//!    a deadline.
//! 2. One MAC per active key over `t` + `.` + body, and freshness, in one constant-time verdict. The MACs
//!    of a long body come from the platform. Only an authentic delivery learns that it was stale.
//! 3. Id, type, status and job are read from the signed bytes; they give the event key.
//! 4. `claim` in the ledger. Nothing is stored, and no object is called, before the signature holds.
//! 5. The same bytes go to the one configured origin, with a deadline.
//! 6. Origin 2xx: `commit`. Anything else: `release`, and a non-2xx to the provider, so that its
//!    retry comes.
//!
//! | step | file | ends the way with |
//! | --- | --- | --- |
//! | 1 | [`route`] | `not_found`, `method_not_allowed` |
//! | 1 | [`receiving`] | `misconfigured`, `source_refused`, `rate_limited`, `body_too_large`, `body_timeout`, `body_cut`, `signature_missing`, `signature_malformed` |
//! | 2 | [`verifying`], [`authentic`](crate::authentic) | `signature_mismatch`, `timestamp_expired`, `timestamp_ahead` |
//! | 3 | [`authentic`](crate::authentic) | nothing: an authentic event is forwarded whether we can read it or not |
//! | 4 | [`delivery`] | `duplicate`, `late_dropped`, `in_flight`, `ledger_unavailable` |
//! | 6 | [`delivery`] | `forwarded`, or `origin_rejected`, `origin_failed`, `origin_timeout`, `origin_unreachable` |
//!
//! An admin's request goes through [`admin`](crate::admin), and one with a wrong token through [`token_refusal`].

mod delivery;
mod io;
mod limiting;
mod receiving;
pub(crate) mod retry_after;
mod route;
mod settlement;
#[cfg(test)]
mod tests;
mod token_refusal;
mod verifying;

use std::sync::Arc;

pub use io::{Input, LedgerCall, Output};

use crate::admin::{self, AdminRequest};
use delivery::Delivery;
#[cfg(test)]
pub(crate) use delivery::Phase;
use limiting::Limiting;
use receiving::Receiving;
use route::Route;
pub(crate) use token_refusal::TokenRefusal;
use verifying::Verifying;

use crate::header_names::CORRELATION_ID;
use crate::isolate::Isolate;
use crate::ledger::Attempt;
use crate::outcome::Outcome;
use crate::record::Record;
use crate::request::Request;
use crate::response::Response;
use crate::settings::Settings;
use crate::time::rfc3339;
use crate::trace::{self, Random, TraceContext};

/// How long one call of the ledger may take before it counts as unreachable, in milliseconds.
pub(crate) use crate::settings::LEDGER_TIMEOUT_MS;

/// One request that waits for an input. The crate's documentation says how it is driven.
#[derive(Clone)]
pub struct Machine(State);

/// The machine that waits for the next input, and what to do for it; no machine after the response.
pub type Step = (Option<Machine>, Output);

/// What a request waits for.
#[derive(Clone)]
enum State {
    /// The body.
    Receiving(Box<Receiving>),
    /// The platform's MACs of a long body, or that body.
    Verifying(Box<Verifying>),
    /// The rate limiter.
    Limiting(Box<Limiting>),
    /// The ledger, or the origin.
    Delivering(Box<Delivery>),
    /// The ledger, for an admin.
    Administering(Box<AdminRequest>),
    /// Its time, with a token that is none of ours.
    RefusingToken(Box<TokenRefusal>),
}

impl Machine {
    /// Begins with a request.
    #[must_use]
    pub fn begin(isolate: &mut Isolate, request: Request, random: Random, now_ms: u64) -> Step {
        let correlation_id = trace::correlation_id(request.header(CORRELATION_ID), &random);
        // 1.
        match route::of(&request, isolate.webhook_path()) {
            Route::Health => respond(&correlation_id, health(isolate, &request), None),
            Route::Nowhere(outcome) => {
                isolate.count(outcome);
                respond(&correlation_id, outcome.response(), None)
            }
            Route::Page => {
                let Some(headers) = admin::page(isolate.settings().ok()) else {
                    isolate.count(Outcome::NotFound);
                    return respond(&correlation_id, Outcome::NotFound.response(), None);
                };
                respond_page(&correlation_id, headers)
            }
            Route::Admin => match isolate.settings.clone() {
                Ok(settings) => AdminRequest::begin(
                    isolate,
                    settings,
                    &request,
                    correlation_id,
                    &random,
                    now_ms,
                ),
                // The tokens are among the settings, and that these are refused, the health check tells anybody.
                Err(_) => respond(&correlation_id, Outcome::NotFound.response(), None),
            },
            Route::Delivery => {
                let mut record = Record::new(rfc3339(now_ms), correlation_id);
                record.note_trace(&TraceContext::continuing(&request, &random));
                match sound_settings(isolate, &request) {
                    Ok(settings) => {
                        Receiving::begin(isolate, settings, request, random, record, now_ms)
                    }
                    Err(problems) => {
                        record.problems = problems;
                        end(isolate, record, Outcome::Misconfigured)
                    }
                }
            }
        }
    }

    /// Makes an attempt that an object owes. `body` is the event's, as it was stored.
    ///
    /// # Errors
    /// If the settings are refused.
    pub fn attempt(
        isolate: &Isolate,
        attempt: Attempt,
        body: &[u8],
        random: &Random,
        now_ms: u64,
    ) -> Result<Step, &'static str> {
        let settings = isolate.settings.clone().map_err(|_| "the settings are refused")?;
        let record = Record::new(rfc3339(now_ms), trace::correlation_id(None, random));
        Ok(Delivery::attempt(settings, attempt, body, record, random, now_ms))
    }

    /// Continues with the result of the last output. An input of another kind than the output asked for
    /// counts as its failure.
    #[must_use]
    pub fn handle(self, isolate: &mut Isolate, input: Input, now_ms: u64) -> Step {
        match self.0 {
            State::Receiving(receiving) => receiving.handle(isolate, input, now_ms),
            State::Verifying(verifying) => verifying.handle(isolate, input, now_ms),
            State::Limiting(limiting) => limiting.handle(isolate, input, now_ms),
            State::Delivering(delivery) => delivery.handle(isolate, input, now_ms),
            State::Administering(request) => request.handle(isolate, input, now_ms),
            State::RefusingToken(refusal) => refusal.handle(isolate, input, now_ms),
        }
    }

    /// The response to a request whose machine was lost, for instance to a panic. What was done is not
    /// known, so it is none that the provider could take for a success. `offered` is the sender's
    /// correlation id.
    #[must_use]
    pub fn lost(
        isolate: &mut Isolate,
        offered: Option<&str>,
        random: &Random,
        now_ms: u64,
    ) -> Output {
        let record = Record::new(rfc3339(now_ms), trace::correlation_id(offered, random));
        end(isolate, record, Outcome::InternalError).1
    }
}

/// What the log says when the driver comes with another input than it was asked for.
pub(crate) const OUT_OF_TURN: &str = "an input out of turn";

/// Responds to a request that is no delivery.
pub(crate) fn respond(correlation_id: &str, response: Response, log: Option<String>) -> Step {
    let response = response.with_header(CORRELATION_ID, correlation_id.to_owned());
    (None, Output::Respond { response, log, data_point: None })
}

/// Responds with the operator's page.
fn respond_page(correlation_id: &str, mut headers: Vec<(&'static str, String)>) -> Step {
    headers.push((CORRELATION_ID, correlation_id.to_owned()));
    (None, Output::RespondPage { headers })
}

/// Goes on with an admin's request.
pub(crate) fn administer(request: AdminRequest, output: Output) -> Step {
    (Some(Machine(State::Administering(Box::new(request)))), output)
}

/// Ends a delivery: counts it, and says what is to be written about it.
fn end(isolate: &mut Isolate, mut record: Record, outcome: Outcome) -> Step {
    // One that came to its settlement was counted with it.
    if record.settlement.is_none() {
        isolate.count(outcome);
    }
    let data_point = isolate.bindings.analytics.then(|| record.data_point(outcome));
    let log = Some(record.line(outcome));
    let response = outcome.response().with_header(CORRELATION_ID, record.correlation_id);
    (None, Output::Respond { response, log, data_point })
}

/// Answers a delivery that goes on afterwards.
fn end_answered(isolate: &mut Isolate, record: &mut Record, outcome: Outcome) -> Output {
    isolate.count(outcome);
    let data_point = isolate.bindings.analytics.then(|| record.data_point(outcome));
    let log = Some(record.line(outcome));
    let correlation_id = record.correlation_id.clone();
    let response = outcome.response().with_header(CORRELATION_ID, correlation_id);
    Output::RespondEarly { response, log, data_point }
}

/// Ends an attempt for whose outcome nobody waits.
fn end_attempt(isolate: &Isolate, mut record: Record, outcome: Outcome) -> Step {
    record.is_attempt = true;
    let data_point = isolate.bindings.analytics.then(|| record.data_point(outcome));
    (None, Output::End { log: Some(record.line(outcome)), data_point })
}

/// Whether the settings are sound, and if not, everything that is wrong with them.
fn health(isolate: &Isolate, request: &Request) -> Response {
    match sound_settings(isolate, request) {
        Ok(_) => Response::status("ok"),
        Err(problems) => Outcome::Misconfigured.response_saying(&problems.join("; ")),
    }
}

/// The settings, if they are sound for this request as well.
fn sound_settings(isolate: &Isolate, request: &Request) -> Result<Arc<Settings>, Vec<String>> {
    match &isolate.settings {
        Err(invalid) => Err(invalid.in_words()),
        Ok(settings) => match settings.origin_is_own(&request.url) {
            Some(problem) => Err(vec![problem.to_string()]),
            None => Ok(Arc::clone(settings)),
        },
    }
}
