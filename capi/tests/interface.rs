//! A short way through all functions, for Miri: what it looks for is undefined behaviour in this
//! crate. What the functions say is tested from C, in `tests/c`, and by the fuzz target
//! `c_interface`.

#![expect(unsafe_code, reason = "this calls the C interface as C does")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use core::ffi::{CStr, c_char};
use core::mem::MaybeUninit;
use core::ptr;

use nextapi_webhook_c::*;

const BODY: &[u8] = br#"{"id":"evt_1","type":"job.succeeded"}"#;
const NOW: u64 = 1_700_000_000;

/// The header that `whsec_old` signs the body with.
fn header() -> Vec<u8> {
    let (secret, mut room, mut length) = (b"whsec_old", [0_u8; SIGNATURE_SIZE], 0);
    // SAFETY: all that is pointed to is there.
    let outcome = unsafe {
        nextapi_webhook_sign(
            secret.as_ptr().cast(),
            secret.len(),
            BODY.as_ptr().cast(),
            BODY.len(),
            NOW,
            room.as_mut_ptr().cast(),
            room.len(),
            &raw mut length,
        )
    };
    assert_eq!(outcome, Outcome::Ok);
    room[..length].to_vec()
}

fn text(start: *const c_char) -> &'static str {
    // SAFETY: texts of the interface end with NUL.
    unsafe { CStr::from_ptr(start) }.to_str().unwrap()
}

#[test]
fn verifiers_and_streams() {
    let header = header();
    let secrets = [b"whsec_new", b"whsec_old"]
        .map(|secret| Secret { data: secret.as_ptr().cast(), length: secret.len() });
    let mut verifier = MaybeUninit::<VerifierStorage>::uninit();
    let verifier = verifier.as_mut_ptr();
    let mut stream = MaybeUninit::<StreamStorage>::uninit();
    let stream = stream.as_mut_ptr();
    let mut details = MaybeUninit::<Verified>::uninit();
    let details = details.as_mut_ptr();
    let (head, head_length) = (header.as_ptr().cast(), header.len());
    let (body, length) = (BODY.as_ptr(), BODY.len());
    let what = |details: Verified| (details.timestamp, details.age_seconds, details.key_index);
    let expected = (NOW, 0, 1);
    // SAFETY: all that is pointed to is there.
    unsafe {
        assert_eq!(
            nextapi_webhook_verifier_init(verifier, secrets.as_ptr(), 2, 300, 300),
            Outcome::Ok
        );
        let outcome =
            nextapi_webhook_verify(verifier, head, head_length, body.cast(), length, NOW, details);
        assert_eq!((outcome, what(*details)), (Outcome::Ok, expected));
        let mut key = MaybeUninit::uninit();
        let keyed = nextapi_webhook_event_key_of(details, key.as_mut_ptr());
        assert_eq!(keyed, Outcome::Ok);

        let begun = nextapi_webhook_stream_begin(stream, verifier, head, head_length);
        assert_eq!(begun, Outcome::Ok);
        assert_eq!(nextapi_webhook_stream_update(stream, body.cast(), 7), Outcome::Ok);
        assert_eq!(nextapi_webhook_stream_update(stream, ptr::null(), 0), Outcome::Ok);
        let rest = nextapi_webhook_stream_update(stream, body.add(7).cast(), length - 7);
        assert_eq!(rest, Outcome::Ok);
        assert_eq!(nextapi_webhook_stream_finish(stream, NOW, details), Outcome::Ok);
        assert_eq!(what(*details), expected);
        let read = nextapi_webhook_event_key_of(details, key.as_mut_ptr());
        assert_eq!(read, Outcome::NotVerified);
        let set = nextapi_webhook_verified_set_body(details, body.cast(), length);
        assert_eq!(set, Outcome::Ok);
        let mut event = MaybeUninit::<EventFacts>::uninit();
        assert_eq!(nextapi_webhook_event_read(details, event.as_mut_ptr()), Outcome::Ok);
        assert_eq!(text(event.assume_init_ref().id.as_ptr()), "evt_1");
        assert_eq!(nextapi_webhook_stream_finish(stream, NOW, details), Outcome::NotInitialised);
        assert_eq!(*details, Verified::NONE);

        let begun = nextapi_webhook_stream_begin(stream, verifier, head, head_length);
        assert_eq!(begun, Outcome::Ok);
        let impossible = nextapi_webhook_stream_update(stream, ptr::null(), 1);
        assert_eq!(impossible, Outcome::ArgumentInvalid);
        let finished = nextapi_webhook_stream_finish(stream, NOW, ptr::null_mut());
        assert_eq!(finished, Outcome::NotInitialised);

        // The verifier goes, and the stream sees it.
        let begun = nextapi_webhook_stream_begin(stream, verifier, head, head_length);
        assert_eq!(begun, Outcome::Ok);
        nextapi_webhook_verifier_wipe(verifier);
        let updated = nextapi_webhook_stream_update(stream, body.cast(), length);
        assert_eq!(updated, Outcome::NotInitialised);
        let finished = nextapi_webhook_stream_finish(stream, NOW, ptr::null_mut());
        assert_eq!(finished, Outcome::NotInitialised);
        assert!((*verifier.cast::<[u8; VERIFIER_SIZE]>()).iter().all(|&byte| byte == 0));
        assert!((*stream.cast::<[u8; STREAM_SIZE]>()).iter().all(|&byte| byte == 0));
        let begun = nextapi_webhook_stream_begin(stream, verifier, head, head_length);
        assert_eq!(begun, Outcome::NotInitialised);
    }
}

