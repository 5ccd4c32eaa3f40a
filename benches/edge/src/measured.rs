//! What was measured of several workers, which take turns.

use nextapi_webhook_benches::Quartiles;

use crate::contender::{Bundles, Contender, Running};
use crate::scenario::Scenario;
use crate::segment::Segment;

/// The segments of one contender, one for each round.
pub(crate) type Rounds = (Contender, Vec<Segment>);

/// The rounds of every scenario.
#[derive(Debug, Default)]
pub(crate) struct Measured(pub(crate) Vec<(Scenario, Vec<Rounds>)>);

impl Measured {
    /// How many deliveries were measured.
    pub(crate) fn deliveries(&self) -> usize {
        self.segments().map(|segment| segment.latencies_ms.len()).sum()
    }

    /// How many of them were sent again, since the engine had closed their connection.
    pub(crate) fn resent(&self) -> usize {
        self.segments().map(|segment| segment.resent).sum()
    }

    /// How many stretches were begun and not brought to their end.
    pub(crate) fn spoilt(&self) -> u32 {
        self.segments().map(|segment| segment.spoilt).sum()
    }

    fn segments(&self) -> impl Iterator<Item = &Segment> {
        let rounds = self.0.iter().flat_map(|(_, rounds)| rounds);
        rounds.flat_map(|(_, segments)| segments)
    }
}

/// Starts workers.
///
/// # Errors
/// If one of them is not built, or does not start.
pub(crate) async fn start(
    contenders: &[Contender],
    bundles: &Bundles,
) -> anyhow::Result<Vec<Running>> {
    let mut running = Vec::new();
    for contender in contenders {
        running.push(contender.start(bundles).await?);
    }
    Ok(running)
}

/// Interleaved: every round measures every contender once, and each round begins with the next one.
///
/// # Errors
/// If one of them answered otherwise than it should.
pub(crate) async fn measure(
    contenders: &mut [Running],
    scenario: Scenario,
    warm_up: u32,
    rounds: u32,
    tries: u32,
    first_number: &mut u64,
) -> anyhow::Result<Vec<Rounds>> {
    let mut contenders: Vec<_> =
        contenders.iter_mut().filter(|running| running.contender.can_do(scenario.kind)).collect();
    let mut measured: Vec<_> =
        contenders.iter().map(|running| (running.contender, Vec::new())).collect();
    for _ in 0..warm_up {
        for running in &mut contenders {
            running.segment(scenario, first_number, tries).await?;
        }
    }
    let count = contenders.len();
    for first in (0..count).cycle().take(rounds as usize) {
        for at in (0..count).cycle().skip(first).take(count) {
            if let (Some(running), Some((_, segments))) =
                (contenders.get_mut(at), measured.get_mut(at))
            {
                segments.push(running.segment(scenario, first_number, tries).await?);
            }
        }
    }
    Ok(measured)
}

/// How many times as fast the first one is as the second one, round by round: the second one's time divided
/// by the first one's. Nothing if one of them took no part.
pub(crate) fn gain(
    rounds: &[Rounds],
    contenders: [Contender; 2],
    time: impl Fn(&Segment) -> f64,
) -> Option<Quartiles> {
    let of = |wanted| {
        let (_, segments) = rounds.iter().find(|(contender, _)| *contender == wanted)?;
        Some(segments.iter().map(&time))
    };
    let [first, second] = contenders.map(of);
    let gains = first?.zip(second?).map(|(first, second)| second / first).collect();
    Some(Quartiles::of(gains))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(contender: Contender, times: [f64; 3]) -> Rounds {
        let segment = |elapsed_us| Segment {
            elapsed_us,
            processor_us: 0.0,
            latencies_ms: vec![],
            resent: 0,
            spoilt: 0,
        };
        (contender, times.map(segment).to_vec())
    }

    #[test]
    fn a_gain_is_the_other_one_s_time_by_ours_round_by_round() {
        let rounds =
            [rounds(Contender::Ours, [1.0, 2.0, 4.0]), rounds(Contender::Floor, [2.0, 4.0, 2.0])];
        let elapsed = |segment: &Segment| segment.elapsed_us;
        let gained = gain(&rounds, [Contender::Ours, Contender::Floor], elapsed).unwrap();
        assert_eq!((gained.median, gained.upper), (2.0, 2.0));
        assert_eq!(gain(&rounds, [Contender::Ours, Contender::Before], elapsed), None);
    }
}
