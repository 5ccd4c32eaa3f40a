//! Counts by name: deliveries by outcome, events by state.
//!
//! An isolate counts outcomes in memory. What it has counted goes along with a call that changes the
//! ledger anyway, at most twice a minute. If there is none for a while, it makes one for what was counted: so
//! refused deliveries are counted as well, and a flood of them costs three calls a minute and isolate at most. What
//! an isolate has not reported when the platform ends it is not counted.

use serde::{Serialize, Serializer};

use crate::json::{FromJson, Object};

/// Counts by name, in alphabetical order. There are few, so a list will do.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Counts(Vec<(String, u64)>);

/// No name is longer, in bytes.
const LONGEST_NAME: usize = 40;

impl Counts {
    /// Nothing counted.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// `name`, counted once.
    pub(crate) fn of(name: &str) -> Self {
        let mut counts = Self::new();
        counts.count(name);
        counts
    }

    /// Counts `name` once more.
    pub(crate) fn count(&mut self, name: &str) {
        self.add(name, 1);
    }

    /// Counts `name` `times` more, up to the largest number there is.
    pub(crate) fn add(&mut self, name: &str, times: u64) {
        match self.0.binary_search_by(|(other, _)| other.as_str().cmp(name)) {
            Ok(index) => {
                if let Some((_, count)) = self.0.get_mut(index) {
                    *count = count.saturating_add(times);
                }
            }
            Err(index) => self.0.insert(index, (name.to_owned(), times)),
        }
    }

    /// How often `name` was counted.
    pub(crate) fn get(&self, name: &str) -> u64 {
        self.iter().find(|(other, _)| *other == name).map_or(0, |(_, times)| times)
    }

    /// Adds other counts to these.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(name, times)| self.add(name, times));
    }

    /// Whether nothing was counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names in alphabetical order, each with its count.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, times)| (name.as_str(), *times))
    }
}

/// As an object, from name to count.
impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// Names that none of ours could be are left out: a count is not worth refusing the call that it came
/// with.
impl FromJson for Counts {
    fn from_json(raw: &str) -> Option<Self> {
        let mut counts = Self::new();
        for (name, times) in Object::read(raw)?.iter() {
            let times = u64::from_json(times)?;
            let is_name = (1..=LONGEST_NAME).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if is_name {
                counts.add(name, times);
            }
        }
        Some(counts)
    }
}

/// `name:count` pairs with commas between, for tests.
#[cfg(test)]
impl From<&str> for Counts {
    fn from(text: &str) -> Self {
        let mut counts = Self::new();
        for (name, times) in text.split(',').filter_map(|pair| pair.split_once(':')) {
            counts.add(name, times.parse().unwrap());
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn counts_add_up() {
        let mut counts = Counts::default();
        assert!(counts.is_empty());
        counts.count("forwarded");
        counts.count("forwarded");
        counts.count("duplicate");
        assert_eq!((counts.get("forwarded"), counts.get("in_flight")), (2, 0));
        let mut sum = counts.clone();
        sum.merge(&counts);
        assert_eq!(counts, Counts::from("duplicate:1,forwarded:2"));
        assert_eq!(sum, Counts::from("duplicate:2,forwarded:4"));
        assert!(!sum.is_empty());
    }

    #[test]
    fn no_count_overflows() {
        let mut counts = Counts::default();
        counts.add("forwarded", u64::MAX);
        counts.count("forwarded");
        assert_eq!(counts.iter().next(), Some(("forwarded", u64::MAX)));
    }

    #[test]
    fn json_is_read_again() {
        for text in ["", "a:0", "duplicate:1,forwarded:2"] {
            let json = serde_json::to_string(&Counts::from(text)).unwrap();
            assert_eq!(json::read::<Counts>(&json).unwrap(), Counts::from(text));
        }
    }

    #[test]
    fn names_that_are_none_are_left_out() {
        let long = "x".repeat(41);
        for name in ["", "X", "a b", "x:1", "x\\n", &long] {
            let json = format!(r#"{{"{name}":1,"forwarded":2}}"#);
            let counts: Counts = json::read(&json).unwrap();
            assert_eq!(counts, Counts::from("forwarded:2"), "{name}");
        }
    }
}
