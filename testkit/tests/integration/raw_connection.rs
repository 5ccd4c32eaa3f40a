//! HTTP written by hand, as a server sees it.

use core::num::NonZeroUsize;
use core::pin::pin;
use core::time::Duration;
use std::io;

use nextapi_testkit::{Delivery, EventBody, Gate, Origin, RawConnection, Reply, chunked};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Long enough for a busy machine; what is waited for comes at once.
const SOON: Duration = Duration::from_secs(20);

const BODY: &str = r#"{"id":"evt_1","type":"job.queued"}"#;

fn delivery() -> Delivery {
    Delivery::unsigned(EventBody::new("job.queued", BODY)).unwrap()
}

fn size(size: usize) -> NonZeroUsize {
    NonZeroUsize::new(size).unwrap()
}

#[tokio::test]
async fn a_body_arrives_whole_however_it_is_cut() {
    let origin = Origin::start().await.unwrap();
    let length = format!("Content-Length: {}", BODY.len());
    for (line, bytes, piece) in [
        (length.as_str(), BODY.into(), 1),
        (&length, BODY.into(), 1000),
        ("Transfer-Encoding: chunked", chunked(BODY.as_bytes(), size(1)), 1000),
        ("Transfer-Encoding: chunked", chunked(BODY.as_bytes(), size(7)), 1),
        ("Transfer-Encoding: chunked", chunked(BODY.as_bytes(), size(1000)), 5),
    ] {
        let mut connection = RawConnection::open(&origin.url()).await.unwrap();
        connection.write_head("/hook", &delivery(), &[line]).await.unwrap();
        connection.write_pieces(&bytes, size(piece)).await.unwrap();
        let answer = connection.read_answer(SOON).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        let received = origin.received().pop().unwrap();
        assert_eq!(received.body(), BODY);
        assert_eq!(received.path(), "/hook");
        assert_eq!(received.header("x-nextapi-event"), Some("job.queued"));
    }
    assert_eq!(origin.count(), 5);
}

#[tokio::test]
async fn finishing_reads_to_the_end() {
    let origin = Origin::start().await.unwrap();
    origin.reply_next(Reply::default().with_body("all of it"));
    let mut connection = RawConnection::open(&origin.url()).await.unwrap();
    connection.write_head("/", &delivery(), &["Content-Length: 2"]).await.unwrap();
    connection.write("{}").await.unwrap();
    origin.wait_for(1, SOON).await.unwrap();
    let answer = connection.finish(SOON).await.unwrap();
    assert!(answer.text.ends_with("all of it"), "{answer:?}");
}

/// A server may send head and body in two segments, with any time between them.
#[tokio::test]
async fn an_answer_in_two_segments_is_read_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut connection = RawConnection::open(&url).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    server.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\n").await.unwrap();
    let mut reading = pin!(connection.read_answer(SOON));
    let head_alone = tokio::time::timeout(Duration::from_millis(50), reading.as_mut()).await;
    assert!(head_alone.is_err(), "{head_alone:?}");
    server.write_all(b"body").await.unwrap();
    let answer = reading.await.unwrap();
    assert!(answer.text.ends_with("\r\n\r\nbody"), "{answer:?}");
}

#[tokio::test]
async fn no_answer_is_an_error() {
    let origin = Origin::start().await.unwrap();
    let gate = Gate::new();
    origin.reply_next(Reply::default().when(&gate));
    origin.reply_next(Reply::close());
    let mut held = RawConnection::open(&origin.url()).await.unwrap();
    held.write_head("/", &delivery(), &["Content-Length: 0"]).await.unwrap();
    let error = held.read_answer(Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "no answer in time");
    let mut closed = RawConnection::open(&origin.url()).await.unwrap();
    origin.wait_for(1, SOON).await.unwrap();
    closed.write_head("/", &delivery(), &["Content-Length: 0"]).await.unwrap();
    let error = closed.read_answer(SOON).await.unwrap_err();
    assert_eq!(error.to_string(), "the connection was closed without an answer");
}

/// How reading ends on the other side, after what was sent: `Ok` by FIN, the error by RST.
async fn end(act: impl AsyncFnOnce(RawConnection)) -> io::Result<Vec<u8>> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connection = RawConnection::open(&url).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    act(connection).await;
    let mut read = Vec::new();
    server.read_to_end(&mut read).await.map(|_| read)
}

#[tokio::test]
async fn closing_sends_fin_and_resetting_rst() {
    let closed = end(async |mut connection: RawConnection| {
        connection.write("half").await.unwrap();
        connection.close().await.unwrap();
    });
    assert_eq!(closed.await.unwrap(), b"half");
    let reset = end(async |mut connection: RawConnection| {
        connection.write("half").await.unwrap();
        connection.reset().unwrap();
    });
    assert_eq!(reset.await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn what_is_not_an_address_is_refused() {
    for url in ["127.0.0.1:1", "https://127.0.0.1:1/", "http:///"] {
        assert!(RawConnection::open(url).await.is_err(), "{url}");
    }
}
