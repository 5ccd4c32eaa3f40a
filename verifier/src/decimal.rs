//! A number's decimal digits, written without the formatting machinery, which could panic.

/// Decimal digits of the largest `u64`, 18446744073709551615.
const DIGITS: usize = 20;

/// A `u64` in decimal digits, without leading zeros.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    digits: [u8; DIGITS],
    /// As narrow as that because the struct has no padding then.
    length: u32,
}

impl Decimal {
    /// No digits yet.
    pub(crate) const NONE: Self = Self { digits: [b'0'; DIGITS], length: 0 };

    /// Becomes these digits, of which there are at most twenty.
    pub(crate) fn copy(&mut self, digits: &[u8]) {
        self.length = u32::try_from(digits.len()).unwrap_or(u32::MAX);
        for (place, digit) in self.digits.iter_mut().rev().zip(digits.iter().rev()) {
            *place = *digit;
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        let length = usize::try_from(self.length).unwrap_or(DIGITS);
        self.digits.get(DIGITS.saturating_sub(length)..).unwrap_or_default()
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        let mut decimal = Self::NONE;
        let mut rest = number;
        for digit in decimal.digits.iter_mut().rev() {
            let [ones, ..] = (rest % 10).to_le_bytes();
            *digit |= ones;
            decimal.length = decimal.length.saturating_add(1);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        decimal
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString as _;

    use super::*;

    #[test]
    fn digits_are_those_of_the_standard_library() {
        let powers = (0..20).map(|exponent| 10_u64.pow(exponent));
        let near = powers.flat_map(|power| [power - 1, power, power + 1]);
        for number in near.chain([u64::MAX - 1, u64::MAX, 1_700_000_000]) {
            let decimal = Decimal::from(number);
            assert_eq!(decimal.as_bytes(), number.to_string().as_bytes());
        }
    }
}
