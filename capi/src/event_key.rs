//! The name under which duplicates of an event are recognised.

use core::ffi::{c_char, c_void};

use crate::{Outcome, Verified, argument};

/// Bytes of a nextapi_webhook_event_key.
pub const EVENT_KEY_SIZE: usize = 33;

/// Bytes that are enough for the text of every event key, its NUL included.
pub const EVENT_KEY_TEXT_SIZE: usize = 71;

const _: () = assert!(EVENT_KEY_TEXT_SIZE == nextapi_webhook::EventKey::MAX_TEXT_BYTES + 1);

/// The name under which duplicates of an event are recognised: equal for all deliveries of one
/// event, different for different events. Two keys are equal if their bytes are. They may be
/// stored, and stay the same for ever: 1 for an event or 2 for a body, and 32 bytes of SHA-256. All
/// zeros is no key.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKey {
    /// The key.
    pub bytes: [u8; EVENT_KEY_SIZE],
}

impl EventKey {
    pub(crate) const NONE: Self = Self { bytes: [0; EVENT_KEY_SIZE] };

    /// The verifier's key, if this is one.
    fn read(&self) -> Result<nextapi_webhook::EventKey, Outcome> {
        nextapi_webhook::EventKey::from_bytes(&self.bytes).ok_or(Outcome::EventKeyInvalid)
    }

    /// A key of C, if it is one.
    ///
    /// # Safety
    /// As of [`argument::reference`].
    pub(crate) unsafe fn copy(key: *const Self) -> Result<Self, Outcome> {
        // SAFETY: the caller's promise.
        let key = *unsafe { argument::reference(key) }?;
        key.read().map(|_| key)
    }
}

/// The key of a delivery that has been verified: that of the event that the body says it is, else that
/// of its bytes. Every body has one.
///
/// An event is known by `id`, `type` and `status` of the body itself: the hash is taken of id, line
/// feed, type, line feed, status. One that is missing, null or empty gives no bytes, but both line
/// feeds are always there. A body without an `id`, or with neither `type` nor `status`, is hashed as a
/// whole.
///
/// @param verified   as it was set when the delivery was accepted; with the body
/// @param key        set to the key, or zeroed
/// @return OK, ARGUMENT_INVALID or NOT_VERIFIED
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_event_key_of(
    verified: *const Verified,
    key: *mut EventKey,
) -> Outcome {
    // SAFETY: the caller promises that the pointer and the body are good.
    let body = unsafe { Verified::body(verified) };
    // SAFETY: the caller promises that there is room for a key.
    unsafe { key_of(body, key) }
}

/// The key of any bytes: anybody may have written them, so that an event which is yet to come could be
/// taken for a duplicate. For tools, and for bodies that were verified some other way.
///
/// @param key   set to the key, or zeroed
/// @return OK or ARGUMENT_INVALID
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_event_key_of_unverified(
    body: *const c_void,
    body_length: usize,
    key: *mut EventKey,
) -> Outcome {
    // SAFETY: the caller promises that the body is good.
    let body = unsafe { argument::bytes(body, body_length) };
    // SAFETY: the caller promises that there is room for a key.
    unsafe { key_of(body, key) }
}

/// # Safety
/// As of [`argument::place`].
unsafe fn key_of(body: Result<&[u8], Outcome>, key: *mut EventKey) -> Outcome {
    // SAFETY: the caller's promise.
    let place = match unsafe { argument::place(key) } {
        Ok(place) => place,
        Err(outcome) => return outcome,
    };
    let (outcome, bytes) = match body {
        Ok(body) => (Outcome::Ok, nextapi_webhook::EventKey::of_unverified(body).to_bytes()),
        Err(outcome) => (outcome, EventKey::NONE.bytes),
    };
    place.write(EventKey { bytes });
    outcome
}

/// The key as text, for logs, stores and `Idempotency-Key`: `event-` or `body-`, 64 hexadecimal
/// digits and NUL.
///
/// @param text          room for the text; NEXTAPI_WEBHOOK_EVENT_KEY_TEXT_SIZE is always enough
/// @param text_size     how much room that is, in bytes
/// @param text_length   set to the text's length without its NUL, if it fits, else to 0; may be
///                      NULL
/// @return OK, ARGUMENT_INVALID, BUFFER_TOO_SMALL or EVENT_KEY_INVALID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_event_key_text(
    key: *const EventKey,
    text: *mut c_char,
    text_size: usize,
    text_length: *mut usize,
) -> Outcome {
    let mut buffer = [0; nextapi_webhook::EventKey::MAX_TEXT_BYTES];
    // SAFETY: the caller promises that the pointer is good.
    let key = unsafe { EventKey::copy(key) };
    let encoded = key.and_then(|key| key.read()).map(|key| key.encode(&mut buffer));
    // SAFETY: the caller promises that there is room for the text and its length.
    unsafe { argument::write_text(encoded, text, text_size, text_length) }
}
