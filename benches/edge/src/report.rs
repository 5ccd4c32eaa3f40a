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

/// Of the throughput of the JavaScript worker.
const TARGET_THROUGHPUT: f64 = 1.1;
/// Of its p99 latency: no worse.
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
        writeln!(f, "\nTargets; \"JavaScript\" is the worker that does the same job:\n")?;
        writeln!(f, "| | target | measured | met |\n| --- | --- | --- | --- |")?;
        for (scenario, rounds) in &self.scenarios {
            let throughput = ratio(rounds, OURS_TO_JAVASCRIPT, |segment| segment.throughput);
            let is_met = throughput.median >= TARGET_THROUGHPUT;
            writeln!(
                f,
                "| throughput, ours / JavaScript: {scenario} | at least {TARGET_THROUGHPUT} | {throughput} | {} |",
                met(is_met)
            )?;
        }
        for (scenario, rounds) in &self.scenarios {
            let p99 = ratio(rounds, OURS_TO_JAVASCRIPT, |segment| segment.percentile_ms(99));
            let is_met = p99.median <= TARGET_LATENCY;
            writeln!(
                f,
                "| p99, ours / JavaScript: {scenario} | at most {TARGET_LATENCY:.1} | {p99} | {} |",
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

    /// Throughput, latency and processor time beside every other contender.
    fn ratios(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let storage = if is_in_memory() { "in memory" } else { "on disk" };
        writeln!(
            f,
            "{BUSY} connections if not said otherwise; the objects' storage {storage}. Ours / the other one, \
             median of the rounds (quartiles); processor time is that of the engine for each delivery:\n"
        )?;
        writeln!(f, "| | other | throughput | p50 | p99 | processor time |")?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- |")?;
        for (scenario, rounds) in &self.scenarios {
            for (other, _) in rounds.iter().filter(|(other, _)| *other != Contender::Ours) {
                let ratio =
                    |value: fn(&Segment) -> f64| ratio(rounds, [Contender::Ours, *other], value);
                writeln!(
                    f,
                    "| {scenario} | {other} | {} | {} | {} | {} |",
                    ratio(|segment| segment.throughput),
                    ratio(|segment| segment.percentile_ms(50)),
                    ratio(|segment| segment.percentile_ms(99)),
                    ratio(|segment| segment.processor_us),
                )?;
            }
        }
        writeln!(f)
    }

    /// How much of what JavaScript takes is the platform's.
    fn floor(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "The floor makes the platform's calls that the job takes, and computes nothing. The floor / \
             JavaScript, the same job:\n"
        )?;
        writeln!(f, "| | throughput | processor time |\n| --- | --- | --- |")?;
        for (scenario, rounds) in &self.scenarios {
            if scenario.suits(Contender::Floor) {
                let contenders = [Contender::Floor, Contender::JavaScript];
                let throughput = ratio(rounds, contenders, |segment| segment.throughput);
                let processor = ratio(rounds, contenders, |segment| segment.processor_us);
                writeln!(f, "| {scenario} | {throughput} | {processor} |")?;
            }
        }
        writeln!(f)
    }

    fn medians(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Medians on this machine:\n")?;
        writeln!(f, "| | | deliveries a second | p50, ms | p99, ms | processor, µs |")?;
        writeln!(f, "| --- | --- | ---: | ---: | ---: | ---: |")?;
        for (scenario, rounds) in &self.scenarios {
            for (contender, segments) in rounds {
                let median = |value: fn(&Segment) -> f64| {
                    Quartiles::of(segments.iter().map(value).collect()).median
                };
                writeln!(
                    f,
                    "| {scenario} | {contender} | {:.0} | {:.2} | {:.2} | {:.0} |",
                    median(|segment| segment.throughput),
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

/// The first one's by the second one's, round by round.
fn ratio(
    rounds: &[Rounds],
    contenders: [Contender; 2],
    value: impl Fn(&Segment) -> f64,
) -> Quartiles {
    let [first, second] = contenders.map(|wanted| {
        let found = rounds.iter().find(|(contender, _)| *contender == wanted);
        found.map_or(&[][..], |(_, segments)| segments).iter().map(&value)
    });
    Quartiles::of(first.zip(second).map(|(first, second)| first / second).collect())
}

fn met(is_met: bool) -> &'static str {
    if is_met { "yes" } else { "**no**" }
}