/// The MACs come from the verifier's own keys, which stand for an engine.
#[test]
fn macs_from_elsewhere() {
    let header = header();
    let (head, head_length) = (header.as_ptr().cast(), header.len());
    let mut pending = MaybeUninit::<PendingStorage>::uninit();
    let pending = pending.as_mut_ptr();
    let mut parts = MaybeUninit::<[Part; MESSAGE_PARTS]>::uninit();
    let mut details = MaybeUninit::<Verified>::uninit();
    let details = details.as_mut_ptr();
    let body = BODY.as_ptr().cast();
    // SAFETY: all that is pointed to is there.
    unsafe {
        assert_eq!(nextapi_webhook_pending_begin(pending, head, head_length), Outcome::Ok);
        let room = parts.as_mut_ptr().cast();
        let given = nextapi_webhook_pending_message(pending, body, BODY.len(), room);
        assert_eq!(given, Outcome::Ok);
        let message = parts.assume_init_ref().map(|part| bytes(&part)).concat();
        assert_eq!(message, [b"1700000000.", BODY].concat());
        for (index, secret) in (0..).zip([b"whsec_new", b"whsec_old"]) {
            let key = nextapi_webhook::Key::new(secret).unwrap();
            let mac = *key.sign(nextapi_webhook::UnixTime::from_secs(NOW), BODY).mac();
            let offered = nextapi_webhook_pending_offer(pending, index, mac.as_ptr().cast());
            assert_eq!(offered, Outcome::Ok);
        }
        let finished = nextapi_webhook_pending_finish(pending, 300, 300, NOW, details);
        assert_eq!((finished, (*details).key_index), (Outcome::Ok, 1));
        let again = nextapi_webhook_pending_finish(pending, 300, 300, NOW, details);
        assert_eq!((again, *details), (Outcome::NotInitialised, Verified::NONE));
        nextapi_webhook_pending_wipe(pending);
        assert!((*pending.cast::<[u8; PENDING_SIZE]>()).iter().all(|&byte| byte == 0));
    }
}

fn bytes(part: &Part) -> Vec<u8> {
    // SAFETY: the part is there, as the interface has given it.
    unsafe { core::slice::from_raw_parts(part.data.cast::<u8>(), part.length) }.to_vec()
}

