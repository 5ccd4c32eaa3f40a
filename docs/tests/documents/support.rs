//! What the tests of the documents share.

use core::fmt::Write as _;
use core::time::Duration;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use tempfile::TempDir;

/// Longer than anything that is waited for takes on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// The folder of the whole project.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The code block of a document that follows this line.
pub(crate) fn block(document: &str, marker: &str) -> String {
    let text = fs::read_to_string(project().join(document)).unwrap();
    let (_, rest) = text.split_once(&format!("{marker}\n")).unwrap_or_else(|| {
        panic!("{document} has no line {marker:?}");
    });
    let rest = rest.strip_prefix("```").expect("a code block follows the marker");
    let (_, rest) = rest.split_once('\n').unwrap();
    let (block, _) = rest.split_once("```").expect("the block has an end");
    block.to_owned()
}

/// The project as somebody has it who has just built it, in a folder of its own: with the same files, and
/// without the settings and the data of whoever works here.
pub(crate) fn checkout() -> TempDir {
    const OWN: [&str; 2] = [".dev.vars", ".wrangler"];
    let checkout = tempfile::tempdir().unwrap();
    let link_all = |from: &Path, to: &Path| {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            if !OWN.iter().any(|name| entry.file_name() == *name) {
                symlink(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    };
    link_all(&project(), checkout.path());
    let edge = checkout.path().join("edge-worker");
    fs::remove_file(&edge).unwrap();
    fs::create_dir(&edge).unwrap();
    link_all(&project().join("edge-worker"), &edge);
    checkout
}

/// Takes away what an outer `make` hands down, and what a user may have exported.
pub(crate) fn as_typed(command: &mut Command) {
    for name in ["MAKEFLAGS", "MAKELEVEL", "MFLAGS", "NEXTAPI_WEBHOOK_SECRET", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
}

/// A program that serves, with all that it has started, until it is dropped.
pub(crate) struct Serving {
    child: Child,
    lines: Receiver<String>,
    /// What it has printed so far.
    printed: String,
}

impl Serving {
    /// Starts it, and reads what it prints until a line has this in it.
    #[track_caller]
    pub(crate) fn start(command: &mut Command, ready: &str) -> Self {
        let mut child = command
            // A group of its own, so that it can be ended with all that it has started.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let errors = sender.clone();
        thread::spawn(move || {
            BufReader::new(stdout)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        thread::spawn(move || {
            BufReader::new(stderr)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| errors.send(line))
        });
        let mut serving = Self { child, lines, printed: String::new() };
        serving.wait_for(ready);
        serving
    }

    /// Waits for a line with this in it, and returns the line.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, wanted: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(SOON) else {
                panic!("no line with {wanted:?}; it printed:\n{}", self.printed);
            };
            writeln!(self.printed, "{line}").unwrap();
            if line.contains(wanted) {
                return line;
            }
        }
    }

    /// What it has printed so far.
    pub(crate) fn printed(&self) -> &str {
        &self.printed
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}
