//! Shows by tool what the verifier promises, and that the tool would notice if it were not so.
//!
//! ```text
//! nextapi-assurance panics     no call can panic: a binary that would not link if one could
//! nextapi-assurance secrets    no branch and no address depends on a secret: memcheck
//! ```
//!
//! Each builds its own subject (`src/bin/`) in the profile `proof`. A tool that is missing is a
//! failure that says how to get it.

mod panics;
mod secrets;
mod subject;

use std::process::ExitCode;

/// Why a claim is not shown: it does not hold, or a tool is missing or could not be run.
type Failure = Box<dyn core::error::Error>;

fn main() -> ExitCode {
    let claim = std::env::args().nth(1);
    let shown = match claim.as_deref() {
        Some("panics") => panics::show(),
        Some("secrets") => secrets::show(),
        _ => Err("usage: nextapi-assurance panics | secrets".into()),
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("not shown: {failure}");
            ExitCode::FAILURE
        }
    }
}
