//! What jobs cost, all shards together.

use core::cmp::Ordering;

use serde::Serialize;

use crate::ledger::costs::{
    MOST_PRICES, MOST_PRICES_OF_SHARD, MOST_TENANTS, MOST_TIMES, MOST_TIMES_OF_SHARD, TenantCosts,
    is_longest,
};
use crate::ledger::credits::Credits;
use crate::ledger::message::{CallError, Reply};
use crate::merge;
use crate::outcome::Outcome;
use crate::response::Response;

/// A shard's reply, or why there is none.
type Replied = Result<Reply, CallError>;

/// What jobs cost. Amounts are texts, since JSON's numbers are binary fractions to most who read them.
#[derive(Serialize)]
struct Page {
    total: CostsView,
    tenants: Vec<CostsView>,
    /// All tenants behind the last one that is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<CostsView>,
    tenants_named_up_to: u32,
}

/// The jobs of one tenant, of others, or all.
#[derive(Serialize)]
struct CostsView {
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
pub(super) struct Money {
    /// Set aside for open jobs.
    pub(super) reserved: Credits,
    /// What jobs that have succeeded have cost.
    pub(super) settled: Credits,
    /// Given back for jobs that have failed.
    pub(super) refunded: Credits,
    /// What jobs have cost whose end the origin does not have.
    pub(super) paid_not_delivered: Credits,
    /// What half of the jobs that have succeeded cost at most, and 95 of a hundred. For metrics only: pages have them
    /// beside how many prices they are over.
    #[serde(skip)]
    pub(super) percentiles: Option<[Credits; 2]>,
}

/// Whether a shard may have left something out.
#[derive(Clone, Copy, Debug, Default)]
struct Cut {
    prices: bool,
    seconds: bool,
}

/// Costs that are added up.
#[derive(Debug, Default)]
struct Sum {
    /// Without prices.
    costs: TenantCosts,
    /// In millionths of a credit.
    prices: Vec<(u64, u64)>,
    is_cut: bool,
    seconds: Vec<(u64, u64)>,
    are_seconds_cut: bool,
}

impl Sum {
    /// Adds a shard's part. `cut` says whether the shard may have left out prices, or times.
    fn add(&mut self, part: TenantCosts, cut: Cut) {
        self.costs.add(&part);
        // Of tenants that are not named, no prices are told.
        self.is_cut |= cut.prices || is_longest(&part.prices, MOST_PRICES) || part.is_rest;
        self.prices.extend(part.prices.iter().map(|(price, times)| (price.millionths(), *times)));
        self.are_seconds_cut |=
            cut.seconds || is_longest(&part.seconds_to_end, MOST_TIMES) || part.is_rest;
        self.seconds.extend(part.seconds_to_end);
    }

