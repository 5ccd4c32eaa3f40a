//! Time as the caller gives it: this crate has no clock.

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Time is an argument everywhere, so that the same code serves firmware with a clock of its own
/// and WASM, where the system clock of the standard library panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UnixTime(u64);

impl UnixTime {
    /// The moment `secs` seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// The system clock's time. A clock set before 1970 reads as 1970, which makes every signature
    /// one from the future, and therefore refused.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn now() -> Self {
        use std::time::SystemTime;
        Self(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs()))
    }
}

/// How far a signature's timestamp may be from now, in seconds, in each direction.
///
/// Both bounds are strict: with the default of 300 a signature 299 seconds old is fresh and one
/// 300 seconds old is not. That is the provider's own rule, `abs(now - t) < 300`.
///
/// A wider `past` lets a delivery through that the provider repeats late with its first timestamp.
/// It is safe only if whoever remembers the events already seen remembers them for at least
/// `past + future` seconds; otherwise a captured delivery can be replayed after it was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tolerance {
    past: u64,
    future: u64,
}

impl Tolerance {
    /// The provider's documented 300 seconds in both directions.
    pub const DEFAULT: Self = Self::new(300, 300);

    /// Accepts ages below `past` seconds and timestamps less than `future` seconds ahead.
    /// A zero accepts nothing on that side, and two zeros accept nothing at all.
    #[must_use]
    pub const fn new(past: u64, future: u64) -> Self {
        Self { past, future }
    }

    /// The exclusive limit of a signature's age, in seconds.
    #[must_use]
    pub const fn past_secs(self) -> u64 {
        self.past
    }

    /// The exclusive limit of how far ahead of the clock a timestamp may be, in seconds.
    #[must_use]
    pub const fn future_secs(self) -> u64 {
        self.future
    }
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Where a timestamp lies relative to now. The distances are plain differences of `u64` taken in
/// the direction in which they cannot overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Distance {
    /// Seconds the timestamp lies in the past; 0 if it is now or ahead.
    pub(crate) age: u64,
    /// Seconds the timestamp lies ahead; 0 if it is now or past.
    pub(crate) ahead: u64,
}

impl Distance {
    pub(crate) const fn between(timestamp: UnixTime, now: UnixTime) -> Self {
        Self { age: now.0.saturating_sub(timestamp.0), ahead: timestamp.0.saturating_sub(now.0) }
    }

    pub(crate) const fn is_within(self, tolerance: Tolerance) -> bool {
        if self.ahead > 0 { self.ahead < tolerance.future } else { self.age < tolerance.past }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(timestamp: u64, now: u64, tolerance: Tolerance) -> bool {
        Distance::between(UnixTime::from_secs(timestamp), UnixTime::from_secs(now))
            .is_within(tolerance)
    }

    #[test]
    fn bounds_are_strict_in_both_directions() {
        assert!(within(1_000, 1_299, Tolerance::DEFAULT));
        assert!(!within(1_000, 1_300, Tolerance::DEFAULT));
        assert!(within(1_299, 1_000, Tolerance::DEFAULT));
        assert!(!within(1_300, 1_000, Tolerance::DEFAULT));
    }

    #[test]
    fn the_two_bounds_are_independent() {
        let tolerance = Tolerance::new(10, 2);
        assert!(within(100, 109, tolerance));
        assert!(!within(100, 110, tolerance));
        assert!(within(101, 100, tolerance));
        assert!(!within(102, 100, tolerance));
    }

    #[test]
    fn zero_tolerance_accepts_nothing() {
        assert!(!within(100, 100, Tolerance::new(0, 0)));
        assert!(within(100, 100, Tolerance::new(1, 0)));
    }

    #[test]
    fn extremes_do_not_overflow() {
        assert!(!within(u64::MAX, 0, Tolerance::DEFAULT));
        assert!(!within(0, u64::MAX, Tolerance::DEFAULT));
        assert!(!within(u64::MAX, 0, Tolerance::new(u64::MAX, u64::MAX)));
        assert!(within(u64::MAX, 1, Tolerance::new(u64::MAX, u64::MAX)));
    }
}
