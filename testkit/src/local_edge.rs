//! The built edge worker in the real engine, on this machine.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::log_lines::LogLines;
use crate::workerd::{self, CONFIG};
use crate::{LocalEdgeBuilder, Memory};

/// How long the engine may take until it listens. It needs a fraction of a second, except on a
/// machine that is very busy.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// The name of the socket in the configuration.
const SOCKET: &str = "http";

/// The edge worker, running in `workerd` on a loopback port: the engine that Cloudflare runs, with
/// SQLite-backed Durable Objects on local disk.
///
/// It is killed when it is dropped.
pub struct LocalEdge {
    engine: PathBuf,
    /// Holds the configuration and a copy of the bundle.
    files: TempDir,
    storage: Storage,
    environment: Vec<(String, Zeroizing<String>)>,
    port: u16,
    has_file_limits: bool,
    log: LogLines,
    running: Option<Running>,
}

struct Running {
    child: Child,
    readers: [JoinHandle<()>; 2],
}

/// Where the Durable Objects' data is.
pub(crate) enum Storage {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Storage {
    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(directory) => directory.path(),
        }
    }
}

impl LocalEdge {
    /// An edge from `edge_dir`, which has `wrangler.jsonc`, the bundle in `build/` and the engine in
    /// `node_modules/`. Nothing is downloaded.
    #[must_use]
    pub fn builder(edge_dir: &Path) -> LocalEdgeBuilder {
        LocalEdgeBuilder::new(edge_dir)
    }

    /// Starts `engine` with the configuration in `files`.
    pub(crate) async fn start(
        engine: PathBuf,
        files: TempDir,
        storage: Storage,
        environment: Vec<(String, Zeroizing<String>)>,
        port: u16,
        has_file_limits: bool,
    ) -> anyhow::Result<Self> {
        let log = LogLines::default();
        let running = None;
        let mut edge =
            Self { engine, files, storage, environment, port, has_file_limits, log, running };
        edge.spawn().await?;
        Ok(edge)
    }

    /// Where it listens: `http://127.0.0.1:<port>/`. The same after a restart.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The engine's process id, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.running.as_ref()?.child.id()
    }

    /// How much memory the engine takes.
    ///
    /// # Errors
    /// If it does not run, or this is not Linux.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        Memory::of(self.process_id().context("the engine does not run")?)
    }

    /// A setting's text, as the worker sees it. Nothing if it is not set, or is JSON.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        let variable = workerd::variable(name);
        let found = self.environment.iter().find(|(name, _)| *name == variable);
        found.map(|(_, text)| text.as_str())
    }

    /// Waits until the engine ends by itself, and gives `each` every line that it has printed and
    /// prints meanwhile.
    pub async fn follow(&mut self, mut each: impl FnMut(&str)) {
        let Some(running) = &mut self.running else { return };
        let log = self.log.clone();
        let following = log.wait_for(
            |line| {
                each(line);
                false
            },
            Duration::MAX,
        );
        tokio::select! {
            _ = following => {}
            _ = running.child.wait() => {}
        }
    }

    /// From now on the engine's files cannot be written beyond so many bytes, as on a disk that is full; without a
    /// number there is room again. Only for an edge [with file limits](LocalEdgeBuilder::with_file_limits).
    ///
    /// # Errors
    /// If it does not run, or `prlimit` of util-linux is not there or refuses.
    pub async fn limit_files(&self, bytes: Option<u64>) -> anyhow::Result<()> {
        let id = self.process_id().context("the engine does not run")?;
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        // The soft limit alone, which can be raised again.
        let mut command = Command::new("prlimit");
        command.arg(format!("--pid={id}")).arg(format!("--fsize={limit}:"));
        let status = command.status().await.context("cannot run prlimit")?;
        ensure!(status.success(), "prlimit has failed: {status}");
        Ok(())
    }

    /// Every line that the worker and the engine have printed so far, over all restarts.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        self.log.all()
    }

    /// The first line that `wanted` accepts, among those already printed or still to come.
    ///
    /// # Errors
    /// If there is none within `timeout`.
    pub async fn wait_for_log(
        &self,
        wanted: impl FnMut(&str) -> bool,
        timeout: Duration,
    ) -> anyhow::Result<String> {
        self.log.wait_for(wanted, timeout).await
    }

    /// Kills the engine (SIGKILL) as a crash would, and waits until it is gone.
    pub async fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            // It fails only if the engine is gone already.
            let _ = running.child.kill().await;
            for reader in running.readers {
                let _ = reader.await;
            }
        }
    }

    /// Kills the engine if it runs, and starts it again with the same settings, storage and port.
    ///
    /// # Errors
    /// If it does not start, in particular if another process has taken the port.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill().await;
        self.spawn().await
    }

    async fn spawn(&mut self) -> anyhow::Result<()> {
        let mut directory = std::ffi::OsString::from("--directory-path=storage=");
        directory.push(self.storage.path());
        let mut command = if self.has_file_limits {
            // Without this the signal that announces such an error would end it.
            let mut command = Command::new("env");
            command.arg("--ignore-signal=XFSZ").arg(&self.engine);
            command
        } else {
            Command::new(&self.engine)
        };
        let mut child = command
            .args(["serve", CONFIG, "config"])
            .arg(format!("--socket-addr={SOCKET}=127.0.0.1:{}", self.port))
            .arg(directory)
            // The engine then says on its standard output when it listens, and on which port.
            .arg("--control-fd=1")
            .current_dir(self.files.path())
            // Nothing else of the environment is the worker's business.
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value.as_str())))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {}", self.engine.display()))?;

        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            bail!("the engine has no output to read");
        };
        let first_line = self.log.all().len();
        let port = watch::Sender::new(None);
        let mut listening = port.subscribe();
        let readers = [
            tokio::spawn(self.log.clone().collect(stdout, move |line| {
                let listens = listen_port(line);
                if listens.is_some() {
                    port.send_replace(listens);
                }
                listens.is_some()
            })),
            tokio::spawn(self.log.clone().collect(stderr, |_| false)),
        ];
        self.running = Some(Running { child, readers });

        // The sender goes when the engine's output ends, so a crash is noticed at once.
        let listens = listening.wait_for(Option::is_some);
        let listens = tokio::time::timeout(START_TIMEOUT, listens).await;
        if let Ok(Ok(port)) = &listens
            && let Some(port) = **port
        {
            self.port = port;
            return Ok(());
        }
        let why = if listens.is_err() { "does not get ready" } else { "stopped while starting" };
        drop(listens);
        self.kill().await;
        let printed: Vec<_> = self.logs().into_iter().skip(first_line).collect();
        bail!("the engine {why}; it printed:\n{}", printed.join("\n"))
    }
}

/// The port, if the line is the engine's message that it listens.
fn listen_port(line: &str) -> Option<u16> {
    #[derive(Deserialize)]
    struct Message {
        event: String,
        socket: String,
        port: u16,
    }
    let message: Message = serde_json::from_str(line).ok()?;
    (message.event == "listen" && message.socket == SOCKET).then_some(message.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_engine_s_message_gives_a_port() {
        let message = r#"{"event":"listen","socket":"http","port":8787}"#;
        assert_eq!(listen_port(message), Some(8787));
        for line in ["", "{}", r#"{"event":"listen","socket":"other","port":1}"#, "port 8787"] {
            assert_eq!(listen_port(line), None, "{line}");
        }
    }
}
