//! How long a process has kept a processor busy.

use core::time::Duration;
use std::fs;

use anyhow::Context as _;

/// Processor time of all threads of a process so far, from the kernel's scheduler statistics.
///
/// # Errors
/// If the process is gone, or the kernel has no such statistics.
pub(crate) fn of(process_id: u32) -> anyhow::Result<Duration> {
    let mut total = Duration::ZERO;
    let threads = fs::read_dir(format!("/proc/{process_id}/task"))
        .context("the process is gone, or this is not Linux")?;
    for thread in threads {
        let path = thread?.path().join("schedstat");
        // A thread may end between the two calls.
        let Ok(text) = fs::read_to_string(path) else { continue };
        let nanoseconds = text.split(' ').next().unwrap_or_default();
        let nanoseconds = nanoseconds.parse().context("no scheduler statistics")?;
        total = total.saturating_add(Duration::from_nanos(nanoseconds));
    }
    Ok(total)
}
