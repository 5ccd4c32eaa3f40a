//! Printing, in colour where there is somebody to see it.

use core::fmt::Display;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;

/// Something is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Something is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// A heading.
pub(crate) const HEADING: Style = Style::new().bold();

/// Prints one line. Colours are left out unless the output is a terminal, and wherever `NO_COLOR`
/// is set.
pub(crate) fn line(text: impl Display) -> anyhow::Result<()> {
    let mut output = anstream::stdout().lock();
    writeln!(output, "{text}").and_then(|()| output.flush()).context("cannot print")
}

/// `ok` or `NOT AS DESIGNED`.
pub(crate) fn verdict(good: bool) -> String {
    if good { format!("{GOOD}ok{GOOD:#}") } else { format!("{BAD}NOT AS DESIGNED{BAD:#}") }
}
