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
    let bytes = text.as_bytes();
    let date = days(number(bytes, 0, 4)?, number(bytes, 5, 2)?, number(bytes, 8, 2)?)?;
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b't' | b' ', ..] = bytes else { return None };
    let seconds = clock(bytes, 11)?;
    let mut zone = bytes.get(19..)?;
    if let [b'.', after @ ..] = zone {
        zone = after;
        while let [b'0'..=b'9', after @ ..] = zone {
            zone = after;
        }
    }
    let east = match zone {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let hours = number(zone, 1, 2)?;
            let seconds =
                hours.checked_mul(3600)?.checked_add(number(zone, 4, 2)?.checked_mul(60)?)?;
            if *sign == b'-' { seconds.checked_neg()? } else { seconds }
        }
        _ => return None,
    };
    unix(date, seconds.checked_sub(east)?)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7). The two forms that are obsolete are not read.
pub(crate) fn http_date(text: &str) -> Option<u64> {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let bytes = text.as_bytes();
    if bytes.len() != 29 || bytes.get(3..5)? != b", " || bytes.get(25..)? != b" GMT" {
        return None;
    }
    let name = bytes.get(8..11)?;
    let month = (1..).zip(MONTHS.chunks_exact(3)).find(|(_, it)| *it == name)?.0;
    unix(days(number(bytes, 12, 4)?, month, number(bytes, 5, 2)?)?, clock(bytes, 17)?)
}

/// `08:49:37` at a place, as seconds of the day.
fn clock(bytes: &[u8], at: usize) -> Option<i64> {
    let [_, _, b':', _, _, b':', ..] = bytes.get(at..)? else { return None };
    let part = |offset| number(bytes, at.saturating_add(offset), 2);
    let (hours, minutes, seconds) = (part(0)?, part(3)?, part(6)?);
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)
}

/// So many digits at a place: `parse` would take a sign.
fn number(bytes: &[u8], at: usize, digits: usize) -> Option<i64> {
    bytes.get(at..at.checked_add(digits)?)?.iter().try_fold(0_i64, |number, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

fn unix(days: i64, seconds: i64) -> Option<u64> {
    days.checked_mul(86_400)?.checked_add(seconds)?.try_into().ok()
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
