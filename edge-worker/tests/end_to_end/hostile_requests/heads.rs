//! What can be wrong with the head of a request. Every one of these deliveries is forged.

use super::{bytes, forged, lines, pick, with_first_line, with_lines};

pub(super) fn request_line(random: &mut fastrand::Rng) -> Vec<u8> {
    with_first_line(pick(
        random,
        &[
            &b""[..],
            b" ",
            b"POST",
            b"POST ",
            b"POST /webhook",
            b"POST  /webhook  HTTP/1.1",
            b"POST\t/webhook\tHTTP/1.1",
            b" POST /webhook HTTP/1.1",
            b"POST /webhook HTTP/1.1 more",
            b"POST /web hook HTTP/1.1",
            b"/webhook POST HTTP/1.1",
            b"HTTP/1.1 200 OK",
            b"POST /webhook HTTP/1.1\nX: y",
            b"POST /webhook HTTP/1.1\rX: y",
            b"POST\0/webhook HTTP/1.1",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ],
    ))
}

pub(super) fn method(random: &mut fastrand::Rng) -> Vec<u8> {
    let method = pick(
        random,
        &[
            "GET",
            "HEAD",
            "PUT",
            "DELETE",
            "OPTIONS",
            "TRACE",
            "CONNECT",
            "PATCH",
            "post",
            "Post",
            "POSTS",
            "P",
            "",
            "PÖST",
            "PO\0ST",
            "PROPFIND",
            "SUBSCRIBE",
            "QUERY",
            "{}",
            "*",
        ],
    );
    with_first_line(format!("{method} /webhook HTTP/1.1").as_bytes())
}

pub(super) fn target(random: &mut fastrand::Rng) -> Vec<u8> {
    let long = [b"/".as_slice(), &b"a".repeat(random.usize(..20_000))].concat();
    let noise = [b"/".as_slice(), &bytes(random, 50)].concat();
    let target = pick(
        random,
        &[
            &b"*"[..],
            b"",
            b"webhook",
            b"//",
            b"//webhook",
            b"///",
            b"/webhook/..",
            b"/../webhook/x",
            b"/%77ebhook",
            b"/webhook%00",
            b"/webhook%",
            b"/webhook%zz",
            b"/webhook\0",
            b"/webhook\\",
            b"\\webhook",
            b"/webhook;a=b",
            b"/webhook?\xff",
            b"/webhook?a=%ff&b=%00",
            b"/webhook#fragment",
            b"/\xc3\x28",
            b"/%c3%28",
            b"/%ff%fe",
            b"http://edge.test/webhook",
            b"http://other.test/webhook",
            b"https://edge.test/webhook",
            b"http://",
            b"http:///webhook",
            b"http://[::1/webhook",
            b"http://a b/webhook",
            b"http://user:pw@edge.test/webhook",
            b"http://edge.test:99999/webhook",
            b"http://\xff/webhook",
            b"ftp://edge.test/webhook",
            b"file:///etc/passwd",
            b"javascript:alert(1)",
            b"edge.test:443",
            b"edge.test",
            b":0",
            b"[::1]:80",
            b"/_edge/status",
            b"/_edge/../webhook",
            b"/healthz/..",
            b"/healthz?x",
            &long,
            &noise,
        ],
    );
    with_first_line(&[b"POST ", target, b" HTTP/1.1"].concat())
}

pub(super) fn version(random: &mut fastrand::Rng) -> Vec<u8> {
    let version = pick(
        random,
        &[
            "HTTP/1.0",
            "HTTP/0.9",
            "HTTP/1.2",
            "HTTP/1.11",
            "HTTP/2",
            "HTTP/2.0",
            "HTTP/9.9",
            "http/1.1",
            "HTTP/1.",
            "HTTP/",
            "HTTP/-1.1",
            "HTTP/1.1\0",
            "XTTP/1.1",
            "HTTP/1,1",
            "HTTP/99999999999999999999.1",
        ],
    );
    with_first_line(format!("POST /webhook {version}").as_bytes())
}

pub(super) fn header_syntax(random: &mut fastrand::Rng) -> Vec<u8> {
    let line = pick(
        random,
        &[
            &b": no name"[..],
            b"no colon",
            b"x y: z",
            b"x : z",
            b" x: folded?",
            b"x: a\r\n folded",
            b"x: a\r\n\tfolded",
            b"x: a\nb: c",
            b"x: a\rb: c",
            b"x: \0",
            b"x\0: y",
            b"x: \x01\x02\x1b[31m",
            b"x: \xff\xfe\xfd",
            b"\xff\xfe: y",
            b"x: \xe2\x82\xac",
            b"(x): y",
            b"x\": y",
            b"x:",
            b"x:::y",
            b":",
            b"x-correlation-id: a\r\n b",
            b"x-correlation-id: \xff",
            b"traceparent: \0",
            b"x-nextapi-event: \xff\xff",
            b"x-nextapi-\xc3\xa4: y",
            b"cf-connecting-ip: \xff",
            b"x-nextapi-signature: t=1,v=00\r\n 11",
        ],
    );
    with_lines([line.to_vec()])
}

pub(super) fn headers_twice(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut twice = lines(&forged());
    twice.push(b"Host: other.test".to_vec());
    twice.push(b"Content-Type: text/plain".to_vec());
    twice.push(b"X-Correlation-Id: one".to_vec());
    twice.push(b"X-Correlation-Id: two".to_vec());
    random.shuffle(&mut twice);
    with_lines(twice)
}

pub(super) fn huge_head(random: &mut fastrand::Rng) -> Vec<u8> {
    let size = random.usize(1_000..200_000);
    match random.u8(..4) {
        0 => with_lines([[b"x-long: ".as_slice(), &b"a".repeat(size)].concat()]),
        1 => with_lines([[&b"x".repeat(size), b": y".as_slice()].concat()]),
        2 => with_lines((0..size / 20).map(|n| format!("x-{n}: {n}").into_bytes())),
        _ => {
            with_lines([[b"x-webhook-signature: ".as_slice(), &b"v=0,".repeat(size / 4)].concat()])
        }
    }
}

pub(super) fn other_headers(random: &mut fastrand::Rng) -> Vec<u8> {
    let line = pick(
        random,
        &[
            &b"Expect: 100-continue"[..],
            b"Expect: the-unexpected",
            b"Upgrade: websocket",
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==",
            b"Connection: x-nextapi-signature",
            b"Connection: close",
            b"Connection: \xff",
            b"TE: trailers",
            b"Content-Encoding: gzip",
            b"Content-Type: multipart/form-data; boundary=",
            b"Range: bytes=0-",
            b"X-HTTP-Method-Override: GET",
            b"CF-Connecting-IP: 999.1.1.1",
            b"CF-Blob: {}",
            b"Host:",
            b"Host: [",
            b"Host: a b",
            b"Host: edge.test:99999",
            b"Host: \xff",
        ],
    );
    with_lines([line.to_vec()])
}
