//! What a loss of power would leave of the journal: every record is on the disk, name and all, before anything is sent.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::job_support::{Desk, quick, told};

/// Notes what reaches the disk and the network, in this order.
const NOTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/disk_order.c");

/// Builds it. The linker that Rust needs anyway is a compiler of C.
fn noter(folder: &Path) -> String {
    let library = folder.join("disk_order.so").display().to_string();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-Wall", "-Werror", "-o", &library, NOTER, "-ldl"]);
    assert!(compiler.status().unwrap().success());
    library
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_on_the_disk_before_anything_is_sent() {
    let desk = Desk::with(quick()).await;
    let folder = tempfile::tempdir().unwrap();
    let order = folder.path().join("order");
    let mut submit = desk.job(&["submit", "--prompt=a fox", "--name=order-7"]);
    submit.env("LD_PRELOAD", noter(folder.path())).env("ORDER", &order);
    let (status, _, stderr) = told(&mut submit);
    assert_eq!(status, 0, "{stderr}");

    let order = fs::read_to_string(order).unwrap();
    let lines: Vec<_> = order.lines().collect();
    let state = desk.state.path().canonicalize().unwrap();
    let jobs = state.join("nextapi-hook/jobs").display().to_string();
    let is_record = |line: &str, act: &str| {
        line.strip_prefix(act).is_some_and(|path| path.trim().starts_with(&format!("{jobs}/")))
    };
    let place = |wanted: &dyn Fn(&str) -> bool| lines.iter().position(|line| wanted(line));
    let connected = place(&|line| line.starts_with("connect")).unwrap();
    // The folders that were missing, each in the one above it.
    for made_in in [state.clone(), state.join("nextapi-hook")] {
        let synced = place(&|line| line == format!("fsync {}", made_in.display()));
        assert!(synced.is_some_and(|synced| synced < connected), "{order}");
    }
    // Each record that is written: its bytes, its name, its folder, and nothing in between.
    let mut written = 0;
    for (index, line) in lines.iter().enumerate() {
        if is_record(line, "rename") {
            assert!(is_record(lines[index - 1], "fsync"), "{order}");
            assert_eq!(lines.get(index + 1), Some(&format!("fsync {jobs}").as_str()), "{order}");
            written += 1;
        }
    }
    assert!(place(&|line| is_record(line, "rename")).unwrap() + 1 < connected, "{order}");
    assert!(written >= 2, "the intent and the id: {order}");
}
