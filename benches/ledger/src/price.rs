//! What a month costs by Cloudflare's price list, with the arithmetic.

use core::fmt::Write as _;

use crate::meter::{MILLION, Meter, grouped};
use crate::mode::Mode;
use crate::rows::{Counts, REPORT_MS};

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
/// What the platform adds to a line of the log, in bytes: assumed.
const LINE_BYTES: f64 = 500.0;
/// Days for which the platform keeps the log.
const LOG_DAYS: f64 = 7.0;
/// What an object is billed as, in GB.
const OBJECT_GB: f64 = 0.128;
/// Isolates of the worker that are busy all month: assumed. Each passes on its outcomes every so often.
const ISOLATES: f64 = 10.0;
/// Events of the month that the table of one event is about: at fewer, rows written are hardly billed.
const EVENTS: f64 = 30.0 * MILLION;
/// The default settings.
const SHARDS: f64 = 16.0;
const RETENTION_DAYS: f64 = 3.0;
const LEASE_SECONDS: f64 = 30.0;
/// How much longer a row is kept than the retention says, at most.
const KEPT: f64 = 1.125;
/// Walks that a row is looked at by, until it is deleted.
const WALKS: f64 = 9.0;
/// Rows that one alarm of a walk looks at.
const BATCH: f64 = 500.0;

/// What an event takes beside its calls, at so many events a month.
struct Shares {
    /// Alarms of walks.
    pieces: f64,
    /// Alarms for leases, in `durable`: one is pending as long as events come, and each is set once when it rings and
    /// once by the next event.
    leases: f64,
    /// Commits that outcomes go along with.
    reports: f64,
}

impl Shares {
    fn of(mode: Mode, events: f64) -> Self {
        let seconds = DAYS * 86_400.0;
        let in_lease = events / SHARDS / seconds * LEASE_SECONDS;
        let leases = match mode {
            Mode::Through => 0.0,
            Mode::Durable => 1.0 / (1.0 + in_lease),
        };
        let reports = ISOLATES * seconds / (f64::from(REPORT_MS) / 1e3);
        Self { pieces: WALKS / BATCH, leases, reports: (reports / events).min(1.0) }
    }

    const fn alarms(&self) -> f64 {
        self.pieces + self.leases
    }
}

/// The price list, with what an event of a job of three takes that is forwarded at the first attempt, one of so many
/// in a month.
fn meters(counts: &Counts, bytes: f64, events: f64) -> Vec<Meter> {
    let shares = Shares::of(counts.mode, events);
    let (lines, rest) = (log(counts), [stored(bytes)]);
    compute(&shares).into_iter().chain(rows(counts, &shares)).chain(rest).chain(lines).collect()
}

/// Requests and time.
fn compute(shares: &Shares) -> [Meter; 4] {
    let calls = 2.0 + shares.alarms();
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
            month: 0.0,
            how: format!("2 calls, {:.3} alarms", shares.alarms()),
        },
        Meter {
            group: "objects",
            name: "Durable Objects duration, GB-s",
            price: "$12.50 a million",
            dollars: 12.50 / MILLION,
            included: 400_000.0,
            each: calls * call_gb_s,
            month: 0.0,
            how: format!("{calls:.3} × {CALL_MS} ms, assumed, × {OBJECT_GB} GB"),
        },
    ]
}

/// Rows of SQLite.
fn rows(counts: &Counts, shares: &Shares) -> [Meter; 2] {
    let third = |rows: u32| f64::from(rows) / 3.0;
    let Counts { job, full_piece: full, empty_piece: empty, idle, report, .. } = counts;
    // What a piece that deletes has more than one that does not is for the events that it deletes.
    let deletion = |full: u32, empty: u32| f64::from(full.saturating_sub(empty)) / BATCH;
    let read = [
        third(job.read),
        deletion(full.read, empty.read) + shares.pieces * f64::from(empty.read),
        shares.leases * f64::from(idle.read),
        shares.reports * f64::from(report.read),
    ];
    let written = [
        third(job.billed()),
        deletion(full.billed(), empty.billed()) + shares.pieces * f64::from(empty.billed()),
        shares.leases * (f64::from(idle.billed()) + 1.0),
        shares.reports * f64::from(report.written),
    ];
    let how = |parts: [f64; 4]| {
        let [calls, walks, leases, reports] = parts;
        format!("calls {calls:.2}, walks {walks:.3}, leases {leases:.3}, counts {reports:.3}")
    };
    [
        Meter {
            group: "SQLite",
            name: "SQLite rows read",
            price: "$0.001 a million",
            dollars: 0.001 / MILLION,
            included: 25_000.0 * MILLION,
            each: read.iter().sum(),
            month: 0.0,
            how: how(read),
        },
        Meter {
            group: "SQLite",
            name: "SQLite rows written, alarms set included",
            price: "$1.00 a million",
            dollars: 1.00 / MILLION,
            included: 50.0 * MILLION,
            each: written.iter().sum(),
            month: 0.0,
            how: how(written),
        },
    ]
}

