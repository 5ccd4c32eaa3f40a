//! The claim that no branch and no address depends on a secret, except where the verdict is released.

use std::process::Command;

use crate::Failure;
use crate::subject::{Subject, messages};

/// What memcheck makes the subject exit with if it reports anything.
const REPORTED: i32 = 99;
/// The planted leaks: a name for the subject, and the function to be reported.
const PLANTED: [&str; 2] = ["planted_early_exit", "planted_table_index"];

const FAST: Subject = Subject { name: "secrets", feature: "memcheck", rustflags: "", profile: &[] };

const SMALL: Subject = Subject {
    rustflags: r#"--cfg sha2_backend_soft="compact""#,
    profile: &[("CARGO_PROFILE_PROOF_OPT_LEVEL", "s")],
    ..FAST
};

pub(crate) fn show() -> Result<(), Failure> {
    println!("Claim: no branch and no address depends on a secret (valgrind's memcheck).");
    // Valgrind has no SHA extensions and tells programs so: sha2 takes its portable code, which is
    // what processors without them run.
    show_on(FAST, "portable SHA-256, for speed")?;
    show_on(SMALL, "compact SHA-256, for size")
}

fn show_on(subject: Subject, title: &str) -> Result<(), Failure> {
    let version = Command::new("valgrind").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        return Err("valgrind is missing; on Debian: apt-get install valgrind".into());
    }
    let built = subject.build()?;
    if !built.status.success() {
        return Err(messages(&built).into());
    }

    let (code, report) = memcheck(subject, "verifier")?;
    if code != Some(0) {
        return Err(format!("{title}: memcheck reports\n{report}").into());
    }
    let released = released(&report);
    if released == 0 {
        return Err(format!("{title}: no secret reached the verdict\n{report}").into());
    }
    println!("  {title}: nothing but the verdict's release ({released} times)");

    for planted in PLANTED {
        let (code, report) = memcheck(subject, planted)?;
        if code != Some(REPORTED) || !report.contains(&format!("secrets::{planted}")) {
            return Err(format!("{title}: {planted} was not reported\n{report}").into());
        }
        println!("  {title}: {planted} was reported");
    }
    Ok(())
}

/// Runs a part of the subject. Gives its exit code and memcheck's report.
fn memcheck(subject: Subject, part: &str) -> Result<(Option<i32>, String), Failure> {
    let output = Command::new("valgrind")
        .args(["--show-error-list=yes", "--read-inline-info=yes"])
        .arg(format!("--error-exitcode={REPORTED}"))
        .arg(concat!("--suppressions=", env!("CARGO_MANIFEST_DIR"), "/verdict.supp"))
        .arg(subject.path()?)
        .arg(part)
        .output()?;
    Ok((output.status.code(), messages(&output)))
}

/// How often the release of the verdict was passed over: from memcheck's last line,
/// `ERROR SUMMARY: 0 errors from 0 contexts (suppressed: 28 from 18)`.
fn released(report: &str) -> u64 {
    report
        .rsplit_once("(suppressed: ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .and_then(|count| count.parse().ok())
        .unwrap_or(0)
}
