//! What one isolate of the worker keeps from request to request, all of it in memory.

use std::sync::Arc;

use crate::blocked_clients::BlockedClients;
use crate::counts::Counts;
use crate::ledger::message::{Call, Reply};
use crate::ledger::shard;
use crate::machine::LedgerCall;
use crate::outcome::Outcome;
use crate::settings::{InvalidSettings, Settings};
use crate::trace::Random;

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
    /// What is being reported by itself, until that has its reply.
    reporting: Counts,
}

/// How long what was counted waits at most for the next call that it can go along with, in milliseconds.
/// Each name counted is billed as a row written, so that under load a million events cost a dollar less for each
/// name. Without load nothing waits.
const REPORT_PAUSE_MS: u64 = 30_000;

/// How long after a request an isolate reports what nothing else has taken along, in milliseconds. With the call it fits
/// into the 30 s that the platform gives to work that outlives its request. So a flood of refused deliveries costs three
/// calls a minute in an isolate.
pub const REPORT_AFTER_MS: u32 = 20_000;

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
            reporting: Counts::new(),
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

    /// Whether something was counted that was not passed on yet.
    #[must_use]
    pub fn has_counts(&self) -> bool {
        !self.counts.is_empty()
    }

    /// The call that reports what was counted, to one shard or another; none if that is nothing, or the settings are
    /// refused. An isolate makes it if no other call has come by for a while: else nobody would learn of deliveries
    /// that are refused, which call no object.
    #[must_use]
    pub fn report(&mut self, random: &Random, now_ms: u64) -> Option<LedgerCall> {
        let shards = self.settings().ok()?.ledger_shards;
        // One that has no reply by now was cut off: the next one begins long after its deadline.
        let cut_off = core::mem::take(&mut self.reporting);
        self.give_back(&cut_off);
        if self.counts.is_empty() {
            return None;
        }
        let counts = self.take_counts();
        self.reported_ms = Some(now_ms);
        self.reporting = counts.clone();
        let index = u32::from(random.jitter()).checked_rem(shards).unwrap_or(0);
        Some(LedgerCall::new(shard::name_of(index), Call::Report { counts }.encode()))
    }

    /// The report has its reply, or has not come. What was not taken is reported later.
    pub fn reported(&mut self, reply: &str) {
        let counts = core::mem::take(&mut self.reporting);
        if Reply::decode_all(reply, 1) != [Ok(Reply::Ok)] {
            self.give_back(&counts);
        }
    }

    /// Calls that make sure of the alarm of every shard in use.
    #[must_use]
    pub fn revivals(&self) -> Vec<LedgerCall> {
        let shards = self.settings().map_or(0, |settings| settings.ledger_shards);
        let message = Call::Report { counts: Counts::new() }.encode();
        (0..shards).map(|shard| LedgerCall::new(shard::name_of(shard), message.clone())).collect()
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

    #[test]
    fn what_nobody_takes_along_is_reported_once() {
        let settings = settings_with(&[("LEDGER_SHARDS", "4")]);
        let mut isolate = Isolate::new(Ok(settings), Bindings::default());
        let random = Random::from_bytes(&[7; 40]);
        assert!(!isolate.has_counts() && isolate.report(&random, 5).is_none());
        isolate.count(Outcome::SignatureMismatch);
        assert!(isolate.has_counts());
        let call = isolate.report(&random, 5).unwrap();
        assert_eq!((call.shard.as_str(), call.with_body), ("shard-3", false));
        assert!(call.message.contains(r#"{"report":{"counts":{"signature_mismatch":1}}}"#));
        isolate.count(Outcome::SignatureMismatch);
        isolate.reported(r#"{"error":{"message":"no reply"}}"#);
        assert!(isolate.report(&random, 6).unwrap().message.contains(r#""signature_mismatch":2"#));
        isolate.reported(r#"{"v":1,"reply":"ok"}"#);
        assert!(!isolate.has_counts());
    }

    /// The platform may end the work that outlives a request.
    #[test]
    fn a_report_that_was_cut_off_goes_along_with_the_next_one() {
        let mut isolate = Isolate::new(Ok(settings_with(&[])), Bindings::default());
        let random = Random::from_bytes(&[7; 40]);
        isolate.count(Outcome::SignatureMismatch);
        assert!(isolate.report(&random, 5).is_some());
        isolate.count(Outcome::SignatureMismatch);
        let next = isolate.report(&random, 6).unwrap().message;
        assert!(next.contains(r#""signature_mismatch":2"#), "{next}");
        isolate.reported(r#"{"v":1,"reply":"ok"}"#);
        assert!(isolate.report(&random, 7).is_none());
    }

    #[test]
    fn all_shards_in_use_are_revived() {
        let settings = settings_with(&[("LEDGER_SHARDS", "3")]);
        let isolate = Isolate::new(Ok(settings), Bindings::default());
        let shards: Vec<_> = isolate.revivals().into_iter().map(|call| call.shard).collect();
        assert_eq!(shards, ["shard-0", "shard-1", "shard-2"]);
    }
}
