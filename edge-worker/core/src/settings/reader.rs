//! Reads settings one by one, and collects what is wrong with them.

use core::fmt;
use core::ops::RangeInclusive;

use zeroize::Zeroizing;

use super::raw::{RawSettings, RawValue};

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

/// Reads the raw settings by name.
///
/// Every method returns something usable even when it has found a problem, so that all problems are
/// found in one pass; callers must look at [`Reader::problems`] before using any value.
pub(crate) struct Reader<'a> {
    raw: &'a RawSettings,
    /// Every setting that was asked for: all that there are.
    asked: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Reads these settings.
    pub(crate) fn new(raw: &'a RawSettings) -> Self {
        Self { raw, asked: Vec::new(), problems: Vec::new() }
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

    /// The names of all settings, once all were read.
    pub(crate) fn settings(&self) -> &[&'static str] {
        &self.asked
    }

    fn get(&mut self, setting: &'static str) -> Option<&'a RawValue> {
        self.asked.push(setting);
        self.raw.get(setting)
    }

    /// The text of a plain setting, or `None` if it is not set. Set but blank is refused: it is far
    /// more often a variable that was lost on the way than a wish for the default.
    pub(crate) fn text(&mut self, setting: &'static str) -> Option<String> {
        let value = match self.get(setting)? {
            RawValue::Text(text) => text.trim(),
            RawValue::Number(number) => number,
            RawValue::Other => {
                self.refuse(setting, "is neither a text nor a number: correct it");
                return None;
            }
        };
        if value.is_empty() {
            self.refuse(setting, "is set but empty: give it a value, or remove it");
            return None;
        }
        Some(value.to_owned())
    }

    /// A whole number within `range`, or `None` if it is not set.
    pub(crate) fn optional_number(
        &mut self,
        setting: &'static str,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let text = self.text(setting)?;
        let number = whole_number(&text).filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = (range.start(), range.end());
            let text =
                format!("is not a whole number from {least} to {most}: correct it, or remove it");
            self.refuse(setting, text);
        }
        number
    }

    /// A whole number within `range`, or `default` if it is not set.
    pub(crate) fn number(
        &mut self,
        setting: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> u64 {
        let Some(text) = self.text(setting) else { return default };
        match whole_number(&text) {
            Some(number) if range.contains(&number) => number,
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

    /// The text of a secret as it is, or `None` if it is not set or, which is refused, blank or not a
    /// text. What is not a text has no bytes of its own: made into a text it would be one that anybody
    /// can guess, such as `{}` or `null`.
    pub(crate) fn secret(&mut self, setting: &'static str) -> Option<Zeroizing<String>> {
        match self.get(setting)? {
            RawValue::Text(text) if text.trim().is_empty() => {
                self.refuse(setting, "is set but empty: set the secret, or delete it");
                None
            }
            RawValue::Text(text) => Some(text.clone()),
            RawValue::Number(_) | RawValue::Other => {
                self.refuse(
                    setting,
                    "is not a text: set it with `wrangler secret put`; a JSON variable or a binding \
                     such as one to a Secrets Store cannot be a secret here",
                );
                None
            }
        }
    }

    /// The secrets of `WEBHOOK_SECRETS`, as far as they can be read, to compare others with them.
    pub(crate) fn webhook_secrets(&self) -> impl Iterator<Item = &str> {
        self.raw.webhook_secrets()
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

fn whole_number(text: &str) -> Option<u64> {
    // `parse` would accept a plus sign.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}
