//! Tables that the reports have in common.

use core::fmt::{self, Write};

use nextapi_webhook_benches::Quartiles;

use crate::contender::Contender;
use crate::measured::{Measured, gain};
use crate::segment::Segment;

/// How much faster each first one is than its second one, in throughput, latency and processor time.
pub(crate) fn ratios(
    f: &mut impl Write,
    measured: &Measured,
    pairs: &[[Contender; 2]],
) -> fmt::Result {
    writeln!(f, "| | other | throughput | p50 | p99 | processor time |")?;
    writeln!(f, "| --- | --- | --- | --- | --- | --- |")?;
    for (scenario, rounds) in &measured.0 {
        for pair in pairs {
            let gain = |time: fn(&Segment) -> f64| gain(rounds, *pair, time);
            let Some(throughput) = gain(|segment| segment.elapsed_us) else { continue };
            let others = [
                gain(|segment| segment.percentile_ms(50)),
                gain(|segment| segment.percentile_ms(99)),
                gain(|segment| segment.processor_us),
            ];
            write!(f, "| {scenario} | {} | {throughput} |", pair[1])?;
            for other in others.into_iter().flatten() {
                write!(f, " {other} |")?;
            }
            writeln!(f)?;
        }
    }
    writeln!(f)
}

/// What every worker took, in units of the clock.
pub(crate) fn medians(f: &mut impl Write, measured: &Measured) -> fmt::Result {
    writeln!(f, "Medians on this machine, for one delivery; lower is better in every column:\n")?;
    writeln!(f, "| | | all together, µs | p50, ms | p99, ms | processor, µs |")?;
    writeln!(f, "| --- | --- | ---: | ---: | ---: | ---: |")?;
    for (scenario, rounds) in &measured.0 {
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

/// A row that says that every answer was checked.
pub(crate) fn checked(f: &mut impl Write, measured: &Measured) -> fmt::Result {
    let (deliveries, resent, spoilt) =
        (measured.deliveries(), measured.resent(), measured.spoilt());
    writeln!(
        f,
        "| stretches with a wrong answer, or with events that the origin should not have got or did not get; all of \
         the {deliveries} deliveries are checked, {resent} were sent again after their connection was closed | 0 | \
         {spoilt}, measured anew | {} |",
        met(spoilt == 0)
    )
}

/// Whether a target is met.
pub(crate) const fn met(is_met: bool) -> &'static str {
    if is_met { "yes" } else { "**no**" }
}
