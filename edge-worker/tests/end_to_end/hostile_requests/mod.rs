//! Requests as nobody should send them, made by a seeded generator. None of them has a valid
//! signature over the body that arrives.

mod heads;
mod messages;

use core::iter::repeat_with;

use nextapi_testkit::Delivery;
use nextapi_webhook::{Key, UnixTime};

use crate::setup::{PATH, signed_bytes};

/// How a client leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// It says that it has nothing more to send, and reads to the end.
    HalfClose,
    /// It is gone at once.
    Close,
}

/// What a client sends on one connection, and how it leaves.
#[derive(Clone, Debug)]
pub(crate) struct HostileRequest {
    /// What is wrong with it.
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: End,
}

type Make = fn(&mut fastrand::Rng) -> Vec<u8>;

const KINDS: [(&str, Make); 19] = [
    ("noise", messages::noise),
    ("request line", heads::request_line),
    ("method", heads::method),
    ("target", heads::target),
    ("version", heads::version),
    ("header syntax", heads::header_syntax),
    ("header names twice", heads::headers_twice),
    ("huge head", heads::huge_head),
    ("content length", messages::content_length),
    ("no length", messages::no_length),
    ("chunks", messages::chunks),
    ("length and chunks", messages::length_and_chunks),
    ("truncated", messages::truncated),
    ("flipped bytes", messages::flipped_bytes),
    ("signature", messages::signature),
    ("changed body", messages::changed_body),
    ("garbage body", messages::garbage_body),
    ("pipelined", messages::pipelined),
    ("other headers", heads::other_headers),
];

/// The next request of the generator.
pub(crate) fn next(random: &mut fastrand::Rng) -> HostileRequest {
    let (kind, make) = KINDS[random.usize(..KINDS.len())];
    let end = if random.u8(..10) == 0 { End::Close } else { End::HalfClose };
    HostileRequest { kind, bytes: make(random), end }
}

fn pick<'a, T: ?Sized>(random: &mut fastrand::Rng, choices: &[&'a T]) -> &'a T {
    choices[random.usize(..choices.len())]
}

fn bytes(random: &mut fastrand::Rng, most: usize) -> Vec<u8> {
    let length = random.usize(..=most);
    repeat_with(|| random.u8(..)).take(length).collect()
}

/// A delivery that somebody signed who has not the secret.
fn forged() -> Delivery {
    let outsider = Key::new(b"whsec_outsider").unwrap();
    let body = nextapi_testkit::EventBody::new("job.succeeded", r#"{"id":"evt_x","type":"a"}"#);
    Delivery::signed(body, &outsider, UnixTime::now()).unwrap()
}

/// A delivery that is authentic as long as nobody touches it.
fn authentic(random: &mut fastrand::Rng) -> Delivery {
    signed_bytes(format!(r#"{{"id":"evt_{:x}","type":"a"}}"#, random.u64(..)))
}

fn lines(delivery: &Delivery) -> Vec<Vec<u8>> {
    let headers = delivery.headers().iter();
    headers
        .map(|(name, value)| [name.as_str().as_bytes(), b": ", value.as_bytes()].concat())
        .collect()
}

/// A request of its parts, which may be anything.
fn request(first: &[u8], lines: &[Vec<u8>], body: &[u8]) -> Vec<u8> {
    let mut request = [first, b"\r\nHost: edge.test\r\n"].concat();
    for line in lines {
        request.extend([line, &b"\r\n"[..]].concat());
    }
    request.extend(b"\r\n");
    request.extend(body);
    request
}

fn post() -> Vec<u8> {
    format!("POST /{PATH} HTTP/1.1").into_bytes()
}

fn length(length: impl core::fmt::Display) -> Vec<u8> {
    format!("Content-Length: {length}").into_bytes()
}

/// A delivery as it should be sent.
fn well_formed(delivery: &Delivery) -> Vec<u8> {
    let mut lines = lines(delivery);
    lines.push(length(delivery.body().len()));
    request(&post(), &lines, delivery.body())
}

/// A forged delivery, well-formed but for its first line.
fn with_first_line(first: &[u8]) -> Vec<u8> {
    let delivery = forged();
    let mut lines = lines(&delivery);
    lines.push(length(delivery.body().len()));
    request(first, &lines, delivery.body())
}

/// A forged delivery with more headers.
fn with_lines(more: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let delivery = forged();
    let mut lines = lines(&delivery);
    lines.push(length(delivery.body().len()));
    lines.extend(more);
    request(&post(), &lines, delivery.body())
}
