//! SQL of what jobs cost. The statements look at all jobs, on request of an admin.

use super::costs::{
    MOST_PRICES, MOST_PRICES_OF_SHARD, MOST_TENANTS, MOST_TIMES, MOST_TIMES_OF_SHARD, TenantCosts,
};
use super::credits::Credits;
use super::job_sql::{credits, present};
use super::row;
use super::sqlite_store::{Columns, SqliteStore, Storage, pair};
use super::value::Value;

/// How a job has ended, by the event of its end, or else by what the API shows.
macro_rules! outcome {
    () => {
        "coalesce(end_status, CASE WHEN shown IN ('succeeded', 'failed') THEN shown END)"
    };
}

/// What it has cost.
macro_rules! price {
    () => {
        "coalesce(end_credits, shown_credits)"
    };
}

/// The sums over some jobs. They are cut where JavaScript has numbers no longer exactly.
macro_rules! sums {
    () => {
        concat!(
            "count(CASE WHEN ended_ms IS NULL THEN 1 END), \
             count(CASE WHEN ended_ms IS NOT NULL AND outcome = 'succeeded' THEN 1 END), \
             count(CASE WHEN ended_ms IS NOT NULL AND outcome = 'failed' THEN 1 END), \
             count(CASE WHEN ended_ms IS NULL AND deadline_ms <= ?1 THEN 1 END), \
             count(CASE WHEN is_conflict THEN 1 END), \
             min(coalesce(sum(CASE WHEN outcome IS NULL THEN estimated END), 0), 9007199254740991), \
             min(coalesce(sum(CASE WHEN outcome = 'succeeded' THEN price END), 0), 9007199254740991), \
             min(coalesce(sum(CASE WHEN outcome = 'failed' THEN estimated END), 0), 9007199254740991), \
             min(coalesce(sum(CASE WHEN outcome = 'succeeded' AND NOT is_delivered THEN price END), 0), \
             9007199254740991) \
             FROM (SELECT tenant, ended_ms, deadline_ms, estimated, is_conflict, ",
            outcome!(),
            " AS outcome, ",
            price!(),
            " AS price, ended_ms IS NOT NULL AND (EXISTS (SELECT 1 FROM event \
             WHERE event.job_id = job.job_id AND stage = 3 AND state = 'done') OR NOT EXISTS \
             (SELECT 1 FROM event WHERE event.job_id = job.job_id AND stage = 3)) AS is_delivered \
             FROM job)"
        )
    };
}

/// Reads the sums by tenant, the first of them in alphabetical order. Jobs without one come first.
const SELECT_BY_TENANT: &str =
    concat!("SELECT tenant, ", sums!(), " GROUP BY tenant ORDER BY tenant LIMIT ?2");

/// Reads the sums of all tenants behind one.
const SELECT_REST: &str = concat!("SELECT NULL, ", sums!(), " WHERE tenant > ?2");

/// Reads the sums of all jobs.
const SELECT_TOTAL: &str = concat!("SELECT NULL, ", sums!());

/// The jobs that have succeeded and whose price is known.
macro_rules! priced {
    () => {
        concat!(
            " FROM (SELECT tenant, ",
            outcome!(),
            " AS outcome, ",
            price!(),
            " AS price FROM job) WHERE outcome = 'succeeded' AND price IS NOT NULL"
        )
    };
}

/// Reads how many jobs of a tenant have had which price, the most frequent `?1` of them first. Among equally frequent
/// ones the highest come first: without the lowest, percentiles do not hide what is dear.
const SELECT_PRICES: &str = concat!(
    "SELECT tenant, price, times FROM (SELECT tenant, price, count(*) AS times, \
     row_number() OVER (PARTITION BY tenant ORDER BY count(*) DESC, price DESC) AS place",
    priced!(),
    " GROUP BY tenant, price) WHERE place <= ?1 ORDER BY tenant, place LIMIT ?2"
);

/// Reads how many of all jobs have had which price, the lowest first. If there are more prices than `?1`, each `?1`th of
/// the jobs, in the order of their prices, counts under its highest price. So a price has the parts that end among its
/// jobs. The cast is for division: the platform binds all numbers as fractions.
const SELECT_ALL_PRICES: &str = concat!(
    "SELECT price, CASE WHEN prices <= most THEN times \
     ELSE (up_to * most / jobs * jobs + most - 1) / most \
     - ((up_to - times) * most / jobs * jobs + most - 1) / most END AS told FROM \
     (SELECT price, count(*) AS times, count(*) OVER () AS prices, sum(count(*)) OVER () AS jobs, \
     sum(count(*)) OVER (ORDER BY price) AS up_to, CAST(?1 AS INTEGER) AS most",
    priced!(),
    " GROUP BY price) WHERE told > 0 ORDER BY price"
);

