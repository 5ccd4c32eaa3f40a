//! Limits on what an environment or an API key may spend.

use anyhow::ensure;
use nextapi_testkit::Credits;
use serde::{Deserialize, Serialize};

/// Limits on what may be spent: credits that are reserved or settled count, those that were given
/// back do not. A submission that would go over one is refused with `insufficient_credits`. The
/// default is no limit.
///
/// Of each limit, a webhook `budget.warning` is sent when a share of it is used, and
/// `budget.exceeded` at the first refusal: once each. Neither is of a job, and neither has an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpendLimits {
    /// Of each environment.
    pub environment: Option<Credits>,
    /// Of each API key.
    pub key: Option<Credits>,
    /// The share of a limit that is warned of, in per cent: from 1 to 100. The default is 80.
    pub warning_percent: u8,
}

impl Default for SpendLimits {
    fn default() -> Self {
        Self { environment: None, key: None, warning_percent: 80 }
    }
}

impl SpendLimits {
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let percent = self.warning_percent;
        ensure!((1..=100).contains(&percent), "budget-warning is from 1 to 100, not {percent}");
        Ok(())
    }
}

/// What an environment or an API key uses of its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Budget {
    used: Credits,
    warned: bool,
    exceeded: bool,
}

impl Budget {
    /// Reserved or settled.
    pub(crate) const fn used(&self) -> Credits {
        self.used
    }

    pub(crate) fn fits(&self, amount: Credits, limit: Credits) -> bool {
        self.used.saturating_add(amount) <= limit
    }

    /// Whether this refusal is the first.
    pub(crate) const fn refuse(&mut self) -> bool {
        !core::mem::replace(&mut self.exceeded, true)
    }

    /// Counts what is reserved.
    pub(crate) const fn reserve(&mut self, amount: Credits) {
        self.used = self.used.saturating_add(amount);
    }

    /// Whether it is time to warn, which it is once.
    pub(crate) fn warn(&mut self, limit: Credits, percent: u8) -> bool {
        let used = u128::from(self.used.as_thousandths()).saturating_mul(100);
        let share = u128::from(limit.as_thousandths()).saturating_mul(u128::from(percent));
        used >= share && !core::mem::replace(&mut self.warned, true)
    }

    /// Counts what is given back.
    pub(crate) const fn refund(&mut self, amount: Credits) {
        self.used = self.used.saturating_sub(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Credits = Credits::whole(10);

    #[test]
    fn the_last_credit_fits_and_what_is_given_back_fits_again() {
        let mut budget = Budget::default();
        budget.reserve(Credits::whole(9));
        assert!(budget.fits(Credits::whole(1), LIMIT));
        assert!(!budget.fits(Credits::from_thousandths(1_001), LIMIT));
        budget.refund(Credits::whole(9));
        assert!(budget.fits(LIMIT, LIMIT));
    }

    #[test]
    fn each_is_told_once() {
        let mut budget = Budget::default();
        budget.reserve(Credits::from_thousandths(7_999));
        assert!(!budget.warn(LIMIT, 80));
        budget.reserve(Credits::from_thousandths(1));
        assert_eq!([(); 2].map(|()| budget.warn(LIMIT, 80)), [true, false]);
        assert_eq!([(); 2].map(|()| budget.refuse()), [true, false]);
    }

    #[test]
    fn a_share_is_a_percentage() {
        for (warning_percent, is_one) in [(0, false), (1, true), (100, true), (101, false)] {
            let limits = SpendLimits { warning_percent, ..SpendLimits::default() };
            assert_eq!(limits.check().is_ok(), is_one, "{warning_percent}");
        }
    }
}
