//! When an event that the edge owes is tried again, and when it is given up.

/// The longest that an origin's `Retry-After` is obeyed, in milliseconds.
pub(crate) const LONGEST_RETRY_AFTER_MS: u64 = 60 * 60 * 1_000;

/// The least time between two attempts, in milliseconds.
pub(crate) const LEAST_PAUSE_MS: u64 = 1_000;

/// The settings that retries go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryPolicy {
    /// The longest pause after the first attempt, in milliseconds; it doubles with each further one.
    pub(crate) initial_ms: u64,
    /// The longest pause of all, in milliseconds.
    pub(crate) max_ms: u64,
    /// How long an event is tried, in milliseconds since its first attempt.
    pub(crate) within_ms: u64,
    /// How many attempts are made at most.
    pub(crate) attempts: u64,
}

/// What is known when an attempt has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// How many attempts were made, this one included.
    pub(crate) tries: u64,
    /// When the event was first tried, in milliseconds since 1970.
    pub(crate) since_ms: u64,
    /// How long the origin wants to be left alone, in milliseconds.
    pub(crate) retry_after_ms: Option<u64>,
    /// A random number, which spreads retries.
    pub(crate) jitter: u16,
}

impl RetryPolicy {
    /// Whether an event has had all attempts, or all the time, that there is for it.
    pub(crate) const fn is_exhausted(&self, tries: u64, since_ms: u64, now_ms: u64) -> bool {
        tries >= self.attempts || now_ms.saturating_sub(since_ms) >= self.within_ms
    }

    /// When the next attempt is due, in milliseconds since 1970; none if there is none.
    ///
    /// The pause is drawn evenly from all that are allowed ("full jitter"), so that events which failed
    /// together do not come together again. It is never shorter than the origin asked for, up to an hour, but for one
    /// thing: a pause beyond the time for which the event is tried ends with that time, in a last attempt. Otherwise
    /// a wish of the origin's could make a dead letter of an event that has had one attempt.
    pub(crate) fn next_ms(&self, failed: Failed, now_ms: u64) -> Option<u64> {
        let Failed { tries, since_ms, retry_after_ms, jitter } = failed;
        if self.is_exhausted(tries, since_ms, now_ms) {
            return None;
        }
        let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        let longest_ms = self.initial_ms.saturating_mul(factor).min(self.max_ms);
        let spread_ms = longest_ms.saturating_sub(LEAST_PAUSE_MS);
        let drawn_ms = spread_ms.saturating_mul(u64::from(jitter)) >> u16::BITS;
        let asked_ms = retry_after_ms.unwrap_or(0).min(LONGEST_RETRY_AFTER_MS);
        let pause_ms = LEAST_PAUSE_MS.saturating_add(drawn_ms).max(asked_ms);
        let due_ms = now_ms.saturating_add(pause_ms);
        let last_ms = since_ms.saturating_add(self.within_ms);
        Some(due_ms.min(last_ms.max(now_ms.saturating_add(LEAST_PAUSE_MS))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR_MS: u64 = 60 * 60 * 1_000;
    const POLICY: RetryPolicy =
        RetryPolicy { initial_ms: 5_000, max_ms: HOUR_MS, within_ms: 72 * HOUR_MS, attempts: 60 };

    fn next(tries: u64, jitter: u16, retry_after_ms: Option<u64>) -> Option<u64> {
        POLICY.next_ms(Failed { tries, since_ms: 0, retry_after_ms, jitter }, 0)
    }

    #[test]
    fn the_longest_pause_doubles_up_to_an_hour() {
        let longest = |tries| next(tries, u16::MAX, None).unwrap().div_ceil(1_000);
        let seconds = [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600];
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map(longest), seconds);
        assert_eq!([1, 5, 59].map(|tries| next(tries, 0, None)), [Some(LEAST_PAUSE_MS); 3]);
    }

    #[test]
    fn the_origin_s_wish_is_obeyed_up_to_an_hour() {
        assert_eq!(next(1, 0, Some(90_000)), Some(90_000));
        assert_eq!(next(1, u16::MAX, Some(500)), next(1, u16::MAX, None), "it is long enough");
        assert_eq!(next(1, 0, Some(u64::MAX)), Some(HOUR_MS));
    }

    #[test]
    fn an_event_is_given_up_after_its_attempts_or_its_time() {
        assert_eq!(next(60, 0, None), None);
        let failed = Failed { tries: 5, since_ms: 0, retry_after_ms: None, jitter: 0 };
        let last_ms = 72 * HOUR_MS - LEAST_PAUSE_MS;
        assert_eq!(POLICY.next_ms(failed, last_ms), Some(72 * HOUR_MS));
        assert_eq!(POLICY.next_ms(failed, 72 * HOUR_MS), None);
        assert_eq!(POLICY.next_ms(failed, u64::MAX), None);
    }

    /// A wish of the origin's is no reason to give an event up while it has time.
    #[test]
    fn a_pause_beyond_the_time_ends_with_it_in_a_last_attempt() {
        let policy = RetryPolicy { within_ms: HOUR_MS, ..POLICY };
        let next = |now_ms, retry_after_ms| {
            let failed = Failed { tries: 1, since_ms: 0, retry_after_ms, jitter: u16::MAX };
            policy.next_ms(failed, now_ms)
        };
        assert_eq!(next(50, Some(HOUR_MS)), Some(HOUR_MS));
        assert_eq!(next(HOUR_MS - 2_000, None), Some(HOUR_MS));
        assert_eq!(next(HOUR_MS - 1, None), Some(HOUR_MS - 1 + LEAST_PAUSE_MS), "never at once");
        assert_eq!(next(HOUR_MS, None), None);
    }

    proptest! {
        /// Neither in the past, which some retry loops never come back from, nor out of bounds.
        #[test]
        fn a_pause_is_within_its_bounds(
            tries: u64, since_ms: u64, retry_after_ms: Option<u64>, jitter: u16, now_ms: u64,
            initial_ms in 1_000_u64..100_000, max_ms in 1_000_u64..10_000_000, attempts: u64,
        ) {
            let policy = RetryPolicy { initial_ms, max_ms, attempts, ..POLICY };
            let failed = Failed { tries, since_ms, retry_after_ms, jitter };
            if let Some(due_ms) = policy.next_ms(failed, now_ms) {
                let asked_ms = retry_after_ms.unwrap_or(0).min(LONGEST_RETRY_AFTER_MS);
                prop_assert!(!policy.is_exhausted(tries, since_ms, now_ms));
                prop_assert!(due_ms >= now_ms.saturating_add(LEAST_PAUSE_MS));
                let last_ms = since_ms.saturating_add(policy.within_ms);
                prop_assert!(due_ms >= now_ms.saturating_add(asked_ms).min(last_ms));
                prop_assert!(due_ms <= now_ms.saturating_add(max_ms.max(asked_ms).max(LEAST_PAUSE_MS)));
            }
        }
    }
}
