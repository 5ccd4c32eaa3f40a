//! `DELIVERY=durable` beside `through`, and beside JavaScript: the report.

use core::fmt;

use crate::contender::{Contender, is_in_memory};
use crate::measured::{Measured, gain};
use crate::scenario::{BUSY, USUAL_ORIGIN_MS};
use crate::tables::{self, met};

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report(pub(crate) Measured);

/// Time until the provider's 200, as a part of that with `through`.
const TARGET_ANSWER: f64 = 0.4;
/// Times the throughput of the JavaScript worker.
const TARGET_THROUGHPUT: f64 = 0.95;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let storage = if is_in_memory() { "in memory" } else { "on disk" };
        writeln!(
            f,
            "With `through` the provider's 200 comes once the origin has answered, with `durable` once the \
             event is stored. The origin answers at once, or after {USUAL_ORIGIN_MS} ms: what one takes that \
             looks an event up and writes a row or two to a database of its region. Deliveries come one by \
             one, so that most of the engine's time is free, or over {BUSY} connections as fast as they are \
             answered. The clock stops when the origin has answered all. The objects' storage is {storage}.\n"
        )?;
        self.answers(f)?;
        writeln!(
            f,
            "Ours beside the worker in JavaScript of the same design. Higher is better: the other one's time \
             divided by ours. Median of the rounds (quartiles):\n"
        )?;
        let pairs = [
            [Contender::OursDurable, Contender::JavaScriptDurable],
            [Contender::Ours, Contender::JavaScript],
        ];
        tables::ratios(f, &self.0, &pairs)?;
        tables::medians(f, &self.0)?;
        self.targets(f)
    }
}

impl Report {
    /// The time until the provider's 200.
    fn answers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "What `durable` takes, divided by what `through` takes in the same round; lower is better. Median \
             of the rounds (quartiles):\n"
        )?;
        writeln!(
            f,
            "| | | p50 of the 200 | p99 of the 200 | all together | processor time |\n\
             | --- | --- | --- | --- | --- | --- |"
        )?;
        for (scenario, rounds) in &self.0.0 {
            for (name, pair) in [
                ("nextapi-webhook", [Contender::Ours, Contender::OursDurable]),
                ("JavaScript", [Contender::JavaScript, Contender::JavaScriptDurable]),
            ] {
                let parts = [
                    gain(rounds, pair, |segment| segment.percentile_ms(50)),
                    gain(rounds, pair, |segment| segment.percentile_ms(99)),
                    gain(rounds, pair, |segment| segment.elapsed_us),
                    gain(rounds, pair, |segment| segment.processor_us),
                ];
                write!(f, "| {scenario} | {name} |")?;
                for part in parts.into_iter().flatten() {
                    write!(f, " {part} |")?;
                }
                writeln!(f)?;
            }
        }
        writeln!(f)
    }

    fn targets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Targets:\n\n| | target | measured | met |\n| --- | --- | --- | --- |")?;
        let to_through = [Contender::Ours, Contender::OursDurable];
        for (scenario, rounds) in &self.0.0 {
            let answer = gain(rounds, to_through, |segment| segment.percentile_ms(50));
            if let Some(answer) = answer.filter(|_| scenario.every_ms > 0) {
                let met = met(answer.median <= TARGET_ANSWER);
                writeln!(
                    f,
                    "| p50 of the 200, `durable` / `through`: {scenario} | at most {TARGET_ANSWER} | {answer} | {met} |"
                )?;
            }
        }
        let to_javascript = [Contender::OursDurable, Contender::JavaScriptDurable];
        for (scenario, rounds) in &self.0.0 {
            let throughput = gain(rounds, to_javascript, |segment| segment.elapsed_us);
            // When deliveries come one by one, it is not the worker that says how fast.
            if let Some(throughput) = throughput.filter(|_| scenario.every_ms == 0) {
                let met = met(throughput.median >= TARGET_THROUGHPUT);
                writeln!(
                    f,
                    "| throughput beside JavaScript, durable: {scenario} | at least {TARGET_THROUGHPUT} | {throughput} | {met} |"
                )?;
            }
        }
        tables::checked(f, &self.0)
    }
}