#[test]
fn events_and_their_window() {
    let mut event = MaybeUninit::<EventFacts>::uninit();
    let mut key = MaybeUninit::<EventKey>::uninit();
    let mut window = [EventKey { bytes: [0; EVENT_KEY_SIZE] }; 2];
    let (window, capacity) = (window.as_mut_ptr(), 2);
    let mut room = [0; EVENT_KEY_TEXT_SIZE];
    // SAFETY: all that is pointed to is there.
    unsafe {
        let body = BODY.as_ptr().cast();
        let outcome = nextapi_webhook_event_read_unverified(body, BODY.len(), event.as_mut_ptr());
        assert_eq!((outcome, text(event.assume_init_ref().id.as_ptr())), (Outcome::Ok, "evt_1"));
        let of = nextapi_webhook_event_key_of_unverified(body, BODY.len(), key.as_mut_ptr());
        assert_eq!(of, Outcome::Ok);
        let key = key.as_ptr();
        let (start, size) = (room.as_mut_ptr(), room.len());
        let short = nextapi_webhook_event_key_text(key, start, size - 1, ptr::null_mut());
        assert_eq!((short, room[0]), (Outcome::BufferTooSmall, 0));
        let start = room.as_mut_ptr();
        let fits = nextapi_webhook_event_key_text(key, start, size, ptr::null_mut());
        assert_eq!(fits, Outcome::Ok);
        assert!(text(room.as_ptr()).starts_with("event-"));

        assert_eq!(nextapi_webhook_replay_window_insert(window, capacity, key), Outcome::Ok);
        assert_eq!(nextapi_webhook_replay_window_insert(window, capacity, key), Outcome::Duplicate);
        let contains = nextapi_webhook_replay_window_contains(window, capacity, key);
        assert_eq!(contains, Outcome::Duplicate);
        // The key may be the window's own.
        let own = window.add(1);
        assert_eq!(nextapi_webhook_replay_window_remove(window, capacity, own), Outcome::Ok);
        assert_eq!(nextapi_webhook_replay_window_contains(window, capacity, key), Outcome::Ok);
    }
}

#[test]
fn texts() {
    assert_eq!(text(nextapi_webhook_version()), env!("CARGO_PKG_VERSION"));
    for outcome in Outcome::ALL {
        assert_ne!(text(nextapi_webhook_result_code(outcome as i32)), "unknown");
        assert!(text(nextapi_webhook_result_text(outcome as i32)).len() > 5);
    }
    assert_eq!(text(nextapi_webhook_result_code(-1)), "unknown");
}

/// What the interface has a number for has the verifier's own code.
#[test]
fn codes_are_those_of_the_verifier() {
    use nextapi_webhook::{Event, Key, KeyError, Tolerance, UnixTime, Verifier};

    fn code(outcome: impl Into<Outcome>) -> &'static str {
        text(nextapi_webhook_result_code(outcome.into() as i32))
    }

    let key = || Key::new(b"secret").unwrap();
    let verifier = Verifier::<1>::new([key()], Tolerance::DEFAULT).unwrap();
    let signed = |at| key().sign(UnixTime::from_secs(at), b"").to_string();
    for header in [
        "x".repeat(2_000),
        "v=1".to_owned(),
        "t=1,t=1".to_owned(),
        "t=+1".to_owned(),
        "t=1".to_owned(),
        format!("t=1{}", ",v=1".repeat(9)),
        signed(NOW).replace("t=17", "t=18"),
        signed(NOW - 300),
        signed(NOW + 300),
    ] {
        let error = verifier.verify(&header, b"", UnixTime::from_secs(NOW)).unwrap_err();
        assert_eq!(code(error), error.code(), "{header}");
        assert_ne!(code(error), "refused", "{header}");
    }
    let too_many = Verifier::<1>::new([key(), key()], Tolerance::DEFAULT).unwrap_err();
    for error in [KeyError::Empty, KeyError::None, too_many] {
        assert_eq!(code(error), error.code());
    }
    for body in [
        "[]".to_owned(),
        format!("{{\"x\":{}", "[".repeat(40)),
        format!("{{\"id\":\"{}\"}}", "x".repeat(200)),
        r#"{"id":"\n"}"#.to_owned(),
    ] {
        let error = Event::read_unverified(body.as_bytes()).unwrap_err();
        assert_eq!(code(error), error.code(), "{body}");
    }
}
