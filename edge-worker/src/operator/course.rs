//! The course of an operator's request.

use futures_util::future::join_all;
use worker::Env;

use super::overview::Overview;
use super::page::{Page, Refusal};
use super::{metrics, status, trail};
use crate::ledger::audit::Filter;
use crate::ledger::client;
use crate::ledger::message::{Answer as LedgerAnswer, Call, Unanswered};
use crate::ledger::shard;
use crate::outcome::{Answer, Outcome};
use crate::platform;
use crate::record::OperatorRecord;
use crate::settings::Settings;
use crate::tally::Tally;

/// Answers an operator's request, or somebody's who would like to be one.
pub(crate) async fn answer(
    settings: &Settings,
    env: &Env,
    authorization: Option<&str>,
    request: (&str, &str, &str),
    correlation_id: &str,
) -> Answer {
    let is_operator =
        settings.admin_token.as_ref().is_some_and(|token| token.is_given_by(authorization));
    if !is_operator {
        platform::count(Outcome::NotFound);
        return Outcome::NotFound.answer();
    }
    let (method, path, query) = request;
    let ledger = Ledger { settings, env };
    match Page::of(method, path, query) {
        Ok(Page::Status) => {
            let overview = ledger.overview().await;
            Answer::json(status::json(&overview, settings, platform::now_ms()))
        }
        Ok(Page::Metrics) => {
            let overview = ledger.overview().await;
            let text = metrics::text(&overview, settings, platform::now_ms());
            Answer { content_type: metrics::CONTENT_TYPE, ..Answer::json(text) }
        }
        Ok(Page::Events { filter, limit, offset }) => ledger.events(&filter, limit, offset).await,
        Ok(Page::Event(key)) => ledger.event(key).await,
        Ok(Page::Forget(key)) => {
            let outcome = ledger.forget(&key).await;
            let record = OperatorRecord::forget(platform::now_ms(), correlation_id, &key, outcome);
            platform::log(&record.line());
            match outcome {
                Ok(()) => Answer::ok("forgotten"),
                Err(Outcome::NotFound) => no_such_event(),
                Err(outcome) => outcome.answer(),
            }
        }
        Err(Refusal { outcome, text: Some(text) }) => outcome.answer_saying(&text),
        Err(Refusal { outcome, text: None }) => outcome.answer(),
    }
}

/// All shards together.
struct Ledger<'a> {
    settings: &'a Settings,
    env: &'a Env,
}

impl Ledger<'_> {
    /// Asks every shard, all at once, and gives their answers in order. Where an event lies depends
    /// on its job, so with a key alone there is no telling which shard to ask.
    async fn ask_all(
        &self,
        call: impl Fn(u32) -> Call,
    ) -> Vec<(String, Result<LedgerAnswer, Unanswered>)> {
        let asked = (0..self.settings.ledger_shards).map(|index| {
            let call = call(index);
            async move {
                let name = shard::name_of(index);
                let answer = client::ask(self.env, &name, &call).await;
                (name, answer)
            }
        });
        join_all(asked).await
    }

    async fn overview(&self) -> Overview {
        // What this isolate has counted is reported on the way, to any one shard.
        let tally = platform::take_tally();
        let call =
            |index| Call::Figures { tally: if index == 0 { tally.clone() } else { Tally::new() } };
        let answers = self.ask_all(call).await;
        if answers.first().is_some_and(|(_, answer)| answer.is_err()) {
            platform::give_back(&tally);
        }
        let shards = answers.into_iter().map(|(name, answer)| {
            let figures = match answer {
                Ok(LedgerAnswer::Figures(figures)) => Ok(figures),
                Ok(_) => Err("the answer makes no sense".to_owned()),
                Err(unanswered) => Err(unanswered.text),
            };
            (name, figures)
        });
        Overview::of(shards.collect())
    }

    async fn events(&self, filter: &Filter, limit: u32, offset: u32) -> Answer {
        let call = || Call::List(filter.clone());
        let answers = match &filter.job_id {
            // All events of a job are in one shard.
            Some(job_id) => {
                let name = shard::name_of_job(job_id, self.settings.ledger_shards);
                vec![client::ask(self.env, &name, &call()).await]
            }
            None => self.ask_all(|_| call()).await.into_iter().map(|(_, answer)| answer).collect(),
        };
        match trail::page(answers, limit, offset) {
            Ok(page) => Answer::json(page),
            Err(outcome) => outcome.answer(),
        }
    }

    async fn event(&self, key: String) -> Answer {
        let answers = self.ask_all(|_| Call::Find { key: key.clone() }).await;
        match trail::event(answers.into_iter().map(|(_, answer)| answer)) {
            Ok(event) => Answer::json(event),
            Err(Outcome::NotFound) => no_such_event(),
            Err(outcome) => outcome.answer(),
        }
    }

    async fn forget(&self, key: &str) -> Result<(), Outcome> {
        let answers = self.ask_all(|_| Call::Forget { key: key.to_owned() }).await;
        trail::forgotten(answers.into_iter().map(|(_, answer)| answer))
    }
}

fn no_such_event() -> Answer {
    Outcome::NotFound.answer_saying("The ledger has no such event.")
}
