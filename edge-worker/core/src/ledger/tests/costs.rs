//! What jobs cost: on SQLite, since `agreement` holds the store in memory against it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::memory_store::MemoryStore;
use super::sqlite::{Sqlite, fresh_store};
use crate::ledger::costs::{MOST_PRICES, MOST_PRICES_OF_SHARD, MOST_TENANTS, TenantCosts};
use crate::ledger::credits::Credits;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::job::{JobPolicy, NewJob, Observation};
use crate::ledger::job_row::{Ending, Job, JobEnd};
use crate::ledger::jobs::{self, JobStore};
use crate::ledger::message::{Call, Reply};
use crate::ledger::policy::Policy;
use crate::ledger::protocol;
use crate::ledger::sqlite_store::SqliteStore;
use crate::ledger::store::{Memory, OwedBytes, Store};
use crate::settings::tests::settings_with;

pub(super) const NOW_MS: u64 = 1_700_000_000_000;
pub(super) const HOUR_MS: u64 = 3_600_000;

pub(super) fn policy() -> Policy {
    settings_with(&[("SUBMIT_TOKEN", "0123456789abcdef")]).policy
}

pub(super) fn call(store: &mut SqliteStore<Sqlite>, call: Call) -> Reply {
    protocol::act(store, call, None, &policy(), NOW_MS).unwrap()
}

fn credits(text: &str) -> Credits {
    Credits::parse(text).unwrap()
}

fn costs(store: &mut SqliteStore<Sqlite>) -> Vec<TenantCosts> {
    match call(store, Call::Costs) {
        Reply::Costs(costs) => costs,
        reply => panic!("{reply:?}"),
    }
}

pub(super) fn register(
    store: &mut SqliteStore<Sqlite>,
    job_id: &str,
    tenant: Option<&str>,
    estimated: &str,
) {
    let new = NewJob {
        job_id: job_id.to_owned(),
        tenant: tenant.map(str::to_owned),
        deadline_ms: None,
        estimated: Credits::parse(estimated),
    };
    assert_eq!(call(store, Call::RegisterJob(new)), Reply::Ok);
}

/// A job's end is accepted, and delivered if that is wanted.
pub(super) fn end(
    store: &mut SqliteStore<Sqlite>,
    job_id: &str,
    status: &str,
    price: &str,
    is_delivered: bool,
) {
    let meta = EventMeta {
        event_type: Some(format!("job.{status}")),
        job_id: Some(job_id.to_owned()),
        credits: Credits::parse(price),
        ..EventMeta::default()
    };
    let key = || format!("end-of-{job_id}");
    let accept = Call::Accept {
        key: key(),
        meta,
        head: "{}".to_owned(),
        body_bytes: 1,
        correlation_id: None,
    };
    assert!(matches!(call(store, accept), Reply::Accepted { .. }));
    if is_delivered {
        let job_id = Some(job_id.to_owned());
        let commit = Call::Commit {
            job_id,
            key: key(),
            token: 1,
            counts: "".into(),
            status: None,
            correlation_id: None,
        };
        assert_eq!(call(store, commit), Reply::Ok);
    }
}

#[test]
fn money_is_reserved_settled_given_back_and_paid_without_a_delivery() {
    let mut store = fresh_store();
    let acme = Some("acme");
    for (job_id, estimated) in [("1", "2"), ("2", "2"), ("3", "3.5"), ("4", "4"), ("5", "0.000001")]
    {
        register(&mut store, job_id, acme, estimated);
    }
    register(&mut store, "6", None, "7");
    end(&mut store, "1", "succeeded", "1.05", true);
    end(&mut store, "2", "succeeded", "1.1", false);
    end(&mut store, "3", "failed", "0", true);
    // Paid by what the API shows; the webhook has not come.
    let seen = Observation {
        job_id: "4".to_owned(),
        status: "succeeded".to_owned(),
        credits: Credits::parse("3.9"),
        estimated: None,
        created_ms: None,
        is_known_only: true,
    };
    call(&mut store, Call::Observe(vec![seen]));
    let costs = costs(&mut store);
    let expected = TenantCosts {
        tenant: Some("acme".to_owned()),
        is_rest: false,
        open: 2,
        succeeded: 2,
        failed: 1,
        overdue: 0,
        conflicts: 0,
        reserved: credits("0.000001"),
        settled: credits("6.05"),
        refunded: credits("3.5"),
        paid_not_delivered: credits("5"),
        prices: vec![(credits("3.9"), 1), (credits("1.1"), 1), (credits("1.05"), 1)],
        seconds_to_end: vec![(0, 3)],
    };
    let without = TenantCosts { open: 1, reserved: credits("7"), ..TenantCosts::default() };
    assert_eq!(costs, [without, expected]);
}

