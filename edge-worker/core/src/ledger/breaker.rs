//! The circuit breaker of a shard: while the origin is down, events are held instead of failing one by one.
//!
//! | state | what goes out | a success | a first try's failure | a retry's failure |
//! | --- | --- | --- | --- | --- |
//! | closed | everything | – | one more in a row; the last one allowed opens it | – |
//! | open, pause running | nothing | ramp | – | – |
//! | open, pause over | one event, the probe | ramp | open again, twice the pause, at most 5 min | the same |
//! | ramp | as many at once as there are slots | twice the slots, then closed | open | – |
//!
//! An event that has failed before says more about itself than about the origin: a few that the origin can never
//! take would else hold all others for as long as they are retried. So only an event's first try since it was
//! accepted or replayed counts against the origin, and the probe is one with few tries. What is only retried goes
//! by the schedule of retries.
//!
//! Holding costs an event no attempt. A probe whose outcome is never heard keeps others away as long as its
//! lease runs.

use serde::Serialize;

use crate::json::from_json_enum;

/// The longest pause between two probes, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 5 * 60 * 1_000;

/// How many may be under way at once after the first success.
const FIRST_SLOTS: u32 = 2;
/// With so many slots the ramp is over.
const LAST_SLOTS: u32 = 16;

/// The settings that a breaker goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerPolicy {
    /// How many failures in a row open it.
    pub(crate) failures: u32,
    /// The first pause, in milliseconds.
    pub(crate) pause_ms: u64,
}

/// A shard's breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Breaker {
    /// Everything goes out. Nothing has failed since the last success.
    #[default]
    Closed,
    /// Everything goes out, but so many attempts in a row have failed.
    Failing {
        /// How many.
        failures: u32,
    },
    /// Nothing goes out but a probe once the pause is over.
    Open {
        /// When the pause ends, in milliseconds since 1970.
        until_ms: u64,
        /// How long the pause is, in milliseconds.
        pause_ms: u64,
        /// When it first opened since it was closed, in milliseconds since 1970.
        since_ms: u64,
    },
    /// A few at once.
    Ramp {
        /// How many may be under way.
        slots: u32,
        /// When it first opened since it was closed, in milliseconds since 1970. An earlier version did not store it.
        #[serde(skip_serializing_if = "Option::is_none")]
        since_ms: Option<u64>,
    },
}

from_json_enum!(Breaker {
    "closed" => Closed,
    "failing" => Failing { failures = required },
    "open" => Open { until_ms = required, pause_ms = required, since_ms = required },
    "ramp" => Ramp { slots = required, since_ms = or_default },
});

/// Whether one more event may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// It may.
    Granted,
    /// Not before this time, in milliseconds since 1970.
    NotBefore(u64),
    /// Not before one that is under way has ended.
    NotYet,
}

