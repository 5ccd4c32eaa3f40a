//! Thousands of requests that nobody should send, on as many connections.
//!
//! Two parties answer here, and they are told apart by `X-Correlation-Id`, which every answer of the
//! worker has:
//!
//! - What is no HTTP never reaches the worker. The engine closes the connection, or answers 400 (it
//!   cannot be parsed), 431 (the head is longer than 128 KiB), 501 (a method that it does not know) or, in this bare engine, 500 (a URL, a
//!   host or a length that it cannot use). In front of a deployed worker, the platform's own servers
//!   do this. Asserted of it: one of those statuses, so never a success.
//! - What is HTTP is answered by the worker. Asserted of it: a code of its own that refuses the
//!   delivery, never a success, never a 5xx.
//!
//! Of the log is asserted that it holds nothing but the worker's own lines and the engine's complaints
//! about HTTP: no panic, no exception.

use nextapi_testkit::Delivery;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::hostile_requests::{self, End, HostileRequest};
use crate::raw::Connection;
use crate::setup::{PATIENCE, Setup, record, succeeded};

/// How many requests; one connection each.
const COUNT: usize = 6_000;
/// Connections at a time.
const AT_ONCE: usize = 8;
/// Replays a run, with the seed that it printed.
const SEED: &str = "HOSTILE_SEED";

/// One answer of however many a connection brought.
#[derive(Debug)]
struct Reply {
    status: u16,
    is_of_the_worker: bool,
}

#[tokio::test]
async fn nothing_hostile_gets_through_and_nothing_breaks() {
    let setup = Setup::start().await;
    let seed = std::env::var(SEED).map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    // Shown when the test fails.
    println!("{SEED}={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut from_the_worker, mut from_the_engine) = (0, 0);
    for _ in 0..COUNT / AT_ONCE {
        let talks: Vec<_> = core::iter::repeat_with(|| hostile_requests::next(&mut random))
            .take(AT_ONCE)
            .map(|request| tokio::spawn(talk(setup.address(), request)))
            .collect();
        for talk in talks {
            let (request, answer) = talk.await.unwrap();
            for reply in replies(&answer) {
                check(&request, &reply);
                *(if reply.is_of_the_worker {
                    &mut from_the_worker
                } else {
                    &mut from_the_engine
                }) += 1;
            }
        }
    }
    println!("{from_the_worker} answers of the worker, {from_the_engine} of the engine");
    // The generator aims at both.
    assert!(from_the_worker > COUNT / 4 && from_the_engine > COUNT / 20);

    assert_eq!(setup.origin.count(), 0);
    setup.expect(&succeeded(), 200, "forwarded").await;
    let health = reqwest::get(format!("{}healthz", setup.edge.url())).await.unwrap();
    assert_eq!(health.text().await.unwrap(), r#"{"status":"ok"}"#);
    setup.log_line("forwarded").await;
    for line in setup.edge.logs() {
        match record(&line) {
            Some(record) => {
                assert!(record["http.response.status_code"].as_u64().unwrap() < 500, "{line}");
            }
            None => assert!(is_about_http(&line) || is_of_the_tests(&line), "{line}"),
        }
    }
}

/// What comes is not what was declared, so it is incomplete (RFC 9112, section 8), whatever is signed.
/// Whoever sent it, its signature cannot be judged, so it is no forgery either.
#[tokio::test]
async fn a_body_shorter_than_its_length_is_cut() {
    for length in ["100000", "184467440737095516150"] {
        let setup = Setup::start().await;
        let header = format!("Content-Length: {length}");
        let (status, answer) = send_with(&setup, &succeeded(), &header).await;
        assert!(status == 400 && answer.contains("body_cut"), "{answer}");
        setup.log_line("body_cut").await;
        assert!(setup.origin.received().is_empty());
    }
}

/// Status and answer to a delivery with one more header, after which the client sends no more.
async fn send_with(setup: &Setup, delivery: &Delivery, header: &str) -> (u16, String) {
    let mut connection = Connection::open(setup).await;
    connection.write_head(delivery, &[header]).await;
    connection.write(delivery.body()).await;
    connection.finish().await
}

fn check(request: &HostileRequest, reply: &Reply) {
    let expected: &[u16] =
        if reply.is_of_the_worker { &[400, 401, 404, 405, 413] } else { &[400, 431, 500, 501] };
    let sent = String::from_utf8_lossy(&request.bytes);
    assert!(expected.contains(&reply.status), "{reply:?} to {}: {sent:?}", request.kind);
}

/// Whether a line is the engine's complaint about a request that is no HTTP, or about a client that
/// is gone; or the addresses that belong to one.
fn is_about_http(line: &str) -> bool {
    let is_complaint = |part| line.starts_with("workerd/") && line.contains(part);
    line.starts_with("stack: ")
        || ["kj/compat/http.c++", "kj/compat/url.c++", "disconnected: "]
            .into_iter()
            .any(is_complaint)
}

/// Whether a line is what the bundle with faults says of what it sees. The deployed one says no such thing.
fn is_of_the_tests(line: &str) -> bool {
    line.starts_with("fault: ")
}

async fn talk(address: String, request: HostileRequest) -> (HostileRequest, Vec<u8>) {
    let mut answer = Vec::new();
    let talking = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The engine may close the connection before it has read everything. Then writing fails, and
        // the answer may be lost as well.
        if stream.write_all(&request.bytes).await.is_err() || matches!(request.end, End::Close) {
            return;
        }
        if stream.shutdown().await.is_ok() {
            let _ = stream.read_to_end(&mut answer).await;
        }
    };
    let talked = tokio::time::timeout(PATIENCE, talking).await;
    assert!(talked.is_ok(), "no end to {request:?}");
    (request, answer)
}

/// The answers in what came back. No body of ours or of the engine's has this text in it.
fn replies(answer: &[u8]) -> Vec<Reply> {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let replies = text.split("http/1.1 ").skip(1);
    let reply = |text: &str| Reply {
        status: text[..3].parse().unwrap(),
        is_of_the_worker: text.contains("\r\nx-correlation-id: "),
    };
    replies.map(reply).collect()
}
