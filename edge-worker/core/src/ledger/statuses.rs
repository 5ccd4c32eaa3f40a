//! Which of the origin's answers an event is tried again after.

/// The least and the greatest status that can be in a set. 1xx and 2xx are no failures.
pub(crate) const RANGE: core::ops::RangeInclusive<u16> = 300..=599;

const WORDS: usize = 5;

/// A set of HTTP statuses from 300 to 599.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Statuses([u64; WORDS]);

impl Statuses {
    /// Reads a list such as `408, 429, 500-599`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut statuses = Self::default();
        for entry in text.split(',').map(str::trim) {
            let (first, last) = entry.split_once('-').unwrap_or((entry, entry));
            let (first, last) = (status(first.trim())?, status(last.trim())?);
            if first > last {
                return None;
            }
            (first..=last).for_each(|status| statuses.insert(status));
        }
        Some(statuses)
    }

    /// Whether an answer with this status is tried again.
    pub(crate) fn contains(&self, status: u16) -> bool {
        let Some((word, bit)) = place(status) else { return false };
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn insert(&mut self, status: u16) {
        let Some((word, bit)) = place(status) else { return };
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }
}

fn status(text: &str) -> Option<u16> {
    let is_number = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|status| is_number && RANGE.contains(status))
}

fn place(status: u16) -> Option<(usize, u64)> {
    let index = status.checked_sub(*RANGE.start())?;
    let (word, bit) = (usize::from(index / 64), u32::from(index % 64));
    Some((word, 1_u64.checked_shl(bit)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_statuses_and_ranges_are_read() {
        let statuses = Statuses::parse("408, 425,429 , 500-599").unwrap();
        let expected = |status| matches!(status, 408 | 425 | 429 | 500..=599);
        for status in 0..=u16::MAX {
            assert_eq!(statuses.contains(status), expected(status), "{status}");
        }
        let all = Statuses::parse("300-599").unwrap();
        assert!(RANGE.into_iter().all(|status| all.contains(status)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", ",", "408,", "200", "299", "600", "599-500", "5xx", "+408", "0408", "4 08"]
        {
            assert_eq!(Statuses::parse(text), None, "{text}");
        }
    }
}
