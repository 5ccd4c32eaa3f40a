//! `make bench-edge`: the edge worker in workerd. Each part writes its own section of `benches/RESULTS.md`:
//!
//! - `workers`: beside workers that do the same job or less;
//! - `durable`: `DELIVERY=durable` beside `through`, and beside a worker in JavaScript;
//! - `macs`: from which length of body on the platform computes a MAC sooner than WASM does.
//!
//! - `PART ...`: only these parts.
//! - `--before DIR`: compares with the bundle of an earlier worker as well.
//! - `--rounds N`: so many rounds, instead of 20.
//! - `--brief`: only what has a target, half as much of it, eight rounds, for a machine that is busy.
//! - `--quick`: six rounds, and nothing is written.
//! - `--only TEXT`: only scenarios whose name contains the text, and nothing is written.
//! - `--test`: every worker does every scenario once; nothing is measured.

mod arguments;
mod connection;
mod contender;
mod counting_origin;
mod durable;
mod event;
mod macs;
mod measured;
mod processor_time;
mod scenario;
mod segment;
mod size;
mod start_up;
mod tables;
mod workers;

use core::fmt;
use std::path::Path;

use arguments::{Arguments, Part};
use contender::{Bundles, Contender};
use measured::{Measured, measure, start};
use nextapi_webhook_benches::{Machine, Results};
use scenario::Scenario;

/// Segments of the first scenario before all others, which are not counted. The engine compiles again what
/// it calls often, on threads of its own, and for WASM that takes it some ten thousand deliveries.
const WARM_UP: u32 = 16;
/// Rounds before each scenario, which are not counted either.
const SCENARIO_WARM_UP: u32 = 1;
const BRIEF_WARM_UP: u32 = 6;
/// How often a stretch is begun at most.
const TRIES: u32 = 3;
/// How many deliveries a segment of `--test` has.
const TEST_DELIVERIES: u32 = 50;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let edge_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../edge-worker");
    let bundles = Bundles { edge_dir, before: arguments.before.clone() };
    for &part in &arguments.parts {
        if arguments.is_test {
            test(part, &bundles).await?;
            continue;
        }
        let report = report(part, &bundles, &arguments).await?;
        let report = format!("{report}\n{} rounds. {}\n", arguments.rounds, Machine::here());
        println!("{report}");
        if !arguments.is_quick && arguments.only.is_none() {
            Results::of_checkout().replace(part.section(), &report)?;
        }
    }
    if arguments.is_test {
        println!("every worker answered as it should");
    }
    Ok(())
}

/// Who takes part.
fn contenders(part: Part, bundles: &Bundles) -> Vec<Contender> {
    use Contender::{
        Before, Example, Floor, JavaScript, JavaScriptDurable, MacsInWasm, MacsOfPlatform, Ours,
        OursDurable, PassThrough,
    };
    match part {
        Part::Workers => {
            let before = bundles.before.as_ref().map(|_| Before);
            let others = [JavaScript, Example, Floor, PassThrough];
            [Ours].into_iter().chain(before).chain(others).collect()
        }
        Part::Durable => vec![Ours, JavaScript, OursDurable, JavaScriptDurable],
        Part::Macs => vec![MacsInWasm, MacsOfPlatform],
    }
}

fn scenarios(part: Part) -> Vec<Scenario> {
    match part {
        Part::Workers => scenario::OF_WORKERS.to_vec(),
        Part::Durable => scenario::OF_MODES.to_vec(),
        Part::Macs => scenario::of_macs(),
    }
}

async fn report(
    part: Part,
    bundles: &Bundles,
    arguments: &Arguments,
) -> anyhow::Result<Box<dyn fmt::Display>> {
    let rounds = arguments.rounds;
    let mut scenarios = scenarios(part);
    if let Some(text) = &arguments.only {
        scenarios.retain(|scenario| scenario.to_string().contains(text));
    }
    let mut contenders = contenders(part, bundles);
    let mut warm_up = WARM_UP;
    if arguments.is_brief {
        scenarios.retain(Scenario::has_target);
        for scenario in &mut scenarios {
            scenario.deliveries /= 2;
        }
        contenders.retain(|contender| contender.has_target());
        warm_up = BRIEF_WARM_UP;
    }
    let mut contenders = start(&contenders, bundles).await?;
    let mut first_number = 0;
    for running in &mut contenders {
        eprintln!("{part}: {} warms up", running.contender);
        for _ in 0..warm_up {
            running.segment(scenario::OF_WORKERS[0], &mut first_number, TRIES).await?;
        }
    }
    let mut measured = Measured::default();
    for scenario in scenarios {
        eprintln!("{part}: {scenario}, {rounds} rounds");
        let of_scenario =
            measure(&mut contenders, scenario, SCENARIO_WARM_UP, rounds, TRIES, &mut first_number);
        measured.0.push((scenario, of_scenario.await?));
    }
    drop(contenders);
    Ok(match part {
        Part::Workers => {
            let size = size::measure(&bundles.edge_dir)?;
            eprintln!("{part}: start-up, {rounds} rounds");
            let start_up = start_up::measure(bundles, rounds).await?;
            Box::new(workers::Report { size, start_up, measured })
        }
        Part::Durable => Box::new(durable::Report(measured)),
        Part::Macs => Box::new(macs::Report(measured)),
    })
}

async fn test(part: Part, bundles: &Bundles) -> anyhow::Result<()> {
    let mut contenders = start(&contenders(part, bundles), bundles).await?;
    let mut first_number = 0;
    for scenario in scenarios(part) {
        eprintln!("{part}: {scenario}");
        let scenario = Scenario { deliveries: TEST_DELIVERIES, ..scenario };
        measure(&mut contenders, scenario, 0, 1, 1, &mut first_number).await?;
    }
    for running in contenders.iter_mut().filter(|running| running.contender.is_durable()) {
        eprintln!("{part}: {} retries", running.contender);
        running.retry(&mut first_number).await?;
    }
    Ok(())
}