impl Breaker {
    /// The state's name, for admins.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Closed | Self::Failing { .. } => "closed",
            Self::Open { .. } => "open",
            Self::Ramp { .. } => "ramp",
        }
    }

    /// Since when it has been open, in milliseconds since 1970; none if it is not. A ramp in between does not count:
    /// an origin that comes and goes is one outage.
    pub(crate) const fn open_since_ms(self) -> Option<u64> {
        match self {
            Self::Open { since_ms, .. } => Some(since_ms),
            _ => None,
        }
    }

    /// Whether the number of attempts under way matters.
    pub(crate) const fn is_counting(self) -> bool {
        matches!(self, Self::Open { .. } | Self::Ramp { .. })
    }

    /// Whether one more event may go out, when so many are under way.
    pub(crate) const fn permit(self, under_way: u32, now_ms: u64) -> Permit {
        match self {
            Self::Closed | Self::Failing { .. } => Permit::Granted,
            Self::Open { until_ms, .. } if is_ahead(until_ms, now_ms) => {
                Permit::NotBefore(until_ms)
            }
            Self::Open { .. } if under_way == 0 => Permit::Granted,
            Self::Ramp { slots, .. } if under_way < slots => Permit::Granted,
            Self::Open { .. } | Self::Ramp { .. } => Permit::NotYet,
        }
    }

    /// After an answer that shows that the origin is there.
    #[must_use]
    pub(crate) const fn succeeded(self) -> Self {
        match self {
            Self::Closed | Self::Failing { .. } => Self::Closed,
            Self::Open { since_ms, .. } => {
                Self::Ramp { slots: FIRST_SLOTS, since_ms: Some(since_ms) }
            }
            Self::Ramp { slots, .. } if slots >= LAST_SLOTS => Self::Closed,
            Self::Ramp { slots, since_ms } => {
                Self::Ramp { slots: slots.saturating_mul(2), since_ms }
            }
        }
    }

    /// After an attempt that has failed, the first of its event or a retry.
    #[must_use]
    pub(crate) fn failed(self, is_first_try: bool, policy: BreakerPolicy, now_ms: u64) -> Self {
        let open = |pause_ms: u64, since_ms| Self::Open {
            until_ms: now_ms.saturating_add(pause_ms),
            pause_ms,
            since_ms,
        };
        let failures = match self {
            // An attempt from before it opened says nothing new.
            Self::Open { until_ms, .. } if is_ahead(until_ms, now_ms) => return self,
            Self::Open { pause_ms, since_ms, .. } => {
                let doubled_ms = pause_ms.saturating_mul(2).min(LONGEST_PAUSE_MS);
                return open(doubled_ms.max(policy.pause_ms), since_ms);
            }
            _ if !is_first_try => return self,
            Self::Closed => 1,
            Self::Failing { failures } => failures.saturating_add(1),
            Self::Ramp { since_ms, .. } => {
                return open(policy.pause_ms, since_ms.unwrap_or(now_ms));
            }
        };
        if failures >= policy.failures {
            open(policy.pause_ms, now_ms)
        } else {
            Self::Failing { failures }
        }
    }
}

