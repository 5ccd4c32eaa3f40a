//! What is kept from round to round.

use serde::Serialize;

use super::history::History;
use super::judgement::{Price, RuleState, judge};
use super::notification::{Fate, Kind, Notification};
use super::reading::{Counters, Reading};
use super::rule::{MINUTE_MS, Rule};
use crate::json::{self, from_json};
use crate::ledger::credits::Credits;

/// What is kept, as JSON. One that cannot be read is begun anew: what fired then, fires again if it still holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Memory {
    /// When the last sample was taken, in milliseconds since 1970.
    pub(super) sampled_ms: Option<u64>,
    /// What each shard has counted by then.
    pub(super) counters: Counters,
    pub(super) history: History,
    /// When the shards were last asked what jobs cost, in milliseconds since 1970.
    pub(super) priced_ms: Option<u64>,
    /// What they said: none if there are no prices.
    price: Option<Credits>,
    /// How each rule stands.
    pub(super) rules: Vec<RuleState>,
    /// What was sent or is to be, the oldest first.
    pub(super) notifications: Vec<Notification>,
}

from_json!(Memory {
    sampled_ms = or_default,
    counters = or_default,
    history = or_default,
    priced_ms = or_default,
    price = or_default,
    rules = or_default,
    notifications = or_default,
});

/// So many notifications are remembered that have their fate.
const MOST_SETTLED: usize = 50;
/// So many may wait for an endpoint that does not take them; then the oldest ones are given up.
const MOST_PENDING: usize = 100;

/// How long after an alert was refused for good somebody is told anew, in milliseconds.
const AGAIN_AFTER_MS: u64 = 60 * MINUTE_MS;

/// How often shards are asked what jobs cost, which takes them longer than the figures, in milliseconds.
const PRICE_EVERY_MS: u64 = 15 * MINUTE_MS;

impl Memory {
    pub(super) fn decode(text: &str) -> Self {
        json::read(text).unwrap_or_default()
    }

    pub(super) fn encode(&self) -> String {
        // Texts and numbers can always be written as JSON. Were that to change, the next round would begin anew.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// When the next sample is due, in milliseconds since 1970. One that lies ahead was taken by a clock that was set
    /// back since.
    pub(super) fn next_sample_ms(&self, now_ms: u64) -> u64 {
        let last_ms = self.sampled_ms.filter(|sampled_ms| *sampled_ms <= now_ms);
        last_ms.map_or(now_ms, |last_ms| last_ms.saturating_add(MINUTE_MS))
    }

    /// Whether shards are to be asked what jobs cost.
    pub(super) fn is_price_due(&self, now_ms: u64) -> bool {
        let is_recent = |priced_ms: u64| {
            (priced_ms..priced_ms.saturating_add(PRICE_EVERY_MS)).contains(&now_ms)
        };
        !self.priced_ms.is_some_and(is_recent)
    }

    /// Whether nobody needs to be told anything more.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.rules.iter().any(|rule| rule.is_firing)
            && !self.notifications.iter().any(|it| it.fate == Fate::Pending)
    }

    /// Notes what jobs cost.
    pub(super) fn note_price(&mut self, price: Option<Credits>, now_ms: u64) {
        self.priced_ms = Some(now_ms);
        self.price = price;
        if let Some(price) = price {
            self.history.note_price(price, now_ms);
        }
    }

    /// Jobs are not kept any more, and cost nothing.
    pub(super) const fn forget_price(&mut self) {
        self.price = None;
    }

    /// Takes a reading: judges every rule by it, and gives the notifications that were added.
    pub(super) fn take(
        &mut self,
        reading: &Reading,
        rules: &[Rule],
        site: Option<&str>,
    ) -> Vec<Notification> {
        let now_ms = reading.sample.at_ms;
        let step_ms = self.sampled_ms.map_or(0, |last_ms| now_ms.saturating_sub(last_ms));
        self.sampled_ms = Some(now_ms);
        self.history.push(reading.sample.clone());
        let mut added = Vec::new();
        let before = core::mem::take(&mut self.rules);
        // A rule that is gone from the settings holds no longer as far as anybody is told.
        for state in &before {
            let is_watched = rules.iter().any(|rule| rule.to_string() == state.rule);
            if !is_watched && state.is_firing {
                let since_ms = state.since_ms.unwrap_or(now_ms);
                added.push(Notification::new(Kind::Resolved, None, state, since_ms, site, now_ms));
            }
        }
        let price = match (self.priced_ms, self.price) {
            (None, _) => Price::Unknown,
            (_, None) => Price::None,
            (_, Some(price)) => Price::P95(price),
        };
        for rule in rules {
            let text = rule.to_string();
            let known = before.iter().find(|state| state.rule == text);
            let mut state = known.cloned().unwrap_or_else(|| RuleState::new(text));
            let verdict = judge(rule, reading, &self.history, price);
            if let Some((kind, since_ms)) = state.take(rule, verdict, step_ms, now_ms) {
                added.push(Notification::new(kind, Some(rule), &state, since_ms, site, now_ms));
            }
            self.rules.push(state);
        }
        self.notifications.extend(added.iter().cloned());
        added
    }

