//! Signature, clock and keys together.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_sign_loss,
    reason = "a test may stop at the first surprise"
)]

use nextapi_webhook::{
    Error, Event, EventKey, Key, KeyError, Label, Stream, Tolerance, UnixTime, Verified, Verifier,
};

const BODY: &[u8] = b"\x00\xff not text at all \r\n";
const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn key(secret: &str) -> Key {
    Key::new(secret.as_bytes()).unwrap()
}

fn verifier(tolerance: Tolerance) -> Verifier<1> {
    Verifier::new([key("secret")], tolerance).unwrap()
}

fn at(offset: i64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs().checked_add_signed(offset).unwrap())
}

#[test]
fn fresh_means_less_than_the_tolerance_in_both_directions() {
    let verifier = verifier(Tolerance::DEFAULT);
    let header = key("secret").sign(NOW, BODY).to_string();

    assert_eq!(verifier.verify(&header, BODY, at(299)).unwrap().age_secs(), 299);
    assert_eq!(verifier.verify(&header, BODY, at(-299)).unwrap().age_secs(), -299);
    let late = verifier.verify(&header, BODY, at(300));
    let is_expired = matches!(late, Err(Error::TimestampExpired { age: 300, tolerance: 300, .. }));
    assert!(is_expired, "{late:?}");
    let early = verifier.verify(&header, BODY, at(-300));
    let is_ahead = matches!(early, Err(Error::TimestampAhead { ahead: 300, tolerance: 300, .. }));
    assert!(is_ahead, "{early:?}");
}

#[test]
fn past_and_future_tolerance_are_apart() {
    let verifier = verifier(Tolerance::new(3_600, 1));
    let header = key("secret").sign(NOW, BODY).to_string();
    assert!(verifier.verify(&header, BODY, at(3_599)).is_ok());
    assert!(verifier.verify(&header, BODY, at(3_600)).is_err());
    assert!(verifier.verify(&header, BODY, NOW).is_ok());
    assert!(verifier.verify(&header, BODY, at(-1)).is_err());
}

#[test]
fn only_an_authentic_delivery_learns_that_it_was_stale() {
    let verifier = verifier(Tolerance::DEFAULT);
    for offset in [-1_000_000, -300, 0, 300, 1_000_000] {
        let forged = key("other").sign(NOW, BODY).to_string();
        assert_eq!(verifier.verify(&forged, BODY, at(offset)), Err(Error::SignatureMismatch));
    }
}

#[test]
fn any_flipped_bit_is_a_mismatch() {
    let verifier = verifier(Tolerance::DEFAULT);
    let header = key("secret").sign(NOW, BODY).to_string();
    for position in 0..BODY.len() * 8 {
        let mut body = BODY.to_vec();
        body[position / 8] ^= 1 << (position % 8);
        assert_eq!(verifier.verify(&header, &body, NOW), Err(Error::SignatureMismatch));
    }
    assert_eq!(verifier.verify(&header, b"", NOW), Err(Error::SignatureMismatch));
}

