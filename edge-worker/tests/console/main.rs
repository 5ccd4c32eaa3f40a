//! The operator's page in a real browser, before real edges: workerd with the built worker, the simulated provider,
//! and an origin. What a person does there is told in JavaScript, in this folder; here is the world for it.
//!
//! It needs Chromium and the built worker: `make console-test` sees to both.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod world;

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use world::World;

/// All stories in one run of node and of the browser, so that they take seconds.
#[tokio::test]
#[ignore = "needs Chromium: make console-test"]
async fn the_operators_page_in_a_browser() {
    let world = World::start().await;
    let edge_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Some of the stories, by a pattern.
    let only = std::env::var("STORY").ok().filter(|pattern| !pattern.is_empty());
    let told = Command::new("node")
        .arg("--test")
        .arg("--test-reporter=spec")
        .args(only.map(|pattern| format!("--test-name-pattern={pattern}")))
        .arg("tests/console/stories.mjs")
        .current_dir(edge_dir)
        .env("CONSOLE_WORLD", world.as_json().to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("node can be run");
    let text = String::from_utf8_lossy(&told.stdout);
    println!("{text}{}", String::from_utf8_lossy(&told.stderr));
    assert!(told.status.success(), "a story does not hold: see above");
    world.no_token_in_the_logs();
}
