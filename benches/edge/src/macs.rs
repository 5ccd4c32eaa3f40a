//! From which length of body on the platform computes a MAC sooner than WASM does: the report.

use core::fmt;

use nextapi_webhook_benches::size_name;

use crate::contender::Contender;
use crate::measured::{Measured, gain};
use crate::scenario::{BUSY, Kind};
use crate::segment::Segment;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report(pub(crate) Measured);

const TO_WASM: [Contender; 2] = [Contender::MacsOfPlatform, Contender::MacsInWasm];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "The same worker twice, with the MACs of all bodies computed in WASM, and all by the platform; the \
             same deliveries over {BUSY} connections, in turns. The time with WASM divided by that with the \
             platform: above 1 the platform is sooner. Median of the rounds (quartiles):\n"
        )?;
        writeln!(
            f,
            "| | throughput | processor time | processor, WASM, µs | processor, platform, µs |\n\
             | --- | --- | --- | ---: | ---: |"
        )?;
        for (scenario, rounds) in &self.0.0 {
            let throughput = gain(rounds, TO_WASM, |segment| segment.elapsed_us);
            let processor = gain(rounds, TO_WASM, processor_us);
            if let (Some(throughput), Some(processor)) = (throughput, processor) {
                write!(f, "| {scenario} | {throughput} | {processor} |")?;
                for contender in [Contender::MacsInWasm, Contender::MacsOfPlatform] {
                    let took = rounds.iter().find(|(other, _)| *other == contender);
                    let took = took.map_or(&[][..], |(_, segments)| segments);
                    let took = took.iter().map(processor_us).collect();
                    write!(f, " {:.0} |", nextapi_webhook_benches::Quartiles::of(took).median)?;
                }
                writeln!(f)?;
            }
        }
        writeln!(f)?;
        for (kind, name) in [(Kind::Duplicate, "that hold"), (Kind::Forged, "that are forged")] {
            for (what, time) in [
                ("throughput", elapsed_us as fn(&Segment) -> f64),
                ("processor time", processor_us),
            ] {
                let where_to = cross_over(&self.ratios(kind, time));
                writeln!(
                    f,
                    "- The two ways cross, by {what}, with signatures {name}: {where_to}."
                )?;
            }
        }
        Ok(())
    }
}

impl Report {
    /// The time with WASM by that of the platform, for each size.
    fn ratios(&self, kind: Kind, time: fn(&Segment) -> f64) -> Vec<(u32, f64)> {
        let of_kind = self.0.0.iter().filter(|(scenario, _)| scenario.kind == kind);
        of_kind
            .filter_map(|(scenario, rounds)| {
                gain(rounds, TO_WASM, time).map(|ratio| (scenario.body, ratio.median))
            })
            .collect()
    }
}

fn elapsed_us(segment: &Segment) -> f64 {
    segment.elapsed_us
}

fn processor_us(segment: &Segment) -> f64 {
    segment.processor_us
}

/// Where ratios, by size in ascending order, pass 1 for good.
#[derive(Clone, Copy, Debug, PartialEq)]
enum CrossOver {
    /// At this size, in bytes.
    At(f64),
    /// Below all sizes, of which this is the least.
    Below(u32),
    /// Above all sizes, of which this is the largest.
    Above(u32),
    /// Nothing was measured.
    Unknown,
}

/// Between two sizes, on a straight line over the logarithm of the size.
fn cross_over(ratios: &[(u32, f64)]) -> CrossOver {
    let (Some(&(smallest, _)), Some(&(largest, ratio_of_largest))) =
        (ratios.first(), ratios.last())
    else {
        return CrossOver::Unknown;
    };
    if ratio_of_largest < 1.0 {
        return CrossOver::Above(largest);
    }
    let below = ratios.iter().rposition(|(_, ratio)| *ratio < 1.0);
    let Some([(size, ratio), (next_size, next_ratio)]) =
        below.and_then(|at| ratios.get(at..)).and_then(<[_]>::first_chunk)
    else {
        return CrossOver::Below(smallest);
    };
    let part = (1.0 - ratio) / (next_ratio - ratio);
    let [from, to] = [size, next_size].map(|size| f64::from(*size).log2());
    CrossOver::At((from + part * (to - from)).exp2())
}

impl fmt::Display for CrossOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(bytes) => write!(f, "at {bytes:.0} B"),
            Self::Below(bytes) => write!(f, "below {}", size_name(*bytes)),
            Self::Above(bytes) => write!(f, "above {}", size_name(*bytes)),
            Self::Unknown => f.write_str("not measured"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cross_over_lies_where_the_ratio_is_1() {
        let ratios = [(1024, 0.8), (2048, 0.9), (4096, 1.1), (8192, 1.5)];
        let CrossOver::At(bytes) = cross_over(&ratios) else { panic!("no size") };
        assert!((2048.0..4096.0).contains(&bytes));
        // In the middle of the logarithms.
        assert!((bytes - 2048.0 * 2_f64.sqrt()).abs() < 1.0, "{bytes}");
    }

    #[test]
    fn a_ratio_that_falls_below_1_again_counts() {
        let ratios = [(512, 1.1), (1024, 0.9), (2048, 1.1)];
        assert!(matches!(cross_over(&ratios), CrossOver::At(bytes) if bytes > 1024.0));
    }

    #[test]
    fn it_may_lie_outside_of_the_sizes() {
        assert_eq!(cross_over(&[(512, 1.1), (1024, 1.2)]), CrossOver::Below(512));
        assert_eq!(cross_over(&[(512, 0.8), (1024, 0.9)]), CrossOver::Above(1024));
        assert_eq!(cross_over(&[]), CrossOver::Unknown);
    }
}
