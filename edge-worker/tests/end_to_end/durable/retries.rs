//! What the edge tries again, when, and what it gives up.

use core::time::Duration;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use http::StatusCode;
use nextapi_testkit::Reply;
use serde_json::{Value, json};

use super::{Durable, quiet};
use crate::faults::attempts;
use crate::setup::{PATIENCE, succeeded};

/// A refusal for good becomes a dead letter after one attempt, and its bytes are kept.
#[tokio::test]
async fn a_permanent_refusal_is_a_dead_letter() {
    let durable = Durable::start().await;
    for (count, status) in (1..).zip([StatusCode::BAD_REQUEST, StatusCode::GONE, StatusCode::FOUND])
    {
        durable.setup.origin.reply_next(Reply::status(status));
        let delivery = succeeded();
        durable.accept(&delivery).await;
        durable.setup.origin.wait_for(count, PATIENCE).await.unwrap();
        assert_eq!(attempts(&durable.setup, &delivery), [1]);
    }
    quiet(Duration::from_secs(3)).await;
    assert_eq!(durable.setup.origin.count(), 3);
    assert_eq!(durable.states(), ["dead"; 3]);
    assert!(durable.column("length(body)").iter().all(Option::is_some));
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let durable = Durable::start().await;
    for status in [408, 425, 429, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        durable.setup.origin.reply_next(Reply::status(status));
    }
    durable.setup.origin.reply_next(Reply::close());
    let delivery = succeeded();
    durable.accept(&delivery).await;
    durable.committed(1).await;
    assert_eq!(attempts(&durable.setup, &delivery), [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn an_event_that_has_had_its_attempts_is_a_dead_letter() {
    let durable = Durable::with(|edge| edge.setting("RETRY_ATTEMPTS", "3")).await;
    durable.setup.origin.reply_with(|_| Reply::status(StatusCode::BAD_GATEWAY));
    let delivery = succeeded();
    durable.accept(&delivery).await;
    durable.setup.origin.wait_for(3, PATIENCE).await.unwrap();
    quiet(Duration::from_secs(3)).await;
    assert_eq!(attempts(&durable.setup, &delivery), [1, 2, 3]);
    assert_eq!(durable.states(), ["dead"]);
    durable.setup.expect(&delivery, 200, "duplicate").await;
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let durable = Durable::start().await;
    let arrivals: Arc<Mutex<Vec<Instant>>> = Arc::default();
    durable.setup.origin.reply_with({
        let arrivals = Arc::clone(&arrivals);
        move |request| {
            arrivals.lock().unwrap().push(Instant::now());
            let is_first = request.attempt() == Some(1);
            if is_first { Reply::unavailable(Duration::from_secs(4)) } else { Reply::default() }
        }
    });
    durable.accept(&succeeded()).await;
    durable.committed(1).await;
    let arrivals = arrivals.lock().unwrap();
    let [first, second] = arrivals[..] else { panic!("{} attempts", arrivals.len()) };
    assert!(second - first >= Duration::from_secs(4), "{:?}", second - first);
}

/// One trace from the provider to each attempt; what the object tries again is linked to the span that accepted.
#[tokio::test]
async fn the_trace_goes_on_through_every_attempt() {
    const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let durable = Durable::start().await;
    durable.setup.origin.reply_next(Reply::status(StatusCode::SERVICE_UNAVAILABLE));
    let traceparent = format!("00-{TRACE_ID}-00f067aa0ba902b7-01");
    let delivery = succeeded().with_header("traceparent", &traceparent).unwrap();
    durable.accept(&delivery).await;
    let accepted = durable.setup.log_line("accepted").await;
    let failed = durable.attempted("origin_failed").await;
    let forwarded = durable.attempted("forwarded").await;

    for line in [&accepted, &failed, &forwarded] {
        assert_eq!(line["trace_id"], TRACE_ID, "{line}");
    }
    let span = |line: &Value| format!("00-{TRACE_ID}-{}-01", line["span_id"].as_str().unwrap());
    let received = durable.setup.origin.received();
    let parents: Vec<_> = received.iter().map(|it| it.header("traceparent").unwrap()).collect();
    assert_eq!(parents, [span(&accepted), span(&forwarded)]);
    assert_eq!(failed["span_id"], accepted["span_id"]);
    assert_ne!(forwarded["span_id"], accepted["span_id"]);
    assert_eq!((accepted.get("links"), failed.get("links")), (None, None));
    let link = json!([{ "trace_id": TRACE_ID, "span_id": accepted["span_id"] }]);
    assert_eq!(forwarded["links"], link, "{forwarded}");
    assert_eq!(forwarded["http.request.resend_count"], 1);
}

/// Each attempt is signed anew, since the origin may check how old the signature is.
#[tokio::test]
async fn the_edge_signs_each_attempt_anew() {
    let durable = Durable::with(|edge| edge.setting("EDGE_SIGNING_SECRET", "edge_secret")).await;
    durable.setup.origin.reply_next(Reply::unavailable(Duration::from_secs(2)));
    let delivery = succeeded();
    durable.accept(&delivery).await;
    durable.committed(1).await;
    let received = durable.setup.origin.received();
    let signatures: Vec<_> = received.iter().map(|it| it.edge_signature().unwrap()).collect();
    assert_ne!(signatures[0], signatures[1]);
    let key = nextapi_webhook::Key::new(b"edge_secret").unwrap();
    let tolerance = nextapi_webhook::Tolerance::new(300, 300);
    let verifier = nextapi_webhook::Verifier::<1>::new([key], tolerance).unwrap();
    let now = nextapi_webhook::UnixTime::now();
    for (request, signature) in received.iter().zip(&signatures) {
        assert!(verifier.verify(signature, request.body(), now).is_ok());
        assert_eq!(
            request.header("x-correlation-id"),
            received[0].header("x-correlation-id"),
            "the delivery's"
        );
    }
}
