//! Costs that are added up, and how they are shown.

use serde::Serialize;

use super::percentile::{count, percentile};
use crate::ledger::costs::{MOST_PRICES, MOST_TIMES, TenantCosts, is_longest};
use crate::ledger::credits::Credits;

/// The jobs of one tenant, of others, or all.
#[derive(Serialize)]
pub(super) struct CostsView {
    /// Null for jobs without one, for others, and for all.
    tenant: Option<String>,
    open: u64,
    overdue: u64,
    succeeded: u64,
    failed: u64,
    conflicts: u64,
    #[serde(flatten)]
    money: Money,
    /// Half of the jobs that have succeeded cost this or less.
    p50: Option<Credits>,
    /// Of a hundred, 95 cost this or less.
    p95: Option<Credits>,
    /// Over how many prices these two are.
    prices: u64,
    /// Whether these are all prices. Else the rarest ones may be missing.
    prices_complete: bool,
    seconds_to_end: SecondsToEnd,
}

/// How long jobs have taken from when they became known to their end, however they ended. Times are rounded up to two
/// digits, and below 100 s to whole seconds.
#[derive(Serialize)]
struct SecondsToEnd {
    /// Half of the jobs took this or less.
    p50: Option<u64>,
    /// Of a hundred, 95 took this or less.
    p95: Option<u64>,
    /// Over how many jobs these two are.
    jobs: u64,
    /// Whether these are all. Else the rarest times may be missing.
    complete: bool,
}

/// Sums of money, over the jobs that the ledger remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::admin) struct Money {
    /// Set aside for open jobs.
    pub(in crate::admin) reserved: Credits,
    /// What jobs that have succeeded have cost.
    pub(in crate::admin) settled: Credits,
    /// Given back for jobs that have failed.
    pub(in crate::admin) refunded: Credits,
    /// What jobs have cost whose end the origin does not have.
    pub(in crate::admin) paid_not_delivered: Credits,
    /// What half of the jobs that have succeeded cost at most, and 95 of a hundred. For metrics only: pages have them
    /// beside how many prices they are over.
    #[serde(skip)]
    pub(in crate::admin) percentiles: Option<[Credits; 2]>,
}

/// Whether a shard may have left something out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cut {
    pub(super) prices: bool,
    pub(super) seconds: bool,
}

/// Costs that are added up.
#[derive(Debug, Default)]
pub(super) struct Sum {
    /// Without prices.
    pub(super) costs: TenantCosts,
    /// In millionths of a credit.
    prices: Vec<(u64, u64)>,
    is_cut: bool,
    seconds: Vec<(u64, u64)>,
    are_seconds_cut: bool,
}

impl Sum {
    /// Nothing yet, of this tenant.
    pub(super) fn of_tenant(tenant: Option<String>) -> Self {
        let costs = TenantCosts { tenant, ..TenantCosts::default() };
        Self { costs, ..Self::default() }
    }

    /// Adds a shard's part. `cut` says whether the shard may have left out prices, or times.
    pub(super) fn add(&mut self, part: TenantCosts, cut: Cut) {
        self.costs.add(&part);
        // Of tenants that are not named, no prices are told.
        self.is_cut |= cut.prices || is_longest(&part.prices, MOST_PRICES) || part.is_rest;
        self.prices.extend(part.prices.iter().map(|(price, times)| (price.millionths(), *times)));
        self.are_seconds_cut |=
            cut.seconds || is_longest(&part.seconds_to_end, MOST_TIMES) || part.is_rest;
        self.seconds.extend(part.seconds_to_end);
    }

    /// The price that so many of a hundred jobs did not exceed; none if there are no prices.
    fn price(&self, percent: u64) -> Option<Credits> {
        let prices = count(&self.prices, u64::MAX);
        percentile(&self.prices, prices, percent).map(Credits::of_millionths)
    }

    /// The sums of money, and two percentiles of the prices.
    pub(super) fn money_with_percentiles(&self) -> Money {
        let percentiles = self.price(50).zip(self.price(95)).map(<[_; 2]>::from);
        Money { percentiles, ..money(&self.costs) }
    }

    pub(super) fn view(self, tenant: Option<String>) -> CostsView {
        let prices = count(&self.prices, u64::MAX);
        let jobs = count(&self.seconds, u64::MAX);
        let seconds_to_end = SecondsToEnd {
            p50: percentile(&self.seconds, jobs, 50),
            p95: percentile(&self.seconds, jobs, 95),
            jobs,
            complete: !self.are_seconds_cut,
        };
        CostsView {
            tenant,
            money: money(&self.costs),
            open: self.costs.open,
            overdue: self.costs.overdue,
            succeeded: self.costs.succeeded,
            failed: self.costs.failed,
            conflicts: self.costs.conflicts,
            p50: self.price(50),
            p95: self.price(95),
            prices,
            prices_complete: !self.is_cut,
            seconds_to_end,
        }
    }
}

const fn money(costs: &TenantCosts) -> Money {
    Money {
        reserved: costs.reserved,
        settled: costs.settled,
        refunded: costs.refunded,
        paid_not_delivered: costs.paid_not_delivered,
        percentiles: None,
    }
}
