//! Many deliveries, at a chosen pace.

use core::future::Future;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use anyhow::Context as _;
use nextapi_testkit::{Deliverer, Delivery};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::LoadReport;

/// How many deliveries are sent, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many are sent.
    pub count: usize,
    /// How many are under way at the same moment, at most.
    pub concurrency: NonZeroUsize,
    /// How many begin in a second; without it, each begins as soon as another one has ended. A
    /// delivery's time then counts from the moment when it was due, so that waiting behind slow ones
    /// is not left out.
    pub rate: Option<f64>,
}

impl Load {
    /// Sends what `delivery` makes, which is called just before each is sent, with its number from
    /// 0. `progress` is told how many have ended, after each or after a few. When `stop` is ready nothing new begins, and what is
    /// under way is cut.
    ///
    /// # Errors
    /// If a delivery cannot be made. One that gets no answer is part of the report.
    pub async fn run(
        self,
        deliverer: &Deliverer,
        delivery: impl Fn(usize) -> anyhow::Result<Delivery> + Send + Sync + 'static,
        progress: impl Fn(usize),
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<LoadReport> {
        let shared = Arc::new(Shared {
            load: self,
            begin: Instant::now(),
            next: AtomicUsize::new(0),
            report: Mutex::default(),
            ended: Notify::new(),
        });
        let delivery = Arc::new(delivery);
        let mut workers = JoinSet::new();
        for _ in 0..self.concurrency.get().min(self.count) {
            let (shared, delivery) = (Arc::clone(&shared), Arc::clone(&delivery));
            let deliverer = deliverer.clone();
            workers.spawn(async move { shared.work(&deliverer, &*delivery).await });
        }
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = shared.ended.notified() => progress(shared.report.lock().await.count()),
                ended = workers.join_next() => match ended {
                    None => break,
                    Some(ended) => ended.context("a delivery was not finished")??,
                }
            }
        }
        workers.shutdown().await;
        let mut report = core::mem::take(&mut *shared.report.lock().await);
        report.finish(shared.begin.elapsed());
        Ok(report)
    }

    /// When the delivery of that number is due, counted from the beginning.
    fn due(self, number: usize) -> Option<Duration> {
        // Numbers beyond 2^53 are not reached, and the fraction of a second is what is wanted.
        #[expect(clippy::cast_precision_loss)]
        let seconds = number as f64 / self.rate?;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

struct Shared {
    load: Load,
    begin: Instant,
    /// The number of the next delivery.
    next: AtomicUsize,
    report: Mutex<LoadReport>,
    ended: Notify,
}

impl Shared {
    /// Sends one delivery after the other until all have been sent.
    async fn work(
        &self,
        deliverer: &Deliverer,
        delivery: &(impl Fn(usize) -> anyhow::Result<Delivery> + Sync),
    ) -> anyhow::Result<()> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.load.count {
                return Ok(());
            }
            let due = self.load.due(number).and_then(|due| self.begin.checked_add(due));
            if let Some(due) = due {
                sleep_until(due).await;
            }
            let began = due.unwrap_or_else(Instant::now);
            let answer = deliverer.send(&delivery(number)?).await;
            self.report.lock().await.add(answer.as_ref().ok(), began.elapsed());
            self.ended.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_due_at_the_chosen_rate() {
        let load = |rate| Load { count: 1, concurrency: NonZeroUsize::MIN, rate };
        assert_eq!(load(None).due(7), None);
        assert_eq!(load(Some(4.0)).due(0), Some(Duration::ZERO));
        assert_eq!(load(Some(4.0)).due(6), Some(Duration::from_millis(1500)));
        assert_eq!(load(Some(0.5)).due(3), Some(Duration::from_secs(6)));
    }
}
