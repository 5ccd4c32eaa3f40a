//! A file of settings, in the form of wrangler's `.dev.vars`.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use zeroize::Zeroizing;

/// Reads one `NAME=value` or `NAME="value"` a line. Empty lines and those that begin with `#` are
/// left out. Within quotation marks, single or double, everything counts, and in double ones `\n` is
/// a line feed.
///
/// The error names the line, and never what stands in it.
pub(super) fn parse(text: &str) -> anyhow::Result<BTreeMap<String, Zeroizing<String>>> {
    let mut settings = BTreeMap::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let malformed = || format!("line {number} is malformed: expected NAME=\"value\"");
        let (name, value) = line.split_once('=').with_context(malformed)?;
        let name = name.trim();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        ensure!(!name.is_empty() && name.bytes().all(is_name), malformed());
        let value = value.trim();
        let value = if let Some(rest) = value.strip_prefix('"') {
            rest.strip_suffix('"').with_context(malformed)?.replace("\\n", "\n")
        } else if let Some(rest) = value.strip_prefix('\'') {
            rest.strip_suffix('\'').with_context(malformed)?.to_owned()
        } else {
            value.split(" #").next().unwrap_or(value).trim_end().to_owned()
        };
        settings.insert(name.to_owned(), Zeroizing::new(value));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_line_is_read() {
        let text = "# a comment\n\nA=plain # why\n  B = \"quoted # all of it\"\r\nC='x\\n'\nD=\"x\\n\"\n\
                    E=a=b\nF=\n";
        let settings = parse(text).unwrap();
        let expected = [
            ("A", "plain"),
            ("B", "quoted # all of it"),
            ("C", "x\\n"),
            ("D", "x\n"),
            ("E", "a=b"),
            ("F", ""),
        ];
        let found = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_malformed_is_named_by_its_line_and_not_shown() {
        for text in ["A=1\ncanary", "A=1\n=canary", "A=1\nB=\"canary", "A=1\ncan ary=1"] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains("line 2 is malformed"), "{error}");
            assert!(!error.contains("canary") && !error.contains("ary"), "{error}");
        }
    }
}
