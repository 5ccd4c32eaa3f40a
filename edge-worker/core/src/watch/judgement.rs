//! Whether a rule holds.

use serde::Serialize;

use super::history::History;
use super::notification::Kind;
use super::reading::Reading;
use super::rule::{Limit, MINUTE_MS, Rule, Subject};
use crate::json::from_json;
use crate::ledger::credits::Credits;

/// What the figures say of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The figure is above the limit.
    Above(u64),
    /// It is not; none if there is none, as without jobs there is no price.
    NotAbove(Option<u64>),
    /// It may be, for all that is known: a shard has not answered.
    Unknown,
}

/// What jobs cost now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Price {
    /// No shard was asked yet.
    Unknown,
    /// There are no prices.
    None,
    /// Of a hundred jobs, 95 cost this or less.
    P95(Credits),
}

/// Judges a rule by the figures of now. What is known of them may be less than there is, and never more: so a rule may
/// be found to hold without all shards, but not to hold no longer.
pub(super) fn judge(rule: &Rule, reading: &Reading, history: &History, price: Price) -> Verdict {
    let now_ms = reading.sample.at_ms;
    let (value, is_whole) = match rule.subject {
        Subject::Count(name) => {
            // What a shard did not tell before, it has told by now, if it has answered now.
            (history.count(name, rule.window_ms(), now_ms), reading.sample.is_complete)
        }
        Subject::Level(level) => reading.level(level),
        Subject::CostP95 => match price {
            Price::Unknown => return Verdict::Unknown,
            Price::None => return Verdict::NotAbove(None),
            Price::P95(price) => (price.millionths(), true),
        },
    };
    let limit = match rule.limit {
        Limit::Number(limit) | Limit::Seconds(limit) => limit,
        Limit::Credits(limit) => limit.millionths(),
        Limit::OfWeek(hundredths) => match history.usual_price() {
            Some(usual) => usual.millionths().saturating_mul(hundredths) / 100,
            None => return Verdict::Unknown,
        },
    };
    match (value > limit, is_whole) {
        (true, _) => Verdict::Above(value),
        (false, true) => Verdict::NotAbove(Some(value)),
        (false, false) => Verdict::Unknown,
    }
}

/// How a rule stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct RuleState {
    /// The rule, as it prints.
    pub(super) rule: String,
    /// Whether somebody is told that it holds.
    pub(super) is_firing: bool,
    /// Since when the figure is above the limit, in milliseconds since 1970.
    pub(super) since_ms: Option<u64>,
    /// For how much of the time since then that is known, in milliseconds.
    held_ms: u64,
    /// The figure when it was last known.
    pub(super) value: Option<u64>,
}

from_json!(RuleState {
    rule = required,
    is_firing = required,
    since_ms = or_default,
    held_ms = or_default,
    value = or_default,
});

/// A time without figures that is longer than this does not count, in milliseconds: nobody knows what was then.
const LONGEST_STEP_MS: u64 = 2 * MINUTE_MS;

impl RuleState {
    pub(super) fn new(rule: String) -> Self {
        Self { rule, ..Self::default() }
    }

    /// As the page says it.
    pub(super) const fn name(&self) -> &'static str {
        match (self.is_firing, self.since_ms) {
            (true, _) => "firing",
            (false, Some(_)) => "pending",
            (false, None) => "quiet",
        }
    }

    /// Takes a verdict, `step_ms` after the one before. Gives what somebody is to be told, and since when the rule
    /// has held.
    pub(super) fn take(
        &mut self,
        rule: &Rule,
        verdict: Verdict,
        step_ms: u64,
        now_ms: u64,
    ) -> Option<(Kind, u64)> {
        match verdict {
            Verdict::Above(value) => {
                self.value = Some(value);
                if self.since_ms.is_some() {
                    self.held_ms = self.held_ms.saturating_add(step_ms.min(LONGEST_STEP_MS));
                }
                let since_ms = *self.since_ms.get_or_insert(now_ms);
                let needed_ms = match rule.subject {
                    // It looks back that far already.
                    Subject::Count(_) => 0,
                    Subject::Level(_) | Subject::CostP95 => rule.for_ms.unwrap_or(0),
                };
                let begins = !self.is_firing && self.held_ms >= needed_ms;
                self.is_firing |= begins;
                begins.then_some((Kind::Firing, since_ms))
            }
            Verdict::NotAbove(value) => {
                self.value = value;
                self.held_ms = 0;
                let since_ms = self.since_ms.take().unwrap_or(now_ms);
                let ends = core::mem::take(&mut self.is_firing);
                ends.then_some((Kind::Resolved, since_ms))
            }
            Verdict::Unknown => None,
        }
    }
}
