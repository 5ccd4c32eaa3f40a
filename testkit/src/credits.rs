//! Amounts of credits, the provider's currency.

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How many thousandths make one credit.
const THOUSANDTHS: u64 = 1_000;

/// An amount of credits, exact to a thousandth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Credits(u64);

impl Credits {
    /// This many thousandths of a credit.
    #[must_use]
    pub const fn from_thousandths(thousandths: u64) -> Self {
        Self(thousandths)
    }

    /// This many whole credits; an amount that cannot be counted becomes the largest that can.
    #[must_use]
    pub const fn whole(credits: u64) -> Self {
        Self(credits.saturating_mul(THOUSANDTHS))
    }

    /// The amount in thousandths of a credit.
    #[must_use]
    pub const fn as_thousandths(self) -> u64 {
        self.0
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

    /// As it stands in a body: a JSON number, without a fraction where there is none.
    #[must_use]
    pub fn to_json(self) -> Value {
        if self.0.is_multiple_of(THOUSANDTHS) {
            return json!(self.0 / THOUSANDTHS);
        }
        self.to_string().parse::<f64>().map_or(Value::Null, |number| json!(number))
    }
}

/// With as many decimals as it needs: `1.05`.
impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / THOUSANDTHS, self.0 % THOUSANDTHS);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_without_needless_digits() {
        for (thousandths, text) in
            [(1_050, "1.05"), (50_000, "50"), (0, "0"), (1, "0.001"), (100_000, "100")]
        {
            let credits = Credits::from_thousandths(thousandths);
            assert_eq!(credits.to_string(), text);
            assert_eq!(credits.to_json().to_string(), text);
        }
    }
}
