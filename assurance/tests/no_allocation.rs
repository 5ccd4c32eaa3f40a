//! No call of the verifier allocates or frees: every one of them runs here under an allocator that
//! counts, and one test plants an allocation, to show that it is counted.
//!
//! The types of the verifier own nothing outside themselves, so what a call returns is dropped
//! inside the guard as well.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use core::fmt::{self, Write as _};
use core::future::Future as _;
use core::hint::black_box;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use assert_no_alloc::{AllocDisabler, assert_no_alloc, reset_violation_count, violation_count};
use nextapi_webhook::{
    Error, Event, EventKey, Key, KeyError, Label, MAX_HEADER_BYTES, Mac, Pending, ReadError,
    ReplayWindow, Signature, Tolerance, UnixTime, Verified, Verifier, verify_with,
};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded","data":{"job":{"id":"job_1"}}}"#;
const FLAT: &[u8] = br#"{"id":"vid_1","job_id":"job_1","status":"succeeded","cost_credits":50.5}"#;

/// Calls, and fails if the calling thread allocated or freed anything meanwhile.
#[track_caller]
fn without_allocation<T>(call: impl FnOnce() -> T) -> T {
    let before = violation_count();
    let result = assert_no_alloc(call);
    assert_eq!(violation_count(), before, "the allocator was called");
    result
}

/// Room for text that is printed, without an allocator.
struct Fixed {
    bytes: [u8; 1_024],
    used: usize,
}

impl fmt::Write for Fixed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.used.checked_add(text.len()).ok_or(fmt::Error)?;
        let room = self.bytes.get_mut(self.used..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.used = end;
        Ok(())
    }
}

/// The printed text, which must fit.
fn print(arguments: fmt::Arguments<'_>) -> Fixed {
    let mut text = Fixed { bytes: [0; 1_024], used: 0 };
    text.write_fmt(arguments).unwrap();
    assert!(text.used > 0);
    text
}

fn verifier() -> Verifier<2> {
    let keys = [b"whsec_new", b"whsec_old"].map(|secret| Key::new(secret).unwrap());
    Verifier::new(keys, Tolerance::DEFAULT).unwrap()
}

fn header(secret: &[u8], timestamp: UnixTime) -> String {
    Key::new(secret).unwrap().sign(timestamp, BODY).to_string()
}

#[test]
fn a_planted_allocation_is_counted() {
    reset_violation_count();
    // Once to take the memory, once to give it back.
    assert_no_alloc(|| drop(black_box(Box::new(1))));
    assert_eq!(violation_count(), 2);
}

#[test]
fn keys_and_signatures() {
    without_allocation(|| {
        let key = Key::new(b"whsec_secret").unwrap();
        assert_eq!(Key::new(&[b'k'; 200]).map(drop), Ok(()));
        assert_eq!(Key::new(b"").map(drop), Err(KeyError::Empty));

        let signature = key.clone().sign(NOW, BODY).with_label(Label::Sha256);
        assert_eq!(signature.mac().len(), 32);
        assert_eq!(signature.clone().mac(), signature.mac());
        assert!(!signature.encode(&mut [0; Signature::MAX_BYTES]).is_empty());
        print(format_args!("{signature} {signature:?} {key:?} {} {:?}", Label::V1, Label::V));
    });
}

#[test]
fn verifiers() {
    without_allocation(|| {
        let key = || Key::new(b"whsec_secret").unwrap();
        let verifier = Verifier::<2>::new([key(), key()], Tolerance::new(600, 60)).unwrap();
        assert_eq!(verifier.tolerance().past_secs(), 600);
        assert_eq!(verifier.tolerance().future_secs(), 60);
        print(format_args!("{:?}", verifier.clone()));

        let none = Verifier::<2>::new([], Tolerance::DEFAULT).map(drop);
        assert_eq!(none, Err(KeyError::None));
        let many = Verifier::<1>::new([key(), key()], Tolerance::DEFAULT).map(drop);
        assert!(matches!(many, Err(KeyError::TooMany { limit: 1, .. })));
        for error in [KeyError::Empty, KeyError::None, many.unwrap_err()] {
            print(format_args!("{} {error} {error:?}", error.code()));
        }
    });
}