/// Two changes, so that a comparison in which they cancel each other out is found.
#[test]
fn any_two_changed_bytes_of_a_signature_are_a_mismatch() {
    let verifier = verifier(Tolerance::DEFAULT);
    let signature = key("secret").sign(NOW, BODY);
    for first in 0..32 {
        for second in first..32 {
            let mut mac = *signature.mac();
            mac[first] ^= 0x10;
            mac[second] ^= if second == first { 0x01 } else { 0x10 };
            let header = format!("t=1700000000,v={}", hex(&mac));
            assert_eq!(verifier.verify(header, BODY, NOW), Err(Error::SignatureMismatch));
        }
    }
    let header = format!("t=1700000000,v={}", hex(signature.mac()));
    assert!(verifier.verify(header, BODY, NOW).is_ok(), "unchanged, it holds");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_timestamp_is_part_of_what_is_signed() {
    let verifier = verifier(Tolerance::DEFAULT);
    let header = key("secret").sign(NOW, BODY).to_string();
    let moved = header.replace("t=1700000000", "t=1700000001");
    assert_eq!(verifier.verify(moved, BODY, NOW), Err(Error::SignatureMismatch));
}

#[test]
fn every_key_is_tried_and_the_first_that_matches_is_reported() {
    let keys = || ["newest", "older", "oldest"].map(key);
    let verifier = Verifier::<3>::new(keys(), Tolerance::DEFAULT).unwrap();
    for (index, key) in keys().iter().enumerate() {
        let header = key.sign(NOW, BODY).to_string();
        assert_eq!(verifier.verify(&header, BODY, NOW).unwrap().key_index(), index);
    }
    let same_twice = Verifier::<2>::new([key("a"), key("a")], Tolerance::DEFAULT).unwrap();
    let header = key("a").sign(NOW, BODY).to_string();
    assert_eq!(same_twice.verify(&header, BODY, NOW).unwrap().key_index(), 0);
}

#[test]
fn two_keys_signatures_in_one_header_report_the_newest_key() {
    let verifier = Verifier::<2>::new([key("new"), key("old")], Tolerance::DEFAULT).unwrap();
    let old = key("old").sign(NOW, BODY).to_string();
    let new = key("new").sign(NOW, BODY).with_label(Label::V1).to_string();
    let (_, new) = new.split_once(',').unwrap();
    let both = verifier.verify(format!("{old},{new}"), BODY, NOW).unwrap();
    assert_eq!(both.key_index(), 0);
}

#[test]
fn a_verifier_needs_at_least_one_key_and_room_for_all() {
    let none = Verifier::<2>::new([], Tolerance::DEFAULT).map(|_| ());
    assert_eq!(none, Err(KeyError::None));
    let many = Verifier::<2>::new(["a", "b", "c"].map(key), Tolerance::DEFAULT).map(|_| ());
    assert!(matches!(many, Err(KeyError::TooMany { limit: 2, .. })), "{many:?}");
}

#[test]
fn debug_output_shows_no_secret() {
    let debug = format!("{:?}", verifier(Tolerance::DEFAULT));
    assert!(!debug.contains("secret"), "{debug}");
    assert!(debug.contains("keys: 1"), "{debug}");

    let header = key("secret").sign(NOW, BODY);
    let verifier = verifier(Tolerance::DEFAULT);
    let stream = verifier.begin(header.to_string()).unwrap();
    assert_eq!(format!("{stream:?}"), format!("Stream {{ timestamp: {NOW:?}, .. }}"));
}

#[test]
fn debug_output_shows_no_body() {
    let header = key("secret").sign(NOW, BODY).to_string();
    let verified = verifier(Tolerance::DEFAULT).verify(&header, BODY, NOW).unwrap();
    assert_eq!(
        format!("{verified:?}"),
        format!("Verified {{ key_index: 0, timestamp: {NOW:?}, age_secs: 0, .. }}")
    );
}

/// Whoever holds a captured delivery can begin it while it is fresh and keep its last byte back. Its age
/// is that of the end.
#[test]
fn a_stream_is_judged_by_its_age_at_the_end() {
    let verifier = verifier(Tolerance::DEFAULT);
    let header = key("secret").sign(NOW, BODY).to_string();
    let (last, first) = BODY.split_last().unwrap();
    for (end, accepted) in [(299, true), (300, false), (305, false), (-299, true), (-300, false)] {
        let mut stream = verifier.begin(&header).unwrap();
        stream.update(first);
        stream.update(&[*last]);
        let verdict = stream.finish(at(end));
        assert_eq!(verdict, verifier.verify(&header, BODY, at(end)).map(Verified::without_body));
        assert_eq!(verdict.is_ok(), accepted, "{end}: {verdict:?}");
    }
}

/// In place, for every delivery anew, whatever came before.
#[test]
fn a_stream_can_begin_again() {
    let verifier = verifier(Tolerance::DEFAULT);
    let header = key("secret").sign(NOW, BODY).to_string();
    let long = [b'x'; 200];
    let header_of_long = key("secret").sign(NOW, &long).to_string();

    let mut stream = Stream::new(&verifier);
    for (header, body) in [(&header, BODY), (&header_of_long, &long), (&header, BODY)] {
        stream.begin(header).unwrap();
        stream.update(body);
        assert_eq!(stream.finish(NOW).map(|verified| verified.key_index()), Ok(0));
    }
    // Of one that was given up, nothing is left.
    for taken in [1, 64, 150] {
        stream.begin(&header_of_long).unwrap();
        stream.update(&long[..taken]);
        stream.begin(&header).unwrap();
        stream.update(BODY);
        assert_eq!(stream.finish(NOW).map(|verified| verified.key_index()), Ok(0), "{taken}");
    }
}

#[test]
fn a_stream_that_has_not_begun_refuses_everything() {
    let verifier = verifier(Tolerance::DEFAULT);
    let header = key("secret").sign(NOW, BODY).to_string();
    let refuses = |stream: &mut Stream<'_, 1>| {
        stream.update(BODY);
        assert_eq!(stream.finish(NOW), Err(Error::SignatureMismatch));
    };

    let mut stream = Stream::new(&verifier);
    refuses(&mut stream);
    // After the verdict, and after a header that was refused for what stands behind a good signature.
    stream.begin(&header).unwrap();
    stream.update(BODY);
    assert!(stream.finish(NOW).is_ok());
    assert_eq!(stream.finish(NOW), Err(Error::SignatureMismatch));
    refuses(&mut stream);
    for begun_before in [false, true] {
        if begun_before {
            stream.begin(&header).unwrap();
        }
        assert_eq!(stream.begin(format!("{header},t=1")), Err(Error::TimestampRepeated));
        refuses(&mut stream);
    }
}

