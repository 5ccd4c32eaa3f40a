//! The engine dies and comes back on the same storage.

use core::time::Duration;
use std::path::{Path, PathBuf};

use nextapi_testkit::{Gate, Reply};

use crate::raw::Connection;
use crate::setup::{PATIENCE, Setup, succeeded};

/// How long the provider waits before it tries again what was in flight. It honours `Retry-After`,
/// but not for longer than a test has patience.
pub(crate) async fn wait_as_told(answer: &nextapi_testkit::Answer) {
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    tokio::time::sleep(Duration::from_secs(seconds).min(PATIENCE)).await;
}

#[tokio::test]
async fn what_was_committed_stays_committed() {
    let mut setup = Setup::start().await;
    let delivery = succeeded();
    setup.expect(&delivery, 200, "forwarded").await;
    for _ in 0..3 {
        setup.edge.restart().await.unwrap();
        setup.expect(&delivery, 200, "duplicate").await;
    }
    setup.expect(&succeeded(), 200, "forwarded").await;
    assert_eq!(setup.origin.count(), 2);
}

#[tokio::test]
async fn storage_of_ones_own_outlives_the_edge() {
    let storage = tempfile::tempdir().unwrap();
    let delivery = succeeded();
    for code in ["forwarded", "duplicate"] {
        let setup = Setup::with(|edge| edge.storage(storage.path())).await;
        setup.expect(&delivery, 200, code).await;
    }
}

/// The engine is killed while the origin is thinking. What the origin did is unknown, so the event
/// is not given up: it is held while the lease runs, then forwarded again as attempt 2.
#[tokio::test]
async fn an_attempt_cut_off_by_a_crash_is_made_again_after_its_lease() {
    let mut setup =
        Setup::with(|edge| edge.setting("ORIGIN_TIMEOUT_MS", "500").setting("LEASE_SECONDS", "6"))
            .await;
    let gate = Gate::new();
    setup.origin.reply_next(Reply::default().when(&gate));
    let delivery = succeeded();
    let provider = setup.provider.clone();
    let first = tokio::spawn({
        let delivery = delivery.clone();
        async move { provider.send(&delivery).await }
    });
    setup.origin.wait_for(1, PATIENCE).await.unwrap();
    setup.edge.kill().await;
    assert!(first.await.unwrap().is_err(), "the provider has no answer");
    setup.edge.restart().await.unwrap();

    let mut answer = setup.send(&delivery).await;
    while answer.status() == 409 {
        wait_as_told(&answer).await;
        answer = setup.send(&delivery).await;
    }
    assert_eq!(answer.to_string(), "200 forwarded");
    let received = setup.origin.received();
    let attempts: Vec<_> = received.iter().map(|request| request.attempt().unwrap()).collect();
    assert_eq!(attempts, [1, 2]);
    assert_eq!(received[0].idempotency_key(), received[1].idempotency_key());
    gate.open();
}

/// The provider hangs up right after sending. The origin's answer is recorded all the same.
#[tokio::test]
async fn a_provider_that_hangs_up_does_not_undo_the_commit() {
    let setup = Setup::start().await;
    let gate = Gate::new();
    setup.origin.reply_next(Reply::default().when(&gate));
    let delivery = succeeded();
    let mut connection = Connection::open(&setup).await;
    let length = format!("Content-Length: {}", delivery.body().len());
    connection.write_head(&delivery, &[&length]).await;
    connection.write(delivery.body()).await;
    setup.origin.wait_for(1, PATIENCE).await.unwrap();
    connection.reset();
    // The edge has seen the end of the connection once it has answered on a later one.
    setup.expect(&delivery, 409, "in_flight").await;
    gate.open();

    let line = setup.log_line("forwarded").await;
    assert_eq!((&line["attempt"], &line["settlement"]), (&1.into(), &"committed".into()), "{line}");
    setup.expect(&delivery, 200, "duplicate").await;
    assert_eq!(setup.origin.count(), 1);
}

/// The ledger's files are damaged. Nothing is acknowledged, nothing forwarded, and once the files
/// are whole again, everything is as it was.
#[tokio::test]
async fn a_ledger_that_cannot_be_read_answers_try_again() {
    let storage = tempfile::tempdir().unwrap();
    let mut setup =
        Setup::with(|edge| edge.storage(storage.path()).setting("LEDGER_SHARDS", "1")).await;
    let committed = succeeded();
    setup.expect(&committed, 200, "forwarded").await;
    setup.edge.kill().await;

    let files = ledger_files_below(storage.path());
    assert!(files.iter().any(|file| file.extension().is_some_and(|end| end == "sqlite")));
    let saved: Vec<_> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    for file in &files {
        std::fs::write(file, "this is no database").unwrap();
    }
    setup.edge.restart().await.unwrap();
    let fresh = succeeded();
    for delivery in [&committed, &fresh] {
        let answer = setup.expect(delivery, 503, "ledger_unavailable").await;
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(setup.origin.count(), 1);

    setup.edge.kill().await;
    for (file, content) in files.iter().zip(saved) {
        std::fs::write(file, content).unwrap();
    }
    setup.edge.restart().await.unwrap();
    setup.expect(&committed, 200, "duplicate").await;
    setup.expect(&fresh, 200, "forwarded").await;
}

/// The files of the ledger's databases, without the engine's own notes, without which it does not start at all.
pub(crate) fn ledger_files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let is_ledger = directory.file_name().unwrap().to_string_lossy().ends_with("-Ledger");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(ledger_files_below(&path));
        } else if is_ledger && !path.file_name().unwrap().to_string_lossy().starts_with("metadata")
        {
            files.push(path);
        }
    }
    files
}
