//! What was, a minute at a time for two hours, and a quarter of an hour at a time for a day.

use serde::Serialize;

use super::rule::{MINUTE_MS, counted};
use crate::counts::Counts;
use crate::json::from_json;
use crate::ledger::credits::Credits;

/// So many figures of a minute are kept.
pub(super) const MOST_SAMPLES: usize = 120;
/// So many of a longer time.
pub(super) const MOST_LONG_SAMPLES: usize = 96;
/// That time, in milliseconds: a quarter of an hour.
pub(super) const LONG_STEP_MS: u64 = 15 * MINUTE_MS;

/// How far back figures of a minute go, and those of a longer time, in milliseconds: two hours, and a day.
const SPAN_MS: u64 = 120 * MINUTE_MS;
const LONG_SPAN_MS: u64 = 96 * LONG_STEP_MS;

/// How often a price is kept for comparison, in milliseconds: six hours.
const PRICE_STEP_MS: u64 = 6 * 60 * MINUTE_MS;
/// So many are kept: a week's.
const MOST_PRICES: usize = 28;
/// Older ones say nothing about what is usual, in milliseconds: a week.
const PRICES_SPAN_MS: u64 = 28 * PRICE_STEP_MS;
/// With fewer nobody can say what is usual: a day's.
const LEAST_PRICES: usize = 4;

/// What was counted since the sample before, and how things stood then. Of shards that did not answer nothing is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sample {
    /// When it was taken, in milliseconds since 1970.
    pub(super) at_ms: u64,
    /// What was counted, by name.
    pub(super) outcomes: Counts,
    /// Events that wait for an attempt.
    pub(super) waiting: u64,
    /// How long the one has waited that waits longest, in seconds.
    pub(super) oldest_waiting_seconds: Option<u64>,
    /// Dead letters.
    pub(super) dead: u64,
    /// Jobs that have not ended.
    pub(super) jobs_open: u64,
    /// Those of them whose deadline has passed.
    pub(super) jobs_overdue: u64,
    /// Whether all shards have answered.
    pub(super) is_complete: bool,
}

from_json!(Sample {
    at_ms = required,
    outcomes = required,
    waiting = required,
    oldest_waiting_seconds = or_default,
    dead = required,
    jobs_open = required,
    jobs_overdue = required,
    is_complete = required,
});

/// Samples and prices, each list the oldest first and bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct History {
    /// One a minute.
    pub(super) samples: Vec<Sample>,
    /// One a quarter of an hour.
    pub(super) long_samples: Vec<Sample>,
    /// What has come since the last one of these.
    growing: Counts,
    /// Whether all shards have answered since then.
    has_gap: bool,
    /// What jobs cost, each time with when that was.
    prices: Vec<(u64, Credits)>,
}

from_json!(History {
    samples = or_default,
    long_samples = or_default,
    growing = or_default,
    has_gap = or_default,
    prices = or_default,
});

impl History {
    /// Adds a sample.
    pub(super) fn push(&mut self, sample: Sample) {
        let now_ms = sample.at_ms;
        // What lies ahead is of a clock that was set back since; what is too old has outlived a pause of the watch.
        let is_within =
            |at_ms: u64, span_ms: u64| at_ms < now_ms && now_ms.saturating_sub(at_ms) < span_ms;
        self.samples.retain(|it| is_within(it.at_ms, SPAN_MS));
        self.long_samples.retain(|it| is_within(it.at_ms, LONG_SPAN_MS));
        self.growing.merge(&sample.outcomes);
        self.has_gap |= !sample.is_complete;
        let since_ms = self.long_samples.last().or(self.samples.first()).map(|it| it.at_ms);
        if since_ms.is_some_and(|since_ms| now_ms.saturating_sub(since_ms) >= LONG_STEP_MS) {
            let is_complete = !core::mem::take(&mut self.has_gap);
            let outcomes = core::mem::take(&mut self.growing);
            self.long_samples.push(Sample { outcomes, is_complete, ..sample.clone() });
            keep_last(&mut self.long_samples, MOST_LONG_SAMPLES);
        }
        self.samples.push(sample);
        keep_last(&mut self.samples, MOST_SAMPLES);
    }

    /// How often it was counted within the last while, as far as that is known.
    pub(super) fn count(&self, name: &str, window_ms: u64, now_ms: u64) -> u64 {
        let is_within = |sample: &&Sample| sample.at_ms.saturating_add(window_ms) > now_ms;
        let within = self.samples.iter().filter(is_within);
        within.map(|sample| counted(&sample.outcomes, name)).fold(0, u64::saturating_add)
    }

