//! `make bench-edge`: the edge worker in workerd, beside workers that do the same job or less.
//! Writes section `edge` of `benches/RESULTS.md`.
//!
//! - `--quick`: fewer rounds, and nothing is written; with further words, only scenarios whose name has one
//!   of them.
//! - `--test`: every worker does every scenario once; nothing is measured.

mod connection;
mod contender;
mod counting_origin;
mod event;
mod processor_time;
mod report;
mod scenario;
mod segment;
mod size;
mod start_up;

use std::path::Path;

use anyhow::{Context as _, bail};
use contender::{Contender, Running};
use nextapi_webhook_benches::Results;
use report::Report;
use scenario::{SCENARIOS, Scenario};
use segment::Segment;

/// How often every scenario is repeated.
const ROUNDS: u32 = 20;
/// Segments of the first scenario before all others, which are not counted. The engine compiles again what
/// it calls often, on threads of its own, and for WASM that takes it some ten thousand deliveries.
const WARM_UP: u32 = 24;
/// Rounds before each scenario, which are not counted either.
const SCENARIO_WARM_UP: u32 = 2;
/// Rounds of `--quick`.
const QUICK_ROUNDS: u32 = 6;
/// How many deliveries a segment of `--test` has.
const TEST_DELIVERIES: u32 = 50;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let edge_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../edge-worker");
    match words.split_first() {
        None => {
            let report = report(&edge_dir, &SCENARIOS, ROUNDS).await?;
            println!("{report}");
            Results::of_checkout().replace("edge", &report.to_string())?;
        }
        Some((mode, [])) if mode == "--test" => {
            let mut contenders = start(&edge_dir).await?;
            let mut first_number = 0;
            for scenario in SCENARIOS {
                eprintln!("edge: {scenario}");
                let scenario = Scenario { deliveries: TEST_DELIVERIES, ..scenario };
                measure(&mut contenders, scenario, 0, 1, &mut first_number).await?;
            }
            println!("every worker answered as it should");
        }
        Some((mode, names)) if mode == "--quick" => {
            let mut scenarios = SCENARIOS.to_vec();
            scenarios.retain(|scenario| {
                let scenario = scenario.to_string();
                names.is_empty() || names.iter().any(|name| scenario.contains(name))
            });
            println!("{}", report(&edge_dir, &scenarios, QUICK_ROUNDS).await?);
        }
        Some(_) => bail!("usage: nextapi-webhook-edge-bench [--test | --quick [WORD ...]]"),
    }
    Ok(())
}

async fn report(edge_dir: &Path, scenarios: &[Scenario], rounds: u32) -> anyhow::Result<Report> {
    let size = size::measure(edge_dir).context("cannot measure the bundle's size")?;
    eprintln!("edge: start-up, {rounds} rounds");
    let start_up = start_up::measure(edge_dir, rounds).await?;
    let mut report = Report { size, start_up, scenarios: Vec::new() };
    let mut contenders = start(edge_dir).await?;
    let mut first_number = 0;
    for running in &mut contenders {
        eprintln!("edge: {} warms up", running.contender);
        for _ in 0..WARM_UP {
            running.segment(SCENARIOS[0], &mut first_number).await?;
        }
    }
    for &scenario in scenarios {
        eprintln!("edge: {scenario}, {rounds} rounds");
        let warm_up = SCENARIO_WARM_UP;
        let measured = measure(&mut contenders, scenario, warm_up, rounds, &mut first_number);
        report.scenarios.push((scenario, measured.await?));
    }
    Ok(report)
}

async fn start(edge_dir: &Path) -> anyhow::Result<Vec<Running>> {
    let mut contenders = Vec::new();
    for contender in Contender::all() {
        contenders.push(contender.start(edge_dir).await?);
    }
    Ok(contenders)
}

/// Interleaved: every round measures every contender once, and each round begins with the next one.
async fn measure(
    contenders: &mut [Running],
    scenario: Scenario,
    warm_up: u32,
    rounds: u32,
    first_number: &mut u64,
) -> anyhow::Result<Vec<(Contender, Vec<Segment>)>> {
    let mut contenders: Vec<_> =
        contenders.iter_mut().filter(|running| running.contender.can_do(scenario.kind)).collect();
    let mut measured: Vec<_> =
        contenders.iter().map(|running| (running.contender, Vec::new())).collect();
    for _ in 0..warm_up {
        for running in &mut contenders {
            running.segment(scenario, first_number).await?;
        }
    }
    let count = contenders.len();
    for first in (0..count).cycle().take(rounds as usize) {
        for at in (0..count).cycle().skip(first).take(count) {
            if let (Some(running), Some((_, segments))) =
                (contenders.get_mut(at), measured.get_mut(at))
            {
                segments.push(running.segment(scenario, first_number).await?);
            }
        }
    }
    Ok(measured)
}
