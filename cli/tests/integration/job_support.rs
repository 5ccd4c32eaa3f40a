//! The command `job` beside a simulated provider.

use core::time::Duration;
use std::path::PathBuf;
use std::process::Command;

use nextapi_simulator::{ApiFaults, ApiKeys, Behaviour, Environment, Moderation, Simulator};
use nextapi_webhook::Key;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{hook, outcome};

pub(crate) const KEY: &str = "nxa_test_sk_canary_key";
pub(crate) const ROTATED: &str = "nxa_test_sk_canary_rotated";

pub(crate) struct Desk {
    pub(crate) simulator: Simulator,
    pub(crate) state: TempDir,
}

pub(crate) fn quick() -> Behaviour {
    Behaviour { job_duration: Duration::from_millis(300), ..Behaviour::default() }
}

pub(crate) fn faulty(api_faults: ApiFaults) -> Behaviour {
    Behaviour { api_faults, ..quick() }
}

impl Desk {
    pub(crate) async fn with(behaviour: Behaviour) -> Self {
        let keys = ApiKeys::parse(&format!("test:{KEY} test:{ROTATED}")).unwrap();
        // Nobody listens there: this is about the API.
        let simulator = Simulator::builder("http://127.0.0.1:9/", Key::new(b"whsec_x").unwrap())
            .behaviour(behaviour)
            .moderation(Moderation::refusing(["forbidden"]))
            .start(keys)
            .await
            .unwrap();
        Self { simulator, state: tempfile::tempdir().unwrap() }
    }

    /// `nextapi-hook job …` against the simulator, with a journal of its own.
    pub(crate) fn job(&self, arguments: &[&str]) -> Command {
        job_at(&self.api_url(), &self.state, arguments)
    }

    pub(crate) fn api_url(&self) -> String {
        format!("{}v1", self.simulator.url())
    }

    pub(crate) fn jobs(&self) -> u64 {
        self.simulator.books().of(Environment::Test).jobs
    }

    pub(crate) fn requests(&self) -> u64 {
        self.simulator.usage().iter().map(|usage| usage.requests).sum()
    }

    pub(crate) fn journal_files(&self) -> Vec<PathBuf> {
        let folder = self.state.path().join("nextapi-hook/jobs");
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

pub(crate) fn job_at(api_url: &str, state: &TempDir, arguments: &[&str]) -> Command {
    let mut command = hook();
    command.arg("job").args(arguments).args(["--api-url", api_url]);
    command.env("NEXTAPI_API_KEY", KEY).env("XDG_STATE_HOME", state.path());
    command.env_remove("SUBMIT_TOKEN");
    command
}

/// Exit status, standard output and standard error. Neither ever shows an API key or what was submitted.
#[track_caller]
pub(crate) fn told(command: &mut Command) -> (i32, String, String) {
    let (status, stdout, stderr) = outcome(command.output().unwrap());
    assert!(!stdout.contains("canary") && !stderr.contains("canary"), "{stdout}\n{stderr}");
    (status, stdout, stderr)
}

pub(crate) fn json_lines(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}
