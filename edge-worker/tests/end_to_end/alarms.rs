//! The ledger's alarm, under a clock that runs so fast that 36 hours take six and a half seconds.

use std::time::SystemTime;

use nextapi_testkit::LocalEdgeBuilder;

use crate::faults::{attempts, with_faults};
use crate::setup::{PATIENCE, Setup, succeeded};

/// Starts edges whose objects have the same fast clock.
#[derive(Clone)]
struct FastClock {
    start_ms: String,
}

impl FastClock {
    fn start() -> Self {
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        Self { start_ms: since_1970.as_millis().to_string() }
    }

    async fn edge(&self, choose: impl FnOnce(LocalEdgeBuilder) -> LocalEdgeBuilder) -> Setup {
        with_faults(|edge| {
            let edge = edge
                .setting("FAULT_CLOCK_START", &self.start_ms)
                .setting("FAULT_CLOCK_SPEED", "20000")
                .setting("RETENTION_HOURS", "36");
            choose(edge)
        })
        .await
    }
}

/// Waits until an alarm has left no event in the ledger, which has happened so many times before.
async fn wait_for_deletion(setup: &Setup, before: usize) {
    let mut deletions = 0;
    let deleted = |line: &str| {
        deletions +=
            usize::from(line.starts_with("fault: alarm") && line.ends_with(", 0 events after"));
        deletions > before
    };
    setup.edge.wait_for_log(deleted, PATIENCE).await.unwrap();
}

/// With a crash in between: the alarm is on disk, rings, deletes the row, and an event that comes again
/// after that is a new one. It gets an alarm of its own.
#[tokio::test]
async fn the_alarm_deletes_what_is_older_than_the_retention() {
    let mut setup = FastClock::start().edge(|edge| edge).await;
    let delivery = succeeded();
    setup.expect(&delivery, 200, "forwarded").await;
    setup.expect(&delivery, 200, "duplicate").await;
    setup.edge.restart().await.unwrap();
    wait_for_deletion(&setup, 0).await;
    setup.expect(&delivery, 200, "forwarded").await;
    wait_for_deletion(&setup, 1).await;
    assert_eq!(attempts(&setup, &delivery), [1, 1]);
}

/// While something is wrong the alarm goes on ringing, more often than the seven times after which the
/// platform gives up an alarm that fails. Once all is well the event is deleted.
async fn goes_on_ringing(wrong: impl FnOnce(LocalEdgeBuilder) -> LocalEdgeBuilder) {
    let clock = FastClock::start();
    let storage = tempfile::tempdir().unwrap();
    let mut setup = clock.edge(|edge| edge.storage(storage.path())).await;
    setup.expect(&succeeded(), 200, "forwarded").await;
    setup.edge.kill().await;

    let mut setup = clock.edge(|edge| wrong(edge.storage(storage.path()))).await;
    let many = |line: &str| line == "fault: alarm 12, 1 events after";
    setup.edge.wait_for_log(many, PATIENCE).await.unwrap();
    setup.edge.kill().await;

    let setup = clock.edge(|edge| edge.storage(storage.path())).await;
    wait_for_deletion(&setup, 0).await;
}

#[tokio::test]
async fn refused_settings_do_not_silence_the_alarm() {
    goes_on_ringing(|edge| edge.setting("RETENTION_HOURS", "35")).await;
}

#[tokio::test]
async fn exceptions_do_not_silence_the_alarm() {
    goes_on_ringing(|edge| edge.setting("FAULT_ALARM", "throw")).await;
}

#[tokio::test]
async fn panics_do_not_silence_the_alarm() {
    goes_on_ringing(|edge| edge.setting("FAULT_ALARM", "panic")).await;
}
