//! What a claim is shown on: a binary of this package, built in the profile `proof`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::Failure;

/// A binary to build, and how.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    /// The name of the binary.
    pub(crate) name: &'static str,
    /// The feature that it needs.
    pub(crate) feature: &'static str,
    /// Flags for every crate in it.
    pub(crate) rustflags: &'static str,
    /// What it changes of the profile, as environment variables.
    pub(crate) profile: &'static [(&'static str, &'static str)],
}

impl Subject {
    /// Runs `cargo build`, whose failure may be what is expected.
    pub(crate) fn build(self) -> Result<Output, Failure> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command
            .args(["build", "--quiet", "--profile", "proof", "--package", "nextapi-assurance"])
            .args(["--features", self.feature, "--bin", self.name])
            .env("RUSTFLAGS", self.rustflags)
            .envs(self.profile.iter().copied());
        Ok(command.output()?)
    }

    /// Where `cargo build` puts it: in the folder of its profile, beside the one of this program.
    pub(crate) fn path(self) -> Result<PathBuf, Failure> {
        let this = std::env::current_exe()?;
        let target = this.ancestors().nth(2).ok_or("no folder above this program's")?;
        Ok(target.join("proof").join(self.name))
    }
}

/// What a program wrote to its standard error.
pub(crate) fn messages(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
