//! An operator's request, from what is asked of the shards to the answer.

use std::rc::Rc;

use super::overview::Overview;
use super::page::{Page, Refusal};
use super::{metrics, status, trail};
use crate::course::{Event, Head};
use crate::isolate::Isolate;
use crate::ledger::message::{Answer as LedgerAnswer, Call, Unanswered};
use crate::ledger::shard;
use crate::outcome::{Answer, Outcome};
use crate::record::OperatorRecord;
use crate::settings::Settings;
use crate::tally::Tally;

/// A request that waits for the shards.
pub(crate) struct Inquiry {
    settings: Rc<Settings>,
    page: Page,
    shards: Vec<String>,
    /// What went along.
    tally: Tally,
    correlation_id: String,
}

/// Calls of the ledger, each of the shard of this name.
type Calls = Vec<(String, Call)>;

impl Inquiry {
    /// Begins with a request of an operator, or of somebody who would like to be one.
    ///
    /// # Errors
    /// The answer, if there is nothing to ask the ledger.
    pub(crate) fn begin(
        isolate: &mut Isolate,
        settings: Rc<Settings>,
        head: &Head,
        correlation_id: String,
    ) -> Result<(Self, Calls), Answer> {
        let authorization = head.header("authorization");
        let is_operator =
            settings.admin_token.as_ref().is_some_and(|token| token.is_given_by(authorization));
        if !is_operator {
            isolate.count(Outcome::NotFound);
            return Err(Outcome::NotFound.answer());
        }
        let page = Page::of(&head.method, head.path(), head.query()).map_err(refused)?;
        let mut inquiry =
            Self { settings, page, shards: Vec::new(), tally: Tally::new(), correlation_id };
        let calls = inquiry.calls(isolate);
        inquiry.shards = calls.iter().map(|(shard, _)| shard.clone()).collect();
        Ok((inquiry, calls))
    }

    /// What to ask of which shard.
    fn calls(&mut self, isolate: &mut Isolate) -> Calls {
        match &self.page {
            Page::Status | Page::Metrics => {
                // What this isolate has counted is reported on the way, to any one shard.
                self.tally = isolate.take_tally();
                let tally = |index| if index == 0 { self.tally.clone() } else { Tally::new() };
                self.ask_all(|index| Call::Figures { tally: tally(index) })
            }
            // All events of a job are in one shard.
            Page::Events { filter, .. } => match &filter.job_id {
                Some(job_id) => {
                    let name = shard::name_of_job(job_id, self.settings.ledger_shards);
                    vec![(name, Call::List(filter.clone()))]
                }
                None => self.ask_all(|_| Call::List(filter.clone())),
            },
            Page::Event(key) => self.ask_all(|_| Call::Find { key: key.clone() }),
            Page::Forget(key) => self.ask_all(|_| Call::Forget { key: key.clone() }),
        }
    }

    /// The same for every shard. Where an event lies depends on its job, so with a key alone there is
    /// no telling which shard to ask.
    fn ask_all(&self, call: impl Fn(u32) -> Call) -> Calls {
        let shards = 0..self.settings.ledger_shards;
        shards.map(|index| (shard::name_of(index), call(index))).collect()
    }

    /// The answer, and a line for the log if something was changed.
    pub(crate) fn answered(
        self,
        isolate: &mut Isolate,
        event: Event,
        now_ms: u64,
    ) -> (Answer, Option<String>) {
        let answers = match event {
            Event::Answered(answers) => answers,
            _ => Vec::new(),
        };
        let answer = match &self.page {
            Page::Status => {
                let overview = self.overview(isolate, answers);
                Answer::json(status::json(&overview, &self.settings, now_ms))
            }
            Page::Metrics => {
                let overview = self.overview(isolate, answers);
                let text = metrics::text(&overview, &self.settings, now_ms);
                Answer { content_type: metrics::CONTENT_TYPE, ..Answer::json(text) }
            }
            Page::Events { limit, offset, .. } => {
                trail::page(answers, *limit, *offset).map_or_else(Outcome::answer, Answer::json)
            }
            Page::Event(_) => trail::event(answers).map_or_else(no_such_event, Answer::json),
            Page::Forget(key) => {
                let result = trail::forgotten(answers);
                let record = OperatorRecord::forget(now_ms, &self.correlation_id, key, result);
                let answer = result.map_or_else(no_such_event, |()| Answer::ok("forgotten"));
                return (answer, Some(record.line()));
            }
        };
        (answer, None)
    }

    fn overview(
        &self,
        isolate: &mut Isolate,
        answers: Vec<Result<LedgerAnswer, Unanswered>>,
    ) -> Overview {
        if answers.first().is_none_or(Result::is_err) {
            isolate.give_back(&self.tally);
        }
        let shards = self.shards.iter().cloned().zip(answers).map(|(name, answer)| {
            let figures = match answer {
                Ok(LedgerAnswer::Figures(figures)) => Ok(figures),
                Ok(_) => Err("the answer makes no sense".to_owned()),
                Err(unanswered) => Err(unanswered.text),
            };
            (name, figures)
        });
        Overview::of(shards.collect())
    }
}

fn refused(Refusal { outcome, text }: Refusal) -> Answer {
    match text {
        Some(text) => outcome.answer_saying(&text),
        None => outcome.answer(),
    }
}

fn no_such_event(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::NotFound => outcome.answer_saying("The ledger has no such event."),
        outcome => outcome.answer(),
    }
}
