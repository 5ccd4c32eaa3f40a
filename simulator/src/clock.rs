//! The simulator's clock, which tests move.

use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use nextapi_webhook::UnixTime;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::moment::Moment;

/// The clock of a [`Simulator`](crate::Simulator): every time that it tells or decides by is this
/// clock's. Those are the `Date` header, the times in jobs, in events and their signatures, and in
/// the delivery log; when jobs go on, deliveries are retried and held answers go out; the 24 hours
/// of idempotency keys and the minutes of rate limits. Clones are the same clock.
///
/// It starts at the machine's time or at another one, runs or stands, and never goes backwards. A
/// receiver that goes by another clock refuses signatures from one that is minutes away.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Its time at the start.
    origin: Moment,
    /// When that was; `None` for a clock that stands.
    started: Option<Instant>,
    /// By how much it was moved since.
    moved: watch::Sender<Duration>,
}

impl Clock {
    /// The machine's time. A later change of the machine's time does not move it.
    #[must_use]
    pub fn system() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self::new(Moment::from_millis(0).after(since.unwrap_or_default()), Some(Instant::now()))
    }

    /// A clock that starts at `time` and runs.
    #[must_use]
    pub fn running_from(time: UnixTime) -> Self {
        Self::new(Moment::from_unix_time(time), Some(Instant::now()))
    }

    /// A clock that stands at `time`: it goes on only when it is moved.
    #[must_use]
    pub fn standing_at(time: UnixTime) -> Self {
        Self::new(Moment::from_unix_time(time), None)
    }

    fn new(origin: Moment, started: Option<Instant>) -> Self {
        Self(Arc::new(Inner { origin, started, moved: watch::Sender::new(Duration::ZERO) }))
    }

    /// Moves it forward. What becomes due by that happens now, each thing as of its own time.
    pub fn advance(&self, by: Duration) {
        self.0.moved.send_modify(|moved| *moved = moved.saturating_add(by));
    }

    /// Its time.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.moment().as_unix_time()
    }

    pub(crate) fn moment(&self) -> Moment {
        let ran = self.0.started.map(|started| started.elapsed()).unwrap_or_default();
        self.0.origin.after(ran.saturating_add(*self.0.moved.borrow()))
    }

    /// Waits until it shows this moment.
    pub(crate) async fn wait_until(&self, moment: Moment) {
        let mut moved = self.0.moved.subscribe();
        loop {
            // Seen before the clock is read, so that no move is missed.
            moved.mark_unchanged();
            let now = self.moment();
            if now >= moment {
                return;
            }
            let due = async {
                match self.0.started {
                    Some(_) => tokio::time::sleep(moment.since(now)).await,
                    None => core::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                // The sender lives as long as `self`.
                _ = moved.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_millis(1_700_000_000_000);

    fn standing() -> Clock {
        Clock::standing_at(START.as_unix_time())
    }

    #[test]
    fn it_stands_until_it_is_moved() {
        let clock = standing();
        let other = clock.clone();
        assert_eq!((clock.moment(), clock.now()), (START, START.as_unix_time()));
        other.advance(Duration::from_hours(24));
        assert_eq!(clock.moment(), START.after(Duration::from_hours(24)));
        other.advance(Duration::MAX);
        assert_eq!(clock.moment(), Moment::from_millis(u64::MAX), "the end of time");
    }

    #[tokio::test]
    async fn a_running_clock_runs_and_can_be_moved() {
        let clock = Clock::running_from(START.as_unix_time());
        clock.wait_until(START.after(Duration::from_millis(20))).await;
        assert!(clock.moment() >= START.after(Duration::from_millis(20)));
        clock.advance(Duration::from_hours(1));
        assert!(clock.moment() >= START.after(Duration::from_hours(1)));
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_the_move_that_is_enough() {
        for clock in [standing(), Clock::running_from(START.as_unix_time())] {
            let (due, waiting) = (START.after(Duration::from_hours(2)), clock.clone());
            let waiting = tokio::spawn(async move { waiting.wait_until(due).await });
            for _ in 0..2 {
                tokio::task::yield_now().await;
                assert!(!waiting.is_finished());
                clock.advance(Duration::from_hours(1));
            }
            let woken = tokio::time::timeout(Duration::from_secs(10), waiting);
            woken.await.expect("nobody woke it").unwrap();
        }
    }
}
