//! The limit on requests per minute and API key.

use core::time::Duration;
use std::collections::HashMap;

use crate::keys::KeyDigest;
use crate::moment::Moment;

/// Requests a minute for an ordinary key, as documented.
const LIMIT: u32 = 600;
/// Requests a minute for an admin key, as documented.
const ADMIN_LIMIT: u32 = 300;
const WINDOW: Duration = Duration::from_mins(1);

/// Counts requests in windows of one minute; a key's window begins with its first request.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    windows: HashMap<KeyDigest, Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Moment,
    used: u32,
}

/// What one request was told about its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Whether the request may go on.
    pub(crate) granted: bool,
    /// `X-RateLimit-Remaining`
    pub(crate) remaining: u32,
    /// When the window ends. `X-RateLimit-Reset` is this in Unix seconds, rounded up.
    pub(crate) reset: Moment,
}

impl RateLimiter {
    /// Counts a request of a key.
    pub(crate) fn take(&mut self, key: KeyDigest, admin: bool, now: Moment) -> Allowance {
        let limit = if admin { ADMIN_LIMIT } else { LIMIT };
        let window = self.windows.entry(key).or_insert(Window { began: now, used: 0 });
        if now.since(window.began) >= WINDOW {
            *window = Window { began: now, used: 0 };
        }
        let granted = window.used < limit;
        if granted {
            window.used = window.used.saturating_add(1);
        }
        let remaining = limit.saturating_sub(window.used);
        Allowance { granted, remaining, reset: window.began.after(WINDOW) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_millis(1_700_000_000_500);

    #[test]
    fn six_hundred_a_minute_and_half_of_that_for_admin_keys() {
        for (admin, limit) in [(false, 600), (true, 300)] {
            let mut limiter = RateLimiter::default();
            for used in 1..=limit {
                let allowance = limiter.take([0; 32], admin, START);
                assert!(allowance.granted);
                assert_eq!(allowance.remaining, limit - used);
            }
            let refused = limiter.take([0; 32], admin, START.after(Duration::from_millis(59_999)));
            assert!(!refused.granted);
            assert_eq!(refused.remaining, 0);
            assert_eq!(refused.reset, START.after(WINDOW));
            let next = limiter.take([0; 32], admin, START.after(WINDOW));
            assert!(next.granted && next.remaining == limit - 1);
        }
    }

    #[test]
    fn keys_do_not_share_a_limit() {
        let mut limiter = RateLimiter::default();
        for _ in 0..601 {
            limiter.take([0; 32], false, START);
        }
        assert!(limiter.take([1; 32], false, START).granted);
    }
}
