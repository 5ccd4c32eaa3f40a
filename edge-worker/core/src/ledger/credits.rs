//! Amounts of the provider's credits, exact.

use core::fmt;

use nextapi_client::json::text;
use serde::{Serialize, Serializer};

use crate::json::FromJson;

/// Digits behind the point. The provider's amounts have two.
const DECIMALS: usize = 6;

/// Millionths of one credit.
const MILLION: u64 = 1_000_000;

/// The largest amount that is believed, in millionths: a million credits. Nine million jobs of that price still add up
/// in 64 bits.
const MOST: u64 = 1_000_000 * MILLION;

/// An amount of credits, in millionths. In JSON it is a text such as `"1.05"`.
///
/// It is not the client's, which rounds what a provider computes in floating point: what is added up here is exact or not
/// known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Credits(u64);

impl Credits {
    /// So many millionths of a credit.
    pub(crate) const fn of_millionths(millionths: u64) -> Self {
        Self(millionths)
    }

    /// So many millionths of a credit; none if that is more than anybody pays.
    pub(crate) fn believed(millionths: u64) -> Option<Self> {
        Some(Self(millionths)).filter(|credits| credits.0 <= MOST)
    }

    /// The amount in millionths of a credit.
    pub(crate) const fn millionths(self) -> u64 {
        self.0
    }

    /// Reads an amount as it stands in JSON. None if it is negative, is not exact in millionths, has an exponent, or
    /// is more than anybody pays: an amount that is not known is better than a wrong one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::parse_sum(text).and_then(|credits| Self::believed(credits.0))
    }

    /// Reads an amount that is a number in JSON or the text of one.
    pub(crate) fn of_json(raw: &str) -> Option<Self> {
        if raw.starts_with('"') { Self::parse(&text(raw)?) } else { Self::parse(raw) }
    }

    /// As [`parse`](Self::parse), without the last limit, which a sum may exceed.
    fn parse_sum(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || fraction.len() > DECIMALS {
            return None;
        }
        let mut millionths: u64 = fraction.parse().ok()?;
        for _ in fraction.len()..DECIMALS {
            millionths = millionths.saturating_mul(10);
        }
        let whole: u64 = whole.parse().ok()?;
        Some(Self(whole.checked_mul(MILLION)?.checked_add(millionths)?))
    }

    /// The sum, or the largest amount there is.
    #[must_use]
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut rest) = (self.0 / MILLION, self.0 % MILLION);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let mut width = DECIMALS;
        while rest.is_multiple_of(10) {
            rest /= 10;
            width = width.saturating_sub(1);
        }
        write!(f, "{whole}.{rest:0width$}")
    }
}

impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromJson for Credits {
    fn from_json(raw: &str) -> Option<Self> {
        Self::parse_sum(&text(raw)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn amounts_are_exact_or_not_known() {
        for (text, millionths) in [
            ("0", 0),
            ("1.05", 1_050_000),
            ("50", 50_000_000),
            ("0.000001", 1),
            ("1.000000", 1_000_000),
            ("12.5", 12_500_000),
            ("1000000", 1_000_000_000_000),
        ] {
            assert_eq!(Credits::parse(text), Some(Credits(millionths)), "{text}");
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1.05e0",
            "0.0000001",
            "1.0500000",
            "NaN",
            "1,5",
            " 1",
            "1000000.000001",
            "1000001",
            "99999999999999999999999",
            "0x10",
            "1.2.3",
        ] {
            assert_eq!(Credits::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (millionths, text) in [
            (0, "0"),
            (1, "0.000001"),
            (1_050_000, "1.05"),
            (10_000_000, "10"),
            (u64::MAX, "18446744073709.551615"),
        ] {
            let credits = Credits(millionths);
            assert_eq!(credits.to_string(), text);
            let json = serde_json::to_string(&credits).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(json::read::<Credits>(&json).unwrap(), credits);
        }
        assert_eq!(json::read::<Credits>("1.05"), None, "a binary fraction");
    }

    #[test]
    fn a_sum_stops_at_the_largest_amount() {
        assert_eq!(Credits(1).plus(Credits(2)), Credits(3));
        assert_eq!(Credits(u64::MAX).plus(Credits(2)), Credits(u64::MAX));
    }
}
