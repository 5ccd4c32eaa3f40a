//! Times as text.

use core::time::Duration;
use std::time::UNIX_EPOCH;

/// The latest time that can be written: the end of the year 9999.
const LATEST_MS: u64 = 253_402_300_799_999;

/// Milliseconds since 1970 as RFC 3339 has them, in UTC.
pub(crate) fn rfc3339(ms: u64) -> String {
    // Only the clock is missing in WASM; a time that is known can be reckoned with.
    let time = UNIX_EPOCH.checked_add(Duration::from_millis(ms.min(LATEST_MS)));
    humantime::format_rfc3339_millis(time.unwrap_or(UNIX_EPOCH)).to_string()
}

/// Reads a time in UTC as RFC 3339 has it; none if it is malformed or before 1970.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let time = humantime::parse_rfc3339(text).ok()?;
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for ms in [0, 1_700_000_000_123, LATEST_MS] {
            assert_eq!(parse(&rfc3339(ms)), Some(ms));
        }
        assert_eq!(parse("2023-11-14T22:13:20Z"), Some(1_700_000_000_000));
        for text in [
            "",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-11-14 22:13:20Z",
            "2023-13-14T22:13:20Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_written_with_milliseconds() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
    }

    #[test]
    fn times_beyond_the_calendar_do_not_panic() {
        assert_eq!(rfc3339(LATEST_MS), "9999-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(u64::MAX), rfc3339(LATEST_MS));
    }
}
