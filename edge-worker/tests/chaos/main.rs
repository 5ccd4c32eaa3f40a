//! The chaos run: thousands of events from a provider that repeats itself, through the built worker
//! on real workerd that is killed again and again, to an origin that does everything wrong. Every
//! step is recorded, and a checker that knows nothing of how it was made judges the record.
//!
//! `EVENTS` and `SEED` choose how many and which, `MODE` who retries: `through`, the provider, or `durable`, the
//! edge. `MODE=reconcile` is another run: of jobs whose webhooks are lost. The seed decides what each party does, not when the machine gets to it: two runs of one seed are alike, not
//! equal.
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
mod operator;
mod origin;
mod plan;
mod progress;
mod provider;
mod reason;
mod reconcile;
mod reconcile_judge;
mod report;
mod rest;
mod run;
mod scope;
mod verdict;
mod verdict_durable;

use std::time::Instant;

use breach::Breach;
use plan::Plan;
use report::Report;
use run::Disk;
use scope::{Mode, Scope};
use verdict::Verdict;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaos() {
    if let Some((jobs, seed)) = Scope::of_reconcile().unwrap_or_else(|error| panic!("{error}")) {
        println!("chaos run: EVENTS={jobs} SEED={seed} MODE=reconcile");
        return reconcile::run(jobs, seed).await;
    }
    let scope = Scope::from_environment().unwrap_or_else(|error| panic!("{error}"));
    let mode = scope.mode;
    let plan = match mode {
        Mode::Through => Plan::new(scope.seed, scope.events),
        Mode::Durable => Plan::new(scope.seed, scope.events).for_durable(),
    };
    println!("chaos run: EVENTS={} SEED={} MODE={}", scope.events, scope.seed, mode.name());
    let begin = Instant::now();
    let history = run::run(&plan, mode, Disk::Kept).await;
    let verdict = match mode {
        Mode::Through => Verdict::of(scope.events, &history),
        Mode::Durable => verdict_durable::judge(&plan.jobs(), &history),
    };
    let report = Report { scope, history: &history, verdict: &verdict, took: begin.elapsed() };
    println!("{report}");
    assert!(
        verdict.breaches.is_empty(),
        "EVENTS={} SEED={} MODE={}: {} breaches",
        scope.events,
        scope.seed,
        mode.name(),
        verdict.breaches.len()
    );
    // The same judge finds every kind of breach in the same history, once it is put in there.
    match mode {
        Mode::Through => faults::check(scope.events, &history),
        Mode::Durable => faults::check_durable(&plan.jobs(), &history),
    }
}

/// The same with the edge as the one who retries, small enough for every day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn durable_chaos() {
    let plan = Plan::new(scope::SEED, 100).for_durable();
    let history = run::run(&plan, Mode::Durable, Disk::Kept).await;
    let verdict = verdict_durable::judge(&plan.jobs(), &history);
    let scope = Scope { events: 100, seed: scope::SEED, mode: Mode::Durable };
    let report =
        Report { scope, history: &history, verdict: &verdict, took: core::time::Duration::ZERO };
    assert!(verdict.breaches.is_empty(), "{report}");
}

/// An edge that loses its disk loses what it owes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_edge_that_loses_its_ledger_is_found_out() {
    let events = 20;
    let plan = Plan { crashes: Vec::new(), ..Plan::new(1, events) };
    let history = run::run(&plan, Mode::Durable, Disk::Erased).await;
    let verdict = verdict_durable::judge(&plan.jobs(), &history);
    let again = verdict.count(Breach::AgainAfterCommit);
    assert!(again > 0, "{:?}", verdict.breaches);
}

/// The instrument as a whole sees an edge that breaks its promise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_loses_its_ledger_is_found_out() {
    let events = 20;
    let plan = Plan { crashes: Vec::new(), ..Plan::new(1, events) };
    let verdict = Verdict::of(events, &run::run(&plan, Mode::Through, Disk::Erased).await);
    let again = verdict.count(Breach::AgainAfterCommit);
    assert!(again >= events, "{:?}", verdict.breaches);
}
