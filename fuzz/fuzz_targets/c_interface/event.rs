//! Events and their keys, read by both.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::slice;

use nextapi_webhook::{Event, EventError, EventKey};
use nextapi_webhook_c as c;

use crate::memory::{Moved, code, text};
use crate::verdict::Answer;

/// Reads the body before anything has verified it.
pub(crate) fn unverified(body: &Moved, room: usize) {
    let key = check(
        body,
        // SAFETY: the body and room for the facts are there.
        |facts| unsafe {
            c::nextapi_webhook_event_read_unverified(body.pointer(), body.len(), facts)
        },
        // SAFETY: the body and room for the key are there.
        |key| unsafe {
            c::nextapi_webhook_event_key_of_unverified(body.pointer(), body.len(), key)
        },
    );
    text(room, &EventKey::of_unverified(body.bytes()).to_string(), |buffer, length| {
        // SAFETY: the key and the buffer are there.
        unsafe { c::nextapi_webhook_event_key_text(&raw const key, buffer, room, length) }
    });
}

/// Reads the body of a delivery, if it was accepted.
pub(crate) fn verified(body: &Moved, (outcome, known): &Answer) {
    // SAFETY: what is known, the body that it refers to and room for the facts are there.
    let read = |facts: *mut _| unsafe { c::nextapi_webhook_event_read(known, facts) };
    if *outcome == c::Outcome::Ok {
        // SAFETY: what is known, the body that it refers to and room for the key are there.
        check(body, read, |key| unsafe { c::nextapi_webhook_event_key_of(known, key) });
    } else {
        assert_eq!(read(MaybeUninit::uninit().as_mut_ptr()), c::Outcome::NotVerified);
    }
}

/// Compares what C reads with what the verifier reads. Gives the key.
fn check(
    body: &Moved,
    read: impl FnOnce(*mut c::EventFacts) -> c::Outcome,
    key_of: impl FnOnce(*mut c::EventKey) -> c::Outcome,
) -> c::EventKey {
    let mut facts = MaybeUninit::<c::EventFacts>::uninit();
    let outcome = read(facts.as_mut_ptr());
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

    let mut key = c::EventKey { bytes: [0; 33] };
    assert_eq!(key_of(&raw mut key), c::Outcome::Ok);
    assert_eq!(key.bytes, EventKey::of_unverified(body.bytes()).to_bytes());
    key
}

fn field<'a>(field: &'a [c_char]) -> &'a str {
    // SAFETY: bytes are bytes, and the lifetime is that of the field.
    let bytes: &'a [u8] = unsafe { slice::from_raw_parts(field.as_ptr().cast(), field.len()) };
    let text = CStr::from_bytes_until_nul(bytes).expect("it ends with NUL");
    text.to_str().expect("facts are UTF-8")
}
