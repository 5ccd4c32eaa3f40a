//! How many requests are sent in a minute.

use serde::Serialize;

use crate::json::FromJson;

/// A minute, in milliseconds.
const MINUTE_MS: u64 = 60_000;
/// So many parts of a minute have their share each: otherwise a burst at its beginning would leave nothing for what is
/// more urgent a while later.
const PARTS: u32 = 6;
/// One of them, in milliseconds.
const PART_MS: u64 = 10_000;

/// When the requests of the last minute were sent or reserved, in milliseconds since 1970: so that no minute,
/// wherever it begins, has more than are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Budget(Vec<u64>);

impl FromJson for Budget {
    fn from_json(raw: &str) -> Option<Self> {
        FromJson::from_json(raw).map(Self)
    }
}

impl Budget {
    /// Reserves up to `wanted` of at most `most` requests a minute, and gives how many. If there is none, gives when
    /// there is one again.
    pub(super) fn reserve(&mut self, wanted: u32, most: u32, now_ms: u64) -> Result<u32, u64> {
        for sent_ms in &mut self.0 {
            // What lies ahead is of a clock that was set back since.
            *sent_ms = now_ms.min(*sent_ms);
        }
        self.0.retain(|sent_ms| sent_ms.saturating_add(MINUTE_MS) > now_ms);
        let left = |most: u32, within_ms: u64| {
            let is_within = |sent_ms: &&u64| sent_ms.saturating_add(within_ms) > now_ms;
            let sent = u32::try_from(self.0.iter().filter(is_within).count()).unwrap_or(u32::MAX);
            most.saturating_sub(sent)
        };
        let (of_minute, of_part) = (left(most, MINUTE_MS), left(most.div_ceil(PARTS), PART_MS));
        let granted = of_minute.min(of_part).min(wanted);
        if granted > 0 {
            self.0.extend((0..granted).map(|_| now_ms));
            return Ok(granted);
        }
        let within_ms = if of_minute == 0 { MINUTE_MS } else { PART_MS };
        let is_within = |sent_ms: &u64| sent_ms.saturating_add(within_ms) > now_ms;
        let oldest_ms = self.0.iter().copied().filter(is_within).min().unwrap_or(now_ms);
        Err(oldest_ms.saturating_add(within_ms))
    }

    /// The requests that were reserved last may have been sent at any time up to now.
    pub(super) fn cut_off(&mut self, reserved: u32, now_ms: u64) {
        let reserved = usize::try_from(reserved).unwrap_or(usize::MAX);
        self.0.iter_mut().rev().take(reserved).for_each(|sent_ms| *sent_ms = now_ms);
    }

    /// Gives back what was reserved last and not used.
    pub(super) fn give_back(&mut self, unused: u32) {
        let left = self.0.len().saturating_sub(usize::try_from(unused).unwrap_or(usize::MAX));
        self.0.truncate(left);
    }

    /// A request is sent that was reserved a while ago: it counts from now on. `unused` were reserved with it.
    pub(super) fn sent(&mut self, unused: u32, now_ms: u64) {
        let last = usize::try_from(unused).ok().and_then(|unused| self.0.len().checked_sub(unused));
        if let Some(time_ms) = last.and_then(|last| self.0.get_mut(last)) {
            *time_ms = now_ms;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_has_more_than_are_allowed() {
        let mut budget = Budget::default();
        for now_ms in [1_000_000, 1_030_000, 1_049_000] {
            assert_eq!(budget.reserve(1, 3, now_ms), Ok(1), "{now_ms}");
        }
        assert_eq!(budget.reserve(5, 3, 1_059_999), Err(1_060_000));
        assert_eq!(budget.reserve(5, 3, 1_060_000), Ok(1));
        assert_eq!(budget.reserve(1, 3, 1_060_001), Err(1_090_000));
        assert_eq!(budget.reserve(2, 3, 5), Err(60_005), "the clock was set back");
        assert_eq!(budget.reserve(2, 3, 60_005), Ok(1));
    }

    #[test]
    fn a_burst_leaves_something_for_later() {
        let mut budget = Budget::default();
        assert_eq!(budget.reserve(20, 60, 1_000), Ok(10));
        assert_eq!(budget.reserve(20, 60, 10_999), Err(11_000));
        assert_eq!(budget.reserve(4, 60, 11_000), Ok(4));
        assert_eq!(budget.reserve(20, 60, 12_000), Ok(6));
        assert_eq!(budget.reserve(20, 60, 13_000), Err(21_000));
    }

    #[test]
    fn what_is_reserved_counts_when_it_is_sent() {
        let mut budget = Budget::default();
        assert_eq!(budget.reserve(20, 18, 1_000), Ok(3));
        budget.sent(3, 2_000);
        budget.sent(2, 3_000);
        budget.give_back(1);
        assert_eq!(budget.0, [2_000, 3_000]);
        budget.sent(7, 4_000);
        budget.give_back(7);
        assert_eq!(budget, Budget::default());
    }
}