/// Whether a pause still runs. One that ends further ahead than any pause does is over: the clock was set back.
const fn is_ahead(until_ms: u64, now_ms: u64) -> bool {
    now_ms < until_ms && until_ms.saturating_sub(now_ms) <= LONGEST_PAUSE_MS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: BreakerPolicy = BreakerPolicy { failures: 3, pause_ms: 30_000 };

    fn opened_at(now_ms: u64) -> Breaker {
        (0..3).fold(Breaker::Closed, |breaker, _| breaker.failed(true, POLICY, now_ms))
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let failing = Breaker::Closed.failed(true, POLICY, 5).failed(true, POLICY, 5);
        assert_eq!(failing, Breaker::Failing { failures: 2 });
        assert_eq!(failing.permit(9, 5), Permit::Granted);
        assert_eq!(failing.succeeded(), Breaker::Closed);
        let open = Breaker::Open { until_ms: 30_005, pause_ms: 30_000, since_ms: 5 };
        assert_eq!(failing.failed(true, POLICY, 5), open);
    }

    #[test]
    fn a_retry_s_failure_counts_only_as_a_probe() {
        let failing = Breaker::Failing { failures: 2 };
        for breaker in [Breaker::Closed, failing, Breaker::Ramp { slots: 2, since_ms: Some(1) }] {
            assert_eq!(breaker.failed(false, POLICY, 5), breaker);
        }
        let open = opened_at(0).failed(false, POLICY, 30_000);
        assert_eq!(open, Breaker::Open { until_ms: 90_000, pause_ms: 60_000, since_ms: 0 });
    }

    #[test]
    fn an_open_one_lets_one_probe_out_after_its_pause() {
        let open = opened_at(0);
        assert_eq!(open.permit(0, 29_999), Permit::NotBefore(30_000));
        assert_eq!(open.permit(0, 30_000), Permit::Granted);
        assert_eq!(open.permit(1, 30_000), Permit::NotYet);
    }

    #[test]
    fn a_failed_probe_doubles_the_pause_up_to_five_minutes() {
        let (mut breaker, mut now_ms, mut pauses) = (opened_at(0), 0_u64, Vec::new());
        for _ in 0..6 {
            let Breaker::Open { until_ms, pause_ms, since_ms: 0 } = breaker else {
                panic!("{breaker:?}")
            };
            assert_eq!(until_ms, now_ms.strict_add(pause_ms));
            pauses.push(pause_ms / 1_000);
            // What was under way when it opened says nothing.
            assert_eq!(breaker.failed(true, POLICY, until_ms.strict_sub(1)), breaker);
            now_ms = until_ms;
            breaker = breaker.failed(true, POLICY, now_ms);
        }
        assert_eq!(pauses, [30, 60, 120, 240, 300, 300]);
    }

    #[test]
    fn after_a_probe_s_success_more_and_more_go_out() {
        let mut breaker = opened_at(0).succeeded();
        let mut slots = Vec::new();
        while let Breaker::Ramp { slots: some, .. } = breaker {
            assert_eq!(breaker.permit(some.strict_sub(1), 0), Permit::Granted);
            assert_eq!(breaker.permit(some, 0), Permit::NotYet);
            assert!(matches!(
                breaker.failed(true, POLICY, 7),
                Breaker::Open { until_ms: 30_007, .. }
            ));
            slots.push(some);
            breaker = breaker.succeeded();
        }
        assert_eq!((slots, breaker), (vec![2, 4, 8, 16], Breaker::Closed));
    }

    #[test]
    fn it_is_open_since_it_was_last_closed() {
        let reopened = opened_at(7).succeeded().failed(true, POLICY, 90_000);
        assert_eq!(reopened, Breaker::Open { until_ms: 120_000, pause_ms: 30_000, since_ms: 7 });
        let again = reopened.succeeded().succeeded().failed(true, POLICY, 200_000);
        assert_eq!(again.open_since_ms(), Some(7));
        let mut breaker = again.succeeded();
        while breaker != Breaker::Closed {
            breaker = breaker.succeeded();
        }
        let anew = (0..3).fold(breaker, |breaker, _| breaker.failed(true, POLICY, 300_000));
        assert_eq!(anew.open_since_ms(), Some(300_000));
    }

    #[test]
    fn a_ramp_that_an_earlier_version_has_stored_is_read() {
        let ramp: Breaker = crate::json::read(r#"{"ramp":{"slots":4}}"#).unwrap();
        assert_eq!(ramp, Breaker::Ramp { slots: 4, since_ms: None });
        assert_eq!(ramp.failed(true, POLICY, 9).open_since_ms(), Some(9));
    }

    /// Otherwise it would hold everything until the clock has come so far again.
    #[test]
    fn a_pause_is_over_when_the_clock_was_set_back() {
        let open = opened_at(1_000_000_000);
        assert_eq!(open.permit(0, 999_999_999), Permit::NotBefore(1_000_030_000), "a little");
        assert_eq!(open.permit(0, 5), Permit::Granted);
        let again = open.failed(true, POLICY, 5);
        assert!(matches!(again, Breaker::Open { until_ms: 60_005, .. }), "{again:?}");
    }

    proptest! {
        /// Whatever has happened, nothing is held for ever: once the longest pause is over and nothing is
        /// under way, an event goes out.
        #[test]
        fn nothing_is_held_for_ever(
            steps in proptest::collection::vec((any::<bool>(), any::<bool>(), 0_u64..1_000_000), 0..40),
            pause_ms in 1_000_u64..10_000_000, failures in 1_u32..9,
        ) {
            let policy = BreakerPolicy { failures, pause_ms };
            let (mut breaker, mut now_ms) = (Breaker::Closed, 0_u64);
            for (is_success, is_first_try, wait_ms) in steps {
                now_ms = now_ms.strict_add(wait_ms);
                breaker = if is_success {
                    breaker.succeeded()
                } else {
                    breaker.failed(is_first_try, policy, now_ms)
                };
                let later_ms = now_ms.strict_add(pause_ms.max(LONGEST_PAUSE_MS));
                prop_assert_eq!(breaker.permit(0, later_ms), Permit::Granted);
            }
        }
    }
}
