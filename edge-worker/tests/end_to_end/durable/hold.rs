//! While the origin is down, events are held: no attempt is wasted on it, and one at a time asks whether it is
//! back.

use core::time::Duration;

use http::StatusCode;
use nextapi_testkit::Reply;

use super::{Durable, quiet};
use crate::setup::{PATIENCE, succeeded};

#[tokio::test]
async fn an_origin_that_is_down_is_asked_by_one_event_at_a_time() {
    let durable =
        Durable::with(|edge| edge.setting("BREAKER_FAILURES", "3").setting("BREAKER_SECONDS", "2"))
            .await;
    durable.setup.origin.reply_with(|_| Reply::status(StatusCode::BAD_GATEWAY));
    for _ in 0..3 {
        durable.accept(&succeeded()).await;
        durable.attempted("origin_failed").await;
    }
    // Open: these are stored, and not tried.
    durable.setup.origin.wait_for(3, PATIENCE).await.unwrap();
    for _ in 0..20 {
        durable.accept(&succeeded()).await;
    }
    // The probes of the pauses of 2 and 4 seconds, which fail.
    durable.setup.origin.wait_for(5, PATIENCE).await.unwrap();
    quiet(Duration::from_secs(2)).await;
    assert_eq!(durable.setup.origin.count(), 5);
    let never_tried = durable.column("attempts").into_iter().flatten().filter(|it| it == "0");
    assert!(never_tried.count() >= 18, "waiting has cost attempts");
    durable.setup.origin.reply_with(|_| Reply::default());
    durable.committed(23).await;
}
