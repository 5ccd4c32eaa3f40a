//! `make dry-run` says what a deploy would leave unset.

use std::process::Command;

use crate::support::{as_typed, checkout};

const NOT_SET: &str = "Not set: ORIGIN_URL.";

fn dry_run(flags: &str) -> String {
    let checkout = checkout();
    let mut make = Command::new("make");
    make.args(["dry-run", &format!("DEPLOY_FLAGS={flags}")]).current_dir(checkout.path());
    as_typed(&mut make);
    let output = make.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let printed = text(output.stdout) + &text(output.stderr);
    assert!(output.status.success(), "{printed}");
    printed
}

#[test]
fn a_missing_origin_is_named() {
    let printed = dry_run("");
    assert!(printed.contains("--dry-run: exiting now"), "{printed}");
    assert!(printed.contains(NOT_SET), "{printed}");
    assert!(printed.contains("wrangler secret put WEBHOOK_SECRETS"), "{printed}");
}

#[test]
fn an_origin_that_is_set_is_not() {
    let printed = dry_run("--var ORIGIN_URL:https://origin.example/");
    assert!(printed.contains("--dry-run: exiting now"), "{printed}");
    assert!(!printed.contains(NOT_SET), "{printed}");
}
