//! The world around a watch.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::isolate::{Bindings, Isolate};
use crate::ledger::costs::TenantCosts;
use crate::ledger::credits::Credits;
use crate::ledger::figures::Figures;
use crate::ledger::message::{Call, Reply};
use crate::outcome::OriginResult;
use crate::reconciler::RoundCall;
use crate::round_driver::{NOW_MS, drive, random, replies};
use crate::settings::tests::settings_with;
use crate::watch::rule::MINUTE_MS;
use crate::watch::{WatchInput, WatchOutput, WatchPage, WatchRound, page};

pub(super) const URL: &str = "https://hooks.example/url-canary";

/// What an endpoint has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) at_ms: u64,
    pub(super) headers: BTreeMap<&'static str, String>,
    pub(super) body: String,
}

impl Received {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn key(&self) -> &str {
        &self.headers["idempotency-key"]
    }
}

pub(super) struct World {
    pub(super) isolate: Isolate,
    pub(super) now_ms: u64,
    pub(super) memory: String,
    pub(super) alarm_ms: Option<u64>,
    pub(super) log: Vec<String>,
    /// The shards, each with its figures.
    pub(super) shards: BTreeMap<String, Figures>,
    /// Prices of jobs, in the first shard.
    pub(super) prices: Vec<(Credits, u64)>,
    /// Shards that do not reply.
    pub(super) silent: BTreeSet<String>,
    /// The shards that were asked in this round for figures.
    pub(super) asked: Vec<String>,
    /// What the endpoint answers, one after the other; then 200.
    pub(super) answers: Vec<(OriginResult, Option<&'static str>)>,
    pub(super) received: Vec<Received>,
    /// What was on disk when something was sent.
    pub(super) on_disk: Vec<String>,
}

impl World {
    pub(super) fn new(alerts: &str) -> Self {
        Self::with(&[("ALERTS", alerts), ("ALERT_URL", URL), ("EDGE_SIGNING_SECRET", "edge")])
    }

    pub(super) fn with(settings: &[(&str, &str)]) -> Self {
        let mut world = Self {
            isolate: isolate(settings),
            now_ms: NOW_MS,
            memory: String::new(),
            alarm_ms: Some(NOW_MS),
            log: Vec::new(),
            shards: BTreeMap::new(),
            prices: Vec::new(),
            silent: BTreeSet::new(),
            asked: Vec::new(),
            answers: Vec::new(),
            received: Vec::new(),
            on_disk: Vec::new(),
        };
        for shard in ["shard-0", "shard-1"] {
            world.shards.insert(shard.to_owned(), Figures::default());
        }
        world
    }

    /// Settings as a new deployment has them.
    pub(super) fn deploy(&mut self, settings: &[(&str, &str)]) {
        self.isolate = isolate(settings);
    }

    pub(super) fn shard(&mut self, number: usize) -> &mut Figures {
        self.shards.get_mut(&format!("shard-{number}")).unwrap()
    }

    /// Counts in a shard.
    pub(super) fn count(&mut self, number: usize, name: &str, times: u64) {
        self.shard(number).outcomes.add(name, times);
    }

    /// Rounds until so much time has passed, each when the alarm rings.
    pub(super) fn pass(&mut self, minutes: u64) {
        let end_ms = self.now_ms + minutes * MINUTE_MS;
        while let Some(alarm_ms) = self.alarm_ms.filter(|alarm_ms| *alarm_ms <= end_ms) {
            self.now_ms = self.now_ms.max(alarm_ms);
            self.round_up_to(usize::MAX);
        }
        self.now_ms = end_ms;
    }

    /// A round that is cut off after so many outputs; whether it came to its end.
    pub(super) fn round_up_to(&mut self, steps: usize) -> bool {
        self.asked.clear();
        let site = Some("https://edge.example".to_owned());
        let begun = WatchRound::begin(&self.isolate, &self.memory, site, &random(), self.now_ms);
        let has_ended = drive(begun, WatchRound::handle, steps, |output| self.carry_out(output));
        if !has_ended {
            // The successor that the driver has set before.
            self.alarm_ms = Some(self.now_ms + 5_000);
        }
        has_ended
    }

    fn carry_out(&mut self, output: WatchOutput) -> Option<(WatchInput, u64)> {
        let input = match output {
            WatchOutput::CallLedger { calls, .. } => {
                WatchInput::LedgerReplies(replies(&calls, |RoundCall { shard, .. }, call| {
                    self.reply(shard, call)
                }))
            }
            WatchOutput::Keep { memory, log } => {
                self.memory = memory;
                self.log.extend(log);
                WatchInput::Kept
            }
            WatchOutput::Post { url, headers, body, .. } => {
                assert_eq!(url, URL);
                self.on_disk.push(self.memory.clone());
                let headers = headers.into_iter().collect();
                self.received.push(Received { at_ms: self.now_ms, headers, body });
                let (result, retry_after) = if self.answers.is_empty() {
                    (OriginResult::Status(200), None)
                } else {
                    self.answers.remove(0)
                };
                if result == OriginResult::TimedOut {
                    self.now_ms += 10_000;
                }
                WatchInput::Posted { result, retry_after: retry_after.map(str::to_owned) }
            }
            WatchOutput::End { memory, alarm_ms, log } => {
                self.memory = memory;
                self.alarm_ms = alarm_ms;
                self.log.extend(log);
                return None;
            }
        };
        Some((input, self.now_ms))
    }

    /// The reply of a shard; none if it is silent.
    fn reply(&mut self, shard: &str, call: Call) -> Option<Reply> {
        if self.silent.contains(shard) {
            return None;
        }
        Some(match call {
            Call::Figures { counts } => {
                assert!(counts.is_empty());
                self.asked.push(shard.to_owned());
                Reply::Figures(self.shards.get(shard).cloned().unwrap_or_default())
            }
            Call::Costs => {
                let prices = if shard == "shard-0" { self.prices.clone() } else { Vec::new() };
                Reply::Costs(vec![TenantCosts { prices, ..TenantCosts::default() }])
            }
            call => panic!("{call:?}"),
        })
    }

    /// What was received, each as rule, state and minutes since the beginning. What came again under its key counts
    /// once.
    pub(super) fn told(&self) -> Vec<(String, String, u64)> {
        let mut keys = BTreeSet::new();
        let new = self.received.iter().filter(|it| keys.insert(it.key().to_owned()));
        new.map(|it| {
            let json = it.json();
            let text = |name: &str| json[name].as_str().unwrap().to_owned();
            (text("rule"), text("state"), (it.at_ms - NOW_MS) / MINUTE_MS)
        })
        .collect()
    }

    /// The same, without the rules.
    pub(super) fn states(&self) -> Vec<(String, u64)> {
        self.told().into_iter().map(|(_, state, minute)| (state, minute)).collect()
    }

    pub(super) fn alerts(&self) -> Value {
        self.page(WatchPage::Alerts)
    }

    pub(super) fn page(&self, name: WatchPage) -> Value {
        serde_json::from_str(&page(name, &self.memory, self.isolate.settings().ok())).unwrap()
    }
}

/// What is expected of [`World::states`].
pub(super) fn of(entries: &[(&str, u64)]) -> Vec<(String, u64)> {
    entries.iter().map(|(state, minute)| ((*state).to_owned(), *minute)).collect()
}

fn isolate(settings: &[(&str, &str)]) -> Isolate {
    let usual = [("LEDGER_SHARDS", "2")];
    Isolate::new(Ok(settings_with(&[&usual, settings].concat())), Bindings::default())
}
