//! Where the raw values of settings come from, and the list of what is wrong with them.

use core::fmt;
use core::ops::RangeInclusive;

use zeroize::Zeroizing;

/// One reason why the settings are refused: which setting, and what to do about it.
///
/// The text never repeats the value. A plain setting may hold a secret that was pasted into the
/// wrong place, and these texts are shown by `/healthz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The setting's name.
    pub(crate) setting: &'static str,
    /// What is wrong and what to do.
    pub(crate) text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.setting, self.text)
    }
}

/// A header value that must not be printed. Wiped when dropped.
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    /// The value itself: only for where it is used.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The raw settings, looked up by name, and the problems found so far.
///
/// Every reader returns something usable even when it has found a problem, so that all problems are
/// found in one pass; whoever reads must look at [`Source::problems`] before using any value.
pub(crate) struct Source<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
}

impl<'a> Source<'a> {
    /// Reads settings through `lookup`, which gives `None` for what is not set.
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// Notes that `setting` is refused.
    pub(crate) fn refuse(&mut self, setting: &'static str, text: impl Into<String>) {
        self.problems.push(Problem { setting, text: text.into() });
    }

    /// Everything that was refused, in the order in which it was found.
    pub(crate) fn problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Whether `setting` has been refused.
    pub(crate) fn is_refused(&self, setting: &str) -> bool {
        self.problems.iter().any(|problem| problem.setting == setting)
    }

    /// The text of a plain setting, or `None` if it is not set. Set but blank is refused: it is far
    /// more often a variable that was lost on the way than a wish for the default.
    pub(crate) fn text(&mut self, setting: &'static str) -> Option<String> {
        let value = (self.lookup)(setting)?;
        let trimmed = value.trim();
        if trimmed.is_empty() {
            self.refuse(setting, "is set but empty: give it a value, or remove it");
            return None;
        }
        Some(trimmed.to_owned())
    }

    /// A whole number within `range`, or `default` if it is not set.
    pub(crate) fn number(
        &mut self,
        setting: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> u64 {
        let Some(text) = self.text(setting) else { return default };
        // `parse` would accept a plus sign.
        let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits_only && range.contains(&number) => number,
            _ => {
                let (least, most) = (range.start(), range.end());
                let text = format!(
                    "is not a whole number from {least} to {most}: correct it, or remove it for \
                     the default of {default}"
                );
                self.refuse(setting, text);
                default
            }
        }
    }

    /// The text of a secret as it is, or `None` if it is not set or, which is refused, blank.
    pub(crate) fn secret(&mut self, setting: &'static str) -> Option<Zeroizing<String>> {
        let value = Zeroizing::new((self.lookup)(setting)?);
        if value.trim().is_empty() {
            self.refuse(setting, "is set but empty: set the secret, or delete it");
            return None;
        }
        Some(value)
    }

    /// A secret that is sent as the value of a header.
    pub(crate) fn secret_header(&mut self, setting: &'static str) -> Option<Secret> {
        let value = self.secret(setting)?;
        if value.trim().len() != value.len() {
            self.refuse(setting, "has white space at an end, probably a line feed: set it without");
            return None;
        }
        if !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            self.refuse(setting, "has characters that no header value may have: set it again");
            return None;
        }
        Some(Secret(value))
    }
}
