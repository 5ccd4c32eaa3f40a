//! What is on disk: the bytes as long as an event is owed, and not a second longer.

use core::time::Duration;

use http::StatusCode;
use nextapi_testkit::{LocalEdgeBuilder, Reply};

use super::{Durable, quiet};
use crate::faults::attempts;
use crate::setup::succeeded;

#[tokio::test]
async fn after_the_commit_no_bytes_are_left_in_any_row() {
    let durable = Durable::start().await;
    durable.setup.origin.reply_next(Reply::status(StatusCode::BAD_GATEWAY));
    for _ in 0..5 {
        durable.accept(&succeeded()).await;
    }
    durable.committed(5).await;
    assert_eq!(durable.states(), ["done"; 5]);
    for column in ["body", "head", "owed_ms", "due_ms", "tries", "seq"] {
        assert_eq!(durable.column(column), [const { None::<String> }; 5], "{column}");
    }
}

/// Nothing is accepted that is not on disk. When there is room again, all goes on, and what was accepted before the
/// disk was full comes.
#[tokio::test]
async fn on_a_full_disk_nothing_is_accepted() {
    let mut durable = Durable::with(LocalEdgeBuilder::with_file_limits).await;
    durable.setup.origin.refuse().await;
    let before = succeeded();
    durable.accept(&before).await;
    durable.attempted("origin_unreachable").await;

    durable.setup.edge.limit_files(Some(1)).await.unwrap();
    let refused: Vec<_> = (0..5).map(|_| succeeded()).collect();
    for delivery in &refused {
        durable.setup.expect(delivery, 503, "ledger_unavailable").await;
    }
    durable.setup.edge.limit_files(None).await.unwrap();

    durable.setup.origin.accept().await.unwrap();
    // As the provider does, until it is answered 2xx.
    for delivery in &refused {
        while durable.setup.send(delivery).await.status() == 503 {
            quiet(Duration::from_millis(200)).await;
        }
    }
    durable.committed(6).await;
    for delivery in refused.iter().chain([&before]) {
        assert_eq!(attempts(&durable.setup, delivery).len(), 1);
    }
}
