//! What several tests need.

use core::time::Duration;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// Long enough for a busy machine; what is waited for comes at once.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) const SECRET: &str = "whsec_canary_7f3a";

/// The built command, with a secret in its environment and no colours.
pub(crate) fn hook() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nextapi-hook"));
    command.env("NEXTAPI_WEBHOOK_SECRET", SECRET).env_remove("CLICOLOR_FORCE");
    command
}

/// Every line fits a terminal of 80 columns.
#[track_caller]
pub(crate) fn assert_fits(printed: &str) {
    for line in printed.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
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

/// The documentation's example of a submission.
pub(crate) fn example() -> Value {
    json!({
        "model": "seedance-2.0-pro", "prompt": "a fox in the snow", "duration_seconds": 6,
        "resolution": "1080p",
    })
}
