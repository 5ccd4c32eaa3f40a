//! How often each outcome has occurred.
//!
//! An isolate counts in memory. What it has counted goes along with a call that changes the ledger
//! anyway, at most once a second, so that counting costs no call of its own, and refused deliveries still
//! never cause one. What an isolate has not passed on when the platform ends it is not counted.

use serde::{Serialize, Serializer};

/// Counts by the code of an outcome, in alphabetical order. There are few, so a list will do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally(Vec<(String, u64)>);

impl Tally {
    /// A tally that has counted nothing.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Counts `code` once more.
    pub(crate) fn count(&mut self, code: &str) {
        self.add(code, 1);
    }

    /// Counts `code` `times` more.
    pub(crate) fn add(&mut self, code: &str, times: u64) {
        match self.0.binary_search_by(|(other, _)| other.as_str().cmp(code)) {
            Ok(index) => {
                if let Some((_, count)) = self.0.get_mut(index) {
                    *count = count.saturating_add(times);
                }
            }
            Err(index) => self.0.insert(index, (code.to_owned(), times)),
        }
    }

    /// How often `code` was counted.
    pub(crate) fn get(&self, code: &str) -> u64 {
        self.iter().find(|(other, _)| *other == code).map_or(0, |(_, times)| times)
    }

    /// Adds another tally to this one.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(code, times)| self.add(code, times));
    }

    /// Whether nothing was counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The codes in alphabetical order, each with its count.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(code, times)| (code.as_str(), *times))
    }

    /// The tally as text: `forwarded:2,in_flight:1`.
    pub(crate) fn encode(&self) -> String {
        let counts: Vec<_> = self.iter().map(|(code, times)| format!("{code}:{times}")).collect();
        counts.join(",")
    }

    /// The tally that a text stands for. Parts that are none are passed over: a count is not worth
    /// refusing the call that it came with.
    pub(crate) fn decode(text: &str) -> Self {
        let mut tally = Self::default();
        for (code, times) in text.split(',').filter_map(|part| part.split_once(':')) {
            let is_code = !code.is_empty()
                && code.len() <= LONGEST_CODE
                && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if let (true, Ok(times)) = (is_code, times.parse()) {
                tally.add(code, times);
            }
        }
        tally
    }
}

/// As an object, from code to count.
impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// No code is longer.
const LONGEST_CODE: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up() {
        let mut tally = Tally::default();
        assert!(tally.is_empty());
        tally.count("forwarded");
        tally.count("forwarded");
        tally.count("duplicate");
        assert_eq!((tally.get("forwarded"), tally.get("in_flight")), (2, 0));
        let mut sum = tally.clone();
        sum.merge(&tally);
        assert_eq!(tally.encode(), "duplicate:1,forwarded:2");
        assert_eq!(sum.encode(), "duplicate:2,forwarded:4");
        assert!(!sum.is_empty());
    }

    #[test]
    fn no_count_overflows() {
        let mut tally = Tally::default();
        tally.add("forwarded", u64::MAX);
        tally.count("forwarded");
        assert_eq!(tally.iter().next(), Some(("forwarded", u64::MAX)));
    }

    #[test]
    fn a_text_is_read_again() {
        for text in ["", "a:0", "duplicate:1,forwarded:2"] {
            assert_eq!(Tally::decode(text).encode(), text);
        }
    }

    #[test]
    fn what_is_no_count_is_passed_over() {
        let long = "x".repeat(41);
        for part in ["", "x", "x:", "x:-1", "X:1", "a b:1", "x:1:1", &format!("{long}:1")] {
            assert_eq!(Tally::decode(&format!("{part},forwarded:2")).encode(), "forwarded:2");
        }
    }
}
