//! `make dry-run` says what a deploy would leave unset.

use std::fs;
use std::process::Command;

use crate::support::{as_typed, block, checkout, project};

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

/// The configuration for OTLP, as the page shows it: wrangler warns of a field that it does not know, and of a value of
/// another type. Whether a destination exists only a deploy would tell.
#[test]
fn the_export_of_traces_and_logs_is_what_wrangler_knows() {
    const MARKER: &str =
        "them in `wrangler.jsonc`, in place of the `observability` that is there, and deploy:\n";
    let shown = block("docs/observability.md", MARKER);
    let printed = dry_run_observing(&shown);
    assert!(!printed.contains("WARNING"), "{printed}");
    for (field, other, named) in [
        ("\"destinations\"", "\"exporters\"", "exporters"),
        ("\"persist\": false", "\"persist\": \"no\"", "persist"),
    ] {
        assert!(shown.contains(field), "{shown}");
        let printed = dry_run_observing(&shown.replace(field, other));
        let is_named = printed.lines().any(|line| line.contains(named));
        assert!(is_named, "{other}: {printed}");
    }
}

/// With this in place of the `observability` that there is. What wrangler says, be it accepted or not.
fn dry_run_observing(observability: &str) -> String {
    let checkout = checkout();
    let edge = checkout.path().join("edge-worker");
    let config = fs::read_to_string(project().join("edge-worker/wrangler.jsonc")).unwrap();
    let (before, rest) = config.split_once("\"observability\": {").unwrap();
    let (_, after) = rest.split_once("\n  },\n").unwrap();
    let file = edge.join("wrangler.jsonc");
    fs::remove_file(&file).unwrap();
    fs::write(&file, format!("{before}{observability}{after}")).unwrap();
    let mut wrangler = Command::new(edge.join("node_modules/.bin/wrangler"));
    wrangler.args(["deploy", "--dry-run"]).current_dir(&edge);
    wrangler.env("WRANGLER_SEND_METRICS", "false").env("CLOUDFLARE_CF_FETCH_ENABLED", "false");
    as_typed(&mut wrangler);
    let output = wrangler.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    text(output.stdout) + &text(output.stderr)
}
