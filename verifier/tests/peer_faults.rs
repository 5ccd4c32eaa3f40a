//! Faults of published webhook verifiers. Each test is named for the fault and shows that we do not
//! have it. Where we know which versions had it, the comment says so.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use std::thread;

use hmac::{Hmac, KeyInit, Mac};
use nextapi_webhook::{
    Error, Event, EventError, EventKey, Key, KeyError, MAX_SIGNATURES, Stream, Tolerance, UnixTime,
    Verified, Verifier,
};
use sha2::Sha256;

const SECRET: &[u8] = b"whsec_c2VjcmV0";
const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded"}"#;
const NOW: u64 = 1_700_000_000;

fn verifier(secret: &[u8]) -> Verifier<1> {
    Verifier::new([Key::new(secret).unwrap()], Tolerance::DEFAULT).unwrap()
}

fn verify(header: impl AsRef<[u8]>, body: &[u8], now: u64) -> Result<Verified<&[u8]>, Error> {
    verifier(SECRET).verify(header, body, UnixTime::from_secs(now))
}

/// The 64 digits that sign the body under a timestamp written in whatever way.
fn mac(secret: &[u8], timestamp: &str, body: &[u8]) -> String {
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    hmac.update(timestamp.as_bytes());
    hmac.update(b".");
    hmac.update(body);
    hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn header(timestamp: &str, body: &[u8]) -> String {
    format!("t={timestamp},v={}", mac(SECRET, timestamp, body))
}

/// As many signatures that nobody made.
fn forged(count: usize) -> String {
    (0..count).map(|number| format!(",v={number:064x}")).collect()
}

/// An unset variable lets anyone forge: HMAC takes an empty key like any other.
/// Seen in standardwebhooks 1.0.1, async-stripe-webhook, webhook-verify and octocrab.
#[test]
fn empty_secret_is_accepted() {
    assert!(Hmac::<Sha256>::new_from_slice(b"").is_ok(), "the trap is there");
    assert_eq!(Key::new(b"").unwrap_err(), KeyError::Empty);
    assert_eq!(Verifier::<1>::new([], Tolerance::DEFAULT).unwrap_err(), KeyError::None);
}

/// `now - t` overflows: a panic with overflow checks, which tests have, and without them a
/// signature that never expires. Seen in standardwebhooks and async-stripe-webhook.
#[test]
fn timestamp_near_the_integer_limits_overflows() {
    let limits = [0, 1, i64::MAX.unsigned_abs(), i64::MIN.unsigned_abs(), u64::MAX - 1, u64::MAX];
    for signed_at in limits {
        let header = header(&signed_at.to_string(), BODY);
        for now in limits.into_iter().chain([NOW]) {
            let verdict = verify(&header, BODY, now);
            assert_eq!(verdict.is_ok(), signed_at.abs_diff(now) < 300, "t={signed_at} now={now}");
        }
    }
    // One more than fits would be 0 if it wrapped around.
    let beyond = header("18446744073709551616", BODY);
    assert_eq!(verify(beyond, BODY, 0), Err(Error::TimestampInvalid));
}

/// A hundred bad candidates make a hundred hashes of a long body. Seen in webhook-verify.
///
/// How often a body is hashed cannot be counted from outside, but it can be made impossible:
///
/// - a header with more candidates than the limit is refused by `begin`, which is not given the body;
/// - up to the limit, the pieces of the body are gone when `finish` compares the candidates, so all
///   hashing was done in `update`. There it could still be done once per candidate, but a stream has
///   no room for as many hash states.
///
/// `verify` takes one MAC for each key, whatever the header holds; that it gives the same verdict,
/// `model.rs` shows. What is left, the time, the benches measure.
#[test]
fn body_is_hashed_once_per_candidate() {
    let verifier = verifier(SECRET);
    let now = UnixTime::from_secs(NOW);
    let too_many = format!("t={NOW}{}", forged(MAX_SIGNATURES + 1));
    assert_eq!(verifier.begin(&too_many).unwrap_err(), Error::TooManySignatures);

    let body = [b'x'; 1_000];
    let good = mac(SECRET, &NOW.to_string(), &body);
    let header = format!("t={NOW}{},v={good}", forged(MAX_SIGNATURES - 1));
    let mut stream = verifier.begin(&header).unwrap();
    let mut piece = [0; 100];
    for part in body.chunks(piece.len()) {
        piece.copy_from_slice(part);
        stream.update(&piece);
        piece.fill(0);
    }
    assert!(stream.finish(now).is_ok());
    // A hash state is at least the 32 bytes of chaining value and a block of 64 bytes.
    let candidates = MAX_SIGNATURES * 32;
    assert!(size_of::<Stream<'_, 1>>() - candidates < MAX_SIGNATURES * (32 + 64));
}

/// The number is parsed and printed again, so the MAC is taken over `5` whatever the header says: one
/// signature, many headers. Seen in async-stripe-webhook, svix and standardwebhooks.
#[test]
fn timestamp_with_a_sign_or_leading_zero_is_accepted() {
    let signed = mac(SECRET, "5", BODY);
    assert!(verify(format!("t=5,v={signed}"), BODY, 5).is_ok());
    for odd in ["+5", "05", "005", "-5", " 5", "5.0", "5e0", "0x5", "٥"] {
        let verdict = verify(format!("t={odd},v={signed}"), BODY, 5);
        assert_eq!(verdict, Err(Error::TimestampInvalid), "t={odd}");
        // Not even if the sender signed it as it stands.
        assert_eq!(verify(header(odd, BODY), BODY, 5), Err(Error::TimestampInvalid), "t={odd}");
    }
}

/// Seen in octocrab.
#[test]
fn debug_prints_the_key() {
    let secret = b"canary-in-the-coal-mine";
    let key = Key::new(secret).unwrap();
    let verifier = verifier(secret);
    let stream = verifier.begin(header(&NOW.to_string(), BODY)).unwrap();
    let printed = format!("{key:?} {key:#?} {verifier:?} {verifier:#?} {stream:?} {stream:#?}");
    assert!(printed.contains("redacted"), "{printed}");
    let hexadecimal: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let decimal = format!("{secret:?}");
    for form in ["canary", hexadecimal.as_str(), decimal.trim_matches(['[', ']'])] {
        assert!(!printed.contains(form), "{printed}");
    }
    // Nor the MAC that would have been right, in an error.
    let error = verify(format!("t={NOW}{}", forged(1)), BODY, NOW).unwrap_err();
    let right = mac(SECRET, &NOW.to_string(), BODY);
    assert!(!format!("{error} {error:?}").contains(&right));
}

/// What is signed are bytes. Seen in svix, standardwebhooks and async-stripe-webhook.
#[test]
fn body_must_be_utf_8() {
    for body in [b"\xff\xfe\x00\r\n".as_slice(), b"\xed\xa0\x80", b"\x80", b"{\"a\":\"\xc3\"}"] {
        let header = header(&NOW.to_string(), body);
        assert!(verify(&header, body, NOW).is_ok(), "{body:?}");
        // And bytes that only look the same once they are made to be text are not the same.
        let replaced = String::from_utf8_lossy(body);
        assert_eq!(verify(&header, replaced.as_bytes(), NOW), Err(Error::SignatureMismatch));
    }
}

/// While the provider rotates its secret, a delivery has a signature by each. Seen in rerout and
/// older async-stripe.
#[test]
fn only_the_last_signature_counts() {
    let good = mac(SECRET, &NOW.to_string(), BODY);
    assert!(verify(format!("t={NOW},v={good}{}", forged(1)), BODY, NOW).is_ok());
}

/// The same fault, the other way round.
#[test]
fn only_the_first_signature_counts() {
    let good = mac(SECRET, &NOW.to_string(), BODY);
    for before in 0..MAX_SIGNATURES {
        let header = format!("t={NOW}{},v={good}", forged(before));
        assert!(verify(header, BODY, NOW).is_ok(), "{before} before the good one");
    }
}

/// The secret is the string that the provider shows, prefix included. Other schemes sign with what
/// it decodes to, and a library for one scheme that is used for the other tries both.
#[test]
fn secret_prefix_is_stripped_or_decoded() {
    // `c2VjcmV0` is Base64 for `secret`.
    for other in [b"c2VjcmV0".as_slice(), b"secret", b"whsec_secret"] {
        let header = format!("t={NOW},v={}", mac(other, &NOW.to_string(), BODY));
        assert_eq!(verify(header, BODY, NOW), Err(Error::SignatureMismatch));
    }
    assert!(verify(header(&NOW.to_string(), BODY), BODY, NOW).is_ok());
}

/// In the flat shape all events of a job have one `id`: `succeeded` would be dropped as a duplicate
/// of `running`.
#[test]
fn replays_are_known_by_the_id_alone() {
    let body = |status| format!(r#"{{"id":"vid_3","job_id":"job_7","status":"{status}"}}"#);
    let key = |status| EventKey::of_unverified(body(status).as_bytes());
    assert_ne!(key("running"), key("succeeded"));
    assert_ne!(key("succeeded"), key("failed"));
    assert_eq!(key("succeeded"), key("succeeded"));
}

/// Whoever captured a delivery would make new events of it by changing a header. The key cannot
/// depend on one, because it is made of the body and nothing else, and any other body has to be
/// signed anew. The signature header is no part of it either: a retry is signed at another time and
/// is the same event.
#[test]
fn replays_are_known_by_an_unsigned_header() {
    let key_of: fn(&[u8]) -> EventKey = EventKey::of_unverified;
    let (first, retry) = (header(&NOW.to_string(), BODY), header(&(NOW + 60).to_string(), BODY));
    assert_ne!(first, retry);
    let keys = [first, retry].map(|header| {
        let _ = verify(header, BODY, NOW + 60).unwrap();
        key_of(BODY)
    });
    assert_eq!(keys[0], keys[1]);
}

/// The provider's own verifier compares text, so an upper-case signature is none of the provider's.
/// Taking it would give one signature two spellings.
#[test]
fn upper_case_hexadecimal_is_accepted() {
    let good = mac(SECRET, &NOW.to_string(), BODY);
    let one = good.find(|digit: char| digit.is_ascii_lowercase()).unwrap();
    let mut mixed = good.clone();
    mixed[one..=one].make_ascii_uppercase();
    for odd in [good.to_uppercase(), mixed] {
        let verdict = verify(format!("t={NOW},v={odd}"), BODY, NOW);
        assert_eq!(verdict, Err(Error::SignatureMissing), "{odd}");
    }
}

/// Checking freshness first tells everybody the receiver's clock and tolerance, second by second,
/// without a signature.
#[test]
fn staleness_is_told_to_whoever_cannot_sign() {
    for signed_at in [0, NOW - 301, NOW - 300, NOW - 299, NOW, NOW + 299, NOW + 300, u64::MAX] {
        let forged = verify(format!("t={signed_at}{}", forged(1)), BODY, NOW);
        assert_eq!(forged, Err(Error::SignatureMismatch), "t={signed_at}");
    }
    let stale = verify(header(&(NOW - 300).to_string(), BODY), BODY, NOW);
    let is_told = matches!(stale, Err(Error::TimestampExpired { age: 300, tolerance: 300, .. }));
    assert!(is_told, "{stale:?}");
}

/// A framework has parsed the body, and it is written again to be hashed. Then the spelling that was
/// signed is refused, and another is accepted.
#[test]
fn body_is_serialised_again_before_it_is_hashed() {
    let sent = br#"{ "id" : "evt_\u0031", "n": 1.0e0, "type":"job.succeeded" }"#;
    let value: serde_json::Value = serde_json::from_slice(sent).unwrap();
    let written = serde_json::to_vec(&value).unwrap();
    assert_ne!(written, sent);
    let header = header(&NOW.to_string(), sent);
    assert!(verify(&header, sent, NOW).is_ok());
    assert_eq!(verify(&header, &written, NOW), Err(Error::SignatureMismatch));
}

/// Readers that hand strings out with their escapes in place see two events where there is one, and
/// names written with escapes not at all. Seen in `serde-json-core`.
#[test]
fn escaped_identifier_is_another_event() {
    let plain = EventKey::of_unverified(BODY);
    for escaped in [
        r#"{"id":"evt_\u0031","type":"job.succeeded"}"#,
        r#"{"id":"evt_1","type":"job\u002Esucceeded"}"#,
        r#"{"\u0069d":"evt_1","t\u0079pe":"job.succeeded"}"#,
    ] {
        assert_eq!(EventKey::of_unverified(escaped.as_bytes()), plain, "{escaped}");
    }
}

/// Readers that look only at the fields they are asked for take what is no JSON for an event.
/// Seen in `serde-json-core`.
#[test]
fn ignored_members_may_be_anything() {
    for odd in ["nonsense", "01", "\"a\tb\"", "\"\\x\"", "[1,]", "{1:2}", "[}"] {
        let body = format!(r#"{{"id":"evt_1","type":"job.succeeded","x":{odd}}}"#);
        assert_eq!(Event::read_unverified(body.as_bytes()), Err(EventError::NotAnEvent), "{odd}");
    }
}

/// Readers that recurse need stack for every level. Seen in `serde-json-core`: 20,000 levels overflow
/// a stack of 1 MiB. Here they get a quarter of that. (An overflow aborts the whole test run.)
#[test]
fn deep_nesting_overflows_the_stack() {
    const LEVELS: usize = 20_000;
    let read = || {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let (open, close) = (open.repeat(LEVELS), close.repeat(LEVELS));
            let sound = format!(r#"{{"id":"evt_1","type":"job.succeeded","x":{open}1{close}}}"#);
            assert_eq!(Event::read_unverified(sound.as_bytes()), Err(EventError::TooDeep));
            // No event at all, never closed, and closed without having been opened.
            for body in [format!("{open}1{close}"), format!("{{\"x\":{open}"), close] {
                assert!(Event::read_unverified(body.as_bytes()).is_err());
                let key = EventKey::of_unverified(body.as_bytes()).to_string();
                assert!(key.starts_with("body-"), "{key}");
            }
        }
    };
    thread::Builder::new().stack_size(256 * 1024).spawn(read).unwrap().join().unwrap();
}
