//! Amounts of credits.

use core::fmt;

const DECIMALS: u32 = 6;
const MICROS: u64 = 1_000_000;

/// An amount of credits, the provider's currency: a whole number of millionths, so that sums are exact.
///
/// The provider's example is 1.05 credits for six seconds at 1080p.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Credits(u64);

impl Credits {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This many millionths of a credit.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The amount in millionths of a credit.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Reads a JSON number from its text, `1.05` or `105e-2`. What lies beyond six decimals is rounded, half
    /// of a millionth up: a provider that computes in floating point writes `0.30000000000000004`.
    ///
    /// `None` if it is negative, not a number, or 2⁶⁴ millionths or more.
    #[must_use]
    pub fn parse(number: &str) -> Option<Self> {
        let (digits, exponent) = match number.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (number, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() || (fraction.is_empty() && digits.contains('.')) {
            return None;
        }
        // How many decimals of the text are still millionths or more.
        let mut kept = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
        kept = kept.checked_add(6)?;
        let mut micros: u64 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = u64::from(char::from(byte).to_digit(10)?);
            if kept > 0 {
                micros = micros.checked_mul(10)?.checked_add(digit)?;
            } else if kept == 0 && digit >= 5 {
                micros = micros.checked_add(1)?;
            }
            kept = kept.saturating_sub(1);
        }
        if micros > 0 && kept > 0 {
            micros = 10_u64.checked_pow(u32::try_from(kept).ok()?)?.checked_mul(micros)?;
        }
        Some(Self(micros))
    }

    /// The sum, or `None` if it cannot be counted.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// The sum, or the largest amount that can be counted.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or nothing if `other` is larger.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// With as many decimals as it needs: `1.05`.
impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 / MICROS)?;
        let (mut rest, mut width) = (self.0 % MICROS, DECIMALS as usize);
        if rest == 0 {
            return Ok(());
        }
        while rest.is_multiple_of(10) {
            rest /= 10;
            width = width.saturating_sub(1);
        }
        write!(f, ".{rest:0width$}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn numbers_are_read_exactly() {
        for (text, micros) in [
            ("0", 0),
            ("-0", u64::MAX),
            ("1.05", 1_050_000),
            ("50", 50_000_000),
            ("105e-2", 1_050_000),
            ("1.05E+2", 105_000_000),
            ("0.30000000000000004", 300_000),
            ("0.29999999999999999", 300_000),
            ("0.0000005", 1),
            ("0.00000049", 0),
            ("5e-7", 1),
            ("5e-8", 0),
            ("0e99", 0),
            ("18446744073709.551615", u64::MAX - 1),
        ] {
            let expected = (micros != u64::MAX).then_some(micros);
            // The largest amount stands for itself.
            let expected = if micros == u64::MAX - 1 { Some(u64::MAX) } else { expected };
            assert_eq!(Credits::parse(text).map(Credits::as_micros), expected, "{text}");
        }
        for text in
            ["", "-1", "1.", ".5", "x", "1e", "1e99", "18446744073709.551616", "1 ", "\"1\""]
        {
            assert_eq!(Credits::parse(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_are_written_without_needless_digits() {
        for text in ["1.05", "50", "0", "0.000001", "100.000001", "18446744073709.551615"] {
            assert_eq!(Credits::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn ten_times_a_tenth_is_one() {
        let tenth = Credits::parse("0.1").unwrap();
        let sum = (0..10).fold(Credits::ZERO, |sum, _| sum.saturating_add(tenth));
        assert_eq!(sum, Credits::parse("1").unwrap());
        assert_eq!(tenth.checked_add(tenth), Credits::parse("0.2"));
        assert_eq!(tenth.checked_add(Credits::from_micros(u64::MAX)), None);
    }
}
