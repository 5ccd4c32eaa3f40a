//! What is to happen, and when.

use std::collections::BTreeMap;

use crate::moment::Moment;

/// Things to come, in the order of their time; of one time, in the order in which they were set.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    set: BTreeMap<(Moment, u64), T>,
    count: u64,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self { set: BTreeMap::new(), count: 0 }
    }
}

impl<T> Timers<T> {
    pub(crate) fn set(&mut self, at: Moment, what: T) {
        self.set.insert((at, self.count), what);
        self.count = self.count.saturating_add(1);
    }

    /// When the next thing is to happen.
    pub(crate) fn next(&self) -> Option<Moment> {
        self.set.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the earliest thing that should have happened by `now`.
    pub(crate) fn pop_due(&mut self, now: Moment) -> Option<(Moment, T)> {
        let first = self.set.first_entry().filter(|first| first.key().0 <= now)?;
        let at = first.key().0;
        Some((at, first.remove()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_time_then_by_order() {
        let at = Moment::from_millis;
        let mut timers = Timers::default();
        for (time, what) in [(5, "c"), (1, "a"), (5, "d"), (4, "b"), (9, "e")] {
            timers.set(at(time), what);
        }
        assert_eq!(timers.next(), Some(at(1)));
        let due: Vec<_> = core::iter::from_fn(|| timers.pop_due(at(5))).collect();
        assert_eq!(due, [(at(1), "a"), (at(4), "b"), (at(5), "c"), (at(5), "d")]);
        assert_eq!(timers.next(), Some(at(9)));
    }
}
