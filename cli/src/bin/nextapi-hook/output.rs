//! Printing, in colour where there is somebody to see it.

use core::fmt::{self, Display, Write as _};
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;

/// Something is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Something is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something is worth a look.
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
/// Nothing special.
pub(crate) const PLAIN: Style = Style::new();
/// A heading.
pub(crate) const HEADING: Style = Style::new().bold();

/// The columns that lines for people are kept to.
const WIDTH: usize = 80;

/// Columns for what was sent: the longest name of a step.
const SENT: usize = 30;
/// Columns for what was answered: `200 forwarded, 7 × 409 in_flight`.
const ANSWERED: usize = 32;

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

/// Prints one line of a table that begins with `ok` or `NO`, and below a `NO` each fault.
pub(crate) fn row(columns: impl Display, faults: &[String]) -> anyhow::Result<()> {
    if faults.is_empty() {
        return line(format_args!("{GOOD}ok{GOOD:#} {columns}"));
    }
    line(format_args!("{BAD}NO{BAD:#} {columns}"))?;
    for fault in faults {
        let words = fault.split(' ').map(|word| (PLAIN, word.to_owned()));
        let words = [(BAD, "NOT AS DESIGNED:".to_owned())].into_iter().chain(words);
        line(wrapped(words, "   ", "     "))?;
    }
    Ok(())
}

/// The columns of a [`row`]: what was sent, the answers, which go on in further lines if they are
/// many, and what reached the origin.
pub(crate) fn columns(sent: &str, answered: &str, received: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for part in answered.split_inclusive(", ") {
        match lines.last_mut() {
            Some(line)
                if line.chars().count().saturating_add(part.trim_end().chars().count())
                    <= ANSWERED =>
            {
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    let mut lines = lines.iter().map(|line| line.trim_end());
    let first = lines.next().unwrap_or_default();
    let mut text = format!("{sent:<SENT$} {first:<ANSWERED$} {received}").trim_end().to_owned();
    for line in lines {
        // Writing to a `String` cannot fail. The mark of the row takes three columns.
        let _ = write!(text, "\n   {:<SENT$} {line}", "");
    }
    text
}

/// Prints a name that stands out, and what there is to say about it.
pub(crate) fn heading(name: &str, about: &str) -> anyhow::Result<()> {
    let words = about.split(' ').map(|word| (PLAIN, word.to_owned()));
    line(wrapped([(HEADING, format!("{name}:"))].into_iter().chain(words), "", "  "))
}

/// Words in lines of at most [`WIDTH`] columns, or one word where it is longer. The first line begins
/// with `first`, all others with `other`.
pub(crate) fn wrapped(
    words: impl IntoIterator<Item = (Style, String)>,
    first: &str,
    other: &str,
) -> String {
    let mut text = String::from(first);
    let (mut column, mut is_first_word) = (first.len(), true);
    for (style, word) in words {
        // All that is printed takes one column a character.
        let width = word.chars().count();
        let end = column.saturating_add(width);
        if is_first_word {
            column = end;
        } else if end < WIDTH {
            text.push(' ');
            column = end.saturating_add(1);
        } else {
            text.push('\n');
            text.push_str(other);
            column = other.len().saturating_add(width);
        }
        is_first_word = false;
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{style}{word}{style:#}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(words: &[&str]) -> String {
        wrapped(words.iter().map(|word| (PLAIN, (*word).to_owned())), "", "  ")
    }

    #[test]
    fn a_line_holds_as_much_as_fits() {
        let (forty, thirty_nine) = ("é".repeat(40), "é".repeat(39));
        assert_eq!(wrap(&[&forty, &thirty_nine]), format!("{forty} {thirty_nine}"));
        assert_eq!(wrap(&[&forty, &forty]), format!("{forty}\n  {forty}"));
        let long = "x".repeat(100);
        assert_eq!(wrap(&[&long, "a", "b"]), format!("{long}\n  a b"));
        assert_eq!(wrap(&[]), "");
    }

    #[test]
    fn many_answers_go_on_below() {
        let few = columns("eight at once", "200 forwarded, 7 × 409 in_flight", "9 bytes");
        assert_eq!(
            few,
            format!("{:<30} 200 forwarded, 7 × 409 in_flight 9 bytes", "eight at once")
        );
        let many = columns("a", "200 duplicate, 200 forwarded, 6 × 409 in_flight", "nothing");
        let (first, second) = many.split_once('\n').unwrap();
        assert_eq!(first, format!("{:<30} {:<32} nothing", "a", "200 duplicate, 200 forwarded,"));
        assert_eq!(second, format!("{:34}6 × 409 in_flight", ""));
        assert_eq!(columns("a", "200 forwarded", ""), format!("{:<30} 200 forwarded", "a"));
    }

    #[test]
    fn colours_take_no_room() {
        let words = [(GOOD, "x".repeat(40)), (BAD, "y".repeat(39))];
        assert!(!wrapped(words, "", "  ").contains('\n'));
    }
}
