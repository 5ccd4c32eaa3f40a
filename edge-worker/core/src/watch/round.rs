//! One round of the watch.

use std::sync::Arc;

use serde::Serialize;

use super::memory::Memory;
use super::notification::{Fate, Notification};
use super::reading::Reading;
use super::{WatchInput, WatchOutput};
use crate::admin::price_p95;
use crate::counts::Counts;
use crate::isolate::Isolate;
use crate::ledger::figures::Figures;
use crate::ledger::message::{Call, CallError, Reply};
use crate::ledger::shard;
use crate::machine::retry_after;
use crate::outcome::OriginResult;
use crate::reconciler::RoundCall;
use crate::settings::{LEDGER_TIMEOUT_MS, MAX_SHARDS, Settings};
use crate::time::rfc3339;
use crate::trace::Random;

/// A round that waits for an input.
pub struct WatchRound {
    settings: Arc<Settings>,
    memory: Memory,
    /// Scheme and host of the deployment, if they are known.
    site: Option<String>,
    /// Spreads attempts.
    jitter: u16,
    /// Whether shards are asked what jobs cost.
    is_pricing: bool,
    /// What the shards have said; none for one that has not.
    figures: Vec<(String, Option<Figures>)>,
    /// What they have said about costs.
    costs: Vec<Result<Reply, CallError>>,
    log: Vec<String>,
    phase: Phase,
}

/// What a round waits for.
enum Phase {
    /// The figures of the shards in use.
    InUse { shards: Vec<String> },
    /// Those of former numbers of shards.
    Former { shards: Vec<String> },
    /// That the attempt at the notification in this place is on disk.
    Beginning(usize),
    /// The answer to it.
    Sending(usize),
}

/// The machine that waits for the next input, and what to do for it; no machine after the end.
type Turn = (Option<WatchRound>, WatchOutput);

/// How long an answer to a notification is waited for, in milliseconds.
const POST_TIMEOUT_MS: u32 = 10_000;

/// The shortest pause before the next round, in milliseconds.
const LEAST_PAUSE_MS: u64 = 1_000;

/// After a longer time without a sample, as when the watch was off, what was counted meanwhile is no news, in
/// milliseconds.
const LONGEST_GAP_MS: u64 = 60 * 60_000;

/// The pause while the settings are refused, in milliseconds.
const PAUSE_MS: u64 = 60_000;

/// The line about a rule that begins to hold or ends, or about a notification that nobody has got.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    about: About<'a>,
}

// Flattened variants with fields of their own would make serde buffer them.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum About<'a> {
    Alert(Alert<'a>),
    AlertNotSent(AlertNotSent<'a>),
}

#[derive(Serialize)]
struct Alert<'a> {
    rule: &'a str,
    state: &'a str,
}

#[derive(Serialize)]
struct AlertNotSent<'a> {
    rule: &'a str,
    state: &'a str,
    attempts: u64,
    status: Option<u16>,
}

impl WatchRound {
    /// Begins. `memory` is what the round before has left, empty for the first one. `site` is scheme and host of the
    /// deployment, such as `https://edge.example`.
    #[must_use]
    pub fn begin(
        isolate: &Isolate,
        memory: &str,
        site: Option<String>,
        random: &Random,
        now_ms: u64,
    ) -> Turn {
        let Ok(settings) = isolate.settings.clone() else {
            // Without sound settings there is nothing that it could do soon.
            let alarm_ms = Some(now_ms.saturating_add(PAUSE_MS));
            return (
                None,
                WatchOutput::End { memory: memory.to_owned(), alarm_ms, log: Vec::new() },
            );
        };
        let memory = Memory::decode(memory);
        if !settings.watches() && memory.is_at_rest() {
            let memory = memory.encode();
            return (None, WatchOutput::End { memory, alarm_ms: None, log: Vec::new() });
        }
        let mut round = Self {
            is_pricing: settings.policy.jobs.is_some() && memory.is_price_due(now_ms),
            site,
            jitter: random.jitter(),
            figures: Vec::new(),
            costs: Vec::new(),
            log: Vec::new(),
            phase: Phase::InUse { shards: Vec::new() },
            memory,
            settings,
        };
        if round.memory.next_sample_ms(now_ms) > now_ms {
            return round.send(now_ms);
        }
        let shards: Vec<_> = (0..round.settings.ledger_shards).map(shard::name_of).collect();
        let output = round.ask(&shards);
        round.phase = Phase::InUse { shards };
        (Some(round), output)
    }

