//! The lines that a child process has printed.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::watch;

/// Lines in the order in which they were read. Clones are the same lines.
#[derive(Clone, Default)]
pub(crate) struct LogLines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    lines: Mutex<Vec<String>>,
    /// How many lines there are; changes after the line is in `lines`.
    count: watch::Sender<usize>,
}

impl LogLines {
    /// Reads `stream` to its end and keeps every line that `claim` does not take.
    pub(crate) async fn collect(
        self,
        stream: impl AsyncRead + Unpin,
        mut claim: impl FnMut(&str) -> bool,
    ) {
        let mut stream = BufReader::new(stream);
        let mut bytes = Vec::new();
        // An error is the end: there is nobody left to read from.
        while matches!(stream.read_until(b'\n', &mut bytes).await, Ok(1..)) {
            let line = String::from_utf8_lossy(&bytes);
            let line = line.trim_end();
            if !claim(line) {
                self.push(line.to_owned());
            }
            bytes.clear();
        }
    }

    fn push(&self, line: String) {
        let mut lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
        self.0.count.send_replace(lines.len());
    }

    /// All lines so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.after(0)
    }

    /// All lines so far but the first `seen`.
    fn after(&self, seen: usize) -> Vec<String> {
        let lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.get(seen..).unwrap_or_default().to_vec()
    }

    /// The first line that `wanted` accepts, which may have to be waited for.
    pub(crate) async fn wait_for(
        &self,
        mut wanted: impl FnMut(&str) -> bool,
        timeout: Duration,
    ) -> anyhow::Result<String> {
        let mut count = self.0.count.subscribe();
        let search = async {
            let mut seen: usize = 0;
            loop {
                count.borrow_and_update();
                let lines = self.after(seen);
                seen = seen.saturating_add(lines.len());
                if let Some(line) = lines.into_iter().find(|line| wanted(line)) {
                    return line;
                }
                // The sender lives as long as `self`, so this waits for the next line.
                let _ = count.changed().await;
            }
        };
        match tokio::time::timeout(timeout, search).await {
            Ok(line) => Ok(line),
            Err(_) => bail!("no such line was printed in {timeout:?}"),
        }
    }
}
