//! What one isolate of the worker keeps from request to request, all of it in memory.

use std::sync::Arc;

use crate::blocked_clients::BlockedClients;
use crate::counts::Counts;
use crate::outcome::Outcome;
use crate::settings::{InvalidSettings, Settings};

/// The bindings that are there, beside the ledger's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    /// A dataset of Analytics Engine.
    pub analytics: bool,
    /// A rate limiter.
    pub rate_limiter: bool,
}

/// The memory of an isolate.
pub struct Isolate {
    /// The settings, read once: a change of them comes with a new isolate.
    pub(crate) settings: Result<Arc<Settings>, Arc<InvalidSettings>>,
    /// The bindings that are there.
    pub(crate) bindings: Bindings,
    /// Clients blocked for a while after too many invalid signatures.
    pub(crate) blocked_clients: BlockedClients,
    /// What was counted and not passed on yet.
    counts: Counts,
    /// When something was passed on last.
    reported_ms: Option<u64>,
}

/// How long what was counted waits at most for the next call that it can go along with, in milliseconds.
/// Each name counted is billed as a row written, so that under load a million events cost a dollar less for each
/// name. Without load nothing waits.
const REPORT_PAUSE_MS: u64 = 30_000;

/// The name under which attempts with an outcome are counted.
pub(crate) fn attempt_name(code: &str) -> String {
    format!("attempt_{code}")
}

impl Isolate {
    /// The memory of a new isolate.
    #[must_use]
    pub fn new(settings: Result<Settings, InvalidSettings>, bindings: Bindings) -> Self {
        Self {
            settings: settings.map(Arc::new).map_err(Arc::new),
            bindings,
            blocked_clients: BlockedClients::new(),
            counts: Counts::new(),
            reported_ms: None,
        }
    }

    /// The settings.
    ///
    /// # Errors
    /// If they are refused.
    pub fn settings(&self) -> Result<&Settings, &InvalidSettings> {
        self.settings.as_deref().map_err(Arc::as_ref)
    }

    /// Warnings, for the log, about names that resemble a setting's but are not one.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        match &self.settings {
            Ok(settings) => &settings.warnings,
            Err(invalid) => &invalid.warnings,
        }
    }

    /// Where deliveries are taken, as far as that is known.
    pub(crate) fn webhook_path(&self) -> Option<&str> {
        match &self.settings {
            Ok(settings) => Some(&settings.webhook_path),
            Err(invalid) => invalid.webhook_path.as_deref(),
        }
    }

    /// Counts an outcome.
    pub(crate) fn count(&mut self, outcome: Outcome) {
        self.counts.count(outcome.code());
    }

    /// Counts the outcome of an attempt that nobody waits for.
    pub(crate) fn count_attempt(&mut self, outcome: Outcome) {
        self.counts.count(&attempt_name(outcome.code()));
    }

    /// Takes what was counted since the last time.
    pub(crate) fn take_counts(&mut self) -> Counts {
        core::mem::take(&mut self.counts)
    }

    /// Takes what was counted since the last time, if that is long enough ago; else nothing.
    pub(crate) fn take_due_counts(&mut self, now_ms: u64) -> Counts {
        // A clock that was set back is no reason to wait.
        let is_soon = |reported_ms: u64| {
            (reported_ms..reported_ms.saturating_add(REPORT_PAUSE_MS)).contains(&now_ms)
        };
        if self.reported_ms.is_some_and(is_soon) {
            return Counts::new();
        }
        self.reported_ms = Some(now_ms);
        self.take_counts()
    }

    /// Gives back what could not be passed on.
    pub(crate) fn give_back(&mut self, counts: &Counts) {
        self.counts.merge(counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings_with;

    #[test]
    fn counts_are_passed_on_at_once_and_then_at_most_twice_a_minute() {
        let mut isolate = Isolate::new(Ok(settings_with(&[])), Bindings::default());
        let mut due = |now_ms| {
            isolate.count(Outcome::Forwarded);
            isolate.take_due_counts(now_ms)
        };
        let taken = [5_000, 5_000, 34_999, 35_000, 35_001, 4_000, 4_001].map(&mut due);
        let expected = ["forwarded:1", "", "", "forwarded:3", "", "forwarded:2", ""];
        assert_eq!(taken, expected.map(Counts::from));
        assert_eq!(isolate.take_counts(), Counts::from("forwarded:1"), "an admin gets the rest");
    }
}
