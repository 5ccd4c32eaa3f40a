//! What a month costs by Cloudflare's price list, with the arithmetic.

use core::fmt::Write as _;

use crate::meter::{MILLION, Meter, grouped};
use crate::rows::{Counts, Rows};

/// When the price list was read.
const READ: &str = "November 2026";
/// The subscription, in dollars a month.
const SUBSCRIPTION: f64 = 5.0;
/// Days of a month, as the price list counts.
const DAYS: f64 = 30.0;

/// Processor time of the worker for a delivery, in milliseconds: assumed.
const PROCESSOR_MS: f64 = 1.0;
/// How long an object works on a call, in milliseconds, until what it wrote is safe: assumed.
const CALL_MS: f64 = 10.0;
/// Bytes of log for a delivery, the platform's own lines included: assumed.
const LOG_BYTES: f64 = 4_000.0;
/// Days for which the platform keeps the log.
const LOG_DAYS: f64 = 7.0;
/// What an object is billed as, in GB.
const OBJECT_GB: f64 = 0.128;
/// The default settings.
const SHARDS: f64 = 16.0;
const RETENTION_DAYS: f64 = 3.0;
/// The most alarms of a shard in a month that find less than a full batch: one in ten minutes.
const ALARMS: f64 = DAYS * 24.0 * 6.0;
/// Rows that a full alarm deletes.
const BATCH: f64 = 500.0;

/// The price list, with what an event of a job of three takes that is forwarded at the first attempt.
fn meters(counts: &Counts, bytes: f64) -> Vec<Meter> {
    compute().into_iter().chain(rows(counts)).chain(storage(bytes)).collect()
}

/// Requests and time.
fn compute() -> [Meter; 4] {
    let calls = 2.0 + 1.0 / BATCH;
    let alarms = SHARDS * ALARMS;
    let call_gb_s = CALL_MS / 1e3 * OBJECT_GB;
    [
        Meter {
            group: "Workers",
            name: "Workers requests",
            price: "$0.30 a million",
            dollars: 0.30 / MILLION,
            included: 10.0 * MILLION,
            each: 1.0,
            month: 0.0,
            how: "1; calling the origin is free".to_owned(),
        },
        Meter {
            group: "Workers",
            name: "Workers CPU, ms",
            price: "$0.02 a million",
            dollars: 0.02 / MILLION,
            included: 30.0 * MILLION,
            each: PROCESSOR_MS,
            month: 0.0,
            how: format!("{PROCESSOR_MS}, assumed"),
        },
        Meter {
            group: "objects",
            name: "Durable Objects requests",
            price: "$0.15 a million",
            dollars: 0.15 / MILLION,
            included: MILLION,
            each: calls,
            month: alarms,
            how: format!("claim, commit, 1/{BATCH} of an alarm"),
        },
        Meter {
            group: "objects",
            name: "Durable Objects duration, GB-s",
            price: "$12.50 a million",
            dollars: 12.50 / MILLION,
            included: 400_000.0,
            each: calls * call_gb_s,
            month: alarms * call_gb_s,
            how: format!("{calls} × {CALL_MS} ms, assumed, × {OBJECT_GB} GB"),
        },
    ]
}

/// Rows of SQLite.
fn rows(counts: &Counts) -> [Meter; 2] {
    let third = |rows: u32| f64::from(rows) / 3.0;
    let share = |rows: u32| f64::from(rows) / BATCH;
    let written = |rows: &Rows| rows.written.saturating_add(rows.alarms);
    let Counts { job, full_sweep: full, empty_sweep: empty, .. } = counts;
    let alarms = SHARDS * ALARMS;
    [
        Meter {
            group: "SQLite",
            name: "SQLite rows read",
            price: "$0.001 a million",
            dollars: 0.001 / MILLION,
            included: 25_000.0 * MILLION,
            each: third(job.read) + share(full.read),
            month: alarms * f64::from(empty.read),
            how: format!(
                "{}/3 for claim and commit, {}/{BATCH} for the sweep",
                job.read, full.read
            ),
        },
        Meter {
            group: "SQLite",
            name: "SQLite rows written",
            price: "$1.00 a million",
            dollars: 1.00 / MILLION,
            included: 50.0 * MILLION,
            each: third(written(job)) + share(written(full)),
            month: alarms * f64::from(written(empty)),
            how: format!(
                "{}/3 for claim and commit, {}/{BATCH} for the sweep and its next alarm",
                written(job),
                written(full)
            ),
        },
    ]
}

/// What is kept.
fn storage(bytes: f64) -> [Meter; 3] {
    [
        Meter {
            group: "SQLite",
            name: "SQLite stored, GB-month",
            price: "$0.20",
            dollars: 0.20,
            included: 5.0,
            each: bytes / 1e9 * RETENTION_DAYS / DAYS,
            month: 0.0,
            how: format!("{bytes:.0} bytes × {RETENTION_DAYS}/{DAYS}"),
        },
        Meter {
            group: "log",
            name: "Log ingested, GB",
            price: "$0.25",
            dollars: 0.25,
            included: 50.0,
            each: LOG_BYTES / 1e9,
            month: 0.0,
            how: format!("{LOG_BYTES} bytes, assumed"),
        },
        Meter {
            group: "log",
            name: "Log stored, GB-month",
            price: "$0.10",
            dollars: 0.10,
            included: 12.0,
            each: LOG_BYTES / 1e9 * LOG_DAYS / DAYS,
            month: 0.0,
            how: format!("{LOG_BYTES} bytes × {LOG_DAYS}/{DAYS}"),
        },
    ]
}

