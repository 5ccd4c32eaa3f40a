//! Faults inside of the worker, while it stores and forwards.

use core::time::Duration;
use std::time::SystemTime;

use nextapi_testkit::Reply;

use super::{Durable, database_to_write, quiet};
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

/// The connection to the object breaks, as in a deploy: the call is made once more, and not a third time. That the
/// first one has had its effect is no harm.
#[tokio::test]
async fn a_call_whose_connection_breaks_is_made_once_more() {
    let durable = Durable::with(|edge| edge.bundle("build-faults")).await;
    let delivery = succeeded();
    durable.accept(&with_fault(&delivery, "disconnect-claim-once")).await;
    let stored = succeeded();
    durable.setup.expect(&with_fault(&stored, "disconnect-after-claim"), 200, "duplicate").await;
    durable.committed(2).await;
    for delivery in [&delivery, &stored] {
        assert_eq!(attempts(&durable.setup, delivery).len(), 1);
    }
    let refused = with_fault(&succeeded(), "disconnect-claim-always");
    durable.setup.expect(&refused, 503, "ledger_unavailable").await;
    let logs = durable.setup.edge.logs();
    let calls = logs.iter().filter(|line| *line == "fault: an object is disconnected").count();
    assert_eq!(calls, 1 + 1 + 2);
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

/// Every alarm fails before it has done anything. When that is over, everything is delivered.
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
        durable.setup.origin.reply_with(|_| Reply::default());
        durable.accept(&succeeded()).await;
        durable.setup.origin.wait_for(3, PATIENCE).await.unwrap();
    }
}

/// The platform gives an alarm up that has failed seven times, which takes it more than two minutes. Here the first
/// one is given up at once. The object believes that it is set, until it is half a minute late; then the next event
/// arms it. The object's clock runs twenty times as fast.
#[tokio::test]
async fn an_alarm_that_was_given_up_is_armed_by_the_next_event() {
    let start_ms = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis().to_string();
    let mut durable = Durable::with(|edge| {
        edge.bundle("build-faults")
            .setting("FAULT_ALARM", "lose-first")
            .setting("FAULT_CLOCK_START", start_ms)
            .setting("FAULT_CLOCK_SPEED", "20")
    })
    .await;
    durable.setup.origin.refuse().await;
    durable.accept(&succeeded()).await;
    durable.accept(&succeeded()).await;
    let lost = |line: &str| line == "fault: an alarm was given up";
    durable.setup.edge.wait_for_log(lost, PATIENCE).await.unwrap();
    quiet(Duration::from_secs(2)).await;
    durable.setup.origin.accept().await.unwrap();
    durable.accept(&succeeded()).await;
    durable.committed(3).await;
}

/// All that an object has is long overdue, and the origin is away. Its alarm, which is never set in the past, where
/// the platform might drop it, goes on ringing. (How far ahead it is set is a property test of the core.)
#[tokio::test]
async fn what_is_overdue_is_tried_again_and_again() {
    let mut durable = Durable::with(|edge| edge.bundle("build-faults")).await;
    durable.setup.origin.refuse().await;
    for _ in 0..8 {
        durable.accept(&succeeded()).await;
    }
    durable.attempted("origin_unreachable").await;
    durable.setup.edge.kill().await;
    let overdue = "UPDATE event SET due_ms = 1 WHERE due_ms IS NOT NULL";
    assert_eq!(database_to_write(durable.storage.path()).execute(overdue, ()).unwrap(), 8);
    let before = alarms(&durable);
    durable.setup.edge.restart().await.unwrap();
    let mut rung = 0;
    let often = |line: &str| {
        rung += usize::from(is_alarm(line));
        rung >= before + 5
    };
    durable.setup.edge.wait_for_log(often, PATIENCE).await.unwrap();
    durable.setup.origin.accept().await.unwrap();
    durable.committed(8).await;
}

fn is_alarm(line: &str) -> bool {
    line.starts_with("fault: alarm") && line.ends_with("before")
}

fn alarms(durable: &Durable) -> usize {
    durable.setup.edge.logs().iter().filter(|line| is_alarm(line)).count()
}