#[test]
fn tenants_and_prices_beyond_a_number_are_not_told_apart() {
    let mut store = fresh_store();
    for number in 0..MOST_TENANTS + 2 {
        let (job_id, tenant) = (format!("job_{number}"), format!("tenant_{number:03}"));
        register(&mut store, &job_id, Some(&tenant), "1.5");
    }
    let all = costs(&mut store);
    assert_eq!(all.len(), MOST_TENANTS as usize + 1);
    assert_eq!(all[99].tenant.as_deref(), Some("tenant_099"));
    let rest =
        TenantCosts { is_rest: true, open: 2, reserved: credits("3"), ..TenantCosts::default() };
    assert_eq!(all.last(), Some(&rest));
    let mut store = fresh_store();
    for number in 0..MOST_PRICES + 2 {
        let job_id = format!("job_{number}");
        register(&mut store, &job_id, None, "");
        end(&mut store, &job_id, "succeeded", &format!("{}", number.max(2)), true);
    }
    let all = costs(&mut store);
    assert_eq!(all[0].prices.len(), MOST_PRICES as usize);
    assert_eq!(all[0].prices[0], (credits("2"), 3), "the most frequent first");
    let told = |price: &str| all[0].prices.iter().any(|(it, _)| *it == credits(price));
    assert!(told("101"), "of equally frequent ones the highest");
    // However many a tenant has, the next one's are told too.
    for number in 0..MOST_PRICES_OF_SHARD {
        paid(&mut store, &number.to_string(), Some("a"), Credits::of_millionths(number.into()));
    }
    paid(&mut store, "of-b", Some("b"), credits("3"));
    let all = costs(&mut store);
    assert_eq!(all[1].prices.len(), MOST_PRICES as usize);
    assert_eq!(all[2].prices, [(credits("3"), 1)]);
}

/// A job that has succeeded at a price, without its events.
fn paid(store: &mut impl JobStore, job_id: &str, tenant: Option<&str>, price: Credits) {
    let job = Job::new(JobPolicy { after_ms: 1, deadline_ms: 1 }, NOW_MS, NOW_MS);
    let end =
        JobEnd { key: format!("end-of-{job_id}"), ending: Ending::Succeeded, credits: Some(price) };
    let job = Job { tenant: tenant.map(str::to_owned), end: Some(end), ..job };
    store.set_job(job_id, &job.ended(NOW_MS)).unwrap();
}

/// The nearest rank among prices and how many jobs had each.
fn percentile(prices: &[(Credits, u64)], percent: u64) -> Option<Credits> {
    let mut jobs: Vec<_> = prices
        .iter()
        .flat_map(|(price, times)| core::iter::repeat_n(*price, usize::try_from(*times).unwrap()))
        .collect();
    jobs.sort();
    let rank = (jobs.len() as u64 * percent).div_ceil(100).checked_sub(1)?;
    jobs.get(usize::try_from(rank).unwrap()).copied()
}

/// What stands in metrics. Few jobs of many tenants and prices must not hide the many of one.
#[test]
fn totals_have_the_price_that_most_jobs_had() {
    fn check(mut store: impl Store) {
        let cent = |number: u64| Credits::of_millionths(number * 10_000);
        for number in 1..=100 {
            paid(&mut store, &format!("a-{number}"), Some("a"), cent(number));
        }
        for number in 0..10_000 {
            paid(&mut store, &format!("b-{number}"), Some("b"), credits("5"));
        }
        let total = jobs::totals(&mut store, NOW_MS).unwrap();
        assert_eq!(total.succeeded, 10_100);
        assert_eq!(total.prices, [(credits("5"), 10_100)]);
        assert_eq!(percentile(&total.prices, 95), Some(credits("5")));
    }
    check(MemoryStore::default());
    check(fresh_store());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Of a shard, percentiles are exact; of two, never too low, and too high by less than one job in a hundred.
    #[test]
    fn percentiles_are_nearly_exact_however_many_prices_there_are(
        jobs in proptest::collection::vec((0..400_u64, 0..3_u64), 0..400),
        most in 1..400_u64,
        second in 0..400_usize,
    ) {
        let (mut memory, mut sqlite, mut other) =
            (MemoryStore::default(), fresh_store(), fresh_store());
        let (mut here, mut all) = (BTreeMap::new(), BTreeMap::new());
        for (number, (price, tenant)) in jobs.iter().enumerate() {
            // Some prices are frequent.
            let price = Credits::of_millionths(price * tenant % most);
            let (job_id, tenant) = (number.to_string(), format!("tenant-{tenant}"));
            *all.entry(price).or_default() += 1;
            if number < second {
                *here.entry(price).or_default() += 1;
                paid(&mut memory, &job_id, Some(&tenant), price);
                paid(&mut sqlite, &job_id, Some(&tenant), price);
            } else {
                paid(&mut other, &job_id, Some(&tenant), price);
            }
        }
        let total = sqlite.total_costs(NOW_MS).unwrap();
        prop_assert_eq!(&total, &memory.total_costs(NOW_MS).unwrap());
        prop_assert!(total.prices.len() <= MOST_PRICES as usize);
        let here: Vec<_> = here.into_iter().collect();
        if here.len() <= MOST_PRICES as usize {
            prop_assert_eq!(&total.prices, &here);
        }
        let mut both = total.prices.clone();
        both.extend(other.total_costs(NOW_MS).unwrap().prices);
        let all: Vec<_> = all.into_iter().collect();
        for percent in 1..100 {
            prop_assert_eq!(percentile(&total.prices, percent), percentile(&here, percent));
            let told = percentile(&both, percent);
            prop_assert!(told >= percentile(&all, percent), "{}", percent);
            prop_assert!(told <= percentile(&all, percent + 1), "{}", percent);
        }
    }
}

