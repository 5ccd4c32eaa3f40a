//! What several tests need.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nextapi_hook::{LocalEdge, Origin};
use tempfile::TempDir;

pub(crate) const SECRET: &str = "whsec_canary_7f3a";

/// The built command, with a secret in its environment and no colours.
pub(crate) fn hook() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nextapi-hook"));
    command.env("NEXTAPI_WEBHOOK_SECRET", SECRET).env_remove("CLICOLOR_FORCE");
    command
}

/// Exit status, standard output and standard error. No output ever shows the secret.
pub(crate) fn outcome(output: Output) -> (i32, String, String) {
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stdout.contains(SECRET) && !stderr.contains(SECRET), "{stdout}\n{stderr}");
    (output.status.code().expect("ended by a signal"), stdout, stderr)
}

pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    outcome(command.output().unwrap())
}

/// Runs a command with this on its standard input.
pub(crate) fn with_input(command: &mut Command, input: &[u8]) -> (i32, String, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    outcome(child.wait_with_output().unwrap())
}

/// A folder like the edge worker's, with the reference edge in it and the engine that npm has
/// installed for the real one.
pub(crate) fn reference_edge(fault: &str) -> TempDir {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = here.join("tests/integration/reference_edge");
    let modules = here.join("../edge-worker/node_modules");
    assert!(modules.is_dir(), "run `npm ci` in the folder edge-worker first");

    let edge = tempfile::tempdir().unwrap();
    let settings = fs::read_to_string(source.join("wrangler.toml")).unwrap();
    let settings = settings.replace("FAULT = \"\"", &format!("FAULT = \"{fault}\""));
    fs::write(edge.path().join("wrangler.toml"), settings).unwrap();
    fs::create_dir(edge.path().join("build")).unwrap();
    fs::copy(source.join("index.js"), edge.path().join("build/index.js")).unwrap();
    symlink(modules, edge.path().join("node_modules")).unwrap();
    edge
}

/// Starts an edge from such a folder, in front of an origin.
pub(crate) async fn start_edge(folder: &TempDir, origin: &Origin) -> LocalEdge {
    LocalEdge::builder(folder.path())
        .setting("WEBHOOK_SECRETS", SECRET)
        .setting("EDGE_SIGNING_SECRET", "edge-secret")
        .setting("ORIGIN_URL", origin.url())
        .start()
        .await
        .unwrap()
}
