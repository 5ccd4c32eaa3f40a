//! `benches/RESULTS.md`, of which every command replaces only its own section.
//!
//! A section stands between `<!-- begin NAME -->` and `<!-- end NAME -->`, each on a line of its own.

use core::fmt;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The file of results.
#[derive(Clone, Debug)]
pub struct Results {
    path: PathBuf,
}

/// Why a section could not be replaced. The file is then as it was.
#[derive(Debug)]
#[non_exhaustive]
pub enum ResultsError {
    /// The file has no such section, or not exactly one.
    Section {
        /// The section's name.
        name: String,
    },
    /// The text has a line that looks like a marker itself.
    Marker,
    /// The file could not be read or written.
    File {
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

impl fmt::Display for ResultsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section { name } => {
                write!(
                    f,
                    "RESULTS.md needs one `{}` and, after it, one `{}`",
                    begin(name),
                    end(name)
                )
            }
            Self::Marker => f.write_str("the text has a line that begins or ends a section"),
            Self::File { path, cause } => write!(f, "{}: {cause}", path.display()),
        }
    }
}

impl core::error::Error for ResultsError {}

impl Results {
    /// The file of this checkout.
    #[must_use]
    pub fn of_checkout() -> Self {
        Self { path: Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md") }
    }

    /// Replaces what stands in a section.
    ///
    /// # Errors
    /// Any variant of [`ResultsError`].
    pub fn replace(&self, name: &str, text: &str) -> Result<(), ResultsError> {
        let failed = |cause| ResultsError::File { path: self.path.clone(), cause };
        let document = fs::read_to_string(&self.path).map_err(failed)?;
        fs::write(&self.path, replaced(&document, name, text)?).map_err(failed)
    }
}

fn begin(name: &str) -> String {
    format!("<!-- begin {name} -->")
}

fn end(name: &str) -> String {
    format!("<!-- end {name} -->")
}

fn is_marker(line: &str) -> bool {
    line.starts_with("<!-- begin ") || line.starts_with("<!-- end ")
}

/// The document with another text in the section.
fn replaced(document: &str, name: &str, text: &str) -> Result<String, ResultsError> {
    if text.lines().any(is_marker) {
        return Err(ResultsError::Marker);
    }
    let (begin, end) = (begin(name), end(name));
    let positions = |marker: &str| {
        let mut found = document.lines().enumerate().filter(|(_, line)| *line == marker);
        let first = found.next().map(|(at, _)| at);
        first.filter(|_| found.next().is_none())
    };
    let (Some(from), Some(to)) = (positions(&begin), positions(&end)) else {
        return Err(ResultsError::Section { name: name.to_owned() });
    };
    if to < from {
        return Err(ResultsError::Section { name: name.to_owned() });
    }
    let before = document.lines().take(from);
    let after = document.lines().skip(to.saturating_add(1));
    let section = [begin.as_str(), "", text.trim(), "", end.as_str()];
    let lines: Vec<&str> = before.chain(section).chain(after).collect();
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# Results\n\n<!-- begin native -->\nold\n<!-- end native -->\n\n## WASM\n\n<!-- begin wasm -->\n<!-- end wasm -->\n";

    #[test]
    fn only_the_named_section_changes() {
        let once = replaced(DOCUMENT, "wasm", "new\n").unwrap();
        assert_eq!(
            once,
            DOCUMENT.replace("<!-- begin wasm -->\n", "<!-- begin wasm -->\n\nnew\n\n")
        );
        assert_eq!(replaced(&once, "wasm", "new").unwrap(), once, "the same again changes nothing");
        let both = replaced(&once, "native", "other").unwrap();
        assert!(both.contains("new") && both.contains("other") && !both.contains("old"), "{both}");
    }

    #[test]
    fn a_section_must_be_there_once_and_in_order() {
        let section = |document: &str, name| {
            matches!(replaced(document, name, ""), Err(ResultsError::Section { .. }))
        };
        assert!(section(DOCUMENT, "edge"));
        assert!(section("<!-- end a -->\n<!-- begin a -->\n", "a"));
        assert!(section("<!-- begin a -->\n<!-- begin a -->\n<!-- end a -->\n", "a"));
        assert!(section("<!-- begin a -->\n", "a"));
    }

    #[test]
    fn a_text_cannot_open_or_close_sections() {
        let text = "x\n<!-- end native -->\n";
        assert!(matches!(replaced(DOCUMENT, "native", text), Err(ResultsError::Marker)));
    }

    #[test]
    fn the_file_of_this_checkout_has_every_section_that_is_written() {
        let document = fs::read_to_string(Results::of_checkout().path).unwrap();
        for name in ["native-ratios", "native-growth", "wasm", "edge", "ledger", "embedded"] {
            assert!(replaced(&document, name, "").is_ok(), "{name}");
        }
    }
}
