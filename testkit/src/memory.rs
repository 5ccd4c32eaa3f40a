//! How much memory a process takes.

use std::fs;

use anyhow::Context as _;

/// A process's memory, in bytes, as the kernel counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What is resident now.
    pub resident: u64,
    /// The most that was ever resident, since the process began.
    pub peak: u64,
}

impl Memory {
    /// The memory of a process.
    ///
    /// # Errors
    /// If there is no such process, or no `/proc`, which only Linux has.
    pub(crate) fn of(process: u32) -> anyhow::Result<Self> {
        let path = format!("/proc/{process}/status");
        let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        Self::parse(&status).with_context(|| format!("{path} has no VmRSS and VmHWM"))
    }

    fn parse(status: &str) -> Option<Self> {
        // `VmRSS:     5132 kB`, where kB means 1,024 bytes.
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kibibytes: u64 = line.strip_suffix("kB")?.trim().parse().ok()?;
            kibibytes.checked_mul(1024)
        };
        Some(Self { resident: field("VmRSS:")?, peak: field("VmHWM:")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kibibytes_become_bytes() {
        let status = "Name:\tworkerd\nVmHWM:\t    5136 kB\nVmRSS:\t    5132 kB\nThreads:\t9\n";
        let expected = Memory { resident: 5132 * 1024, peak: 5136 * 1024 };
        assert_eq!(Memory::parse(status), Some(expected));
        assert_eq!(Memory::parse("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn the_peak_outlives_what_was_given_back() {
        let process = std::process::id();
        let bytes = vec![1_u8; 64 * 1024 * 1024];
        let bytes_len = bytes.len() as u64;
        let before = Memory::of(process).unwrap();
        assert!(before.resident >= bytes_len, "{before:?}");
        drop(bytes);
        let after = Memory::of(process).unwrap();
        assert!(after.resident < before.resident, "{before:?} {after:?}");
        // The kernel counts each in its own time, so they agree to some hundred kilobytes only.
        assert!(after.peak >= bytes_len, "{before:?} {after:?}");
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(Memory::of(u32::MAX).unwrap_err().to_string().contains("/proc/4294967295/status"));
    }
}
