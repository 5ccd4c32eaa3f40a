//! The C functions beside the verifier: whatever the alignment of the bytes, however the body is
//! cut and however small a buffer is, both say the same.

#![no_main]
#![expect(unsafe_code, reason = "this calls the C interface as C does")]

use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nextapi_webhook::{
    Event, EventError, EventKey, Key, ReplayWindow, Tolerance, UnixTime, Verifier,
};
use nextapi_webhook_c as c;
use nextapi_webhook_fuzz::PLANTED_FAULT;

/// Keys that the window remembers.
const CAPACITY: usize = 3;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    secrets: Vec<&'a [u8]>,
    tolerance: (u16, u16),
    timestamp: u64,
    /// The receiver's clock, from the timestamp.
    clock: i16,
    /// The place of the secret that signs, counted around.
    signer: u8,
    /// Stands in the header instead of what signs the body.
    header: Option<&'a [u8]>,
    body: &'a [u8],
    /// How long the pieces of the body are, counted around what is left of it.
    cuts: Vec<u16>,
    /// How far the bytes are moved from an aligned address.
    offset: u8,
    /// Bytes of the buffers for texts.
    room: u8,
    /// Calls to a window: what is called and with which key.
    calls: Vec<u8>,
}

fuzz_target!(|input: Input<'_>| {
    let body = Moved::new(input.body, input.offset);
    events(&body, usize::from(input.room));
    window(&input.calls);

    let Some((c_verifier, verifier)) = verifiers(&input) else { return };
    let signer = input.secrets[usize::from(input.signer) % input.secrets.len()];
    let signed = sign(signer, &input, usize::from(input.room));
    let header = Moved::new(input.header.unwrap_or(signed.as_bytes()), input.offset);
    let now = input.timestamp.saturating_add_signed(input.clock.into());

    let verdict = verifier.verify(header.bytes(), body.bytes(), UnixTime::from_secs(now));
    let expected = match verdict {
        Ok(known) => ("ok", known.timestamp().as_secs(), known.age_secs(), known.key_index()),
        Err(error) => (error.code(), 0, 0, 0),
    };
    assert_eq!(verify(&c_verifier, &header, &body, now), expected);
    assert_eq!(verify_in_pieces(&c_verifier, &header, &body, now, &input.cuts), expected);
});

/// Bytes at an address of any alignment, at the end of their memory: one too many is seen.
struct Moved {
    memory: Vec<u8>,
    offset: usize,
}

impl Moved {
    fn new(bytes: &[u8], offset: u8) -> Self {
        let offset = usize::from(offset % 16);
        let mut memory = Vec::with_capacity(offset + bytes.len());
        memory.resize(offset, 0);
        memory.extend_from_slice(bytes);
        Self { memory, offset }
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[self.offset..]
    }

    /// NULL for no bytes, as C may say it.
    fn pointer(&self) -> *const c_void {
        pointer(self.bytes())
    }

    fn len(&self) -> usize {
        self.bytes().len()
    }
}

fn pointer(bytes: &[u8]) -> *const c_void {
    if bytes.is_empty() { ptr::null() } else { bytes.as_ptr().cast() }
}

fn code(outcome: c::Outcome) -> &'static str {
    // SAFETY: the function gives a static text that ends with NUL.
    let code = unsafe { CStr::from_ptr(c::nextapi_webhook_result_code(outcome as i32)) };
    code.to_str().expect("codes are ASCII")
}

