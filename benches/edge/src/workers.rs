//! The edge worker beside others: the report.

use core::fmt;

use crate::contender::{Contender, is_in_memory};
use crate::measured::{Measured, gain};
use crate::scenario::{BUSY, Kind, Scenario};
use crate::segment::Segment;
use crate::size::Size;
use crate::start_up::StartUp;
use crate::tables::{self, met};

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) size: Size,
    pub(crate) start_up: Vec<StartUp>,
    pub(crate) measured: Measured,
}

const OURS_TO_JAVASCRIPT: [Contender; 2] = [Contender::Ours, Contender::JavaScript];
const OURS_TO_BEFORE: [Contender; 2] = [Contender::Ours, Contender::Before];
/// Times the throughput of the JavaScript worker.
const TARGET_THROUGHPUT: f64 = 0.95;
/// The same for whole jobs with long bodies, which cross into WASM and back to the platform.
const TARGET_LONG_JOBS: f64 = 0.9;
const LONG_BYTES: u32 = 64 * 1024;
/// Its p99 latency divided by ours: no worse.
const TARGET_LATENCY: f64 = 1.0;
/// Times the throughput of the worker before: no less, but for what two medians of the same worker differ by.
const TARGET_BEFORE: f64 = 0.97;
const TARGET_UPLOAD_KIB: f64 = 200_000.0 / 1024.0;
const TARGET_START_UP_MS: f64 = 5.0;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let storage = if is_in_memory() { "in memory" } else { "on disk" };
        writeln!(
            f,
            "{BUSY} connections unless stated; the objects' storage is {storage}. Higher is better in every \
             column: 2.00 means that ours takes half the other one's time (throughput is the time of all \
             deliveries together, processor time that of the whole engine). Median of the rounds \
             (quartiles):\n"
        )?;
        let others = [
            Contender::Before,
            Contender::JavaScript,
            Contender::Example,
            Contender::Floor,
            Contender::PassThrough,
        ];
        tables::ratios(f, &self.measured, &others.map(|other| [Contender::Ours, other]))?;
        self.floor(f)?;
        tables::medians(f, &self.measured)?;
        self.bundle(f)?;
        self.targets(f)
    }
}

impl Report {
    fn targets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nTargets, beside the worker in JavaScript that does the same job. The ratios are those of the \
             first table: higher is better.\n"
        )?;
        writeln!(f, "| | target | measured | met |\n| --- | --- | --- | --- |")?;
        let elapsed = |segment: &Segment| segment.elapsed_us;
        let p99 = |segment: &Segment| segment.percentile_ms(99);
        for (scenario, rounds) in &self.measured.0 {
            let target = throughput_target(*scenario);
            if let Some(throughput) = gain(rounds, OURS_TO_JAVASCRIPT, elapsed) {
                let met = met(throughput.median >= target);
                writeln!(
                    f,
                    "| throughput: {scenario} | at least {target} | {throughput} | {met} |"
                )?;
            }
        }
        for (scenario, rounds) in &self.measured.0 {
            if let Some(p99) = gain(rounds, OURS_TO_JAVASCRIPT, p99) {
                let met = met(p99.median >= TARGET_LATENCY);
                writeln!(f, "| p99: {scenario} | at least {TARGET_LATENCY:.1} | {p99} | {met} |")?;
            }
        }
        for (scenario, rounds) in &self.measured.0 {
            if let Some(before) = gain(rounds, OURS_TO_BEFORE, elapsed) {
                let met = met(before.median >= TARGET_BEFORE);
                writeln!(
                    f,
                    "| throughput beside that before: {scenario} | at least {TARGET_BEFORE} | {before} | {met} |"
                )?;
            }
        }
        let upload = self.size.upload_kib;
        writeln!(
            f,
            "| upload, gzipped | at most 200 KB ({TARGET_UPLOAD_KIB:.1} KiB) | {upload:.1} KiB | {} |",
            met(upload <= TARGET_UPLOAD_KIB)
        )?;
        for StartUp { contender, elapsed_ms, processor_ms } in &self.start_up {
            if *contender == Contender::Ours {
                writeln!(
                    f,
                    "| start-up beyond a worker that only passes on | at most {TARGET_START_UP_MS} ms | {elapsed_ms} ms; processor {processor_ms} ms | {} |",
                    met(elapsed_ms.median <= TARGET_START_UP_MS)
                )?;
            }
        }
        tables::checked(f, &self.measured)
    }

    /// How much of what JavaScript takes is the platform's.
    fn floor(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "The floor makes the platform's calls that the job takes, and computes nothing. How much better \
             it is than JavaScript, the same job:\n"
        )?;
        writeln!(f, "| | throughput | processor time |\n| --- | --- | --- |")?;
        for (scenario, rounds) in &self.measured.0 {
            let contenders = [Contender::Floor, Contender::JavaScript];
            let throughput = gain(rounds, contenders, |segment| segment.elapsed_us);
            let processor = gain(rounds, contenders, |segment| segment.processor_us);
            if let (Some(throughput), Some(processor)) = (throughput, processor) {
                writeln!(f, "| {scenario} | {throughput} | {processor} |")?;
            }
        }
        writeln!(f)
    }

    fn bundle(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Size { wasm, javascript, upload_kib } = &self.size;
        writeln!(
            f,
            "The bundle: {wasm} bytes of WASM and {javascript} bytes of JavaScript, {upload_kib} KiB gzipped \
             as wrangler uploads them."
        )?;
        for StartUp { contender, elapsed_ms, processor_ms } in &self.start_up {
            writeln!(
                f,
                "From a new process to the first answer, {contender} takes {elapsed_ms} ms more than a worker \
                 that only passes on, and {processor_ms} ms more of processor time."
            )?;
        }
        Ok(())
    }
}

const fn throughput_target(scenario: Scenario) -> f64 {
    match scenario.kind {
        Kind::Fresh if scenario.body >= LONG_BYTES => TARGET_LONG_JOBS,
        _ => TARGET_THROUGHPUT,
    }
}