    /// Forgets the oldest notifications that have their fate. Gives up the oldest ones of too many that wait, each alert
    /// with its all-clear, and gives those.
    pub(super) fn bound(&mut self) -> Vec<Notification> {
        let is_pending = |it: &Notification| it.fate == Fate::Pending;
        let mut given_up = Vec::new();
        while self.notifications.iter().filter(|it| is_pending(it)).count() > MOST_PENDING {
            let mut waiting = self.notifications.iter_mut().filter(|it| it.fate == Fate::Pending);
            let Some(oldest) = waiting.next() else { break };
            let is_alert = oldest.kind == Kind::Firing;
            let pair = waiting.find(|it| is_alert && it.rule == oldest.rule);
            for notification in [Some(oldest), pair].into_iter().flatten() {
                notification.end(Fate::Failed);
                given_up.push(notification.clone());
            }
        }
        // The last word about a rule that fires says whether somebody knows, or has to be told anew.
        let firing = self.rules.iter().filter(|state| state.is_firing);
        let last = |state: &RuleState| {
            let last = self.notifications.iter().rfind(|it| it.rule == state.rule);
            last.map(|it| it.key.clone())
        };
        let needed: Vec<_> = firing.filter_map(last).collect();
        let settled = self.notifications.iter().filter(|it| !is_pending(it)).count();
        let mut surplus = settled.saturating_sub(MOST_SETTLED);
        self.notifications.retain(|it| {
            let is_kept = is_pending(it) || surplus == 0 || needed.contains(&it.key);
            surplus = surplus.saturating_sub(usize::from(!is_kept));
            is_kept
        });
        given_up
    }

    /// Tells anew of rules that fire and of which nobody has been told: there was nobody, or the endpoint has refused it
    /// a while ago. It may have been put right since.
    pub(super) fn tell_again(&mut self, rules: &[Rule], site: Option<&str>, now_ms: u64) {
        for (rule, state) in rules.iter().zip(&self.rules).filter(|(_, state)| state.is_firing) {
            let last = self.notifications.iter().rev().find(|it| it.rule == state.rule);
            let is_untold = last.is_some_and(|it| match it.fate {
                Fate::Unsent => true,
                Fate::Failed => now_ms.saturating_sub(it.at_ms) >= AGAIN_AFTER_MS,
                Fate::Pending | Fate::Sent => false,
            });
            if is_untold {
                let since_ms = state.since_ms.unwrap_or(now_ms);
                let again =
                    Notification::new(Kind::Firing, Some(rule), state, since_ms, site, now_ms);
                self.notifications.push(again);
            }
        }
    }

    /// Nobody is there to be told.
    pub(super) fn send_to_nobody(&mut self) {
        let waiting = self.notifications.iter_mut().filter(|it| it.fate == Fate::Pending);
        waiting.for_each(|it| it.end(Fate::Unsent));
    }

    /// The notifications whose turn it is, each with its place: of a rule the oldest one that waits, since an all-clear
    /// must not come before its alert.
    pub(super) fn next_in_turn(&self) -> impl Iterator<Item = (usize, &Notification)> {
        let pending = self.notifications.iter().enumerate();
        let pending = pending.filter(|(_, it)| it.fate == Fate::Pending);
        pending.filter(|(index, it)| {
            let mut earlier = self.notifications.iter().take(*index);
            !earlier.any(|other| other.fate == Fate::Pending && other.rule == it.rule)
        })
    }

    /// The first one that is due.
    pub(super) fn due(&self, now_ms: u64) -> Option<usize> {
        let mut in_turn = self.next_in_turn();
        in_turn.find(|(_, it)| it.due_ms(now_ms) <= now_ms).map(|(index, _)| index)
    }
}
