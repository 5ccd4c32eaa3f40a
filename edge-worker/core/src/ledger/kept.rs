//! Bytes of events that the origin has, kept for a while so that they can be replayed: `KEEP_BODIES_HOURS`.
//!
//! With 0, the default, the bytes of an event are gone at its commit. Otherwise the commit moves them, and the
//! headers with them, into a table of their own; a replay moves them back. So they are in one place at a time.
//! A reopening forgets them: the next delivery brings its own. So what is kept of an event that is done was kept at
//! its last transition.

use super::alarm;
use super::owed::Owed;
use super::policy::Policy;
use super::store::Store;

/// What is kept of an event, beside its body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kept {
    /// When the origin took the event, in milliseconds since 1970.
    pub(crate) kept_ms: u64,
    /// Headers and names that go along, as [`Head`](crate::forward::Head) writes them.
    pub(crate) head: String,
    /// The replay in which the origin took it, if it was one.
    pub(crate) replay: Option<String>,
}

/// Where a shard keeps them.
///
/// # Errors
/// As for [`Store`].
pub(crate) trait KeptStore {
    /// Copies the headers and the body of an owed event, which is about to be committed.
    fn keep(&mut self, job_id: Option<&str>, key: &str, kept: &Kept) -> Result<(), String>;

    /// What is kept of an event.
    fn kept(&self, key: &str) -> Result<Option<Kept>, String>;

    /// Writes the row of an event that becomes owed with the bytes that are kept, and which are kept no longer.
    fn restore(&mut self, key: &str, entry: &super::entry::Entry) -> Result<(), String>;

    /// Deletes what is kept of an event.
    fn forget_kept(&mut self, key: &str) -> Result<(), String>;

    /// How many bytes the bodies that are kept have.
    fn kept_bytes(&self) -> Result<u64, String>;

    /// Deletes at most `limit` of them, which were kept at `due_ms` or before, the oldest first; their number.
    fn delete_kept(&mut self, due_ms: u64, limit: u32) -> Result<u32, String>;

    /// When the oldest of them was kept.
    fn oldest_kept_ms(&self) -> Result<Option<u64>, String>;
}

/// Keeps the bytes of an event that is about to be committed, if the settings want it and there is room: owed
/// events come first, so kept ones have a quarter of what the shard may hold.
///
/// # Errors
/// The store's message.
pub(crate) fn keep(
    store: &mut impl Store,
    job_id: Option<&str>,
    key: &str,
    owed: &Owed,
    policy: &Policy,
    now_ms: u64,
) -> Result<(), String> {
    if policy.keep_bodies_ms == 0 {
        return Ok(());
    }
    let most = policy.most_bytes / 4;
    // The size of the database is known at once, and bounds what the bodies can have.
    if store.bytes()? > most && store.kept_bytes()? > most {
        return Ok(());
    }
    let kept = Kept { kept_ms: now_ms, head: owed.head.clone(), replay: owed.replay.clone() };
    store.keep(job_id, key, &kept)?;
    alarm::ensure(store, now_ms.saturating_add(policy.keep_bodies_ms), now_ms);
    Ok(())
}
