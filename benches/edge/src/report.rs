//! What was measured, as text for `benches/RESULTS.md`.

use core::fmt;

use nextapi_webhook_benches::{Machine, Quartiles};

use crate::contender::{Contender, is_in_memory};
use crate::scenario::{BUSY, Scenario};
use crate::segment::Segment;
use crate::size::Size;
use crate::start_up::StartUp;

/// The segments of one contender, one for each round.
type Rounds = (Contender, Vec<Segment>);

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) size: Size,
    pub(crate) start_up: Vec<StartUp>,
    pub(crate) scenarios: Vec<(Scenario, Vec<Rounds>)>,
}

/// Times the throughput of the JavaScript worker.
const TARGET_THROUGHPUT: f64 = 1.1;
/// Its p99 latency divided by ours: no worse.
const TARGET_LATENCY: f64 = 1.0;
const OURS_TO_JAVASCRIPT: [Contender; 2] = [Contender::Ours, Contender::JavaScript];
const TARGET_UPLOAD_KIB: f64 = 100_000.0 / 1024.0;
const TARGET_START_UP_MS: f64 = 5.0;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ratios(f)?;
        self.floor(f)?;
        self.medians(f)?;
        self.bundle(f)?;
        self.targets(f)?;
        writeln!(f, "\n{}", Machine::here())
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
        for (scenario, rounds) in &self.scenarios {
            let throughput = gain(rounds, OURS_TO_JAVASCRIPT, |segment| segment.elapsed_us);
            let is_met = throughput.median >= TARGET_THROUGHPUT;
            writeln!(
                f,
                "| throughput: {scenario} | at least {TARGET_THROUGHPUT} | {throughput} | {} |",
                met(is_met)
            )?;
        }
        for (scenario, rounds) in &self.scenarios {
            let p99 = gain(rounds, OURS_TO_JAVASCRIPT, |segment| segment.percentile_ms(99));
            let is_met = p99.median >= TARGET_LATENCY;
            writeln!(
                f,
                "| p99: {scenario} | at least {TARGET_LATENCY:.1} | {p99} | {} |",
                met(is_met)
            )?;
        }
        let upload = self.size.upload_kib;
        writeln!(
            f,
            "| upload, gzipped | at most 100 KB ({TARGET_UPLOAD_KIB:.1} KiB) | {upload:.1} KiB | {} |",
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
        let deliveries: usize = self
            .scenarios
            .iter()
            .flat_map(|(_, rounds)| rounds)
            .flat_map(|(_, segments)| segments)
            .map(|segment| segment.latencies_ms.len())
            .sum();
        writeln!(
            f,
            "| wrong answers, or events that the origin should not have got, among {deliveries} deliveries | 0 | 0 | yes |"
        )
    }

    /// Throughput, latency and processor time beside every other contender, all in one direction.
    fn ratios(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let storage = if is_in_memory() { "in memory" } else { "on disk" };
        writeln!(
            f,
            "{BUSY} connections unless stated; the objects' storage is {storage}. Higher is better in every \
             column: 2.00 means that ours takes half the other one's time (throughput is the time of all \
             deliveries together, processor time that of the whole engine). Median of the rounds \
             (quartiles):\n"
        )?;
        writeln!(f, "| | other | throughput | p50 | p99 | processor time |")?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- |")?;
        for (scenario, rounds) in &self.scenarios {
            for (other, _) in rounds.iter().filter(|(other, _)| *other != Contender::Ours) {
                let gain =
                    |value: fn(&Segment) -> f64| gain(rounds, [Contender::Ours, *other], value);
                writeln!(
                    f,
                    "| {scenario} | {other} | {} | {} | {} | {} |",
                    gain(|segment| segment.elapsed_us),
                    gain(|segment| segment.percentile_ms(50)),
                    gain(|segment| segment.percentile_ms(99)),
                    gain(|segment| segment.processor_us),
                )?;
            }
        }
        writeln!(f)
    }

    /// How much of what JavaScript takes is the platform's.
    fn floor(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "The floor makes the platform's calls that the job takes, and computes nothing. How much better \
             it is than JavaScript, the same job:\n"
        )?;
        writeln!(f, "| | throughput | processor time |\n| --- | --- | --- |")?;
        for (scenario, rounds) in &self.scenarios {
            if Contender::Floor.can_do(scenario.kind) {
                let contenders = [Contender::Floor, Contender::JavaScript];
                let throughput = gain(rounds, contenders, |segment| segment.elapsed_us);
                let processor = gain(rounds, contenders, |segment| segment.processor_us);
                writeln!(f, "| {scenario} | {throughput} | {processor} |")?;
            }
        }
        writeln!(f)
    }

    fn medians(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Medians on this machine, for one delivery; lower is better in every column:\n"
        )?;
        writeln!(f, "| | | all together, µs | p50, ms | p99, ms | processor, µs |")?;
        writeln!(f, "| --- | --- | ---: | ---: | ---: | ---: |")?;
        for (scenario, rounds) in &self.scenarios {
            for (contender, segments) in rounds {
                let median = |value: fn(&Segment) -> f64| {
                    Quartiles::of(segments.iter().map(value).collect()).median
                };
                writeln!(
                    f,
                    "| {scenario} | {contender} | {:.0} | {:.2} | {:.2} | {:.0} |",
                    median(|segment| segment.elapsed_us),
                    median(|segment| segment.percentile_ms(50)),
                    median(|segment| segment.percentile_ms(99)),
                    median(|segment| segment.processor_us),
                )?;
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

/// How many times as fast the first one is as the second one, round by round: the second one's time divided
/// by the first one's.
fn gain(
    rounds: &[Rounds],
    contenders: [Contender; 2],
    time: impl Fn(&Segment) -> f64,
) -> Quartiles {
    let [first, second] = contenders.map(|wanted| {
        let found = rounds.iter().find(|(contender, _)| *contender == wanted);
        found.map_or(&[][..], |(_, segments)| segments).iter().map(&time)
    });
    Quartiles::of(first.zip(second).map(|(first, second)| second / first).collect())
}

fn met(is_met: bool) -> &'static str {
    if is_met { "yes" } else { "**no**" }
}
