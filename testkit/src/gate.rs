//! A gate that holds replies back until a test opens it.

use std::sync::Arc;

use tokio::sync::watch;

/// A gate that is closed until it is opened, once and for all. Clones are the same gate.
///
/// It puts events in order without waiting for time to pass: let the origin hold its reply until
/// every duplicate has been answered, say.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Opens the gate for everybody who waits, and who will.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until the gate is open.
    pub async fn wait(&self) {
        // The sender lives as long as `self`, so this ends only when the gate opens.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