/// Reads how many jobs of a tenant have ended in which time, the most frequent first.
const SELECT_TIMES: &str = "SELECT tenant, CASE WHEN seconds < 100 THEN seconds \
     WHEN seconds < 1000 THEN (seconds + 9) / 10 * 10 \
     WHEN seconds < 10000 THEN (seconds + 99) / 100 * 100 \
     WHEN seconds < 100000 THEN (seconds + 999) / 1000 * 1000 \
     ELSE (seconds + 9999) / 10000 * 10000 END AS rounded, count(*) FROM \
     (SELECT tenant, (max(ended_ms - known_ms, 0) + 999) / 1000 AS seconds FROM job \
     WHERE ended_ms IS NOT NULL) GROUP BY tenant, rounded ORDER BY tenant, count(*) DESC, rounded LIMIT ?";

/// What jobs cost, by tenant.
pub(super) fn costs<D: Storage>(
    store: &SqliteStore<D>,
    now_ms: u64,
) -> Result<Vec<TenantCosts>, String> {
    let one_more = row::number(u64::from(MOST_TENANTS).saturating_add(1))?;
    let rows = store.query(SELECT_BY_TENANT, vec![row::number(now_ms)?, one_more])?;
    let mut costs = rows.into_iter().map(sums).collect::<Result<Vec<_>, String>>()?;
    let most = [MOST_PRICES, MOST_PRICES_OF_SHARD].map(|most| row::number(most.into()));
    let most = most.into_iter().collect::<Result<_, _>>()?;
    for columns in store.query(SELECT_PRICES, most)? {
        let [tenant, price, times]: [Value; 3] =
            columns.try_into().map_err(|_| "a row has not 3 columns")?;
        let tenant = row::text(tenant)?;
        if let (Some(of_tenant), Some(price)) =
            (costs.iter_mut().find(|it| it.tenant == tenant), credits(&price)?)
        {
            of_tenant.prices.push((price, present(&times)?));
        }
    }
    for columns in store.query(SELECT_TIMES, vec![row::number(MOST_TIMES_OF_SHARD.into())?])? {
        let [tenant, seconds, times]: [Value; 3] =
            columns.try_into().map_err(|_| "a row has not 3 columns")?;
        let tenant = row::text(tenant)?;
        let most = usize::try_from(MOST_TIMES).unwrap_or(usize::MAX);
        let of_tenant = costs.iter_mut().find(|it| it.tenant == tenant);
        if let Some(of_tenant) = of_tenant.filter(|it| it.seconds_to_end.len() < most) {
            of_tenant.seconds_to_end.push((present(&seconds)?, present(&times)?));
        }
    }
    let most = usize::try_from(MOST_TENANTS).unwrap_or(usize::MAX);
    if costs.len() > most {
        costs.truncate(most);
        let last = costs.last().and_then(|costs| costs.tenant.clone());
        let values = vec![row::number(now_ms)?, last.into()];
        for columns in store.query(SELECT_REST, values)? {
            costs.push(TenantCosts { is_rest: true, ..sums(columns)? });
        }
    }
    Ok(costs)
}

/// What all jobs cost together.
pub(super) fn total<D: Storage>(
    store: &SqliteStore<D>,
    now_ms: u64,
) -> Result<TenantCosts, String> {
    let rows = store.query(SELECT_TOTAL, vec![row::number(now_ms)?])?;
    let mut total = sums(rows.into_iter().next().ok_or("nothing was added up")?)?;
    for columns in store.query(SELECT_ALL_PRICES, vec![row::number(MOST_PRICES.into())?])? {
        let [price, times] = pair(columns)?;
        if let Some(price) = credits(&price)? {
            total.prices.push((price, present(&times)?));
        }
    }
    Ok(total)
}

fn sums(columns: Columns) -> Result<TenantCosts, String> {
    let columns: [Value; 10] = columns.try_into().map_err(|_| "a row has not 10 columns")?;
    let [tenant, open, succeeded, failed, overdue, conflicts, reserved, settled, refunded, paid] =
        columns;
    let sum = |value: &Value| present(value).map(Credits::of_millionths);
    Ok(TenantCosts {
        tenant: row::text(tenant)?,
        is_rest: false,
        open: present(&open)?,
        succeeded: present(&succeeded)?,
        failed: present(&failed)?,
        overdue: present(&overdue)?,
        conflicts: present(&conflicts)?,
        reserved: sum(&reserved)?,
        settled: sum(&settled)?,
        refunded: sum(&refunded)?,
        paid_not_delivered: sum(&paid)?,
        prices: Vec::new(),
        seconds_to_end: Vec::new(),
    })
}
