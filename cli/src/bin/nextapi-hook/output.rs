//! Printing, in colour where there is somebody to see it.

use core::fmt::{self, Display};
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;

/// Something is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Something is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something is worth a look.
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
/// A heading.
pub(crate) const HEADING: Style = Style::new().bold();

/// Nobody reads the standard output any more. A type of its own, so that it is not taken for a
/// connection that broke.
#[derive(Debug)]
pub(crate) struct Unread;

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the output any more")
    }
}

impl core::error::Error for Unread {}

/// Prints one line. Colours are left out unless the output is a terminal, and wherever `NO_COLOR`
/// is set.
///
/// The error is [`Unread`] where the reader of a pipe has gone.
pub(crate) fn line(text: impl Display) -> anyhow::Result<()> {
    let mut output = anstream::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Unread.into()),
        printed => printed.context("cannot print"),
    }
}

/// `ok` or `NOT AS DESIGNED`.
pub(crate) fn verdict(good: bool) -> String {
    if good { format!("{GOOD}ok{GOOD:#}") } else { format!("{BAD}NOT AS DESIGNED{BAD:#}") }
}