    /// Notes what jobs cost now, if the last time is long enough ago.
    pub(super) fn note_price(&mut self, price: Credits, now_ms: u64) {
        self.prices.retain(|(at_ms, _)| {
            *at_ms <= now_ms && now_ms.saturating_sub(*at_ms) < PRICES_SPAN_MS
        });
        let last_ms = self.prices.last().map(|(at_ms, _)| *at_ms);
        if last_ms.is_none_or(|last_ms| now_ms.saturating_sub(last_ms) >= PRICE_STEP_MS) {
            self.prices.push((now_ms, price));
            keep_last(&mut self.prices, MOST_PRICES);
        }
    }

    /// What was usual in the last week: the middle one of its prices. None if fewer than a day's are known.
    pub(super) fn usual_price(&self) -> Option<Credits> {
        if self.prices.len() < LEAST_PRICES {
            return None;
        }
        let mut prices: Vec<_> = self.prices.iter().map(|(_, price)| *price).collect();
        crate::merge::sort(&mut prices);
        prices.get(prices.len() / 2).copied()
    }
}

fn keep_last<T>(list: &mut Vec<T>, most: usize) {
    list.drain(..list.len().saturating_sub(most));
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "times of a test")]
mod tests {
    use super::*;
    use crate::json;

    fn sample(minute: u64, outcomes: &str) -> Sample {
        let at_ms = minute * MINUTE_MS;
        Sample { at_ms, outcomes: outcomes.into(), is_complete: true, ..Sample::default() }
    }

    #[test]
    fn it_is_bounded_and_read_as_it_was_written() {
        let mut history = History::default();
        for minute in 1..=3_000 {
            history.push(Sample { is_complete: minute % 40 > 0, ..sample(minute, "forwarded:2") });
            history.note_price(Credits::of_millionths(minute), minute * 10 * MINUTE_MS);
        }
        assert_eq!(history.samples.len(), MOST_SAMPLES);
        assert_eq!(history.long_samples.len(), MOST_LONG_SAMPLES);
        assert_eq!(history.prices.len(), MOST_PRICES);
        let last = history.long_samples.last().unwrap();
        assert_eq!(last.outcomes, "forwarded:30".into());
        let complete = history.long_samples.iter().filter(|it| it.is_complete).count();
        assert!((1..MOST_LONG_SAMPLES).contains(&complete), "{complete}");
        let text = serde_json::to_string(&history).unwrap();
        assert_eq!(json::read::<History>(&text).unwrap(), history);
        // What the platform keeps as one value has room for the counts of many shards beside it.
        assert!(text.len() < 100_000, "{} bytes", text.len());
    }

    #[test]
    fn long_samples_have_every_count_once() {
        let mut history = History::default();
        for minute in 1..=46 {
            history.push(sample(minute, "duplicate:1"));
        }
        let long: Vec<_> = history.long_samples.iter().map(|it| it.at_ms / MINUTE_MS).collect();
        assert_eq!(long, [16, 31, 46]);
        let counts: Vec<_> =
            history.long_samples.iter().map(|it| it.outcomes.get("duplicate")).collect();
        assert_eq!(counts, [16, 15, 15]);
    }

    #[test]
    fn a_count_looks_back_as_far_as_it_says() {
        let mut history = History::default();
        for minute in 1..=30 {
            history.push(sample(minute, "origin_failed:1,attempt_origin_failed:2,forwarded:9"));
        }
        let count =
            |minutes: u64| history.count("origin_failed", minutes * MINUTE_MS, 30 * MINUTE_MS);
        assert_eq!([1, 2, 10, 120].map(count), [3, 6, 30, 90]);
    }

    #[test]
    fn what_is_usual_takes_a_day_to_know() {
        let mut history = History::default();
        for (index, price) in [5, 1, 9].into_iter().enumerate() {
            let at_ms = PRICE_STEP_MS * (index as u64 + 1);
            history.note_price(Credits::of_millionths(price), at_ms);
            history.note_price(Credits::of_millionths(1_000), at_ms + PRICE_STEP_MS - 1);
        }
        assert_eq!(history.usual_price(), None);
        history.note_price(Credits::of_millionths(2), PRICE_STEP_MS * 4);
        assert_eq!(history.usual_price(), Some(Credits::of_millionths(5)));
    }

    #[test]
    fn a_clock_that_was_set_back_leaves_no_future() {
        let mut history = History::default();
        history.push(sample(50, "forwarded:1"));
        history.push(sample(10, "forwarded:2"));
        assert_eq!(history.samples.len(), 1);
        assert_eq!(history.count("forwarded", 10 * MINUTE_MS, 10 * MINUTE_MS), 2);
    }
}
