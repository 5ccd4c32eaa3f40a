//! What can be wrong with a request as a whole: how long it is, where it ends, what was signed.

use nextapi_webhook::UnixTime;

use super::heads::method;
use super::{Make, authentic, bytes, forged, length, lines, pick, post, request, well_formed};

pub(super) fn noise(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut noise = bytes(random, 2_000);
    if random.bool() {
        noise.extend(b"\r\n\r\n");
    }
    noise
}

/// The body is signed as it is; the length says something else.
pub(super) fn content_length(random: &mut fastrand::Rng) -> Vec<u8> {
    let delivery = authentic(random);
    let right = delivery.body().len();
    let other = random.usize(1..500);
    let lies = match random.u8(..12) {
        0 => vec![length(right + other), length("x")],
        1 => vec![length(random.usize(..right))],
        2 => vec![length(format!("-{right}"))],
        3 => vec![length(u64::MAX)],
        4 => vec![length(right), length(format!("-{right}"))],
        5 => vec![length(right), length(right + other)],
        6 => vec![length(right + other), length(random.usize(..right))],
        7 => vec![length(format!("{right}, {}", right + other))],
        8 => vec![length(format!("0x{right:x}"))],
        9 => vec![length(format!("{right}.5"))],
        10 => vec![length("ten")],
        _ => vec![length(1_u64 << 40)],
    };
    request(&post(), &[lines(&delivery), lies].concat(), delivery.body())
}

/// Lengths that are missing, or larger than what comes. The engine then takes for the body nothing,
/// or what comes; so what is signed and comes whole would be authentic. Here it is not.
pub(super) fn no_length(random: &mut fastrand::Rng) -> Vec<u8> {
    let more = random.usize(1..500);
    let delivery = forged();
    let lie = match random.u8(..4) {
        0 => vec![length(delivery.body().len() + more)],
        1 => vec![length("")],
        2 => vec![length(format!("{}0", u64::MAX))],
        _ => vec![],
    };
    request(&post(), &[lines(&delivery), lie].concat(), delivery.body())
}

pub(super) fn chunks(random: &mut fastrand::Rng) -> Vec<u8> {
    let delivery = forged();
    let mut lines = lines(&delivery);
    let encoding = pick(
        random,
        &[
            "Transfer-Encoding: chunked",
            "Transfer-Encoding:chunked",
            "Transfer-Encoding: Chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: \x0bchunked",
            "Transfer-Encoding: x",
            "Transfer-Encoding : chunked",
        ],
    );
    lines.push(encoding.as_bytes().to_vec());
    let noise = bytes(random, 100);
    let chunked = pick(
        random,
        &[
            &b"5\r\nabc\r\n0\r\n\r\n"[..],
            b"3\r\nabcdef\r\n0\r\n\r\n",
            b"-1\r\nabc\r\n0\r\n\r\n",
            b"g\r\nabc\r\n0\r\n\r\n",
            b"\r\n\r\n",
            b"3\r\nabc",
            b"3\r\nabc\r\n",
            b"3\nabc\n0\n\n",
            b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
            b"7fffffffffffffff\r\nabc\r\n0\r\n\r\n",
            b"3;a=\"\r\nabc\r\n0\r\n\r\n",
            b"3 \r\nabc\r\n0\r\n\r\n",
            b"0x3\r\nabc\r\n0\r\n\r\n",
            b"3\r\nabc\r\n0\r\nX-Trailer: y\r\n\r\n",
            b"00000000000000000000003\r\nabc\r\n0\r\n\r\n",
            b"3\r\nabc\r\n0\r\n",
            b"0\r\n\r\n",
            &noise,
        ],
    );
    request(&post(), &lines, chunked)
}

pub(super) fn length_and_chunks(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut both = vec![length(random.usize(..50)), b"Transfer-Encoding: chunked".to_vec()];
    random.shuffle(&mut both);
    let body = b"0\r\n\r\nPOST /webhook HTTP/1.1\r\nHost: smuggled.test\r\n\r\n";
    request(&post(), &[lines(&forged()), both].concat(), body)
}

/// An authentic delivery that stops somewhere.
pub(super) fn truncated(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = well_formed(&authentic(random));
    bytes.truncate(random.usize(..bytes.len()));
    bytes
}

pub(super) fn flipped_bytes(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = well_formed(&forged());
    for _ in 0..random.usize(1..10) {
        let at = random.usize(..bytes.len());
        bytes[at] = random.u8(..);
    }
    bytes
}

/// The body of an authentic delivery under a signature that is none of its own.
pub(super) fn signature(random: &mut fastrand::Rng) -> Vec<u8> {
    let delivery = authentic(random);
    let now = UnixTime::now().as_secs();
    let right = delivery.headers()["x-nextapi-signature"].to_str().unwrap().to_owned();
    let (time, mac) = right.split_once(',').unwrap();
    let mac = mac.split_once('=').unwrap().1;
    let zeros = format!(",v={}", "0".repeat(64));
    let value: Vec<u8> = match random.u8(..16) {
        0 => vec![],
        1 => right[..random.usize(..right.len())].into(),
        2 => format!("{time},v={}", &mac[1..]).into(),
        3 => format!("{time},v={mac}0").into(),
        4 => format!("t={},v={mac}", now + 100_000).into(),
        5 => format!("t=-1,v={mac}").into(),
        6 => format!("t=99999999999999999999999,v={mac}").into(),
        7 => format!("{time},v={}", mac.chars().rev().collect::<String>()).into(),
        8 => format!("{time},{time},v={mac}").into(),
        9 => format!("{time}{}", zeros.repeat(random.usize(1..30))).into(),
        10 => format!("{time},w={mac}").into(),
        11 => format!("{time}\0,v={mac}").into(),
        12 => format!("{time};v={mac}").into(),
        13 => format!("{time},v={mac}\u{fffd}").into(),
        14 => b"=,".repeat(random.usize(..1_000)),
        _ => bytes(random, 200).into_iter().filter(|byte| !b"\r\n".contains(byte)).collect(),
    };
    let signature = [b"x-nextapi-signature: ".as_slice(), &value].concat();
    request(&post(), &[length(delivery.body().len()), signature], delivery.body())
}

pub(super) fn changed_body(random: &mut fastrand::Rng) -> Vec<u8> {
    let delivery = authentic(random);
    let mut body = delivery.body().to_vec();
    let at = random.usize(..body.len());
    body[at] ^= random.u8(1..);
    well_formed(&delivery.with_body(body))
}

pub(super) fn garbage_body(random: &mut fastrand::Rng) -> Vec<u8> {
    let most = if random.u8(..20) == 0 { 300_000 } else { 2_000 };
    well_formed(&forged().with_body(bytes(random, most)))
}

pub(super) fn pipelined(random: &mut fastrand::Rng) -> Vec<u8> {
    let makes: [Make; 4] = [changed_body, method, signature, garbage_body];
    (0..random.usize(2..6)).flat_map(|_| makes[random.usize(..makes.len())](random)).collect()
}
