//! How long a worker takes to start: from a new process to its first answer, beside the same for a
//! worker that only passes on. The difference is what its own code takes to load and to prepare.

use std::time::Instant;

use nextapi_webhook_benches::Quartiles;

use crate::contender::{Bundles, Contender};
use crate::scenario::{Kind, Scenario};

/// What a start took more than that of a worker which only passes on.
#[derive(Clone, Debug)]
pub(crate) struct StartUp {
    /// Which worker.
    pub(crate) contender: Contender,
    /// Milliseconds of the clock.
    pub(crate) elapsed_ms: Quartiles,
    /// Milliseconds of processor time, on all threads.
    pub(crate) processor_ms: Quartiles,
}

/// Starts every contender once in every round.
///
/// # Errors
/// If one of them does not start, or does not answer as it should.
pub(crate) async fn measure(bundles: &Bundles, rounds: u32) -> anyhow::Result<Vec<StartUp>> {
    let mut differences = [Contender::Ours, Contender::JavaScript]
        .map(|contender| (contender, Vec::new(), Vec::new()));
    for _ in 0..rounds {
        let (floor_ms, floor_processor_ms) = once(Contender::PassThrough, bundles).await?;
        for (contender, elapsed, processor) in &mut differences {
            let (elapsed_ms, processor_ms) = once(*contender, bundles).await?;
            elapsed.push(elapsed_ms - floor_ms);
            processor.push(processor_ms - floor_processor_ms);
        }
    }
    Ok(differences
        .into_iter()
        .map(|(contender, elapsed, processor)| StartUp {
            contender,
            elapsed_ms: Quartiles::of(elapsed),
            processor_ms: Quartiles::of(processor),
        })
        .collect())
}

/// Milliseconds of the clock and of the processor, from nothing to the first answer.
async fn once(contender: Contender, bundles: &Bundles) -> anyhow::Result<(f64, f64)> {
    let kind = if contender.can_do(Kind::Forged) { Kind::Forged } else { Kind::Fresh };
    let begin = Instant::now();
    let mut running = contender.start(bundles).await?;
    running.segment(Scenario::new(kind, 512, 1, 1), &mut 0, 1).await?;
    let elapsed_ms = begin.elapsed().as_secs_f64() * 1e3;
    Ok((elapsed_ms, running.processor_time()?.as_secs_f64() * 1e3))
}
