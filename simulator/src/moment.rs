//! Time as the simulator counts it.

use core::time::Duration;

use nextapi_webhook::UnixTime;
use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z. It is an argument of everything that decides,
/// so that tests need no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub(crate) const fn as_millis(self) -> u64 {
        self.0
    }

    pub(crate) const fn as_unix_time(self) -> UnixTime {
        UnixTime::from_secs(self.0 / 1000)
    }

    /// The moment `time` later, to the millisecond; the end of time if there is none.
    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; zero if it is yet to come.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_the_ends() {
        let (early, late) = (Moment::from_millis(1_500), Moment::from_millis(u64::MAX));
        assert_eq!(early.after(Duration::from_millis(250)), Moment::from_millis(1_750));
        assert_eq!(late.after(Duration::MAX), late);
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early.as_unix_time(), UnixTime::from_secs(1));
    }
}