/// Both verifiers for these secrets, or neither.
fn verifiers(input: &Input<'_>) -> Option<(c::VerifierStorage, Verifier<4>)> {
    let (past, future) = (input.tolerance.0.into(), input.tolerance.1.into());
    let secrets: Vec<c::Secret> = input
        .secrets
        .iter()
        .map(|secret| c::Secret { data: pointer(secret), length: secret.len() })
        .collect();
    let mut storage = MaybeUninit::<c::VerifierStorage>::uninit();
    // SAFETY: the storage and the secrets are there.
    let outcome = unsafe {
        c::nextapi_webhook_verifier_init(
            storage.as_mut_ptr(),
            secrets.as_ptr(),
            secrets.len(),
            past,
            future,
        )
    };
    let expected = match input.secrets.len() {
        0 => "key_none",
        5.. => "key_too_many",
        _ if input.secrets.iter().any(|secret| secret.is_empty()) => "key_empty",
        _ => "ok",
    };
    assert_eq!(code(outcome), expected);
    if expected != "ok" {
        return None;
    }
    let keys = input.secrets.iter().map(|secret| Key::new(secret).expect("it is not empty"));
    let verifier = Verifier::new(keys, Tolerance::new(past, future)).expect("there is room");
    // SAFETY: it has been initialised.
    Some((unsafe { storage.assume_init() }, verifier))
}

type Said = (&'static str, u64, i64, usize);

fn said(outcome: c::Outcome, details: MaybeUninit<c::Verified>) -> Said {
    // SAFETY: the details are written whatever the outcome is.
    let details = unsafe { details.assume_init() };
    (code(outcome), details.timestamp, details.age_seconds, details.key_index)
}

fn verify(verifier: &c::VerifierStorage, header: &Moved, body: &Moved, now: u64) -> Said {
    let overread = cfg!(feature = "planted-overread") && body.len() > 0;
    let mut details = MaybeUninit::uninit();
    // SAFETY: all that is pointed to is there.
    let outcome = unsafe {
        c::nextapi_webhook_verify(
            verifier,
            header.pointer().cast(),
            header.len(),
            body.pointer(),
            body.len() + usize::from(overread),
            now,
            details.as_mut_ptr(),
        )
    };
    said(outcome, details)
}

fn verify_in_pieces(
    verifier: &c::VerifierStorage,
    header: &Moved,
    body: &Moved,
    now: u64,
    cuts: &[u16],
) -> Said {
    let mut stream = MaybeUninit::uninit();
    let stream = stream.as_mut_ptr();
    let header_start = header.pointer().cast();
    // SAFETY: all that is pointed to is there.
    let begun =
        unsafe { c::nextapi_webhook_stream_begin(stream, verifier, header_start, header.len()) };
    if begun != c::Outcome::Ok {
        return (code(begun), 0, 0, 0);
    }
    let mut rest = body.bytes();
    for cut in cuts.iter().map(Some).chain([None]) {
        let length = cut.map_or(rest.len(), |&cut| usize::from(cut) % (rest.len() + 1));
        let (piece, after) = rest.split_at(length);
        rest = after;
        // SAFETY: the stream was begun, and the piece is there.
        let updated =
            unsafe { c::nextapi_webhook_stream_update(stream, pointer(piece), piece.len()) };
        assert_eq!(updated, c::Outcome::Ok);
    }
    let mut details = MaybeUninit::uninit();
    // SAFETY: the stream was begun, and there is room for the details.
    let outcome = unsafe { c::nextapi_webhook_stream_finish(stream, now, details.as_mut_ptr()) };
    said(outcome, details)
}

/// Lets C write a text into a buffer of that size, and compares it.
fn text(room: usize, expected: &str, write: impl FnOnce(*mut c_char, *mut usize) -> c::Outcome) {
    // One too many is seen.
    let mut buffer = vec![0xa5_u8; room].into_boxed_slice();
    let mut length = usize::MAX;
    let outcome = write(buffer.as_mut_ptr().cast(), &raw mut length);
    // With the fault, a text fits without its NUL.
    if room > expected.len() || (PLANTED_FAULT && room == expected.len()) {
        assert_eq!(outcome, c::Outcome::Ok);
        assert_eq!(length, expected.len());
        let text = CStr::from_bytes_until_nul(&buffer).expect("it ends with NUL");
        assert_eq!(text.to_str(), Ok(expected));
    } else {
        assert_eq!(outcome, c::Outcome::BufferTooSmall);
        assert_eq!(length, 0);
        assert!(buffer.first().is_none_or(|&first| first == 0));
    }
}

fn sign(secret: &[u8], input: &Input<'_>, room: usize) -> String {
    let timestamp = UnixTime::from_secs(input.timestamp);
    let key = Key::new(secret).expect("it is not empty");
    let expected = key.sign(timestamp, input.body).to_string();
    text(room, &expected, |buffer, length| {
        // SAFETY: all that is pointed to is there.
        unsafe {
            c::nextapi_webhook_sign(
                pointer(secret),
                secret.len(),
                pointer(input.body),
                input.body.len(),
                input.timestamp,
                buffer,
                room,
                length,
            )
        }
    });
    expected
}

fn field<'a>(field: &'a [c_char]) -> &'a str {
    // SAFETY: bytes are bytes, and the lifetime is that of the field.
    let bytes: &'a [u8] = unsafe { std::slice::from_raw_parts(field.as_ptr().cast(), field.len()) };
    let text = CStr::from_bytes_until_nul(bytes).expect("it ends with NUL");
    text.to_str().expect("facts are UTF-8")
}

