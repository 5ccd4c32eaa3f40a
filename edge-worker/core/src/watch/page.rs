//! What admins see of the watch.

use serde::Serialize;

use super::history::{History, LONG_STEP_MS, Sample};
use super::memory::Memory;
use super::notification::{Fate, Kind, Notification};
use super::rule::{MINUTE_MS, Rule, Shown};
use crate::counts::Counts;
use crate::json::{self, from_json};
use crate::settings::Settings;
use crate::time::{self, rfc3339};

/// What is asked of the watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum WatchPage {
    /// Samples.
    History,
    /// Rules and notifications.
    Alerts,
}

impl WatchPage {
    /// The page of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "history" => Some(Self::History),
            "alerts" => Some(Self::Alerts),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct HistoryPage<'a> {
    step_seconds: u64,
    samples: Vec<SampleView<'a>>,
    long_step_seconds: u64,
    long_samples: Vec<SampleView<'a>>,
}

#[derive(Serialize)]
struct SampleView<'a> {
    at: String,
    outcomes: &'a Counts,
    waiting: u64,
    oldest_waiting_seconds: Option<u64>,
    dead: u64,
    jobs_open: u64,
    jobs_overdue: u64,
    /// Whether all shards have answered. What one has not told is missing.
    is_complete: bool,
}

impl<'a> SampleView<'a> {
    fn of(sample: &'a Sample) -> Self {
        Self {
            at: rfc3339(sample.at_ms),
            outcomes: &sample.outcomes,
            waiting: sample.waiting,
            oldest_waiting_seconds: sample.oldest_waiting_seconds,
            dead: sample.dead,
            jobs_open: sample.jobs_open,
            jobs_overdue: sample.jobs_overdue,
            is_complete: sample.is_complete,
        }
    }
}

#[derive(Serialize)]
struct AlertsPage<'a> {
    checked_at: Option<String>,
    is_sent: bool,
    rules: Vec<RuleView>,
    notifications: Vec<NotificationView<'a>>,
}

#[derive(Serialize)]
struct RuleView {
    rule: String,
    state: &'static str,
    value: Option<Shown>,
    since: Option<String>,
}

#[derive(Serialize)]
struct NotificationView<'a> {
    rule: &'a str,
    kind: Kind,
    at: String,
    attempts: u64,
    next_attempt: Option<String>,
    fate: Fate,
    status: Option<u16>,
}

/// A page, as JSON, from what a round has left. Without sound settings there are no rules on it.
#[must_use]
pub fn page(page: WatchPage, memory: &str, settings: Option<&Settings>) -> String {
    let memory = Memory::decode(memory);
    let text = match page {
        WatchPage::History => serde_json::to_string(&history(&memory.history)),
        WatchPage::Alerts => serde_json::to_string(&alerts(&memory, settings)),
    };
    // Texts and numbers can always be written as JSON.
    text.unwrap_or_default()
}

fn history(history: &History) -> HistoryPage<'_> {
    HistoryPage {
        step_seconds: MINUTE_MS / 1_000,
        samples: history.samples.iter().map(SampleView::of).collect(),
        long_step_seconds: LONG_STEP_MS / 1_000,
        long_samples: history.long_samples.iter().map(SampleView::of).collect(),
    }
}

fn alerts<'a>(memory: &'a Memory, settings: Option<&Settings>) -> AlertsPage<'a> {
    let rules = settings.map_or(&[][..], |settings| &settings.alerts.rules);
    let rule = |rule: &Rule| {
        let text = rule.to_string();
        let state = memory.rules.iter().find(|state| state.rule == text);
        RuleView {
            rule: text,
            state: state.map_or("quiet", |state| state.name()),
            value: state.and_then(|state| state.value).map(|value| rule.shown(value)),
            since: state.and_then(|state| state.since_ms).map(rfc3339),
        }
    };
    let notification = |it: &'a Notification| NotificationView {
        rule: &it.rule,
        kind: it.kind,
        at: rfc3339(it.at_ms),
        attempts: it.attempts,
        next_attempt: (it.fate == Fate::Pending).then(|| rfc3339(it.next_ms)),
        fate: it.fate,
        status: it.status,
    };
    AlertsPage {
        checked_at: memory.sampled_ms.map(rfc3339),
        is_sent: settings.is_some_and(|settings| settings.alerts.url.is_some()),
        rules: rules.iter().map(rule).collect(),
        notifications: memory.notifications.iter().rev().map(notification).collect(),
    }
}

/// What the status and the metrics say of the page about alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// The rules, each with whether it is firing.
    pub(crate) rules: Vec<(String, bool)>,
    /// How many notifications of the last day nobody has got.
    pub(crate) failed: usize,
    /// When figures were taken last, in milliseconds since 1970; none if never.
    pub(crate) checked_ms: Option<u64>,
}

impl Findings {
    /// Reads the page.
    pub(crate) fn read(page: &str, now_ms: u64) -> Option<Self> {
        let page: PageFinding = json::read(page)?;
        let is_recent =
            |at: &str| time::parse(at).is_some_and(|at_ms| now_ms.saturating_sub(at_ms) < DAY_MS);
        let failed = page.notifications.iter();
        let failed = failed.filter(|it| it.fate == Fate::Failed && is_recent(&it.at)).count();
        let rules = page.rules.into_iter().map(|it| (it.rule, it.state == "firing")).collect();
        let checked_ms = page.checked_at.as_deref().and_then(time::parse);
        Some(Self { rules, failed, checked_ms })
    }

    /// Since when no figures were taken, if that is too long: the watch takes them every minute.
    pub(crate) fn stands_still_since(&self, now_ms: u64) -> Option<u64> {
        self.checked_ms.filter(|it| now_ms.saturating_sub(*it) >= LATE_AFTER_MS)
    }
}

/// A watch that has taken no figures for so long does not work, in milliseconds. An alarm that is lost is set again
/// within a minute.
const LATE_AFTER_MS: u64 = 5 * MINUTE_MS;

/// A day, in milliseconds.
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

struct PageFinding {
    checked_at: Option<String>,
    rules: Vec<RuleFinding>,
    notifications: Vec<FateFinding>,
}

from_json!(PageFinding { checked_at = or_default, rules = required, notifications = required });

struct RuleFinding {
    rule: String,
    state: String,
}

from_json!(RuleFinding { rule = required, state = required });

struct FateFinding {
    at: String,
    fate: Fate,
}

from_json!(FateFinding { at = required, fate = required });