#[test]
fn what_was_verified_is_what_is_read() {
    let header = key("secret").sign(NOW, BODY).to_string();
    let verifier = verifier(Tolerance::DEFAULT);
    let delivery = verifier.verify(&header, BODY, NOW).unwrap();
    assert_eq!(delivery.body(), BODY);
    assert_eq!(delivery.event(), Event::read_unverified(BODY));
    assert_eq!(delivery.event_key(), EventKey::of_unverified(BODY));
    let mut stream = verifier.begin(&header).unwrap();
    stream.update(BODY);
    assert_eq!(stream.finish(NOW).map(|verified| verified.with_body(BODY)), Ok(delivery));
}

#[test]
fn keys_that_are_added_are_like_those_that_were_given() {
    let mut verifier = Verifier::<2>::without_keys(Tolerance::DEFAULT);
    let headers = ["new", "old"].map(|secret| key(secret).sign(NOW, BODY).to_string());
    for header in &headers {
        assert_eq!(verifier.verify(header, BODY, NOW), Err(Error::SignatureMismatch));
    }
    assert_eq!(verifier.add_key(b""), Err(KeyError::Empty));
    assert_eq!(verifier.add_key(b"new"), Ok(()));
    assert_eq!(verifier.add_key(b""), Err(KeyError::Empty));
    assert_eq!(verifier.add_key(b"old"), Ok(()));
    let full = verifier.add_key(b"older");
    assert!(matches!(full, Err(KeyError::TooMany { limit: 2, .. })), "{full:?}");
    for (index, header) in headers.iter().enumerate() {
        assert_eq!(verifier.verify(header, BODY, NOW).map(|it| it.key_index()), Ok(index));
    }
}

/// A signature is public: it is sent.
#[test]
fn a_signature_shows_itself_in_debug_output() {
    let signature = key("secret").sign(NOW, BODY);
    assert_eq!(format!("{signature:?}"), format!("Signature({signature})"));
    assert!(signature.to_string().starts_with("t=1700000000,v="));
    let relabelled = signature.with_label(Label::Sha256).to_string();
    assert!(relabelled.starts_with("t=1700000000,sha256="));
}
