//! The headers that tell a client about its limit.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::api_faults::{ApiFaults, ResetForm, RetryAfterForm};
use crate::moment::Moment;
use crate::rate_limit::Allowance;

const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What is left, and until when; also when to come back, for a request that was refused.
pub(crate) fn set(headers: &mut HeaderMap, allowance: Allowance, forms: ApiFaults, now: Moment) {
    headers.insert(REMAINING, HeaderValue::from(allowance.remaining));
    let reset = match forms.reset {
        ResetForm::EpochSeconds => allowance.reset.as_millis().div_ceil(1000),
        ResetForm::EpochMillis => allowance.reset.as_millis(),
        ResetForm::DeltaSeconds => seconds_until(allowance.reset, now),
    };
    headers.insert(RESET, HeaderValue::from(reset));
    if !allowance.granted {
        set_retry_after(headers, allowance.reset, forms, now);
    }
}

/// When to come back.
pub(crate) fn set_retry_after(headers: &mut HeaderMap, at: Moment, forms: ApiFaults, now: Moment) {
    let value = match forms.retry_after {
        RetryAfterForm::Seconds => Some(HeaderValue::from(seconds_until(at, now))),
        RetryAfterForm::Date => HeaderValue::try_from(at.round_up().to_http_date()).ok(),
    };
    if let Some(value) = value {
        headers.insert(header::RETRY_AFTER, value);
    }
}

/// Rounded up.
fn seconds_until(at: Moment, now: Moment) -> u64 {
    u64::try_from(at.since(now).as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a second after 2023-11-14T22:13:20Z.
    const NOW: Moment = Moment::from_millis(1_700_000_000_500);
    const REFUSED: Allowance =
        Allowance { granted: false, remaining: 0, reset: Moment::from_millis(1_700_000_042_250) };

    fn headers(allowance: Allowance, forms: ApiFaults) -> HeaderMap {
        let mut headers = HeaderMap::new();
        set(&mut headers, allowance, forms, NOW);
        headers
    }

    #[test]
    fn the_reset_is_told_in_each_form() {
        for (reset, told) in [
            (ResetForm::EpochSeconds, "1700000043"),
            (ResetForm::EpochMillis, "1700000042250"),
            (ResetForm::DeltaSeconds, "42"),
        ] {
            let headers = headers(REFUSED, ApiFaults { reset, ..ApiFaults::default() });
            assert_eq!(headers["x-ratelimit-reset"], told, "{reset:?}");
            assert_eq!(headers["x-ratelimit-remaining"], "0");
        }
    }

    #[test]
    fn whoever_is_refused_is_told_when_to_come_back_in_both_forms() {
        for (retry_after, told) in [
            (RetryAfterForm::Seconds, "42"),
            (RetryAfterForm::Date, "Tue, 14 Nov 2023 22:14:03 GMT"),
        ] {
            let forms = ApiFaults { retry_after, ..ApiFaults::default() };
            assert_eq!(headers(REFUSED, forms)["retry-after"], told);
            let granted = Allowance { granted: true, ..REFUSED };
            assert!(!headers(granted, forms).contains_key("retry-after"));
        }
    }
}