/// The arithmetic; `bytes` is what the row of an event takes.
pub(crate) fn write(text: &mut String, counts: &Counts, bytes: f64) -> core::fmt::Result {
    let meters = meters(counts, bytes);
    writeln!(
        text,
        "Prices of the Workers Paid plan, read in {READ}. An event of a job of three that is forwarded \
         at the first attempt, before anything included is taken off:\n"
    )?;
    write_event(text, &meters)?;
    writeln!(
        text,
        "\nA month in dollars, after what is included, with {SHARDS} shards that have an alarm every \
         ten minutes all month ({SHARDS} × {ALARMS}):\n"
    )?;
    write_month(text, &meters)?;

    let second = SHARDS * DAYS * 86_400.0 * OBJECT_GB;
    writeln!(
        text,
        "\nA duplicate is a request, the processor, one call of an object, rows read ({}) and its log: \
         {:.2} dollars for a million, before what is included; and at most one row written, where its \
         outcome goes along with a commit. Were all {SHARDS} objects billed for every second of a \
         month, that would be {} GB-s, {:.2} dollars after what is included.",
        counts.duplicate.read,
        MILLION * dollars_of_duplicate(&meters, counts),
        grouped(second),
        (second - 400_000.0) * 12.50 / MILLION
    )
}

fn write_event(text: &mut String, meters: &[Meter]) -> core::fmt::Result {
    writeln!(
        text,
        "| what is billed | price | included in a month | an event takes | a million events take | \
         dollars for a million events | for a million jobs of three |\n\
         | --- | --- | ---: | --- | ---: | ---: | ---: |"
    )?;
    for meter in meters {
        let Meter { name, price, included, each, how, .. } = meter;
        writeln!(
            text,
            "| {name} | {price} | {} | {how} | {} | {:.2} | {:.2} |",
            grouped(*included),
            grouped(each * MILLION),
            meter.full(MILLION),
            meter.full(3.0 * MILLION)
        )?;
    }
    let total = |events: f64| meters.iter().map(|meter| meter.full(events)).sum::<f64>();
    let (event, job) = (total(MILLION), total(3.0 * MILLION));
    writeln!(text, "| **together** | | | | | **{event:.2}** | **{job:.2}** |")
}

fn write_month(text: &mut String, meters: &[Meter]) -> core::fmt::Result {
    let groups = ["Workers", "objects", "SQLite", "log"];
    writeln!(
        text,
        "| events | subscription | {} | **together** | for a million events |\n| ---: |{}",
        groups.join(" | "),
        " ---: |".repeat(groups.len().saturating_add(3))
    )?;
    for millions in [1.0, 3.0, 10.0, 30.0, 100.0] {
        let events = millions * MILLION;
        let bill = |group: &&str| {
            let of_group = meters.iter().filter(|meter| meter.group == *group);
            of_group.map(|meter| meter.bill(events)).sum::<f64>()
        };
        let bills: Vec<f64> = groups.iter().map(bill).collect();
        let cells: Vec<String> = bills.iter().map(|dollars| format!("{dollars:.2}")).collect();
        let sum = SUBSCRIPTION + bills.iter().sum::<f64>();
        writeln!(
            text,
            "| {millions} million | {SUBSCRIPTION:.2} | {} | **{sum:.2}** | {:.2} |",
            cells.join(" | "),
            sum / millions
        )?;
    }
    Ok(())
}

/// Dollars for one, from the same list.
fn dollars_of_duplicate(meters: &[Meter], counts: &Counts) -> f64 {
    let price = |name: &str| {
        let found = meters.iter().find(|meter| meter.name.starts_with(name));
        found.map_or(f64::NAN, |meter| meter.dollars)
    };
    price("Workers requests")
        + PROCESSOR_MS * price("Workers CPU")
        + price("Durable Objects requests")
        + CALL_MS / 1e3 * OBJECT_GB * price("Durable Objects duration")
        + f64::from(counts.duplicate.read) * price("SQLite rows read")
        + f64::from(counts.duplicate.written) * price("SQLite rows written")
        + LOG_BYTES / 1e9 * (price("Log ingested") + price("Log stored") * LOG_DAYS / DAYS)
}

#[cfg(test)]
mod tests {
    use std::fs::read_to_string;
    use std::path::Path;

    /// What docs/operations.md says is what was measured last.
    #[test]
    fn what_operators_read_is_what_was_measured() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let results = read_to_string(root.join("benches/RESULTS.md")).unwrap();
        let operating = read_to_string(root.join("docs/operations.md")).unwrap();
        let (_, costs) = operating.split_once("\n## What it costs\n").unwrap();
        let costs = costs.split_once("\n## ").map_or(costs, |(costs, _)| costs);
        let rows: Vec<_> = costs.lines().filter(|line| line.starts_with('|')).collect();
        assert!(rows.len() > 20, "{}", rows.len());
        for row in rows {
            assert!(results.lines().any(|line| line == row), "not in the results: {row}");
        }
    }
}
