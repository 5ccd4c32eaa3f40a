//! Deliveries that are authentic, or nearly, among headers that are not what they should be.

use nextapi_testkit::Delivery;
use nextapi_webhook::{Key, UnixTime};

use crate::raw::Connection;
use crate::setup::{Setup, succeeded};

/// Sends a delivery's body with these header lines, and gives status and answer.
async fn send(setup: &Setup, delivery: &Delivery, lines: &[&[u8]]) -> (u16, String) {
    let mut connection = Connection::open(setup).await;
    let length = format!("Content-Length: {}", delivery.body().len());
    let first: [&[u8]; 3] = [b"POST /webhook HTTP/1.1", b"Host: edge.test", length.as_bytes()];
    // In one piece: the engine may refuse it, and close the connection, before the end.
    let head = [&first, lines, &[b"", b""]].concat().join(&b"\r\n"[..]);
    connection.write([&head, &delivery.body()[..]].concat()).await;
    connection.finish().await
}

async fn expect(setup: &Setup, delivery: &Delivery, lines: &[&[u8]], status: u16, code: &str) {
    let answer = send(setup, delivery, lines).await;
    let shown: Vec<_> = lines.iter().map(|line| line.escape_ascii().to_string()).collect();
    assert!(answer.0 == status && answer.1.contains(code), "{answer:?} to {shown:?}");
}

/// The value of the delivery's signature.
fn signature(delivery: &Delivery) -> String {
    delivery.headers()["x-nextapi-signature"].to_str().unwrap().to_owned()
}

/// An outsider's signature over the same body.
fn forged(delivery: &Delivery) -> String {
    Key::new(b"whsec_outsider").unwrap().sign(UnixTime::now(), delivery.body()).to_string()
}

fn line(name: &str, value: &str) -> Vec<u8> {
    format!("{name}: {value}").into_bytes()
}

/// The platform joins headers of one name with a comma. A joined value has two timestamps, and such a
/// header is refused: which of them was meant cannot be known, and a good signature cannot be used to
/// bring another one along.
#[tokio::test]
async fn one_name_twice_is_malformed_whatever_the_order() {
    let setup = Setup::start().await;
    for name in ["x-nextapi-signature", "x-webhook-signature", "X-NEXTAPI-SIGNATURE"] {
        let delivery = succeeded();
        let (good, bad) =
            (line(name, &signature(&delivery)), line("X-NextAPI-Signature", &forged(&delivery)));
        let bad = if name.contains("webhook") { line(name, &forged(&delivery)) } else { bad };
        for lines in [[&good, &bad], [&bad, &good], [&good, &good]] {
            let lines = lines.map(Vec::as_slice);
            expect(&setup, &delivery, &lines, 400, "signature_malformed").await;
        }
    }
    assert_eq!(setup.origin.count(), 0);
}

/// Joining can also make a whole header of two halves. That is no harm: the signature holds.
#[tokio::test]
async fn halves_of_a_signature_in_two_headers_of_one_name_are_joined() {
    let setup = Setup::start().await;
    let delivery = succeeded();
    let whole = signature(&delivery);
    let (time, mac) = whole.split_once(',').unwrap();
    let halves = [line("x-nextapi-signature", time), line("x-nextapi-signature", mac)];
    let lines: Vec<_> = halves.iter().map(Vec::as_slice).collect();
    expect(&setup, &delivery, &lines, 200, "forwarded").await;
    let received = setup.origin.received().remove(0);
    assert_eq!(received.header("x-nextapi-signature"), Some(format!("{time}, {mac}").as_str()));
}

/// The first of the two names decides, even where its value is empty: who sends both cannot choose
/// the one that holds.
#[tokio::test]
async fn both_names_the_first_one_decides() {
    let setup = Setup::start().await;
    let delivery = succeeded();
    let (good, bad) = (signature(&delivery), forged(&delivery));
    for (first, second, status, code) in [
        (bad.as_str(), good.as_str(), 401, "signature_mismatch"),
        ("", &good, 400, "signature_malformed"),
        ("t=1", &good, 400, "signature_malformed"),
        (&good, &bad, 200, "forwarded"),
        (&good, &good, 200, "duplicate"),
    ] {
        let first = line("x-nextapi-signature", first);
        let second = line("x-webhook-signature", second);
        // The order on the wire is not the order of looking.
        expect(&setup, &delivery, &[&second, &first], status, code).await;
    }
    assert_eq!(setup.origin.count(), 1);
}

#[tokio::test]
async fn long_and_many_headers_are_no_hindrance() {
    let setup = Setup::start().await;
    let delivery = succeeded();
    let good = line("x-nextapi-signature", &signature(&delivery));
    let long = line("x-long", &"a".repeat(60_000));
    expect(&setup, &delivery, &[&long, &good], 200, "forwarded").await;
    let kept = line("x-nextapi-long", &"a".repeat(30_000));
    expect(&setup, &delivery, &[&kept, &good], 200, "duplicate").await;

    let delivery = succeeded();
    let good = line("x-nextapi-signature", &signature(&delivery));
    let many: Vec<_> = (0..4_000).map(|number| line(&format!("x-{number}"), "a")).collect();
    let many = many.iter().map(Vec::as_slice).chain([good.as_slice()]).collect::<Vec<_>>();
    expect(&setup, &delivery, &many, 200, "forwarded").await;

    let delivery = succeeded();
    for long in [1_025, 100_000] {
        let long =
            line("x-nextapi-signature", &format!("{},{}", signature(&delivery), "a".repeat(long)));
        expect(&setup, &delivery, &[&long], 400, "signature_malformed").await;
    }
    assert_eq!(setup.origin.count(), 2);
}