#[test]
fn accepted_deliveries() {
    let verifier = verifier();
    for (index, secret) in [b"whsec_new", b"whsec_old"].into_iter().enumerate() {
        let header = header(secret, NOW);
        without_allocation(|| {
            let accepted = verifier.verify(&header, BODY, NOW).unwrap();
            assert_eq!(accepted.key_index(), index);
            assert_eq!((accepted.timestamp(), accepted.age_secs()), (NOW, 0));
            print(format_args!("{accepted:?}"));
        });
    }
}

#[test]
fn rejected_deliveries() {
    let verifier = verifier();
    let good = header(b"whsec_new", NOW);
    let (time, signature) = good.split_once(',').unwrap();
    let stale = UnixTime::from_secs(NOW.as_secs() - 300);
    let ahead = UnixTime::from_secs(NOW.as_secs() + 300);
    let rejections = [
        (" ".repeat(MAX_HEADER_BYTES + 1), "signature_malformed"),
        (signature.to_owned(), "signature_malformed"),
        (format!("{time},{good}"), "signature_malformed"),
        (format!("t=+1,{signature}"), "signature_malformed"),
        (time.to_owned(), "signature_malformed"),
        (time.to_owned() + &",v=".repeat(9), "signature_malformed"),
        (header(b"whsec_other", NOW), "signature_mismatch"),
        (header(b"whsec_old", stale), "timestamp_expired"),
        (header(b"whsec_old", ahead), "timestamp_ahead"),
    ];
    for (header, code) in &rejections {
        without_allocation(|| {
            let error = verifier.verify(header, BODY, NOW).unwrap_err();
            assert_eq!(error.code(), *code);
            print(format_args!("{error} {error:?}"));
        });
    }
}

#[test]
fn streams() {
    let verifier = verifier();
    let header = header(b"whsec_old", NOW);
    without_allocation(|| {
        let mut stream = verifier.begin(&header).unwrap();
        for piece in BODY.chunks(7) {
            stream.update(piece);
        }
        print(format_args!("{stream:?}"));
        assert_eq!(
            stream.finish(NOW),
            verifier.verify(&header, BODY, NOW).map(Verified::without_body)
        );

        drop(verifier.begin(&header));
        let mut unfinished = verifier.begin(&header).unwrap();
        assert_eq!(unfinished.finish(NOW), Err(Error::SignatureMismatch));
        assert_eq!(verifier.begin("").err(), Some(Error::TimestampMissing));
    });
}

#[test]
fn bodies_from_readers() {
    let verifier = verifier();
    let header = header(b"whsec_old", NOW);
    let mut buffer = [0; 16];
    without_allocation(|| {
        let mut stream = verifier.begin(&header).unwrap();
        let mut reader = BODY;
        assert_eq!(stream.read_from(&mut reader, &mut buffer, 100), Ok(BODY.len()));
        assert_eq!(stream.finish(NOW).map(|verified| verified.key_index()), Ok(1));

        stream.begin(&header).unwrap();
        let mut reader = BODY;
        {
            let mut future =
                pin!(stream.read_exact_from_async(&mut reader, &mut buffer, BODY.len()));
            let result = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(result, Poll::Ready(Ok(())));
        }
        assert_eq!(stream.finish(NOW).map(|verified| verified.key_index()), Ok(1));

        stream.begin(&header).unwrap();
        let too_long = stream.read_from(&mut { BODY }, &mut buffer, 10).unwrap_err();
        let ended = stream.read_exact_from(&mut { BODY }, &mut buffer, 100).unwrap_err();
        let no_buffer = stream.read_from(&mut { BODY }, &mut [], 100).unwrap_err();
        for error in [too_long, ended, no_buffer, ReadError::NoBuffer] {
            print(format_args!("{} {error} {error:?}", error.code()));
        }
    });
}

