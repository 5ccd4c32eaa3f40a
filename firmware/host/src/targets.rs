//! The figures beside the targets of the design, for `benches/RESULTS.md`.

use std::process::Command;

use crate::Failure;
use crate::budget::{
    self, FLASH_AT_ONCE, FLASH_IN_PIECES, Grouped, STACK_AT_ONCE, STACK_IN_PIECES,
};

/// Bytes of flash for the whole verify path, and of stack: at once, and in pieces, whose state is kept.
const FLASH: u64 = 4 * 1024;
const STACK: u64 = 1024;
const STACK_KEPT: u64 = 1280;

/// Prints all figures, the targets, and with what it was measured.
pub(crate) fn show() -> Result<(), Failure> {
    println!("Bytes, and instructions as QEMU counts them:\n");
    let (figures, _) = budget::print()?;
    println!(
        "\n| on a Cortex-M4, compact SHA-256 | target | measured | met |\n| --- | --- | ---: | --- |"
    );
    for (name, target) in [
        (FLASH_AT_ONCE, FLASH),
        (FLASH_IN_PIECES, FLASH),
        (STACK_AT_ONCE, STACK),
        (STACK_IN_PIECES, STACK_KEPT),
    ] {
        let figure = figures.get(name)?;
        let met = if figure <= target { "yes" } else { "**no**" };
        println!("| {name} | at most {} bytes | {} | {met} |", Grouped(target), Grouped(figure));
    }
    // Measuring fails at the first one.
    println!("| symbols of an allocator, in any of the programs | 0 | 0 | yes |");
    println!("| symbols of a panic, in any of the programs | 0 | 0 | yes |");
    println!("\n{}.", first_line("qemu-system-arm")?);
    Ok(())
}

fn first_line(program: &str) -> Result<String, Failure> {
    let output = Command::new(program).arg("--version").output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