fn events(body: &Moved, room: usize) {
    let mut facts = MaybeUninit::<c::EventFacts>::uninit();
    // SAFETY: the body and room for the facts are there.
    let outcome =
        unsafe { c::nextapi_webhook_event_read_unverified(body.pointer(), body.len(), facts.as_mut_ptr()) };
    // SAFETY: the facts are written whatever the outcome is.
    let facts = unsafe { facts.assume_init() };
    let event = Event::read_unverified(body.bytes());
    assert_eq!(code(outcome), event.as_ref().map_or_else(EventError::code, |_| "ok"));
    let event = event.ok();
    let fact = |read: fn(&Event) -> Option<&str>| event.as_ref().and_then(read).unwrap_or_default();
    assert_eq!(field(&facts.id), fact(Event::id));
    assert_eq!(field(&facts.event_type), fact(Event::event_type));
    assert_eq!(field(&facts.status), fact(Event::status));
    assert_eq!(field(&facts.job_id), fact(Event::job_id));
    assert_eq!(field(&facts.credits), fact(Event::credits));

    let expected = EventKey::of_unverified(body.bytes());
    let mut key = c::EventKey { bytes: [0; 33] };
    // SAFETY: the body and room for the key are there.
    let outcome =
        unsafe { c::nextapi_webhook_event_key_of_unverified(body.pointer(), body.len(), &raw mut key) };
    assert_eq!((outcome, key.bytes), (c::Outcome::Ok, expected.to_bytes()));
    text(room, &expected.to_string(), |buffer, length| {
        // SAFETY: the key and the buffer are there.
        unsafe { c::nextapi_webhook_event_key_text(&raw const key, buffer, room, length) }
    });
}

/// Calls to a window; those beyond the 100th show nothing new.
fn window(calls: &[u8]) {
    let mut places = [c::EventKey { bytes: [0; 33] }; CAPACITY];
    let mut model = ReplayWindow::<CAPACITY>::new();
    for call in calls.iter().take(100) {
        let key = EventKey::of_unverified(&[call % 8]);
        let c_key = c::EventKey { bytes: key.to_bytes() };
        let (window, key_there) = (places.as_mut_ptr(), &raw const c_key);
        let is_new = |is_new: bool| if is_new { c::Outcome::Ok } else { c::Outcome::Duplicate };
        match call / 64 {
            0 | 1 => {
                // SAFETY: the window has so many places, and the key is there.
                let outcome =
                    unsafe { c::nextapi_webhook_replay_window_insert(window, CAPACITY, key_there) };
                assert_eq!(outcome, is_new(model.insert(key)));
            }
            2 => {
                // SAFETY: the window has so many places, and the key is there.
                let outcome = unsafe {
                    c::nextapi_webhook_replay_window_contains(window, CAPACITY, key_there)
                };
                assert_eq!(outcome, is_new(!model.contains(&key)));
            }
            _ => {
                // SAFETY: the window has so many places, and the key is there.
                let outcome =
                    unsafe { c::nextapi_webhook_replay_window_remove(window, CAPACITY, key_there) };
                assert_eq!(outcome, c::Outcome::Ok);
                model.remove(&key);
            }
        }
    }
}
