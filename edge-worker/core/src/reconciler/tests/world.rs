//! The world around a reconciler: its object, the ledger and the API, with a clock that the tests move.

use super::api::Api;
use super::ledger::Ledger;
use crate::isolate::{Bindings, Isolate};
use crate::reconciler::{Round, RoundInput, RoundOutput};
use crate::round_driver::{NOW_MS, drive, random, replies};
use crate::settings::tests::settings_with;

pub(super) const SECOND_MS: u64 = 1_000;

pub(super) struct World {
    pub(super) isolate: Isolate,
    pub(super) now_ms: u64,
    pub(super) memory: String,
    pub(super) alarm_ms: Option<u64>,
    pub(super) log: Vec<String>,
    pub(super) ledger: Ledger,
    pub(super) api: Api,
}

impl World {
    pub(super) fn new(settings: &[(&str, &str)]) -> Self {
        let usual = [("NEXTAPI_API_KEY", "nxa_live_sk_canary"), ("EDGE_SIGNING_SECRET", "edge")];
        let settings = settings_with(&[&usual, settings].concat());
        Self {
            ledger: Ledger { shards: settings.ledger_shards, ..Ledger::default() },
            isolate: Isolate::new(Ok(settings), Bindings::default()),
            now_ms: NOW_MS,
            memory: String::new(),
            alarm_ms: None,
            log: Vec::new(),
            api: Api::default(),
        }
    }

    /// One whole round, which takes a millisecond for each of its steps.
    pub(super) fn round(&mut self) {
        self.round_up_to(usize::MAX);
    }

    /// A round that is cut off after so many steps; whether it came to its end.
    pub(super) fn round_up_to(&mut self, steps: usize) -> bool {
        let begun = Round::begin(&self.isolate, &self.memory, &random(), self.now_ms);
        drive(begun, Round::handle, steps, |output| self.carry_out(output))
    }

    fn carry_out(&mut self, output: RoundOutput) -> Option<(RoundInput, u64)> {
        self.now_ms += 1;
        let input = match output {
            RoundOutput::CallLedger { calls, .. } => {
                RoundInput::LedgerReplies(replies(&calls, |call, decoded| {
                    self.ledger.reply(call, decoded, self.now_ms)
                }))
            }
            RoundOutput::AskApi { url, headers, .. } => {
                let (answer, answer_ms) = self.api.answer(&url, &headers, self.now_ms);
                self.now_ms += answer_ms;
                answer
            }
            RoundOutput::Keep { memory } => {
                self.memory = memory;
                RoundInput::Kept
            }
            RoundOutput::End { memory, alarm_ms, log } => {
                self.memory = memory;
                self.alarm_ms = alarm_ms;
                self.log.extend(log);
                return None;
            }
        };
        Some((input, self.now_ms))
    }

    /// Rounds at their alarms, until this time.
    pub(super) fn run_until(&mut self, end_ms: u64) {
        while self.now_ms < end_ms {
            self.round();
            let alarm_ms = self.alarm_ms.expect("rounds go on");
            assert!(alarm_ms >= self.now_ms, "an alarm in the past would ring in a loop");
            self.now_ms = alarm_ms;
        }
    }

    /// Rounds at their alarms, for so long.
    pub(super) fn run_for(&mut self, seconds: u64) {
        self.run_until(self.now_ms + seconds * SECOND_MS);
    }

    /// The ledger comes to know these jobs.
    pub(super) fn know(&mut self, ids: impl IntoIterator<Item = usize>) {
        self.ledger.known.extend(ids.into_iter().map(|id| (format!("job_{id}"), self.now_ms)));
    }
}
