//! Faults inside of the worker, while it stores and forwards.

use nextapi_testkit::Reply;

use super::Durable;
use crate::faults::{attempts, with_fault};
use crate::setup::{PATIENCE, succeeded};

/// During a rollout a Worker meets an object of another version. What it says is never taken for a promise.
#[tokio::test]
async fn another_version_is_never_a_success() {
    let durable = Durable::with(|edge| edge.bundle("build-faults")).await;
    for fault in [
        "call-of-older-version",
        "call-of-newer-version",
        "unknown-call",
        "reply-of-older-version",
        "reply-of-newer-version",
        "unknown-reply",
    ] {
        durable.setup.expect(&with_fault(&succeeded(), fault), 503, "ledger_unavailable").await;
    }
    let delivery = succeeded();
    durable.accept(&delivery).await;
}

/// What cannot be written is not accepted, and nothing of it is left.
#[tokio::test]
async fn what_cannot_be_stored_is_not_accepted() {
    let durable = Durable::with(|edge| edge.bundle("build-faults")).await;
    let delivery = succeeded();
    let struck = with_fault(&delivery, "throw-within-claim");
    durable.setup.expect(&struck, 503, "ledger_unavailable").await;
    assert_eq!(durable.states(), [""; 0]);
    assert_eq!(durable.setup.origin.count(), 0);
    durable.accept(&delivery).await;
    durable.committed(1).await;
}

/// The Worker's call is given up and has had its effect, or not: the event comes once.
#[tokio::test]
async fn an_acceptance_without_a_reply_is_refused_and_delivered_once() {
    let durable = Durable::with(|edge| edge.bundle("build-faults")).await;
    let delivery = succeeded();
    let struck = with_fault(&delivery, "panic-at-claim");
    durable.setup.expect(&struck, 500, "internal_error").await;
    durable.accept(&delivery).await;
    durable.committed(1).await;
    assert_eq!(attempts(&durable.setup, &delivery), [1]);
}

/// The origin has the event, and the Worker dies over the commit: the object makes the attempt again, and the
/// provider has had its answer long since.
#[tokio::test]
async fn a_panic_after_the_answer_leaves_the_event_to_the_alarm() {
    let durable = Durable::with(|edge| edge.bundle("build-faults")).await;
    let delivery = succeeded();
    durable.accept(&with_fault(&delivery, "panic-after-origin")).await;
    durable.setup.origin.wait_for(2, PATIENCE).await.unwrap();
    durable.committed(1).await;
    assert_eq!(attempts(&durable.setup, &delivery), [1, 2]);
}

/// Every alarm fails for a while, more often than the platform would ring one that throws. Then all is well, and
/// everything is delivered without any traffic.
#[tokio::test]
async fn alarms_that_fail_leave_nothing_asleep() {
    for fault in ["throw", "panic"] {
        let storage = tempfile::tempdir().unwrap();
        let broken = Durable::with(|edge| {
            edge.storage(storage.path()).bundle("build-faults").setting("FAULT_ALARM", fault)
        });
        let mut durable = broken.await;
        durable.setup.origin.refuse().await;
        durable.accept(&succeeded()).await;
        durable.accept(&succeeded()).await;
        let rang = |line: &str| line.starts_with("fault: alarm 1,") && line.ends_with("after");
        durable.setup.edge.wait_for_log(rang, PATIENCE).await.unwrap();
        durable.setup.edge.kill().await;
        drop(durable);

        let durable = Durable::with(|edge| edge.storage(storage.path())).await;
        // The next event arms the alarm again, whatever the last one has left.
        durable.setup.origin.reply_with(|_| Reply::default());
        durable.accept(&succeeded()).await;
        durable.setup.origin.wait_for(3, PATIENCE).await.unwrap();
    }
}