/// What is kept.
fn stored(bytes: f64) -> Meter {
    Meter {
        group: "SQLite",
        name: "SQLite stored, GB-month",
        price: "$0.20",
        dollars: 0.20,
        included: 5.0,
        each: bytes / 1e9 * RETENTION_DAYS * KEPT / DAYS,
        month: 0.0,
        how: format!("{bytes:.0} bytes × {RETENTION_DAYS} × {KEPT}/{DAYS}"),
    }
}

/// The log.
fn log(counts: &Counts) -> [Meter; 2] {
    let (bytes, lines) = counts.log;
    let each = |all: usize| u32::try_from(all).map_or(f64::NAN, f64::from) / 3.0;
    // To tens, since the times in it differ in length.
    let bytes = ((each(bytes) + each(lines) * LINE_BYTES) / 10.0).round() * 10.0;
    let lines = each(lines);
    [
        Meter {
            group: "log",
            name: "Log ingested, GB",
            price: "$0.25",
            dollars: 0.25,
            included: 50.0,
            each: bytes / 1e9,
            month: 0.0,
            how: format!("{bytes} bytes: {lines} lines, and for each {LINE_BYTES}, assumed"),
        },
        Meter {
            group: "log",
            name: "Log stored, GB-month",
            price: "$0.10",
            dollars: 0.10,
            included: 12.0,
            each: bytes / 1e9 * LOG_DAYS / DAYS,
            month: 0.0,
            how: format!("{bytes} bytes × {LOG_DAYS}/{DAYS}"),
        },
    ]
}

/// The arithmetic; `bytes` is what the row of an event takes.
pub(crate) fn write(text: &mut String, counts: &Counts, bytes: f64) -> core::fmt::Result {
    let list = meters(counts, bytes, EVENTS);
    let mode = counts.mode.name();
    writeln!(
        text,
        "\nPrices of the Workers Paid plan, read in {READ}. `{mode}`: an event of 4 KB of a job of three that is \
         forwarded at the first attempt, before anything included is taken off, as one of {} million that come evenly \
         over a month on {SHARDS} shards:\n",
        EVENTS / MILLION
    )?;
    write_event(text, &list)?;
    writeln!(text, "\n`{mode}`: a month in dollars, after what is included:\n")?;
    write_month(text, counts, bytes)?;

    let second = SHARDS * DAYS * 86_400.0 * OBJECT_GB;
    writeln!(
        text,
        "\nA duplicate is a request, the processor, one call of an object, rows read ({}) and written ({}, \
         of the first three of an event) and its log: {:.2} dollars for a million, before what is included. Were all {SHARDS} objects billed for every second of a \
         month, that would be {} GB-s, {:.2} dollars after what is included.",
        counts.duplicate.read,
        counts.duplicate.written,
        MILLION * dollars_of_duplicate(&list, counts),
        grouped(second),
        (second - 400_000.0) * 12.50 / MILLION
    )
}

/// The rows of the table of targets.
pub(crate) fn write_targets(text: &mut String, counts: &Counts, bytes: f64) -> core::fmt::Result {
    let list = meters(counts, bytes, EVENTS);
    let (mode, most) = match counts.mode {
        Mode::Through => ("through", 5.0),
        Mode::Durable => ("durable", 6.0),
    };
    let met = |is_met: bool| if is_met { "yes" } else { "**no**" };
    let dollars: f64 = list.iter().map(|meter| meter.full(MILLION)).sum();
    let calls = f64::from(counts.job.written) / 3.0;
    let tables = calls
        + f64::from(counts.full_piece.written.saturating_sub(counts.empty_piece.written)) / BATCH;
    let written = list.iter().find(|meter| meter.name.starts_with("SQLite rows written"));
    let all = written.map_or(f64::NAN, |meter| meter.each);
    writeln!(
        text,
        "| rows written by an event, its deletion included, `{mode}` | at most 4 | {tables:.2}; {all:.2} with alarms, walks \
         and counts | {} |",
        met(tables <= 4.0)
    )?;
    writeln!(
        text,
        "| dollars for a million events of 4 KB, `{mode}` | at most {most} | {dollars:.2} | {} |",
        met(dollars <= most)
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

fn write_month(text: &mut String, counts: &Counts, bytes: f64) -> core::fmt::Result {
    let groups = ["Workers", "objects", "SQLite", "log"];
    writeln!(
        text,
        "| events | subscription | {} | **together** | for a million events |\n| ---: |{}",
        groups.join(" | "),
        " ---: |".repeat(groups.len().saturating_add(3))
    )?;
    for millions in [1.0, 3.0, 10.0, 30.0, 100.0] {
        let events = millions * MILLION;
        let meters = meters(counts, bytes, events);
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

/// A line of the log with what the platform adds, in bytes.
fn bytes_of_line(counts: &Counts) -> f64 {
    let (bytes, lines) = counts.log;
    u32::try_from(bytes.checked_div(lines).unwrap_or(0)).map_or(f64::NAN, f64::from) + LINE_BYTES
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
        + bytes_of_line(counts) / 1e9
            * (price("Log ingested") + price("Log stored") * LOG_DAYS / DAYS)
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