#[test]
fn macs_from_elsewhere() {
    let header = header(b"whsec_old", NOW);
    let keys = [b"whsec_new", b"whsec_old"].map(|secret| Key::new(secret).unwrap());
    without_allocation(|| {
        let mut pending = Pending::parse(&header).unwrap();
        assert_eq!(pending.message(BODY).map(<[u8]>::len), [10, 1, BODY.len()]);
        let mac = Mac::new(keys[1].sign(NOW, BODY).mac());
        pending.offer(1, &mac);
        print(format_args!("{pending:?} {mac:?}"));
        let verified = pending.finish(NOW, Tolerance::DEFAULT).unwrap();
        assert_eq!(verified.key_index(), 1);

        let mut engine = &keys[..];
        let verified = verify_with(&mut engine, Tolerance::DEFAULT, &header, BODY, NOW).unwrap();
        assert_eq!((verified.key_index(), verified.event().is_ok()), (1, true));
        let refused = verify_with(&mut engine, Tolerance::DEFAULT, "", BODY, NOW).unwrap_err();
        print(format_args!("{refused} {refused:?}"));
    });
}

#[test]
fn events() {
    without_allocation(|| {
        for body in [BODY, FLAT] {
            let event = Event::read_unverified(body).unwrap();
            assert!(event.id().is_some() && event.job_id() == Some("job_1"));
            assert!(event.event_type().or(event.status()).is_some());
            assert_eq!(event.credits().is_some(), body == FLAT);
            assert_eq!(event.key(), Some(EventKey::of_unverified(body)));
            print(format_args!("{:?}", event.clone()));
        }
        // Neither shape: an event of which only the body is known.
        assert_eq!(Event::read_unverified(b"{}").unwrap().key(), None);
    });
}

#[test]
fn bodies_that_are_no_events() {
    let deep = format!(r#"{{"data":{}"#, "[".repeat(100));
    let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(1_000));
    let bodies = [
        ("", "event_unreadable"),
        ("{", "event_unreadable"),
        (r#"{"id":1}"#, "event_unreadable"),
        (&deep, "event_too_deep"),
        (&long, "event_field_too_long"),
        (r#"{"id":"\u0000"}"#, "event_field_invalid"),
    ];
    for (body, code) in bodies {
        without_allocation(|| {
            let error = Event::read_unverified(body.as_bytes()).unwrap_err();
            assert_eq!(error.code(), code);
            print(format_args!("{error} {error:?}"));
            let key = EventKey::of_unverified(body.as_bytes());
            assert!(key.encode(&mut [0; EventKey::MAX_TEXT_BYTES]).starts_with("body-"));
        });
    }
}

#[test]
fn event_keys_and_their_window() {
    without_allocation(|| {
        let (first, second) = (EventKey::of_unverified(BODY), EventKey::of_unverified(FLAT));
        let third = EventKey::of_unverified(b"not JSON");
        assert_ne!(first.digest(), third.digest());
        print(format_args!("{first} {first:?} {third} {third:?}"));
        assert!(!first.encode(&mut [0; EventKey::MAX_TEXT_BYTES]).is_empty());
        assert_eq!(EventKey::from_bytes(&third.to_bytes()), Some(third));

        let mut window = ReplayWindow::<2>::new();
        assert!(window.is_empty() && window.insert(first) && !window.insert(first));
        assert!(window.insert(second) && window.insert(third));
        assert!(!window.contains(&first) && window.contains(&second));
        assert!(window.remove(&second) && !window.remove(&second));
        assert_eq!(window.clone().len(), 1);
        print(format_args!("{window:?}"));
        assert!(ReplayWindow::<2>::default().is_empty());
    });
}
