//! Time as the simulator counts it.

use core::time::Duration;
use std::time::SystemTime;

use nextapi_webhook::UnixTime;
use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z. It is an argument of everything that decides,
/// so that tests need no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Moment(u64);

/// 9999-12-31T23:59:59Z
const LAST_DATE: u64 = 253_402_300_799_000;

impl Moment {
    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub(crate) const fn from_unix_time(time: UnixTime) -> Self {
        Self(time.as_secs().saturating_mul(1000))
    }

    pub(crate) const fn as_millis(self) -> u64 {
        self.0
    }

    pub(crate) const fn as_unix_time(self) -> UnixTime {
        UnixTime::from_secs(self.0 / 1000)
    }

    /// The moment, or the end of the year 9999: no format of a date goes further.
    pub(crate) fn to_system_time(self) -> SystemTime {
        let since = Duration::from_millis(self.0.min(LAST_DATE));
        SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The next whole second, or itself if it is one.
    pub(crate) const fn round_up(self) -> Self {
        Self(self.0.div_ceil(1000).saturating_mul(1000))
    }

    /// To the millisecond: `2026-01-02T03:04:05.678Z`.
    pub(crate) fn to_rfc_3339(self) -> String {
        humantime::format_rfc3339_millis(self.to_system_time()).to_string()
    }

    /// As in a `Date` header, whose seconds are whole: rounded down.
    pub(crate) fn to_http_date(self) -> String {
        httpdate::fmt_http_date(self.to_system_time())
    }

    /// The moment `time` later, to the millisecond; the end of time if there is none.
    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The moment `time` earlier, to the millisecond; the beginning of time if there is none.
    pub(crate) fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
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
        assert_eq!(late.before(Duration::MAX), Moment::from_millis(0));
        assert_eq!(early.before(Duration::from_millis(250)), Moment::from_millis(1_250));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early.as_unix_time(), UnixTime::from_secs(1));
    }

    #[test]
    fn dates_are_told_in_both_forms_to_the_end_of_all_dates() {
        let moment = Moment::from_millis(1_700_000_000_987);
        assert_eq!(moment.to_rfc_3339(), "2023-11-14T22:13:20.987Z");
        assert_eq!(moment.to_http_date(), "Tue, 14 Nov 2023 22:13:20 GMT");
        let last = Moment::from_millis(u64::MAX);
        assert_eq!(last.to_rfc_3339(), "9999-12-31T23:59:59.000Z");
        assert_eq!(last.to_http_date(), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
