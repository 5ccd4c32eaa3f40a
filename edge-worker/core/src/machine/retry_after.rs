//! The header `Retry-After` of the origin's answer.

use std::time::UNIX_EPOCH;

/// How long the origin wants to be left alone from now on, in milliseconds: from a number of seconds, or a
/// date as HTTP writes it. A date in the past is no time at all; what is neither says nothing.
pub(crate) fn parse(value: &str, now_ms: u64) -> Option<u64> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time.
        return Some(value.parse().unwrap_or(u64::MAX).saturating_mul(1_000));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let since_1970 = date.duration_since(UNIX_EPOCH).ok()?;
    let date_ms = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
    Some(date_ms.saturating_sub(now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;

    #[test]
    fn seconds_and_dates_are_read() {
        for (value, expected) in [
            ("0", Some(0)),
            ("120", Some(120_000)),
            (" 7 ", Some(7_000)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Tue, 14 Nov 2023 22:13:50 GMT", Some(30_000)),
            ("Tuesday, 14-Nov-23 22:13:50 GMT", Some(30_000)),
            ("Tue Nov 14 22:13:50 2023", Some(30_000)),
            ("Tue, 14 Nov 2023 22:13:10 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("soon", None),
            ("Tue, 14 Nov 2023 22:13:50", None),
        ] {
            assert_eq!(parse(value, NOW_MS), expected, "{value}");
        }
    }
}
