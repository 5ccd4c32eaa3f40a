//! `section NAME [--machine]`: puts standard input into that section of `benches/RESULTS.md`, for
//! commands that are not written in Rust. `--machine` adds the line about this machine.

use core::fmt::Write as _;
use std::io::{Read as _, stdin};

use nextapi_webhook_benches::{Failure, Machine, Results};

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, with_machine) = match arguments.as_slice() {
        [name] => (name, false),
        [name, option] if option == "--machine" => (name, true),
        _ => return Err("usage: section NAME [--machine] < text".into()),
    };
    let mut text = String::new();
    stdin().read_to_string(&mut text)?;
    if with_machine {
        write!(text, "\n{}", Machine::here())?;
    }
    Ok(Results::of_checkout().replace(name, &text)?)
}
