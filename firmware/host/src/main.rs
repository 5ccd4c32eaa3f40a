//! Builds the firmware, runs it under QEMU on the vectors of the host's tests, and holds what it costs
//! against its bounds.
//!
//! ```text
//! nextapi-firmware-host               everything; prints the figures, fails at the first thing that is not so
//! nextapi-firmware-host --answers     only what the firmware answers, without measuring
//! nextapi-firmware-host --markdown    only the figures, beside their targets, for `benches/RESULTS.md`
//! ```

mod board;
mod budget;
mod cost;
mod delivery;
mod engine;
mod image;
mod program;
mod readme;
mod targets;
mod trial;
mod vectors;

use std::process::ExitCode;

/// Why a claim is not shown: it does not hold, or a tool is missing or could not be run.
type Failure = Box<dyn core::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("not shown: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            let vectors = vectors::read()?;
            trial::show(&vectors)?;
            engine::show(&vectors)?;
            budget::show()
        }
        ["--answers"] => {
            let vectors = vectors::read()?;
            trial::show(&vectors)?;
            engine::show(&vectors)
        }
        ["--markdown"] => targets::show(),
        _ => Err("usage: nextapi-firmware-host [--answers | --markdown]".into()),
    }
}
