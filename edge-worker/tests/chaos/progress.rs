//! Lines that say how far the run is.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;

/// Between two lines.
const PAUSE: Duration = Duration::from_secs(5);

/// Counts the events that have ended.
pub(crate) struct Progress {
    ended: AtomicUsize,
    of: usize,
}

impl Progress {
    pub(crate) const fn new(of: usize) -> Self {
        Self { ended: AtomicUsize::new(0), of }
    }

    pub(crate) fn add_one(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Prints a line now and then, until the future is dropped. `detail` adds what else is known.
    pub(crate) async fn print(&self, detail: impl Fn() -> String) {
        loop {
            tokio::time::sleep(PAUSE).await;
            let ended = self.ended.load(Ordering::Relaxed);
            println!("  {ended:>6} of {} events delivered; {}", self.of, detail());
        }
    }
}
