//! The events that came lately.

use std::collections::{HashMap, VecDeque};

use nextapi_webhook::EventKey;

/// How often each of the events came that were first seen lately. Its memory is bounded: keys are
/// hashed, as their length is the sender's choice, and beyond a number of events the one that was
/// first seen longest ago is forgotten.
pub(super) struct Recent {
    limit: usize,
    counts: HashMap<EventKey, u64>,
    /// In the order in which they were first seen.
    order: VecDeque<EventKey>,
}

impl Recent {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, counts: HashMap::new(), order: VecDeque::new() }
    }

    /// Counts an event, and gives how often it came before.
    pub(super) fn count(&mut self, key: &str) -> u64 {
        let key = EventKey::of_unverified(key.as_bytes());
        if let Some(count) = self.counts.get_mut(&key) {
            let before = *count;
            *count = before.saturating_add(1);
            return before;
        }
        if self.order.len() >= self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
        }
        self.order.push_back(key);
        self.counts.insert(key, 1);
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_was_first_seen_longest_ago_is_forgotten() {
        let mut recent = Recent::new(2);
        assert_eq!(["a", "a", "b", "a"].map(|key| recent.count(key)), [0, 1, 0, 2]);
        // Room for two: `c` takes the place of `a`, and `a` then that of `b`.
        assert_eq!(["c", "b", "a", "c", "b"].map(|key| recent.count(key)), [0, 1, 0, 1, 0]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut recent = Recent::new(100);
        for number in 0..10_000 {
            recent.count(&format!("event-{number}"));
        }
        assert_eq!((recent.counts.len(), recent.order.len()), (100, 100));
    }
}
