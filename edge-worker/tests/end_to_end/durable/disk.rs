//! What is on disk: the bytes as long as an event is owed, and not a second longer.

use http::StatusCode;
use nextapi_testkit::Reply;

use super::Durable;
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
