//! What all operations under one API key share.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::Millis;

/// The limits of one API key, shared by all operations under it: a retry quota, and when the provider takes
/// requests again.
///
/// The quota is a bucket of 500 tokens. A retry takes 5, one after a time-out 10; a success gives back what its
/// retry took, or 1. So while everything fails, retries end after about a hundred, and come back with successes.
/// The numbers are those of the AWS SDKs.
#[derive(Debug)]
pub struct KeyLimits {
    tokens: AtomicU32,
    not_before: AtomicU64,
}

const CAPACITY: u32 = 500;
/// The provider's limits are by the minute. A header that asks for more than an hour must not silence a process for
/// good.
const LONGEST_HOLD: Millis = 60 * 60 * 1000;

impl KeyLimits {
    /// A full quota, and nothing to wait for.
    #[must_use]
    pub const fn new() -> Self {
        Self { tokens: AtomicU32::new(CAPACITY), not_before: AtomicU64::new(0) }
    }

    /// When the provider takes requests again, if that is yet to come. It is known once a request was refused for
    /// the limit, or was the last one within it.
    #[must_use]
    pub fn not_before(&self, now: Millis) -> Option<Millis> {
        Some(self.not_before.load(Relaxed)).filter(|until| *until > now)
    }

    /// The tokens left in the retry quota.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        self.tokens.load(Relaxed)
    }

    /// Nothing is sent until this moment, or for an hour.
    pub(crate) fn hold_until(&self, moment: Millis, now: Millis) {
        self.not_before.fetch_max(moment.min(now.saturating_add(LONGEST_HOLD)), Relaxed);
    }

    /// Takes tokens for a retry; `false` if there are too few.
    pub(crate) fn take(&self, tokens: u32) -> bool {
        self.tokens.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(tokens)).is_ok()
    }

    pub(crate) fn give(&self, tokens: u32) {
        let full = |left: u32| Some(left.saturating_add(tokens).min(CAPACITY));
        // The update always has a value, so it cannot fail.
        let _ = self.tokens.fetch_update(Relaxed, Relaxed, full);
    }
}

impl Default for KeyLimits {
    fn default() -> Self {
        Self::new()
    }
}
