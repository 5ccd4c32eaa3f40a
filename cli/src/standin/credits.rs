//! Credits, and the account that they are taken from.

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

    const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// As it stands in a body: a JSON number, without a fraction where there is none.
    pub(crate) fn to_json(self) -> Value {
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

/// The account of an environment: credits are reserved when a job is submitted, settled when it
/// succeeds, and given back in full when it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    available: Credits,
    reserved: Credits,
    spent: Credits,
}

impl Account {
    pub(crate) const fn new(available: Credits) -> Self {
        Self { available, reserved: Credits(0), spent: Credits(0) }
    }

    /// What can still be reserved.
    #[must_use]
    pub const fn available(&self) -> Credits {
        self.available
    }

    /// What is set aside for jobs that have not ended.
    #[must_use]
    pub const fn reserved(&self) -> Credits {
        self.reserved
    }

    /// What jobs that succeeded have cost.
    #[must_use]
    pub const fn spent(&self) -> Credits {
        self.spent
    }

    /// Sets credits aside; false, and nothing is done, if there are too few.
    pub(crate) fn reserve(&mut self, amount: Credits) -> bool {
        if amount > self.available {
            return false;
        }
        self.available = self.available.minus(amount);
        self.reserved = self.reserved.plus(amount);
        true
    }

    /// Takes what was reserved for a job that succeeded.
    pub(crate) fn settle(&mut self, amount: Credits) {
        self.reserved = self.reserved.minus(amount);
        self.spent = self.spent.plus(amount);
    }

    /// Gives back what was reserved for a job that failed.
    pub(crate) fn refund(&mut self, amount: Credits) {
        self.reserved = self.reserved.minus(amount);
        self.available = self.available.plus(amount);
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

    #[test]
    fn reserved_then_settled_or_refunded_in_full() {
        let mut account = Account::new(Credits::whole(3));
        let job = Credits::from_thousandths(1_050);
        assert!(account.reserve(job) && account.reserve(job));
        assert_eq!(account.available().as_thousandths(), 900);
        assert!(!account.reserve(job), "a balance that is short");
        assert_eq!(account.reserved().as_thousandths(), 2_100);

        account.settle(job);
        account.refund(job);
        assert_eq!(account.spent(), job);
        assert_eq!(account.reserved(), Credits::default());
        assert_eq!(account.available().as_thousandths(), 1_950);
    }

    #[test]
    fn the_last_credit_can_be_spent() {
        let mut account = Account::new(Credits::whole(1));
        assert!(account.reserve(Credits::whole(1)));
        assert!(!account.reserve(Credits::from_thousandths(1)));
    }
}
