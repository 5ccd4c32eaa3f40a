//! What jobs cost, all shards together.

mod percentile;
mod sum;

use core::cmp::Ordering;

use serde::Serialize;

use crate::ledger::costs::{
    MOST_PRICES_OF_SHARD, MOST_TENANTS, MOST_TIMES_OF_SHARD, TenantCosts, is_longest,
};
use crate::ledger::credits::Credits;
use crate::ledger::message::{CallError, Reply};
use crate::merge;
use crate::outcome::Outcome;
use crate::response::Response;
pub(super) use sum::Money;
use sum::{CostsView, Cut, Sum};

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
    Some((total.money_with_percentiles(), total.costs.conflicts))
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
            let mut sum = Sum::of_tenant(part.tenant.clone());
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
}
