//! A body cut into pieces: however it is cut, the verdict is the one over the whole, and the right
//! one.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nextapi_webhook::{Error, Key, Tolerance, UnixTime, Verifier};
use nextapi_webhook_fuzz::PLANTED_FAULT;
use nextapi_webhook_fuzz::mac::hmac;

#[derive(Arbitrary, Debug)]
struct Delivery<'a> {
    /// Whether the second of the two keys made the signature.
    by_second: bool,
    timestamp: u64,
    /// Bytes that were signed behind the body, and did not arrive.
    lost: &'a [u8],
    /// Where the body is cut, in any order, counted around. Equal ones make an empty piece.
    cuts: Vec<u16>,
    body: &'a [u8],
}

fuzz_target!(|delivery: Delivery<'_>| {
    let Delivery { by_second, timestamp, lost, cuts, body } = delivery;
    let secrets = [b"first", b"other"];
    let message = [timestamp.to_string().as_bytes(), b".", body, lost].concat();
    let mac = hmac(secrets[usize::from(by_second)], &message);
    let header = format!("t={timestamp},v={mac}");
    let now = UnixTime::from_secs(timestamp);

    let keys = secrets.map(|secret| Key::new(secret).expect("it is not empty"));
    let verifier = Verifier::<2>::new(keys, Tolerance::DEFAULT).expect("there is room");
    let whole = verifier.verify(&header, body, now);
    let expected =
        if lost.is_empty() { Ok(usize::from(by_second)) } else { Err(Error::SignatureMismatch) };
    assert_eq!(whole.map(|verified| verified.key_index()), expected);

    let mut stream = verifier.begin(&header, now).expect("the header is sound");
    for piece in pieces(body, &cuts) {
        if PLANTED_FAULT && piece.is_empty() {
            // Takes an empty piece for the end of the body.
            break;
        }
        stream.update(piece);
    }
    assert_eq!(stream.finish(), whole);
});

fn pieces<'a>(body: &'a [u8], cuts: &[u16]) -> Vec<&'a [u8]> {
    let places = cuts.iter().map(|&cut| usize::from(cut) % (body.len() + 1));
    let mut places: Vec<usize> = places.chain([0, body.len()]).collect();
    places.sort_unstable();
    places.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect()
}
