//! A bad origin: the provider hears about it, and the next delivery is forwarded again.

use http::StatusCode;
use nextapi_testkit::Reply;

use crate::setup::{PATIENCE, Setup, succeeded};

/// The origin fails once; the delivery is answered with `status` and `code`; the next delivery of
/// the event reaches the origin as attempt 2 of the same event.
async fn fails_once(reply: Reply, status: u16, code: &str) {
    let setup = Setup::with(|edge| edge.setting("ORIGIN_TIMEOUT_MS", "1000")).await;
    setup.origin.reply_next(reply);
    let delivery = succeeded();
    setup.expect(&delivery, status, code).await;
    setup.expect(&delivery, 200, "forwarded").await;
    setup.expect(&delivery, 200, "duplicate").await;

    let received = setup.origin.wait_for(2, PATIENCE).await.unwrap();
    let attempts: Vec<_> = received.iter().map(|request| request.attempt().unwrap()).collect();
    assert_eq!(attempts, [1, 2]);
    assert_eq!(received[0].idempotency_key(), received[1].idempotency_key());
    assert!(received[0].idempotency_key().is_some());
    assert_eq!(received[1].body(), delivery.body());
}

#[tokio::test]
async fn server_error() {
    fails_once(Reply::status(StatusCode::INTERNAL_SERVER_ERROR), 502, "origin_failed").await;
}

#[tokio::test]
async fn overloaded() {
    let reply = Reply::unavailable(core::time::Duration::from_secs(5));
    fails_once(reply, 502, "origin_failed").await;
}

#[tokio::test]
async fn not_found() {
    fails_once(Reply::status(StatusCode::NOT_FOUND), 502, "origin_rejected").await;
}

/// A redirect is an answer like any other: following it could carry the event anywhere.
#[tokio::test]
async fn redirect_is_not_followed() {
    fails_once(Reply::redirect("/elsewhere"), 502, "origin_rejected").await;
}

#[tokio::test]
async fn not_modified() {
    fails_once(Reply::status(StatusCode::NOT_MODIFIED), 502, "origin_rejected").await;
}

#[tokio::test]
async fn hangs() {
    fails_once(Reply::hang(), 504, "origin_timeout").await;
}

#[tokio::test]
async fn closes_without_an_answer() {
    fails_once(Reply::close(), 502, "origin_unreachable").await;
}

#[tokio::test]
async fn resets() {
    fails_once(Reply::reset(), 502, "origin_unreachable").await;
}

#[tokio::test]
async fn refuses_the_connection() {
    let mut setup = Setup::start().await;
    setup.origin.refuse().await;
    let delivery = succeeded();
    setup.expect(&delivery, 502, "origin_unreachable").await;
    setup.origin.accept().await.unwrap();
    setup.expect(&delivery, 200, "forwarded").await;
    let received = setup.origin.received();
    assert_eq!((received.len(), received[0].attempt()), (1, Some(2)));
}

/// The status has arrived, and with it the origin's word that it has the event. What is missing of
/// the answer's body says nothing more.
#[tokio::test]
async fn closes_halfway_through_its_answer() {
    let setup = Setup::start().await;
    setup.origin.reply_next(Reply::half());
    let delivery = succeeded();
    setup.expect(&delivery, 200, "forwarded").await;
    setup.expect(&delivery, 200, "duplicate").await;
}

#[tokio::test]
async fn every_success_status_is_a_success() {
    let setup = Setup::start().await;
    for status in [StatusCode::CREATED, StatusCode::ACCEPTED, StatusCode::NO_CONTENT] {
        setup.origin.reply_next(Reply::status(status));
        setup.expect(&succeeded(), 200, "forwarded").await;
    }
}

#[tokio::test]
async fn attempts_go_on_counting() {
    let setup = Setup::start().await;
    let delivery = succeeded();
    for _ in 0..4 {
        setup.origin.reply_next(Reply::status(StatusCode::BAD_GATEWAY));
        setup.expect(&delivery, 502, "origin_failed").await;
    }
    setup.expect(&delivery, 200, "forwarded").await;
    let attempts: Vec<_> =
        setup.origin.received().iter().map(|request| request.attempt().unwrap()).collect();
    assert_eq!(attempts, [1, 2, 3, 4, 5]);
}