fn totals(store: &mut SqliteStore<Sqlite>, now_ms: u64) -> TenantCosts {
    match protocol::act(store, Call::Totals, None, &policy(), now_ms).unwrap() {
        Reply::Costs(costs) => <[_; 1]>::try_from(costs).unwrap()[0].clone(),
        reply => panic!("{reply:?}"),
    }
}

#[test]
fn totals_are_those_of_all_tenants_and_told_again_for_half_a_minute() {
    let mut store = fresh_store();
    register(&mut store, "1", Some("acme"), "2");
    register(&mut store, "2", None, "3");
    end(&mut store, "3", "succeeded", "1.05", false);
    let expected = |reserved: &str| TenantCosts {
        open: if reserved == "5" { 2 } else { 3 },
        succeeded: 1,
        reserved: credits(reserved),
        settled: credits("1.05"),
        paid_not_delivered: credits("1.05"),
        prices: vec![(credits("1.05"), 1)],
        ..TenantCosts::default()
    };
    assert_eq!(totals(&mut store, NOW_MS), expected("5"));
    register(&mut store, "4", None, "4");
    assert_eq!(totals(&mut store, NOW_MS + 29_999), expected("5"));
    assert_eq!(totals(&mut store, NOW_MS + 30_000), expected("9"));
    // Whatever the clock does, and beside what else is remembered.
    assert_eq!(totals(&mut store, NOW_MS - 30_000), expected("9"));
    let memory = store.remembered();
    let owed = Some(OwedBytes { counted: 1, counted_ms: 2, at_most: 3 });
    store.remember(&Memory { owed, ..memory.clone() });
    assert_eq!((store.remembered().owed, store.remembered().totals), (owed, memory.totals));
    // Those of the page are exact.
    register(&mut store, "5", None, "1");
    assert_eq!(costs(&mut store)[0].reserved, credits("8"));
}

/// From when it became known, by its registration or its first event, whichever way it ends.
#[test]
fn the_time_until_a_jobs_end_is_told_in_two_digits() {
    let mut store = fresh_store();
    let policy = policy();
    for (number, (ms, _)) in TIMES.into_iter().enumerate() {
        let job_id = format!("job_{number}");
        register(&mut store, &job_id, Some("acme"), "1");
        let meta = EventMeta {
            event_type: Some(if number % 2 == 0 { "job.succeeded" } else { "failed" }.to_owned()),
            job_id: Some(job_id.clone()),
            ..EventMeta::default()
        };
        let accept = Call::Accept {
            key: job_id,
            meta,
            head: "{}".to_owned(),
            body_bytes: 1,
            correlation_id: None,
        };
        protocol::act(&mut store, accept, None, &policy, NOW_MS + ms).unwrap();
    }
    // One that is open does not count.
    register(&mut store, "open", Some("acme"), "1");
    let mut expected: Vec<_> = TIMES.into_iter().map(|(_, seconds)| (seconds, 1)).collect();
    expected.sort_unstable();
    assert_eq!(costs(&mut store)[0].seconds_to_end, expected);
}

/// Milliseconds until the end, and the seconds that are told.
const TIMES: [(u64, u64); 9] = [
    (0, 0),
    (1, 1),
    (98_001, 99),
    (99_001, 100),
    (100_001, 110),
    (990_001, 1_000),
    (1_000_001, 1_100),
    (12_345_000, 13_000),
    (123_456_000, 130_000),
];

#[test]
fn totals_have_the_prices_of_all_tenants() {
    let mut store = fresh_store();
    register(&mut store, "1", Some("acme"), "1");
    for (job, price) in [("1", "1.05"), ("2", "1.05"), ("3", "2")] {
        end(&mut store, job, "succeeded", price, false);
    }
    let mut prices = totals(&mut store, NOW_MS).prices;
    prices.sort();
    assert_eq!(prices, [(credits("1.05"), 2), (credits("2"), 1)]);
}
