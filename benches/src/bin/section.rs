//! `section NAME`: puts standard input into that section of `benches/RESULTS.md`, for commands that
//! are not written in Rust.

use std::io::{Read as _, stdin};

use nextapi_webhook_benches::{Failure, Results};

fn main() -> Result<(), Failure> {
    let name = std::env::args().nth(1).ok_or("usage: section NAME < text")?;
    let mut text = String::new();
    stdin().read_to_string(&mut text)?;
    Ok(Results::of_checkout().replace(&name, &text)?)
}
