//! A body cut into pieces: however it is cut, the verdict is the one over the whole, and the right
//! one.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nextapi_webhook::{Error, Key, Stream, Tolerance, UnixTime, Verified, Verifier};
use nextapi_webhook_fuzz::PLANTED_FAULT;
use nextapi_webhook_fuzz::engine::verify_pending;
use nextapi_webhook_fuzz::mac::hmac;
use nextapi_webhook_fuzz::refusal::Refusal;

#[derive(Arbitrary, Debug)]
struct Delivery<'a> {
    /// Whether the second of the two keys made the signature.
    by_second: bool,
    timestamp: u64,
    /// Bytes that were signed behind the body, and did not arrive.
    lost: &'a [u8],
    /// How long the pieces of the body are, counted around what is left of it.
    cuts: Vec<u16>,
    body: &'a [u8],
}

fuzz_target!(|delivery: Delivery<'_>| {
    let Delivery { by_second, timestamp, lost, cuts, body } = delivery;
    let secrets: [&[u8]; 2] = [b"first", b"other"];
    let digits = timestamp.to_string();
    let signed = [digits.as_bytes(), b".", body, lost];
    let mac = hmac(secrets[usize::from(by_second)], &signed);
    let header = [b"t=", digits.as_bytes(), b",v=", mac.as_bytes()].concat();
    let now = UnixTime::from_secs(timestamp);

    let keys = secrets.map(|secret| Key::new(secret).expect("it is not empty"));
    let verifier = Verifier::<2>::new(keys, Tolerance::DEFAULT).expect("there is room");
    let whole = verifier.verify(&header, body, now);
    let expected =
        if lost.is_empty() { Ok(usize::from(by_second)) } else { Err(Refusal::SignatureMismatch) };
    assert_eq!(whole.map(|verified| verified.key_index()).map_err(Refusal::from), expected);
    let order = body.len().to_le_bytes()[0];
    let pending = verify_pending(&secrets, Tolerance::DEFAULT, &header, body, now, order);
    assert_eq!(pending, whole);

    let mut stream = Stream::new(&verifier);
    assert_eq!(stream.finish(now), Err(Error::SignatureMismatch));
    use_before(&mut stream, cuts.len() % 4, &header, body, now);
    stream.begin(&header).expect("the header is sound");
    for piece in pieces(body, &cuts) {
        if PLANTED_FAULT && piece.is_empty() {
            // Takes an empty piece for the end of the body.
            break;
        }
        stream.update(piece);
    }
    assert_eq!(stream.finish(now), whole.map(Verified::without_body));
    // The verdict is given once.
    stream.update(body);
    assert_eq!(stream.finish(now), Err(Error::SignatureMismatch));
});

/// One of the things that may come before in the same stream: nothing, a delivery that is given up, one
/// that is finished, a header that is refused.
fn use_before(stream: &mut Stream<'_, 2>, which: usize, header: &[u8], body: &[u8], now: UnixTime) {
    if which == 0 {
        return;
    }
    stream.begin(header).expect("the header is sound");
    stream.update(body);
    match which {
        1 => {}
        2 => drop(stream.finish(now)),
        _ => {
            assert_eq!(stream.begin("t=0"), Err(Error::SignatureMissing));
            stream.update(body);
            assert_eq!(stream.finish(now), Err(Error::SignatureMismatch));
        }
    }
}

/// Cuts off one piece after the other. What is left in the end is the last one.
fn pieces<'a>(mut body: &'a [u8], cuts: &[u16]) -> impl Iterator<Item = &'a [u8]> {
    cuts.iter().map(Some).chain([None]).map(move |cut| {
        let length = cut.map_or(body.len(), |&cut| usize::from(cut) % (body.len() + 1));
        let (piece, rest) = body.split_at(length);
        body = rest;
        piece
    })
}
