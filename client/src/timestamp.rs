//! Moments as the provider writes them: Unix time, RFC 3339, HTTP dates.

/// The least number of digits that milliseconds have since 2001; seconds have that many from the year 33658.
const MIN_MILLIS: u64 = 1_000_000_000_000;

/// Unix seconds from what a body holds: a number of seconds or of milliseconds, or RFC 3339 without quotes.
pub(crate) fn unix_seconds(text: &str) -> Option<u64> {
    if let Ok(number) = text.split_once('.').map_or(text, |(whole, _)| whole).parse::<u64>() {
        return Some(if number >= MIN_MILLIS { number / 1000 } else { number });
    }
    rfc_3339(text)
}

/// `2026-01-02T03:04:05.678Z`, or with an offset; fractions of a second are cut off.
fn rfc_3339(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split('-');
    let (year, month, day) =
        (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, zone) = time.split_at_checked(8)?;
    let zone = zone
        .strip_prefix('.')
        .map_or(zone, |it| it.trim_start_matches(|c: char| c.is_ascii_digit()));
    let seconds = clock_seconds(clock)?;
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let east =
                number(hours)?.checked_mul(3600)?.checked_add(number(minutes)?.checked_mul(60)?)?;
            match zone.as_bytes().first()? {
                b'+' => east.checked_neg()?,
                b'-' => east,
                _ => return None,
            }
        }
    };
    let unix =
        days(year, month, day)?.checked_mul(86_400)?.checked_add(seconds)?.checked_add(offset)?;
    unix.try_into().ok()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7). The two forms that are obsolete are not read.
pub(crate) fn http_date(text: &str) -> Option<u64> {
    let (_, rest) = text.trim().split_once(", ")?;
    let mut parts = rest.split(' ');
    let day = number(parts.next()?)?;
    let month = match parts.next()? {
        "Jan" => 1,
        "Feb" => 2,
        "Mar" => 3,
        "Apr" => 4,
        "May" => 5,
        "Jun" => 6,
        "Jul" => 7,
        "Aug" => 8,
        "Sep" => 9,
        "Oct" => 10,
        "Nov" => 11,
        "Dec" => 12,
        _ => return None,
    };
    let year = number(parts.next()?)?;
    let seconds = clock_seconds(parts.next()?)?;
    if parts.next()? != "GMT" {
        return None;
    }
    days(year, month, day)?.checked_mul(86_400)?.checked_add(seconds)?.try_into().ok()
}

fn clock_seconds(clock: &str) -> Option<i64> {
    let mut parts = clock.split(':');
    let (hours, minutes, seconds) =
        (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)
}

/// Digits only: `parse` would take a sign.
fn number(digits: &str) -> Option<i64> {
    let plain =
        !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// Days since 1970-01-01 in the Gregorian calendar, for years from 1970 on: leap years are those that 4
/// divides, not 100, but 400.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the day that leap years add is their last.
    let (year, month) = if month > 2 {
        (year, month.checked_sub(3)?)
    } else {
        (year.checked_sub(1)?, month.checked_add(9)?)
    };
    let leap_days = (year / 4).checked_sub(year / 100)?.checked_add(year / 400)?;
    let in_year = month.checked_mul(153)?.checked_add(2)?.checked_div(5)?.checked_add(day)?;
    // 719,469 days before 1970-01-01 lies the day before 0000-03-01.
    year.checked_mul(365)?.checked_add(leap_days)?.checked_add(in_year)?.checked_sub(719_469)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_moment() {
        for text in [
            "784111777",
            "784111777.25",
            "1994-11-06T08:49:37Z",
            "1994-11-06T08:49:37.999Z",
            "1994-11-06 09:49:37+01:00",
            "1994-11-06t03:19:37-05:30",
        ] {
            assert_eq!(unix_seconds(text), Some(784_111_777), "{text}");
        }
        assert_eq!(unix_seconds("1700000000123"), Some(1_700_000_000));
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(http_date("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        assert_eq!(http_date("Fri, 01 Mar 2024 00:00:00 GMT"), Some(1_709_251_200));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "-1",
            "x",
            "1994-11-06",
            "1994-13-06T08:49:37Z",
            "1994-11-06T24:00:00Z",
            "1994-11-06T08:49:37",
            "1994-11-06T08:49:37+0100",
            "+994-11-06T08:49:37Z",
            "1994-11-06T08:49:37é",
        ] {
            assert_eq!(unix_seconds(text), None, "{text}");
        }
        for text in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Xyz 1994 08:49:37 GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