/// The engine's limit for a whole head is 128 KiB.
#[tokio::test]
async fn a_head_without_end_is_refused_by_the_engine() {
    let setup = Setup::start().await;
    let mut connection = Connection::open(&setup).await;
    connection.write(format!("POST /webhook HTTP/1.1\r\nx-long: {}", "a".repeat(140_000))).await;
    let (status, answer) = connection.read_answer().await;
    assert_eq!(status, 431, "{answer}");
    assert!(!answer.contains("x-correlation-id"), "{answer}");
}

/// Bytes that are no ASCII are read as UTF-8, and what is no UTF-8 is replaced. They stand in headers
/// that nobody has signed, so that is no harm to the delivery; nor to the signature's header, which
/// has ASCII or does not hold.
#[tokio::test]
async fn bytes_beyond_ascii_do_no_harm() {
    let setup = Setup::start().await;
    for (value, arrives) in
        [(&b"\xe2\x82\xac"[..], &b"\xe2\x82\xac"[..]), (b"\xff\xe9", b"\xef\xbf\xbd\xef\xbf\xbd")]
    {
        for name in ["x-nextapi-note", "user-agent", "content-type"] {
            let delivery = succeeded();
            let good = line("x-nextapi-signature", &signature(&delivery));
            let note = [name.as_bytes(), b": ", value].concat();
            expect(&setup, &delivery, &[&note, &good], 200, "forwarded").await;
            let received = setup.origin.received().pop().unwrap();
            assert_eq!(received.headers()[name].as_bytes(), arrives, "{name}");
        }
    }
    for name in ["x-correlation-id", "traceparent", "cf-connecting-ip", "cookie"] {
        let delivery = succeeded();
        let good = line("x-nextapi-signature", &signature(&delivery));
        let odd = [name.as_bytes(), b": \xff"].concat();
        expect(&setup, &delivery, &[&odd, &good], 200, "forwarded").await;
        let received = setup.origin.received().pop().unwrap();
        assert!(received.headers().values().all(|value| value.to_str().is_ok()), "{name}");
    }
    let before = setup.origin.count();
    let delivery = succeeded();
    let good = signature(&delivery);
    let odd = [b"x-nextapi-signature: ", good.as_bytes(), b"\xff"].concat();
    expect(&setup, &delivery, &[&odd], 400, "signature_malformed").await;
    // An element that nobody knows is ignored, whatever it is made of.
    let odd = [b"x-nextapi-signature: \xff,", good.as_bytes()].concat();
    expect(&setup, &delivery, &[&odd], 200, "forwarded").await;
    assert_eq!(setup.origin.count(), before + 1);
}

/// A header that no server would take is left behind: it would keep the event from its origin.
#[tokio::test]
async fn headers_that_are_no_headers_are_left_behind() {
    let setup = Setup::start().await;
    for odd in [
        &b"x-nextapi-note: a\x01b"[..],
        b"x-nextapi-note: \x7f",
        b"x-nextapi-\xff: b",
        b"x-nextapi-\xc3\xa4: b",
    ] {
        let delivery = succeeded();
        let good = line("x-nextapi-signature", &signature(&delivery));
        expect(&setup, &delivery, &[odd, &good], 200, "forwarded").await;
        let received = setup.origin.received().pop().unwrap();
        let kept = received.headers().keys().filter(|name| name.as_str().starts_with("x-nextapi-"));
        let kept: Vec<_> = kept.map(http::HeaderName::as_str).collect();
        assert_eq!(kept, ["x-nextapi-signature"], "{}", odd.escape_ascii());
    }
}

/// What the engine makes of line ends where none belong: a bare CR or LF ends the line, and a line
/// that starts with white space goes on with the one before, with the line's end turned to spaces. So
/// no value with a line's end in it reaches the worker, and none can become a header of the origin.
#[tokio::test]
async fn line_ends_do_not_make_headers() {
    let setup = Setup::start().await;
    for (note, arrives) in [
        (&b"x-nextapi-note: a\rx-edge-attempt: 9"[..], "a"),
        (b"x-nextapi-note: a\nx-edge-attempt: 9", "a"),
        (b"x-nextapi-note: a\r\n x-edge-attempt: 9", "a   x-edge-attempt: 9"),
        (b"x-nextapi-note: a\r\n\tb", "a  \tb"),
        (b"x-nextapi-note: a%0d%0ax-edge-attempt: 9", "a%0d%0ax-edge-attempt: 9"),
    ] {
        let delivery = succeeded();
        let good = line("x-nextapi-signature", &signature(&delivery));
        expect(&setup, &delivery, &[note, &good], 200, "forwarded").await;
        let received = setup.origin.received().pop().unwrap();
        assert_eq!(received.header("x-nextapi-note"), Some(arrives));
        assert_eq!(received.attempt(), Some(1));
    }
    let before = setup.origin.count();
    let delivery = succeeded();
    let good = line("x-nextapi-signature", &signature(&delivery));
    for odd in [&b"x-nextapi-note: a\0b"[..], b"x-correlation-id: a\rb", b"no colon"] {
        let (status, answer) = send(&setup, &delivery, &[odd, &good]).await;
        assert_eq!(status, 400, "{answer}");
        assert!(!answer.contains("x-correlation-id"), "the engine refuses this: {answer}");
    }
    assert_eq!(setup.origin.count(), before);
    // An id with a line's end in it is not sane, and is replaced.
    let (status, answer) = send(&setup, &delivery, &[b"x-correlation-id: a\r\n b", &good]).await;
    assert_eq!(status, 200, "{answer}");
    assert!(!answer.contains("x-correlation-id: a "), "{answer}");
}
