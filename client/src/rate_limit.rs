//! What an answer says about when to go on.

use crate::timestamp::http_date;
use crate::{HttpResponse, Millis};

/// Above this, a reset is milliseconds since 1970; no second of it is near.
const MIN_EPOCH_MILLIS: Millis = 1_000_000_000_000;
/// Above this, a reset is seconds since 1970, and below it seconds from now: a billion seconds are 31 years.
const MIN_EPOCH_SECONDS: u64 = 1_000_000_000;

/// What the headers of an answer say about the API key's limit.
///
/// Both waits are measured against the answer's own `Date`, so a clock of ours that is wrong changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// `X-RateLimit-Remaining`: how many requests are left until the reset.
    pub remaining: Option<u64>,
    /// `X-RateLimit-Reset`, as a wait from now: written as Unix milliseconds, Unix seconds, or seconds from now.
    /// In the past it is zero.
    pub reset: Option<Millis>,
    /// `Retry-After`, as a wait from now: written as seconds or as an HTTP date.
    pub retry_after: Option<Millis>,
}

impl RateLimit {
    /// Reads the headers of an answer that came `now`, which counts only where the answer has no `Date`.
    #[must_use]
    pub fn read(response: &HttpResponse<'_>, now: Millis) -> Self {
        // The server's clock is at most a second ahead of its `Date`: waits come out up to that much longer,
        // and never shorter.
        let date = response.header("date").and_then(http_date).map(millis);
        let server_now = date.unwrap_or(now);
        let until = |moment: Millis| moment.saturating_sub(server_now);
        let reset = response.header("x-ratelimit-reset").and_then(seconds_up).map(|number| {
            if number > MIN_EPOCH_MILLIS {
                until(number)
            } else if number > MIN_EPOCH_SECONDS {
                until(millis(number))
            } else {
                millis(number)
            }
        });
        let retry_after = response.header("retry-after").and_then(|value| {
            seconds_up(value).map(millis).or_else(|| http_date(value).map(millis).map(until))
        });
        let remaining =
            response.header("x-ratelimit-remaining").and_then(|value| value.parse().ok());
        Self { remaining, reset, retry_after }
    }

    /// How long nothing may be sent after a request was refused for its limit: until the later of both.
    #[must_use]
    pub fn wait(&self) -> Option<Millis> {
        self.reset.max(self.retry_after)
    }
}

const fn millis(seconds: u64) -> Millis {
    seconds.saturating_mul(1000)
}

/// A number without a sign, a fraction rounded up.
fn seconds_up(value: &str) -> Option<u64> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    Some(whole.saturating_add(u64::from(fraction.bytes().any(|byte| byte != b'0'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_700_000_000_000;
    /// `NOW`, as the server says it.
    const DATE: &str = "Tue, 14 Nov 2023 22:13:20 GMT";

    fn read(now: Millis, headers: &[(&str, &str)]) -> RateLimit {
        RateLimit::read(&HttpResponse { status: 429, headers, body: b"" }, now)
    }

    #[test]
    fn every_form_of_the_reset_and_clocks_that_are_wrong() {
        for skew in [-600_000_i64, 0, 600_000] {
            let now = NOW.checked_add_signed(skew).unwrap();
            for (reset, wait) in [
                ("1700000030", 30_000),
                ("1700000030000", 30_000),
                ("1700000029.5", 30_000),
                ("30", 30_000),
                ("0", 0),
                ("1699999990", 0),
                ("1699999990000", 0),
            ] {
                let limit = read(now, &[("Date", DATE), ("X-RateLimit-Reset", reset)]);
                assert_eq!(limit.reset, Some(wait), "{reset} {skew}");
            }
            let limit =
                read(now, &[("date", DATE), ("retry-after", "Tue, 14 Nov 2023 22:13:50 GMT")]);
            assert_eq!(limit.retry_after, Some(30_000));
        }
    }

    #[test]
    fn the_borders_between_the_forms() {
        for (reset, wait) in
            [("1000000000", 1_000_000_000_000), ("1000000001", 0), ("1000000000001", 0)]
        {
            assert_eq!(read(NOW, &[("x-ratelimit-reset", reset)]).reset, Some(wait), "{reset}");
        }
        // Seconds, some thirty thousand years from now.
        assert!(
            read(NOW, &[("x-ratelimit-reset", "1000000000000")]).reset > Some(900_000_000_000_000)
        );
    }

    #[test]
    fn the_later_of_both_counts_and_nonsense_does_not() {
        let limit = read(
            NOW,
            &[("Retry-After", "40"), ("X-RateLimit-Reset", "30"), ("X-RateLimit-Remaining", "0")],
        );
        assert_eq!((limit.wait(), limit.remaining), (Some(40_000), Some(0)));
        for value in ["", "-1", "+1", "soon", "1e3", "99999999999999999999", "1.x", "."] {
            let limit = read(NOW, &[("retry-after", value), ("x-ratelimit-reset", value)]);
            assert_eq!(limit.wait(), None, "{value}");
        }
        assert_eq!(
            read(NOW, &[("x-ratelimit-reset", "1700000030")]).reset,
            Some(30_000),
            "no date"
        );
    }
}