    /// Continues with the result of the last output. An input of another kind counts as its failure.
    #[must_use]
    pub fn handle(mut self, input: WatchInput, now_ms: u64) -> Turn {
        match core::mem::replace(&mut self.phase, Phase::InUse { shards: Vec::new() }) {
            Phase::InUse { shards } => {
                let former = self.take_replies(input, shards);
                if former.is_empty() {
                    return self.sample(now_ms);
                }
                let output = self.ask(&former);
                self.phase = Phase::Former { shards: former };
                (Some(self), output)
            }
            Phase::Former { shards } => {
                self.take_replies(input, shards);
                self.sample(now_ms)
            }
            Phase::Beginning(index) if input == WatchInput::Kept => self.post(index, now_ms),
            // What is not on disk is not sent.
            Phase::Beginning(_) => self.end(now_ms),
            Phase::Sending(index) => {
                self.take_answer(index, input, now_ms);
                self.send(now_ms)
            }
        }
    }

    /// 1. Asks these shards.
    fn ask(&self, shards: &[String]) -> WatchOutput {
        let figures = Call::Figures { counts: Counts::new() }.encode();
        let costs = self.is_pricing.then(|| Call::Costs.encode());
        let calls = [figures].into_iter().chain(costs).flat_map(|message| {
            shards.iter().map(move |shard| RoundCall {
                shard: shard.clone(),
                message: message.clone(),
                body: None,
            })
        });
        WatchOutput::CallLedger { calls: calls.collect(), deadline_ms: LEDGER_TIMEOUT_MS }
    }

    /// Takes the replies of these shards. Gives the shards of former numbers of shards.
    fn take_replies(&mut self, input: WatchInput, shards: Vec<String>) -> Vec<String> {
        // Another input counts as replies that cannot be read.
        let messages =
            if let WatchInput::LedgerReplies(messages) = input { messages } else { String::new() };
        let questions = if self.is_pricing { 2 } else { 1 };
        let calls = shards.len().saturating_mul(questions);
        let mut replies = Reply::decode_all(&messages, calls).into_iter();
        let mut most = 0;
        for (shard, reply) in shards.into_iter().zip(replies.by_ref()) {
            let figures = match reply {
                Ok(Reply::Figures(figures)) => Some(figures),
                _ => None,
            };
            let numbers = figures.iter().flat_map(|figures| &figures.shard_counts);
            most = numbers
                .map(|(_, number)| *number)
                .filter(|number| u64::from(*number) <= MAX_SHARDS)
                .fold(most, u32::max);
            self.figures.push((shard, figures));
        }
        self.costs.extend(replies);
        (self.settings.ledger_shards..most).map(shard::name_of).collect()
    }

    /// 2. Makes a sample, and judges the rules by it.
    fn sample(mut self, now_ms: u64) -> Turn {
        if self.settings.policy.jobs.is_none() {
            self.memory.forget_price();
        }
        if self.is_pricing
            && let Ok(price) = price_p95(core::mem::take(&mut self.costs))
        {
            self.memory.note_price(price, now_ms);
        }
        let figures = core::mem::take(&mut self.figures);
        if self.memory.sampled_ms.is_some_and(|it| now_ms.abs_diff(it) > LONGEST_GAP_MS) {
            self.memory.counters.clear();
        }
        let reading = Reading::of(figures, &mut self.memory.counters, now_ms);
        let added = self.memory.take(&reading, &self.settings.alerts.rules, self.site.as_deref());
        for notification in added {
            let alert = Alert { rule: &notification.rule, state: notification.kind.name() };
            self.write(About::Alert(alert), now_ms);
        }
        if self.settings.alerts.url.is_some() {
            let rules = &self.settings.alerts.rules;
            self.memory.tell_again(rules, self.site.as_deref(), now_ms);
        }
        self.send(now_ms)
    }

