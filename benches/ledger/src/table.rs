//! What was measured, as tables and as a chart.

use core::fmt::Write as _;

use nextapi_webhook_benches::{Chart, Failure, Line, Quartiles, Series};

use crate::growth::{CONNECTIONS, DUPLICATES, FRESH, LAST, REFERENCE, ROUNDS, ROWS, Times};

/// The most that 10⁶ rows may take of the time with 10³.
const TARGET: f64 = 1.2;

/// The times on one kind of storage.
pub(crate) struct Table {
    /// `in memory` or `on disk`.
    pub(crate) storage: &'static str,
    /// One for each of [`ROWS`].
    pub(crate) times: Vec<Times>,
}

/// A measured time.
type Sample = fn(&Times) -> &[f64];

/// How the tables are to be read.
pub(crate) fn write_introduction(text: &mut String) -> core::fmt::Result {
    writeln!(
        text,
        "One shard. A job is three fresh events, one after the other, each claimed, forwarded and \
         committed; {CONNECTIONS} jobs at the same time, then {DUPLICATES} duplicates of settled \
         events on as many connections; {ROUNDS} rounds, all shards in each. Medians of the rounds' \
         medians, and of the rounds' ratios (quartiles). Every shard gets {FRESH} events more during \
         the run; the number of rows is that half-way. \"Processor\" is what all threads of the engine \
         used: worker, object, HTTP and storage. On a disk, waiting for it takes most of the time and \
         would hide what the rows take; in memory, nothing does."
    )
}

impl Table {
    /// The table.
    pub(crate) fn write(&self, text: &mut String) -> core::fmt::Result {
        writeln!(
            text,
            "\n| rows, {} | a job, ms | to 10³ rows | a duplicate, ms | to 10³ rows | processor, ms for \
             a fresh event | for a duplicate |\n| ---: | ---: | --- | ---: | --- | ---: | ---: |",
            self.storage
        )?;
        for (place, (rows, times)) in ROWS.iter().zip(&self.times).enumerate() {
            writeln!(
                text,
                "| {} | {:.2} | {} | {:.2} | {} | {:.2} | {:.2} |",
                if *rows == 0 { format!("0 to {FRESH}") } else { rows.to_string() },
                median(&times.job),
                self.ratio(place, |times| &times.job),
                median(&times.duplicate),
                self.ratio(place, |times| &times.duplicate),
                median(&times.fresh_processor),
                median(&times.duplicate_processor),
            )?;
        }
        writeln!(
            text,
            "\nA straight line through the times against the power of ten rises by {:.1} % of the first \
             with each power for a job, and by {:.1} % for a duplicate.",
            100.0 * rise(&self.points(|times| &times.job)),
            100.0 * rise(&self.points(|times| &times.duplicate)),
        )
    }

    /// Its rows of the table of targets.
    pub(crate) fn write_targets(&self, text: &mut String) -> core::fmt::Result {
        let measured: [(&str, Sample); 3] = [
            ("a whole job", |times| &times.job),
            ("a duplicate", |times| &times.duplicate),
            ("the processor for a fresh event", |times| &times.fresh_processor),
        ];
        for (name, sample) in measured {
            let ratio = self.ratio(LAST, sample);
            let met = if ratio.median <= TARGET { "yes" } else { "**no**" };
            writeln!(
                text,
                "| 10⁶ rows / 10³ rows, time of {name}, {} | at most {TARGET} | {ratio} | {met} |",
                self.storage
            )?;
        }
        Ok(())
    }

    /// Milliseconds of the processor for a fresh event and for a duplicate, with the most rows.
    pub(crate) fn processor(&self) -> [f64; 2] {
        let last = self.times.get(LAST).cloned().unwrap_or_default();
        [median(&last.fresh_processor), median(&last.duplicate_processor)]
    }

    fn ratio(&self, place: usize, sample: Sample) -> Quartiles {
        let of = |place: usize| self.times.get(place).map(sample).unwrap_or_default();
        let pairs = of(place).iter().zip(of(REFERENCE));
        Quartiles::of(pairs.map(|(time, reference)| time / reference).collect())
    }

    /// Power of ten and milliseconds of the shards that do not begin empty.
    fn points(&self, sample: Sample) -> Vec<(f64, f64)> {
        let shards = ROWS.iter().zip(&self.times).skip(REFERENCE);
        shards.map(|(rows, times)| (f64::from(*rows).log10(), median(sample(times)))).collect()
    }
}

/// Draws `benches/charts/ledger.svg`.
pub(crate) fn draw(tables: &[Table]) -> Result<(), Failure> {
    let series = tables.iter().flat_map(|table| {
        let measured: [(&str, Sample); 2] = [
            ("a job of three events", |times| &times.job),
            ("a duplicate", |times| &times.duplicate),
        ];
        measured.map(|(name, sample)| Series {
            name: format!("{name}, {}", table.storage),
            points: table.points(sample),
        })
    });
    Chart {
        title: "Time against the rows of one shard".to_owned(),
        x: "rows, as a power of ten",
        y: "time, milliseconds",
        series: series.collect(),
    }
    .draw("ledger")
}

fn median(sample: &[f64]) -> f64 {
    Quartiles::of(sample.to_vec()).median
}

/// How much a power of ten adds, as a share of the first time.
fn rise(points: &[(f64, f64)]) -> f64 {
    let line = Line::through(points);
    let first = points.first().map_or(0.0, |(x, _)| *x);
    line.slope / line.at(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_times_do_not_rise() {
        assert!(rise(&[(3.0, 5.0), (4.0, 5.0), (6.0, 5.0)]).abs() < 1e-9);
        let steep = rise(&[(3.0, 10.0), (4.0, 11.0), (5.0, 12.0)]);
        assert!((steep - 0.1).abs() < 1e-6, "{steep}");
    }

    #[test]
    fn a_target_can_be_missed() {
        let of = |job: f64| Times {
            job: vec![job; 3],
            duplicate: vec![1.0; 3],
            fresh_processor: vec![1.0; 3],
            duplicate_processor: Vec::new(),
        };
        let times = vec![of(1.0), of(1.0), of(1.0), of(1.0), of(1.3)];
        let mut text = String::new();
        Table { storage: "on disk", times }.write_targets(&mut text).unwrap();
        let (job, others) = text.split_once('\n').unwrap();
        assert!(job.ends_with("| 1.30 (1.30 to 1.30) | **no** |"), "{job}");
        assert!(others.lines().all(|line| line.ends_with("| yes |")), "{others}");
    }
}
