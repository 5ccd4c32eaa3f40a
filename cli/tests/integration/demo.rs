//! `demo` against an edge that is as designed, and against ones that are not.

use core::time::Duration;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use nextapi_testkit::ReferenceEdge;

use crate::support::{assert_fits, hook, run};

/// How long a process that was killed may take to be gone.
const PATIENCE: Duration = Duration::from_secs(30);

fn demo(fault: &str) -> (i32, String, String) {
    let edge = ReferenceEdge::new(fault).unwrap();
    run(hook().arg("demo").arg("--edge-dir").arg(edge.path()))
}

#[test]
fn an_edge_that_is_as_designed_passes() {
    let (status, stdout, stderr) = demo("");
    assert_eq!(status, 0, "{stdout}{stderr}");
    assert!(stdout.contains("checks are as designed"), "{stdout}");
    assert!(!stdout.contains("NOT AS DESIGNED"), "{stdout}");
    assert!(!stdout.contains('\x1b'), "colours without a terminal: {stdout}");
    assert_fits(&stdout);
}

#[test]
fn every_fault_is_noticed() {
    for (fault, told) in [
        ("accepts-forgeries", "NOT AS DESIGNED: expected 401 signature_mismatch"),
        ("acknowledges-early", "0 of 6 events reached the origin"),
        ("changes-bytes", "the bytes that arrived are not the bytes that were"),
        ("forgets", "expected 200 duplicate"),
        ("logs-secrets", "has a secret in it"),
        ("overtakes", "came before"),
        ("waits-for-webhooks", "0 requests reached the origin, not 1"),
    ] {
        let (status, stdout, stderr) = demo(fault);
        assert_eq!(status, 1, "{fault}: {stdout}{stderr}");
        assert!(stdout.contains(told), "{fault}: {stdout}");
        assert!(stdout.contains("NOT AS DESIGNED"), "{fault}: {stdout}");
        let (table, _) = stdout.split_once("\nThe edge's log:").unwrap();
        assert_fits(table);
    }
}

#[test]
fn an_edge_that_is_not_built_is_an_error() {
    let edge = ReferenceEdge::new("").unwrap();
    std::fs::remove_dir_all(edge.path().join("build")).unwrap();
    let (status, _, stderr) = run(hook().arg("demo").arg("--edge-dir").arg(edge.path()));
    assert_eq!(status, 2, "{stderr}");
    assert!(stderr.contains("build the worker first"), "{stderr}");
}

#[test]
fn a_worker_that_does_not_start_is_an_error_that_says_why() {
    let edge = ReferenceEdge::new("").unwrap();
    std::fs::write(edge.path().join("build/index.js"), "this is not JavaScript").unwrap();
    let (status, _, stderr) = run(hook().arg("demo").arg("--edge-dir").arg(edge.path()));
    assert_eq!(status, 2, "{stderr}");
    assert!(stderr.contains("SyntaxError"), "{stderr}");
}

#[test]
fn a_signal_ends_it_and_leaves_no_process_behind() {
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        let edge = ReferenceEdge::new("").unwrap();
        let mut demo = hook()
            .arg("demo")
            .arg("--edge-dir")
            .arg(edge.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
        let started = lines.find(|line| line.as_ref().unwrap().starts_with("2/3")).unwrap();
        let children = children(demo.id());
        // Beside the engine, perhaps the command that submits a job.
        assert!(matches!(children.len(), 1 | 2), "the engine runs: {started:?}");

        let id = demo.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        // Reading to the end also means that nobody holds the output open any more.
        drop(lines.map(Result::unwrap).collect::<Vec<_>>());
        assert_eq!(demo.wait().unwrap().code(), Some(expected));
        // One that was killed takes a moment to end, and nobody is left to wait for it.
        let end = Instant::now() + PATIENCE;
        for child in children {
            while is_running(child) {
                assert!(Instant::now() < end, "{child} is still there");
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// The processes whose parent is `id`.
fn children(id: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .filter(|process| parent_and_state(*process).is_some_and(|(parent, _)| parent == id))
        .collect()
}

fn is_running(process: u32) -> bool {
    parent_and_state(process).is_some_and(|(_, state)| state != "Z" && state != "X")
}

fn parent_and_state(process: u32) -> Option<(u32, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything, so count from behind it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.to_owned();
    Some((fields.next()?.parse().ok()?, state))
}
