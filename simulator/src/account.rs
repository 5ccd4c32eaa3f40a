//! The account that credits are taken from.

use nextapi_testkit::Credits;
use serde::{Deserialize, Serialize};

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
        Self {
            available,
            reserved: Credits::from_thousandths(0),
            spent: Credits::from_thousandths(0),
        }
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
        self.available = self.available.saturating_sub(amount);
        self.reserved = self.reserved.saturating_add(amount);
        true
    }

    /// Takes what was reserved for a job that succeeded.
    pub(crate) fn settle(&mut self, amount: Credits) {
        self.reserved = self.reserved.saturating_sub(amount);
        self.spent = self.spent.saturating_add(amount);
    }

    /// Gives back what was reserved for a job that failed.
    pub(crate) fn refund(&mut self, amount: Credits) {
        self.reserved = self.reserved.saturating_sub(amount);
        self.available = self.available.saturating_add(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
