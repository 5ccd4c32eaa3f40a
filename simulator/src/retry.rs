//! When a delivery that failed is tried again.

use core::time::Duration;

use fastrand::Rng;

/// The documented waits before the first to the fifth retry.
const SCHEDULE: [Duration; 5] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(12),
];
/// A wait is up to this much shorter or longer than documented, so that retries of events that
/// failed together do not come together.
const JITTER: f64 = 0.1;

/// The documented retry schedule, in the time of a developer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RetrySchedule {
    scale: f64,
}

impl RetrySchedule {
    /// Every wait is multiplied by `scale`.
    pub(crate) const fn new(scale: f64) -> Self {
        Self { scale }
    }

    /// How long to wait after attempt number `attempt`, counted from 1, has failed; `None` if that
    /// was the last.
    pub(crate) fn wait_after(self, attempt: u32, random: &mut Rng) -> Option<Duration> {
        let index = usize::try_from(attempt.checked_sub(1)?).ok()?;
        let documented = SCHEDULE.get(index)?.as_secs_f64();
        let jitter = 1.0 + JITTER * (2.0 * random.f64() - 1.0);
        Some(Duration::try_from_secs_f64(documented * self.scale * jitter).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_retries_as_documented_give_or_take_a_tenth() {
        let mut random = Rng::with_seed(7);
        for scale in [1.0, 0.001, 0.0] {
            let schedule = RetrySchedule::new(scale);
            for (attempt, seconds) in
                [(1, 60.0), (2, 300.0), (3, 1800.0), (4, 7200.0), (5, 43200.0)]
            {
                for _ in 0..100 {
                    let wait = schedule.wait_after(attempt, &mut random).unwrap().as_secs_f64();
                    let (least, most) = (0.899 * seconds * scale, 1.101 * seconds * scale);
                    assert!((least..=most).contains(&wait), "{attempt}: {wait}");
                }
            }
            assert_eq!(schedule.wait_after(6, &mut random), None);
            assert_eq!(schedule.wait_after(0, &mut random), None);
        }
    }

    #[test]
    fn waits_differ() {
        let mut random = Rng::with_seed(7);
        let schedule = RetrySchedule::new(1.0);
        assert_ne!(schedule.wait_after(1, &mut random), schedule.wait_after(1, &mut random));
    }
}
