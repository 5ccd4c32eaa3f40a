//! A length of time as people say it.

/// The units, each with the seconds that it has and those from which it is used.
const UNITS: [(&str, u64, u64); 5] = [
    ("year", YEAR, 345 * DAY),
    ("month", YEAR / 12, 60 * DAY),
    ("day", DAY, 36 * HOUR),
    ("hour", HOUR, 90 * MINUTE),
    ("minute", MINUTE, 10 * MINUTE),
];
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Of the Gregorian calendar, on average.
const YEAR: u64 = 31_556_952;

/// How far away something is, as people say it, with the exact number of seconds:
/// `about a year old (31,532,165 s)`, where `old` is the direction. Below ten minutes, seconds are
/// what is compared with a tolerance, and need no other words: `300 s old`.
#[must_use]
pub fn time_in_words(seconds: u64, direction: &str) -> String {
    let Some((unit, length, _)) = UNITS.iter().find(|(_, _, from)| seconds >= *from) else {
        return format!("{seconds} s {direction}");
    };
    // No unit has a length of zero.
    let count = seconds.saturating_add(length / 2).checked_div(*length).unwrap_or(0);
    let about = if count.saturating_mul(*length) == seconds { "" } else { "about " };
    let amount = match (count, *unit) {
        (1, unit) => format!("a {unit}"),
        (_, unit) => format!("{} {unit}s", grouped(count)),
    };
    format!("{about}{amount} {direction} ({} s)", grouped(seconds))
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_the_unit_that_people_would_take() {
        for (seconds, words) in [
            (0, "0 s old"),
            (599, "599 s old"),
            (600, "10 minutes old (600 s)"),
            (5_399, "about 90 minutes old (5,399 s)"),
            (5_400, "about 2 hours old (5,400 s)"),
            (90_000, "25 hours old (90,000 s)"),
            (172_800, "2 days old (172,800 s)"),
            (2_592_000, "30 days old (2,592,000 s)"),
            (8_000_000, "about 3 months old (8,000,000 s)"),
            (31_532_165, "about a year old (31,532,165 s)"),
            (1_764_000_000, "about 56 years old (1,764,000,000 s)"),
        ] {
            assert_eq!(time_in_words(seconds, "old"), words);
        }
        let longest = time_in_words(u64::MAX, "ahead of the clock");
        assert!(longest.contains(" years ahead of the clock (18,446,744,073,709,551,615 s)"));
    }
}