    fn view(self, tenant: Option<String>) -> CostsView {
        let prices = count(&self.prices, u64::MAX);
        let price = |percent| percentile(&self.prices, prices, percent).map(Credits::of_millionths);
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
            p50: price(50),
            p95: price(95),
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

/// How many jobs had this price or time, or a lower one.
fn count(prices: &[(u64, u64)], most: u64) -> u64 {
    let lower = prices.iter().filter(|(price, _)| *price <= most);
    lower.fold(0, |sum: u64, (_, times)| sum.saturating_add(*times))
}

/// The percentile by nearest rank: the lowest price that at least `percent` of a hundred jobs did not exceed. It is
/// looked for between all amounts that there are, by halves, which takes less code than to sort the prices.
fn percentile(prices: &[(u64, u64)], jobs: u64, percent: u64) -> Option<u64> {
    let rank = jobs.saturating_mul(percent).div_ceil(100).max(1);
    let (mut low, mut high) = (0, u64::MAX);
    while low < high {
        let middle = low.midpoint(high);
        if count(prices, middle) >= rank {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    (jobs > 0).then_some(low)
}

/// What the shards have replied; none if one did not: sums with gaps would be taken for the whole.
fn lists(replies: Vec<Replied>) -> Option<Vec<Vec<TenantCosts>>> {
    let of = |reply| match reply {
        Ok(Reply::Costs(costs)) => Some(costs),
        _ => None,
    };
    replies.into_iter().map(of).collect()
}

/// All money together, and the jobs whose two ends contradict each other.
pub(super) fn total(replies: Vec<Replied>) -> Option<(Money, u64)> {
    let mut total = Sum::default();
    for part in lists(replies)?.into_iter().flatten() {
        total.add(part, Cut::default());
    }
    let prices = count(&total.prices, u64::MAX);
    let [p50, p95] = [50, 95]
        .map(|percent| percentile(&total.prices, prices, percent).map(Credits::of_millionths));
    let money = Money { percentiles: p50.zip(p95).map(<[_; 2]>::from), ..money(&total.costs) };
    Some((money, total.costs.conflicts))
}

/// The price that 95 of a hundred jobs did not exceed; none if there are no prices.
pub(crate) fn price_p95(replies: Vec<Replied>) -> Result<Option<Credits>, Outcome> {
    let (money, _) = total(replies).ok_or(Outcome::LedgerUnavailable)?;
    Ok(money.percentiles.map(|[_, p95]| p95))
}

/// The page by tenant.
pub(super) fn page(replies: Vec<Replied>) -> Result<Response, Outcome> {
    let lists = lists(replies).ok_or(Outcome::LedgerUnavailable)?;
    let with_cut = |list: Vec<TenantCosts>| {
        let is_most = |told: usize, most: u32| told >= usize::try_from(most).unwrap_or(usize::MAX);
        let prices = list.iter().map(|part| part.prices.len()).sum();
        let seconds = list.iter().map(|part| part.seconds_to_end.len()).sum();
        let cut = Cut {
            prices: is_most(prices, MOST_PRICES_OF_SHARD),
            seconds: is_most(seconds, MOST_TIMES_OF_SHARD),
        };
        list.into_iter().map(|part| (part, cut)).collect()
    };
    let lists = lists.into_iter().map(with_cut).collect();
    let parts = merge::merge(lists, usize::MAX, |(left, _), (right, _)| order(left, right));
    let (mut total, mut others) = (Sum::default(), None::<Sum>);
    let mut tenants: Vec<Sum> = Vec::new();
    for (part, is_cut) in parts {
        total.add(part.clone(), is_cut);
        let is_named = |sum: &Sum| !part.is_rest && sum.costs.tenant == part.tenant;
        if let Some(last) = tenants.last_mut().filter(|last| is_named(last)) {
            last.add(part, is_cut);
        } else if part.is_rest || is_longest(&tenants, MOST_TENANTS) {
            others.get_or_insert_default().add(part, is_cut);
        } else {
            let tenant = part.tenant.clone();
            let costs = TenantCosts { tenant, ..TenantCosts::default() };
            let mut sum = Sum { costs, ..Sum::default() };
            sum.add(part, is_cut);
            tenants.push(sum);
        }
    }
    let named = |mut sum: Sum| {
        let tenant = sum.costs.tenant.take();
        sum.view(tenant)
    };
    Ok(Response::json(&Page {
        total: total.view(None),
        tenants: tenants.into_iter().map(named).collect(),
        others: others.map(|others| others.view(None)),
        tenants_named_up_to: MOST_TENANTS,
    }))
}

/// As the shards list them: jobs without a tenant, then by tenant, then the rest.
fn order(left: &TenantCosts, right: &TenantCosts) -> Ordering {
    (left.is_rest, &left.tenant).cmp(&(right.is_rest, &right.tenant))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn credits(text: &str) -> Credits {
        Credits::parse(text).unwrap()
    }

    fn costs(tenant: Option<&str>, prices: &[(&str, u64)]) -> TenantCosts {
        // As many seconds as credits.
        let prices_to_times = prices
            .iter()
            .map(|(price, times)| (price.split('.').next().unwrap().parse().unwrap(), *times))
            .collect();
        let prices: Vec<_> = prices.iter().map(|(price, times)| (credits(price), *times)).collect();
        TenantCosts {
            tenant: tenant.map(str::to_owned),
            open: 2,
            overdue: 1,
            succeeded: prices.iter().map(|(_, times)| times).sum(),
            failed: 3,
            conflicts: 1,
            reserved: credits("0.1"),
            settled: credits("0.2"),
            refunded: credits("0.000001"),
            paid_not_delivered: credits("0.07"),
            prices,
            seconds_to_end: prices_to_times,
            ..TenantCosts::default()
        }
    }

    fn shown(lists: Vec<Vec<TenantCosts>>) -> Value {
        let replies = lists.into_iter().map(|list| Ok(Reply::Costs(list))).collect();
        serde_json::from_str(&page(replies).unwrap().body).unwrap()
    }

    #[test]
    fn the_page_is_pinned() {
        let page = shown(vec![
            vec![costs(None, &[]), costs(Some("acme"), &[("1.05", 9), ("2", 1)])],
            vec![],
            vec![costs(Some("acme"), &[("2", 10)]), costs(Some("b"), &[])],
        ]);
        let view = |tenant: Option<&str>, times: u64, money: [&str; 4], prices: Value| {
            let mut view = json!({
                "tenant": tenant,
                "open": 2 * times,
                "overdue": times,
                "failed": 3 * times,
                "conflicts": times,
                "reserved": money[0],
                "settled": money[1],
                "refunded": money[2],
                "paid_not_delivered": money[3],
                "prices_complete": true,
            });
            view.as_object_mut().unwrap().append(&mut prices.as_object().unwrap().clone());
            view
        };
        let once = ["0.1", "0.2", "0.000001", "0.07"];
        let none = || {
            let seconds = json!({ "p50": null, "p95": null, "jobs": 0, "complete": true });
            json!({ "succeeded": 0, "p50": null, "p95": null, "prices": 0, "seconds_to_end": seconds })
        };
        let some = || {
            let seconds = json!({ "p50": 2, "p95": 2, "jobs": 20, "complete": true });
            json!({ "succeeded": 20, "p50": "2", "p95": "2", "prices": 20, "seconds_to_end": seconds })
        };
        let expected = json!({
            "total": view(None, 4, ["0.4", "0.8", "0.000004", "0.28"], some()),
            "tenants": [
                view(None, 1, once, none()),
                view(Some("acme"), 2, ["0.2", "0.4", "0.000002", "0.14"], some()),
                view(Some("b"), 1, once, none()),
            ],
            "tenants_named_up_to": 100,
        });
        assert_eq!(page, expected);
    }

    /// A shard with few tenants names some that stand behind the first hundred of all.
    #[test]
    fn the_first_hundred_tenants_are_complete_and_the_others_in_one() {
        let tenant = |number: usize| format!("t{number:03}");
        let first = (0..100).map(|number| costs(Some(&tenant(number)), &[("1", 1)]));
        let rest = TenantCosts { is_rest: true, ..costs(None, &[]) };
        let first: Vec<_> = first.chain([rest]).collect();
        let second = vec![costs(Some("t050"), &[("3", 1)]), costs(Some("t100"), &[("1", 1)])];
        let page = shown(vec![first, second]);
        let tenants = page["tenants"].as_array().unwrap();
        assert_eq!(tenants.len(), 100);
        assert_eq!((&tenants[99]["tenant"], &tenants[99]["open"]), (&json!("t099"), &json!(2)));
        assert_eq!((&tenants[50]["open"], &tenants[50]["p95"]), (&json!(4), &json!("3")));
        assert_eq!(tenants[50]["prices_complete"], true);
        let others = &page["others"];
        assert_eq!((&others["open"], &others["prices_complete"]), (&json!(4), &json!(false)));
        assert_eq!(
            (&page["total"]["open"], &page["total"]["settled"]),
            (&json!(206), &json!("20.6"))
        );
        assert_eq!(page["total"]["prices_complete"], false);
    }

    #[test]
    fn it_is_said_where_prices_may_be_missing() {
        let prices = |count: u64| (1..=count).map(|it| (Credits::of_millionths(it), 1)).collect();
        let of = |tenant: &str, count| TenantCosts {
            tenant: Some(tenant.to_owned()),
            prices: prices(count),
            ..TenantCosts::default()
        };
        let complete =
            |page: &Value, index: usize| page["tenants"][index]["prices_complete"].clone();
        let page = shown(vec![vec![of("a", 99)], vec![of("b", 100)]]);
        assert_eq!((complete(&page, 0), complete(&page, 1)), (json!(true), json!(false)));
        // One that has told 5,000 may have left out those of its last tenants altogether.
        let many = (0..50).map(|it| of(&format!("m{it:02}"), 100)).chain([of("z", 0)]).collect();
        let page = shown(vec![vec![of("a", 1)], many]);
        assert_eq!((complete(&page, 0), complete(&page, 51)), (json!(true), json!(false)));
    }

    #[test]
    fn it_is_said_where_times_may_be_missing() {
        let of = |tenant: &str, count: u64| TenantCosts {
            tenant: Some(tenant.to_owned()),
            seconds_to_end: (1..=count).map(|seconds| (seconds, 1)).collect(),
            ..TenantCosts::default()
        };
        let page = shown(vec![vec![of("a", 469)], vec![of("b", 470)]]);
        let of_tenant =
            |page: &Value, index: usize| page["tenants"][index]["seconds_to_end"].clone();
        assert_eq!(
            of_tenant(&page, 0),
            json!({ "p50": 235, "p95": 446, "jobs": 469, "complete": true })
        );
        assert_eq!(of_tenant(&page, 1)["complete"], false);
        assert_eq!(page["total"]["seconds_to_end"]["complete"], false);
        // One that has told 5,000 may have left out those of its last tenants altogether.
        let many = (0..50).map(|it| of(&format!("m{it:02}"), 100)).chain([of("z", 0)]).collect();
        let page = shown(vec![vec![of("a", 1)], many]);
        assert_eq!(of_tenant(&page, 0)["complete"], true);
        assert_eq!(of_tenant(&page, 51)["complete"], false);
    }

    #[test]
    fn sums_with_gaps_are_not_shown() {
        let broken = || Err("broken".into());
        assert_eq!(
            page(vec![Ok(Reply::Costs(Vec::new())), broken()]),
            Err(Outcome::LedgerUnavailable)
        );
        assert_eq!(total(vec![Ok(Reply::Costs(Vec::new())), broken()]), None);
        assert_eq!(total(vec![Ok(Reply::Ok)]), None);
        let two = || Ok(Reply::Costs(vec![costs(None, &[]), costs(Some("a"), &[("1", 1)])]));
        let (money, conflicts) = total(vec![two(), two()]).unwrap();
        assert_eq!((money.settled, conflicts), (credits("0.8"), 4));
        assert_eq!(money.percentiles, Some([credits("1"), credits("1")]));
        let prices = [("0.35", 94), ("0.7", 5), ("9", 1)];
        let (money, _) = total(vec![Ok(Reply::Costs(vec![costs(None, &prices)]))]).unwrap();
        assert_eq!(money.percentiles, Some([credits("0.35"), credits("0.7")]));
        let (money, _) = total(vec![Ok(Reply::Costs(Vec::new()))]).unwrap();
        assert_eq!(money.percentiles, None, "no job has succeeded");
    }

    proptest! {
        #[test]
        fn percentiles_are_by_nearest_rank(
            prices in proptest::collection::vec((0_u64..9, 1_u64..5), 0..20),
            percent in 1_u64..=100,
        ) {
            let mut jobs = Vec::new();
            for (price, times) in &prices {
                jobs.extend((0..*times).map(|_| *price));
            }
            jobs.sort_unstable();
            let rank = (jobs.len() as u64).saturating_mul(percent).div_ceil(100);
            let expected = rank.checked_sub(1).map(|index| jobs[usize::try_from(index).unwrap()]);
            prop_assert_eq!(percentile(&prices, jobs.len() as u64, percent), expected);
        }
    }
}
