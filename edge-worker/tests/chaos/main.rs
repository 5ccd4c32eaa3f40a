//! The chaos run: thousands of events from a provider that repeats itself, through the built worker
//! on real workerd that is killed again and again, to an origin that does everything wrong. Every
//! step is recorded, and a checker that knows nothing of how it was made judges the record.
//!
//! `EVENTS` and `SEED` choose how many and which. The seed decides what each party does, not when the
//! machine gets to it: two runs of one seed are alike, not equal.
//!
//! The worker must have been built before: `make chaos` sees to that.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod breach;
mod conduct;
mod crash;
mod edge_log;
mod faults;
mod history;
mod origin;
mod plan;
mod progress;
mod provider;
mod reason;
mod report;
mod run;
mod scope;
mod verdict;

use std::time::Instant;

use breach::Breach;
use plan::Plan;
use report::Report;
use run::Disk;
use scope::Scope;
use verdict::Verdict;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaos() {
    let scope = Scope::from_environment().unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::new(scope.seed, scope.events);
    println!("chaos run: EVENTS={} SEED={}", scope.events, scope.seed);
    let begin = Instant::now();
    let history = run::run(&plan, Disk::Kept).await;
    let verdict = Verdict::of(scope.events, &history);
    let report = Report { scope, history: &history, verdict: &verdict, took: begin.elapsed() };
    println!("{report}");
    assert!(
        verdict.breaches.is_empty(),
        "EVENTS={} SEED={}: {} breaches",
        scope.events,
        scope.seed,
        verdict.breaches.len()
    );
    // The same judge finds every kind of breach in the same history, once it is put in there.
    faults::check(scope.events, &history);
}

/// The instrument as a whole sees an edge that breaks its promise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_loses_its_ledger_is_found_out() {
    let events = 20;
    let plan = Plan { crashes: Vec::new(), ..Plan::new(1, events) };
    let verdict = Verdict::of(events, &run::run(&plan, Disk::Erased).await);
    let again = verdict.count(Breach::AgainAfterCommit);
    assert!(again >= events, "{:?}", verdict.breaches);
}