    /// 3. Begins with the next notification that is due; if there is none, or the next sample is due, ends the round.
    fn send(mut self, now_ms: u64) -> Turn {
        if self.settings.alerts.url.is_none() {
            self.memory.send_to_nobody();
        }
        for notification in self.memory.bound() {
            self.not_sent(&notification, now_ms);
        }
        let is_time = self.memory.next_sample_ms(now_ms) > now_ms;
        let due = self.memory.due(now_ms).filter(|_| is_time);
        let notification = due.and_then(|index| self.memory.notifications.get_mut(index));
        let (Some(index), Some(notification)) = (due, notification) else {
            return self.end(now_ms);
        };
        notification.begin_attempt(self.jitter, now_ms);
        let memory = self.memory.encode();
        self.phase = Phase::Beginning(index);
        let log = core::mem::take(&mut self.log);
        (Some(self), WatchOutput::Keep { memory, log })
    }

    fn post(mut self, index: usize, now_ms: u64) -> Turn {
        let notification = self.memory.notifications.get(index);
        let (Some(url), Some(notification)) = (&self.settings.alerts.url, notification) else {
            return self.end(now_ms);
        };
        let output = WatchOutput::Post {
            url: url.expose().to_owned(),
            headers: notification.headers(&self.settings, now_ms),
            body: notification.body.clone(),
            deadline_ms: POST_TIMEOUT_MS,
        };
        self.phase = Phase::Sending(index);
        (Some(self), output)
    }

    fn take_answer(&mut self, index: usize, input: WatchInput, now_ms: u64) {
        let (result, retry_after) = match input {
            WatchInput::Posted { result, retry_after } => (result, retry_after),
            _ => (OriginResult::Unreachable, None),
        };
        let retry_after_ms = retry_after.and_then(|value| retry_after::parse(&value, now_ms));
        let (status, is_retried) = match result {
            OriginResult::Status(status) => {
                (Some(status), self.settings.policy.retried.contains(status))
            }
            OriginResult::TimedOut | OriginResult::Unreachable => (None, true),
        };
        let jitter = self.jitter;
        let Some(notification) = self.memory.notifications.get_mut(index) else { return };
        notification.end_attempt(status, is_retried, retry_after_ms, jitter, now_ms);
        if notification.fate == Fate::Failed {
            let notification = notification.clone();
            self.not_sent(&notification, now_ms);
        }
    }

    fn end(self, now_ms: u64) -> Turn {
        let next_ms = self.memory.next_sample_ms(now_ms);
        let due_ms = self.memory.next_in_turn().map(|(_, it)| it.due_ms(now_ms)).min();
        let alarm_ms = due_ms.into_iter().fold(next_ms, u64::min);
        let alarm_ms = alarm_ms.max(now_ms.saturating_add(LEAST_PAUSE_MS));
        let memory = self.memory.encode();
        (None, WatchOutput::End { memory, alarm_ms: Some(alarm_ms), log: self.log })
    }

    fn not_sent(&mut self, notification: &Notification, now_ms: u64) {
        let Notification { rule, kind, attempts, status, .. } = notification;
        let (state, attempts, status) = (kind.name(), *attempts, *status);
        let not_sent = AlertNotSent { rule, state, attempts, status };
        self.write(About::AlertNotSent(not_sent), now_ms);
    }

    fn write(&mut self, about: About<'_>, now_ms: u64) {
        let line = Line { time: rfc3339(now_ms), about };
        // As for the memory.
        self.log.push(serde_json::to_string(&line).unwrap_or_default());
    }
}
