//! The origin of one contender: it answers 200 at once and knows which events it got.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use core::ops::Range;

use anyhow::ensure;
use nextapi_testkit::{Origin, Reply};

use crate::event;

/// An origin that counts how often it got each event.
pub(crate) struct CountingOrigin {
    origin: Origin,
    counts: Counts,
}

type Counts = Arc<Mutex<HashMap<Option<u64>, u32>>>;

impl CountingOrigin {
    /// Starts to listen on a free loopback port.
    ///
    /// # Errors
    /// If no port is free.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let origin = Origin::builder().record(false).start().await?;
        let counts = Counts::default();
        let counting = Arc::clone(&counts);
        origin.reply_with(move |received| {
            let mut counts = lock(&counting);
            let count = counts.entry(event::number(received.body())).or_default();
            *count = count.saturating_add(1);
            drop(counts);
            Reply::default()
        });
        Ok(Self { origin, counts })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        self.origin.url()
    }

    /// Makes sure that exactly the events of these numbers came, each of them once, since the last time.
    ///
    /// # Errors
    /// If it was not so.
    pub(crate) fn expect(&self, numbers: Range<u64>) -> anyhow::Result<()> {
        let counts = core::mem::take(&mut *lock(&self.counts));
        for number in numbers.clone() {
            let count = counts.get(&Some(number)).copied().unwrap_or(0);
            ensure!(count == 1, "the origin got the event {number} {count} times");
        }
        let wanted = numbers.end.saturating_sub(numbers.start);
        ensure!(
            u64::try_from(counts.len()).ok() == Some(wanted),
            "the origin got {} events, of which {wanted} were meant for it",
            counts.len()
        );
        Ok(())
    }
}

fn lock(counts: &Counts) -> MutexGuard<'_, HashMap<Option<u64>, u32>> {
    // No code that may panic runs while the lock is held.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
