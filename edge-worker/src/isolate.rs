//! What one isolate of the worker keeps from request to request, all of it in memory.

use std::rc::Rc;

use crate::forgeries::Forgeries;
use crate::outcome::Outcome;
use crate::settings::{Refused, Settings};
use crate::tally::Tally;

/// The bindings that are there, beside the ledger's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bindings {
    /// A dataset of Analytics Engine.
    pub(crate) analytics: bool,
    /// A rate limiter.
    pub(crate) rate_limiter: bool,
}

/// The memory of an isolate.
pub(crate) struct Isolate {
    /// The settings, read once: a change of them comes with a new isolate.
    pub(crate) settings: Result<Rc<Settings>, Rc<Refused>>,
    /// The bindings that are there.
    pub(crate) bindings: Bindings,
    /// Who has sent too many forgeries.
    pub(crate) forgeries: Forgeries,
    /// What was counted and not passed on yet.
    tally: Tally,
    /// When something was passed on last.
    passed_on_ms: Option<u64>,
}

/// How long what was counted waits at most for the next call that it can go along with, in milliseconds.
/// Under load this saves a row in nearly every call; without load nothing waits.
const TALLY_PAUSE_MS: u64 = 1_000;

impl Isolate {
    /// The memory of a new isolate.
    pub(crate) fn new(settings: Result<Settings, Refused>, bindings: Bindings) -> Self {
        Self {
            settings: settings.map(Rc::new).map_err(Rc::new),
            bindings,
            forgeries: Forgeries::new(),
            tally: Tally::new(),
            passed_on_ms: None,
        }
    }

    /// Counts an outcome.
    pub(crate) fn count(&mut self, outcome: Outcome) {
        self.tally.count(outcome.code());
    }

    /// Takes what was counted since the last time.
    pub(crate) fn take_tally(&mut self) -> Tally {
        core::mem::take(&mut self.tally)
    }

    /// Takes what was counted since the last time, if that is long enough ago; else nothing.
    pub(crate) fn take_due_tally(&mut self, now_ms: u64) -> Tally {
        // A clock that was set back is no reason to wait.
        let is_soon = |passed_on_ms: u64| {
            (passed_on_ms..passed_on_ms.saturating_add(TALLY_PAUSE_MS)).contains(&now_ms)
        };
        if self.passed_on_ms.is_some_and(is_soon) {
            return Tally::new();
        }
        self.passed_on_ms = Some(now_ms);
        self.take_tally()
    }

    /// Gives back what could not be passed on.
    pub(crate) fn give_back(&mut self, tally: &Tally) {
        self.tally.merge(tally);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings_with;

    #[test]
    fn counts_are_passed_on_at_once_and_then_at_most_once_a_second() {
        let mut isolate = Isolate::new(Ok(settings_with(&[])), Bindings::default());
        let mut due = |now_ms| {
            isolate.count(Outcome::Forwarded);
            isolate.take_due_tally(now_ms).encode()
        };
        let encoded = [5_000, 5_000, 5_999, 6_000, 6_001, 4_000, 4_001].map(&mut due);
        assert_eq!(encoded, ["forwarded:1", "", "", "forwarded:3", "", "forwarded:2", ""]);
        assert_eq!(isolate.take_tally().encode(), "forwarded:1", "an operator gets the rest");
    }
}
