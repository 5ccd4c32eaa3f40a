//! What jobs cost, by tenant.
//!
//! The sums are over the jobs that a shard remembers: open ones, and those that have ended within the retention.

use serde::Serialize;

use crate::json::from_json;

use super::credits::Credits;

/// How many tenants a shard names, in alphabetical order; the others are added up in one. Since every shard names
/// the first ones, the first ones of all shards are complete.
pub(crate) const MOST_TENANTS: u32 = 100;

/// How many prices are told apart for a tenant, the most frequent first; the rarest ones are left out, and of equally
/// rare ones the lowest. Of all tenants together none is left out: more prices than this are told in so many parts.
pub(crate) const MOST_PRICES: u32 = 100;

/// How many prices a shard tells of all tenants together.
pub(crate) const MOST_PRICES_OF_SHARD: u32 = 5_000;

/// How many times are told apart for a tenant. Up to 11 days there are fewer, so all are told.
pub(crate) const MOST_TIMES: u32 = 470;

/// How many times a shard tells of all tenants together.
pub(crate) const MOST_TIMES_OF_SHARD: u32 = 5_000;

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What the jobs of one tenant cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TenantCosts {
    /// The tenant; none for jobs without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// Whether this is all tenants that are not named, in place of one.
    pub(crate) is_rest: bool,
    /// Jobs that have not ended, overdue ones among them.
    pub(crate) open: u64,
    /// Jobs that have succeeded.
    pub(crate) succeeded: u64,
    /// Jobs that have failed.
    pub(crate) failed: u64,
    /// Jobs that have not ended by their deadline.
    pub(crate) overdue: u64,
    /// Jobs of which the provider's end says something else than the made one.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) conflicts: u64,
    /// What was set aside for open jobs, as far as estimates are known.
    pub(crate) reserved: Credits,
    /// What jobs that have succeeded have cost.
    pub(crate) settled: Credits,
    /// What was set aside for jobs that have failed, and was given back.
    pub(crate) refunded: Credits,
    /// What jobs have cost that have succeeded, by the provider's webhook or API, and whose end the origin does not
    /// have yet.
    pub(crate) paid_not_delivered: Credits,
    /// How many jobs that have succeeded had each price, the most frequent first, up to [`MOST_PRICES`]. For
    /// [`Totals`], as told there.
    pub(crate) prices: Vec<(Credits, u64)>,
    /// How many jobs ended so many seconds after they had become known, whichever way, the most frequent times first,
    /// up to [`MOST_TIMES`]. Times are rounded up to two digits, and below 100 s to whole seconds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) seconds_to_end: Vec<(u64, u64)>,
}

impl TenantCosts {
    /// Adds up jobs and amounts; prices and times are left out.
    pub(crate) fn add(&mut self, part: &Self) {
        for (number, more) in [
            (&mut self.open, part.open),
            (&mut self.overdue, part.overdue),
            (&mut self.succeeded, part.succeeded),
            (&mut self.failed, part.failed),
            (&mut self.conflicts, part.conflicts),
        ] {
            *number = number.saturating_add(more);
        }
        self.reserved = self.reserved.plus(part.reserved);
        self.settled = self.settled.plus(part.settled);
        self.refunded = self.refunded.plus(part.refunded);
        self.paid_not_delivered = self.paid_not_delivered.plus(part.paid_not_delivered);
    }
}

/// Whether a list has as many elements as it may have.
pub(crate) fn is_longest<T>(list: &[T], most: u32) -> bool {
    list.len() >= usize::try_from(most).unwrap_or(usize::MAX)
}

/// How long totals are told again before all jobs are looked at anew, in milliseconds. Many may watch, and each of them
/// once a minute.
pub(crate) const TOTALS_HOLD_MS: u64 = 30_000;

/// What all jobs of a shard cost, at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    /// When they were added up, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// The sums, in no tenant's name, without times. The prices are those of all jobs, the lowest first: each one, or
    /// if there are more than [`MOST_PRICES`], so many equal parts of the jobs, each under its highest price. A
    /// percentile is then never too low, and over several shards too high by less than one job in a hundred.
    pub(crate) costs: TenantCosts,
}

from_json!(Totals { at_ms = required, costs = required });

from_json!(TenantCosts {
    tenant = or_default,
    is_rest = or_default,
    open = required,
    succeeded = required,
    failed = required,
    overdue = required,
    conflicts = or_default,
    reserved = required,
    settled = required,
    refunded = required,
    paid_not_delivered = required,
    prices = or_default,
    seconds_to_end = or_default,
});
