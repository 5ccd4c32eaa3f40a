//! When to try again.

use crate::Millis;

/// How often and for how long an operation tries. The defaults are a choice, not a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryConfig {
    /// Requests in all, the first included. Default: 5.
    pub max_attempts: u8,
    /// The longest wait before the second request; it doubles from there. Default: 0.5 s.
    pub initial_backoff: Millis,
    /// The longest wait before any. Default: 20 s.
    pub max_backoff: Millis,
    /// How long one answer may take. Default: 30 s.
    pub attempt_timeout: Millis,
    /// How long all of it may take, waits included. Default: 2 min.
    pub operation_timeout: Millis,
    /// The longest wait that the provider may ask for; at a longer one the operation ends. Default: 2 min.
    pub max_server_delay: Millis,
    /// After the limit on requests is reset, clients begin again within this time, each at a moment of its own.
    /// Default: 10 s.
    pub reset_spread: Millis,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            initial_backoff: 500,
            max_backoff: 20_000,
            attempt_timeout: 30_000,
            operation_timeout: 120_000,
            max_server_delay: 120_000,
            reset_spread: 10_000,
        }
    }
}

impl RetryConfig {
    /// Full jitter: any wait from 0 up to what the attempts before have doubled.
    pub(crate) fn backoff(&self, attempts: u8, entropy: u64) -> Millis {
        let doublings = u32::from(attempts.saturating_sub(1)).min(32);
        let longest = self.initial_backoff.saturating_mul(1 << doublings).min(self.max_backoff);
        up_to(longest, entropy)
    }
}

/// Any number from 0 to `longest`.
pub(crate) const fn up_to(longest: Millis, entropy: u64) -> Millis {
    // Below one in a billion for the waits that are meant here, the remainder's bias does not matter.
    match entropy.checked_rem(longest.saturating_add(1)) {
        Some(number) => number,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_end_and_any_wait_below_occurs() {
        let retry = RetryConfig::default();
        for (attempts, longest) in
            [(1, 500), (2, 1_000), (3, 2_000), (6, 16_000), (7, 20_000), (255, 20_000)]
        {
            assert_eq!(retry.backoff(attempts, longest), longest);
            assert_eq!(retry.backoff(attempts, longest + 1), 0);
        }
        assert_eq!((up_to(u64::MAX, 7), up_to(0, 7)), (7, 0));
    }
}
