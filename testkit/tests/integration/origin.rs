//! The origin's replies, as seen by a provider without an edge in between.

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use nextapi_testkit::{Deliverer, Delivery, EventBody, Gate, Origin, Reply};

/// Long enough for a busy machine; what is waited for comes at once.
const SOON: Duration = Duration::from_secs(20);

fn delivery(body: &[u8]) -> Delivery {
    Delivery::unsigned(EventBody::new("job.queued", body)).unwrap()
}

async fn start() -> (Origin, Deliverer) {
    let origin = Origin::start().await.unwrap();
    let deliverer = Deliverer::new(&origin.url()).unwrap();
    (origin, deliverer)
}

/// Sends a request by hand and gives every byte of the answer, or how the connection broke.
fn raw_exchange(origin: &Origin) -> std::io::Result<Vec<u8>> {
    let address = origin.url().replace("http://", "").replace('/', "");
    let mut connection = TcpStream::connect(address)?;
    connection.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")?;
    connection.set_read_timeout(Some(SOON))?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).map(|_| answer)
}

#[tokio::test]
async fn everything_is_recorded_byte_for_byte_and_in_order() {
    let (origin, deliverer) = start().await;
    for body in [b"first".as_slice(), b"\xff\x00\r\n", b""] {
        let delivery = delivery(body).with_header("x-edge-attempt", "3").unwrap();
        assert_eq!(deliverer.send(&delivery).await.unwrap().status(), 200);
    }
    let received = origin.wait_for(3, SOON).await.unwrap();
    let bodies: Vec<_> = received.iter().map(|request| &request.body()[..]).collect();
    assert_eq!(bodies, [b"first".as_slice(), b"\xff\x00\r\n", b""]);
    for (order, request) in received.iter().enumerate() {
        assert_eq!(request.order(), order);
        assert_eq!(request.attempt(), Some(3));
        assert_eq!(request.header("x-nextapi-event"), Some("job.queued"));
        assert_eq!((request.method().as_str(), request.path()), ("POST", "/"));
    }
}

#[tokio::test]
async fn waiting_in_vain_is_an_error_that_counts() {
    let (origin, _) = start().await;
    let error = origin.wait_for(1, Duration::from_millis(1)).await.unwrap_err();
    assert!(error.to_string().contains("received 0 requests"), "{error}");
}

#[tokio::test]
async fn queued_replies_come_before_those_that_are_decided() {
    let (origin, deliverer) = start().await;
    origin.reply_with(|request| match &request.body()[..] {
        b"teapot" => Reply::status(StatusCode::IM_A_TEAPOT).with_body(r#"{"status":"tea"}"#),
        _ => Reply::redirect("https://example.com/"),
    });
    origin.reply_next(Reply::unavailable(Duration::from_secs(7)));

    let answer = deliverer.send(&delivery(b"teapot")).await.unwrap();
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("7")));
    let answer = deliverer.send(&delivery(b"teapot")).await.unwrap();
    assert_eq!((answer.status(), answer.code().as_deref()), (418, Some("tea")));
    let answer = deliverer.send(&delivery(b"")).await.unwrap();
    assert_eq!(
        (answer.status(), answer.header("location")),
        (302, Some("https://example.com/")),
        "redirects are not followed"
    );
}

#[tokio::test]
async fn a_gate_holds_the_reply_back() {
    let (origin, deliverer) = start().await;
    let gate = Gate::new();
    origin.reply_next(Reply::default().when(&gate));
    let sending = tokio::spawn(async move { deliverer.send(&delivery(b"")).await });
    origin.wait_for(1, SOON).await.unwrap();
    assert!(!sending.is_finished());
    gate.open();
    assert_eq!(sending.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_late_reply_takes_its_time() {
    let (origin, deliverer) = start().await;
    origin.reply_next(Reply::default().after(Duration::from_millis(50)));
    let before = std::time::Instant::now();
    assert_eq!(deliverer.send(&delivery(b"")).await.unwrap().status(), 200);
    assert!(before.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn an_origin_that_hangs_is_given_up() {
    let origin = Origin::start().await.unwrap();
    origin.reply_next(Reply::hang());
    let deliverer = Deliverer::with_timeout(&origin.url(), Duration::from_millis(50)).unwrap();
    assert!(deliverer.send(&delivery(b"")).await.is_err());
    assert_eq!(origin.count(), 1);
    assert_eq!(deliverer.send(&delivery(b"")).await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_connection_brings_not_a_byte() {
    let (origin, deliverer) = start().await;
    origin.reply_next(Reply::close());
    assert_eq!(raw_exchange(&origin).unwrap(), b"");
    origin.reply_next(Reply::close());
    assert!(deliverer.send(&delivery(b"")).await.is_err());
    assert_eq!(origin.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_connection_is_reset() {
    let (origin, deliverer) = start().await;
    origin.reply_next(Reply::reset());
    let error = raw_exchange(&origin).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    origin.reply_next(Reply::reset());
    assert!(deliverer.send(&delivery(b"")).await.is_err());
    assert_eq!(origin.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_is_half_an_answer() {
    let (origin, deliverer) = start().await;
    origin.reply_next(Reply::half().with_body("0123456789"));
    let answer = String::from_utf8(raw_exchange(&origin).unwrap()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("content-length: 10") && answer.ends_with("\r\n\r\n01234"), "{answer}");
    origin.reply_next(Reply::half());
    assert!(deliverer.send(&delivery(b"")).await.is_err());
}

#[tokio::test]
async fn an_answer_that_goes_out_is_observed_and_one_that_does_not_is_not() {
    let (origin, deliverer) = start().await;
    let answered = Arc::new(Mutex::new(Vec::new()));
    for (name, reply) in [
        ("whole", Reply::default()),
        ("closed", Reply::close()),
        ("half", Reply::half()),
        ("reset", Reply::reset()),
        ("refused", Reply::status(StatusCode::BAD_REQUEST)),
    ] {
        let answered = Arc::clone(&answered);
        origin.reply_next(reply.on_answer(move || answered.lock().unwrap().push(name)));
    }
    for is_whole in [true, false, false, false, true] {
        assert_eq!(deliverer.send(&delivery(b"")).await.is_ok(), is_whole);
    }
    assert_eq!(*answered.lock().unwrap(), ["whole", "half", "refused"]);
}

#[tokio::test]
async fn a_refusing_origin_can_come_back() {
    let (mut origin, deliverer) = start().await;
    origin.refuse().await;
    let error = deliverer.send(&delivery(b"")).await.unwrap_err();
    assert!(format!("{error:#}").contains("refused"), "{error:#}");
    assert_eq!(origin.count(), 0);
    origin.accept().await.unwrap();
    assert_eq!(deliverer.send(&delivery(b"")).await.unwrap().status(), 200);
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let (origin, _) = start().await;
    let port: u16 = origin.url().trim_end_matches('/').rsplit_once(':').unwrap().1.parse().unwrap();
    let error = Origin::builder().port(port).start().await.err().unwrap();
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}
