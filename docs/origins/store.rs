//! A store for the tests: what it has stored it prints, and it fails when the key says so.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, PoisonError};

static STORED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Stores an event under its key, unless it is there.
///
/// # Errors
/// If the key is `fail`.
#[allow(clippy::unused_async, reason = "a real store waits for a database")]
pub(crate) async fn store(key: &str, body: &[u8]) -> io::Result<()> {
    if key == "fail" {
        return Err(io::Error::other("the store failed, as it was told to"));
    }
    let mut stored = STORED.lock().unwrap_or_else(PoisonError::into_inner);
    if stored.insert(key.to_owned()) {
        println!("stored {key} {}", body.len());
    }
    Ok(())
}
