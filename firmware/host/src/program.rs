//! The firmware's programs, and how they are built.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// The folder of the firmware: the one above this program's.
const FIRMWARE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A Cortex-M4, as on the board.
pub(crate) const CORTEX_M4: &str = "thumbv7em-none-eabihf";
/// A Cortex-M0, whose instructions every Cortex-M knows.
pub(crate) const CORTEX_M0: &str = "thumbv6m-none-eabi";

/// How SHA-256 is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// As a loop, for size.
    Compact,
    /// Unrolled, for speed: what `sha2` does unless told otherwise.
    Unrolled,
}

impl Hash {
    fn rustflags(self) -> &'static str {
        match self {
            Self::Compact => r#"--cfg sha2_backend_soft="compact""#,
            Self::Unrolled => "",
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Compact => "compact",
            Self::Unrolled => "unrolled",
        }
    }
}

/// A way of building the programs in Rust.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Build {
    pub(crate) target: &'static str,
    pub(crate) hash: Hash,
    /// With the firmware's own memory functions instead of the compiler's.
    pub(crate) small_memory_functions: bool,
}

impl Build {
    /// The example as it is meant to be built.
    pub(crate) const EXAMPLE: Self =
        Self { target: CORTEX_M4, hash: Hash::Compact, small_memory_functions: true };

    /// Builds a program. Gives the path of its ELF file, which the next build may overwrite.
    pub(crate) fn program(self, name: &str) -> Result<PathBuf, Failure> {
        // A folder for every way of hashing, so that not everything is built again each time.
        let folder = Path::new(FIRMWARE).join("target").join(self.hash.folder());
        let mut command = cargo();
        command
            .current_dir(FIRMWARE)
            .args(["build", "--quiet", "--locked", "--release", "--package", "nextapi-firmware"])
            .args(["--bin", name, "--target", self.target])
            .arg("--target-dir")
            .arg(&folder)
            .env("RUSTFLAGS", self.hash.rustflags());
        if !self.small_memory_functions {
            command.arg("--no-default-features");
        }
        succeed(&mut command)?;
        Ok(folder.join(self.target).join("release").join(name))
    }
}

/// Builds a program in C, which links the static library. Gives the path of its ELF file.
pub(crate) fn in_c(name: &str) -> Result<PathBuf, Failure> {
    let firmware = Path::new(FIRMWARE).canonicalize()?;
    let folder = firmware.join("target").join("c");
    // From the main workspace, as `make install` takes it.
    succeed(
        cargo()
            .current_dir(firmware.join(".."))
            .args(["rustc", "--quiet", "--locked", "--profile", "capi"])
            .args(["--package", "nextapi-webhook-c", "--features", "panic-handler"])
            .args(["--target", CORTEX_M4, "--crate-type", "staticlib"])
            .arg("--target-dir")
            .arg(&folder)
            .env("RUSTFLAGS", Hash::Compact.rustflags())
            .env("CARGO_PROFILE_CAPI_OPT_LEVEL", "z"),
    )?;
    let library = folder.join(CORTEX_M4).join("capi");
    let program = folder.join(name);
    succeed(
        Command::new("make")
            .current_dir(firmware.join("c"))
            .args(["--no-print-directory", "--silent"])
            .arg(format!("LIBRARY={}", library.display()))
            .arg(format!("OUT={}", folder.display()))
            .arg(program.as_os_str()),
    )?;
    Ok(program)
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
}
