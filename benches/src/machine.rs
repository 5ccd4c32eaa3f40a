//! Where and when something was measured.

use core::fmt;
use std::fs::read_to_string;
use std::process::Command;
use std::time::SystemTime;

/// Machine, compiler and moment of a measurement; a number without them says little.
#[derive(Clone, Debug)]
pub struct Machine {
    date: String,
    processor: String,
    cores: usize,
    compiler: String,
    load: String,
}

impl Machine {
    /// Looks at this machine. What cannot be found out is said to be unknown.
    #[must_use]
    pub fn here() -> Self {
        let unknown = || "unknown".to_owned();
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let version = Command::new("rustc").arg("--version").output();
        Self {
            date: now.replace('T', " ").replace('Z', " UTC"),
            processor: read_to_string("/proc/cpuinfo")
                .map_or_else(|_| unknown(), |text| processor(&text)),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            compiler: version
                .ok()
                .and_then(|output| String::from_utf8(output.stdout).ok())
                .map_or_else(unknown, |text| text.trim().to_owned()),
            load: read_to_string("/proc/loadavg")
                .ok()
                .and_then(|text| text.split(' ').next().map(str::to_owned))
                .unwrap_or_else(unknown),
        }
    }
}

/// The model, and whether it has instructions for SHA-256.
fn processor(cpuinfo: &str) -> String {
    let value = |field: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(field))?;
        line.split_once(": ").map(|(_, value)| value)
    };
    let model = value("model name").unwrap_or("unknown");
    let features = value("flags").or_else(|| value("Features")).unwrap_or_default();
    let sha = features.split(' ').any(|name| name == "sha_ni" || name == "sha2");
    format!("{model}, {} SHA-256 instructions", if sha { "with" } else { "without" })
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, processor, cores, compiler, load } = self;
        write!(f, "{date}; {processor}; {cores} cores, load {load} at the end; {compiler}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_model_and_the_instructions() {
        let text = "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu sha_ni avx\n";
        assert_eq!(processor(text), "Some CPU, with SHA-256 instructions");
        assert_eq!(processor("nothing"), "unknown, without SHA-256 instructions");
    }
}
