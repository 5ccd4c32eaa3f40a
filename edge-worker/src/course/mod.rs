//! The course of one request: a machine that says what the platform has to do next, and is told what
//! came of it. Pure; the entry module does as it is told.
//!
//! A delivery goes the way that [`delivery`](crate::delivery) describes: [`receipt`] has steps 1 to 4,
//! [`attempt`] steps 5 to 7. An operator's request goes through [`operator`](crate::operator).

mod attempt;
mod effect;
mod head;
mod receipt;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use attempt::Attempt;
pub(crate) use effect::{Effect, Event};
pub(crate) use head::Head;
use head::read as read_headers;
use receipt::Receipt;

use crate::delivery::{self, Route};
use crate::forward;
use crate::isolate::Isolate;
use crate::operator::Inquiry;
use crate::outcome::{Answer, Outcome};
use crate::record::Record;
use crate::settings::{Problem, Refused, Settings};
use crate::time::rfc3339;
use crate::trace::{self, Random};

/// The course of one request, between two effects.
pub(crate) struct Course {
    correlation_id: String,
    stage: Stage,
}

/// Where a course stands, by what it waits for.
enum Stage {
    /// The body.
    Receiving(Box<Receipt>),
    /// Whether the client has sent too many forgeries. How the delivery ends is known.
    Limiting(Box<Record>, Outcome, core::net::IpAddr),
    /// The ledger, or the origin.
    Attempting(Box<Attempt>),
    /// The ledger, for an operator.
    Inquiring(Box<Inquiry>),
    /// Nothing.
    Ended,
}

impl Course {
    /// Begins the course of a request.
    pub(crate) fn begin(
        isolate: &mut Isolate,
        head: Head,
        random: Random,
        now_ms: u64,
    ) -> (Self, Effect) {
        let correlation_id = trace::correlation_id(head.header(forward::CORRELATION_ID), &random);
        let settings = isolate.settings.clone();
        let webhook_path = match &settings {
            Ok(settings) => Some(settings.webhook_path.as_str()),
            Err(refused) => refused.webhook_path.as_deref(),
        };
        let mut course = Self { correlation_id, stage: Stage::Ended };
        // 1.
        let effect = match delivery::route(&head.method, head.path(), webhook_path) {
            Route::Health => course.answer(health(&head, &settings)),
            Route::Nowhere(outcome) => {
                isolate.count(outcome);
                course.answer(outcome.answer())
            }
            Route::Operator => course.inquire(isolate, &head),
            Route::Delivery => {
                let mut record = Record::new(rfc3339(now_ms), course.correlation_id.clone());
                match sound(&head, &settings) {
                    Ok(settings) => course.receive(isolate, settings, head, random, record, now_ms),
                    Err(problems) => {
                        record.problems = problems;
                        course.end(isolate, record, Outcome::Misconfigured)
                    }
                }
            }
        };
        (course, effect)
    }

    /// Goes on, now that the last effect has come to something.
    pub(crate) fn resume(&mut self, isolate: &mut Isolate, event: Event, now_ms: u64) -> Effect {
        match core::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Receiving(receipt) => self.received(isolate, receipt, event, now_ms),
            Stage::Limiting(mut record, outcome, client) => {
                match event {
                    Event::Limited(Ok(true)) => {}
                    Event::Limited(Ok(false)) => isolate.forgeries.note(client, now_ms),
                    Event::Limited(Err(error)) => record.limiter_error = Some(error),
                    _ => record.limiter_error = Some(OUT_OF_TURN.to_owned()),
                }
                self.end(isolate, *record, outcome)
            }
            Stage::Attempting(attempt) => self.attempted(isolate, attempt, event, now_ms),
            Stage::Inquiring(inquiry) => {
                let (answer, log) = inquiry.answered(isolate, event, now_ms);
                self.answer_and_log(answer, log)
            }
            // The platform has gone on after the end.
            Stage::Ended => self.answer(Outcome::InternalError.answer()),
        }
    }

    fn inquire(&mut self, isolate: &mut Isolate, head: &Head) -> Effect {
        let settings = match &isolate.settings {
            Ok(settings) => Rc::clone(settings),
            // The token is one of the settings.
            Err(_) => return self.answer(Outcome::NotFound.answer()),
        };
        let correlation_id = self.correlation_id.clone();
        match Inquiry::begin(isolate, settings, head, correlation_id) {
            Ok((inquiry, calls)) => {
                self.stage = Stage::Inquiring(Box::new(inquiry));
                Effect::Ask(calls)
            }
            Err(answer) => self.answer(answer),
        }
    }

    /// Counts a delivery that has ended, and says what is to be written about it.
    fn end(&mut self, isolate: &mut Isolate, mut record: Record, outcome: Outcome) -> Effect {
        // One that came to its settlement was counted with it.
        if record.settlement.is_none() {
            isolate.count(outcome);
        }
        let point = isolate.bindings.analytics.then(|| record.data_point(outcome));
        let effect = self.answer_and_log(outcome.answer(), Some(record.line(outcome)));
        match effect {
            Effect::Answer { answer, correlation_id, log, .. } => {
                Effect::Answer { answer, correlation_id, log, point }
            }
            effect => effect,
        }
    }

    fn answer(&mut self, answer: Answer) -> Effect {
        self.answer_and_log(answer, None)
    }

    fn answer_and_log(&mut self, answer: Answer, log: Option<String>) -> Effect {
        self.stage = Stage::Ended;
        let correlation_id = core::mem::take(&mut self.correlation_id);
        Effect::Answer { answer, correlation_id, log, point: None }
    }
}

/// What stands in the log when the platform comes with something else than it was asked for.
const OUT_OF_TURN: &str = "an event out of turn";

/// Whether the settings are sound, and if not, everything that is wrong with them.
fn health(head: &Head, settings: &Result<Rc<Settings>, Rc<Refused>>) -> Answer {
    match sound(head, settings) {
        Ok(_) => Answer::ok("ok"),
        Err(problems) => Outcome::Misconfigured.answer_saying(&problems.join("; ")),
    }
}

/// The settings, if they are sound for this request as well.
fn sound(
    head: &Head,
    settings: &Result<Rc<Settings>, Rc<Refused>>,
) -> Result<Rc<Settings>, Vec<String>> {
    let in_words = |problems: &[Problem]| problems.iter().map(Problem::to_string).collect();
    match settings {
        Err(refused) => Err(in_words(&refused.problems)),
        Ok(settings) => match settings.origin_is_own(&head.url) {
            Some(problem) => Err(in_words(&[problem])),
            None => Ok(Rc::clone(settings)),
        },
    }
}
