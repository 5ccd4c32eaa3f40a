//! What a verified body says.

use core::ffi::{c_char, c_void};

use nextapi_webhook::Event;

use crate::{Outcome, Verified, argument};

/// Bytes of the `id` and `job_id` of a nextapi_webhook_event, their NUL included.
pub const ID_SIZE: usize = 129;
/// Bytes of the `type` of a nextapi_webhook_event, its NUL included.
pub const TYPE_SIZE: usize = 65;
/// Bytes of the `status` of a nextapi_webhook_event, its NUL included.
pub const STATUS_SIZE: usize = 33;
/// Bytes of the `credits` of a nextapi_webhook_event, their NUL included.
pub const CREDITS_SIZE: usize = 33;

const _: () = assert!(ID_SIZE == Event::MAX_ID_BYTES + 1);
const _: () = assert!(TYPE_SIZE == Event::MAX_TYPE_BYTES + 1);
const _: () = assert!(STATUS_SIZE == Event::MAX_STATUS_BYTES + 1);
const _: () = assert!(CREDITS_SIZE == Event::MAX_CREDITS_BYTES + 1);

/// The facts of an event, as UTF-8 texts that end with NUL and have none inside. A fact that the
/// body does not have is the empty text; an empty text in the body counts as absent.
#[repr(C)]
pub struct EventFacts {
    /// The `id` of the body: of the event in an envelope, of the video in the flat shape. By itself
    /// it does NOT identify the event; its key does, see nextapi_webhook_event_key_of.
    pub id: [c_char; ID_SIZE],
    /// The `type` of an envelope, such as `job.succeeded`.
    pub event_type: [c_char; TYPE_SIZE],
    /// The job's status, such as `succeeded`.
    pub status: [c_char; STATUS_SIZE],
    /// The job's id; where the body has none, the video's.
    pub job_id: [c_char; ID_SIZE],
    /// What the job cost, in credits, exactly as the number stands in the body, such as `1.05`.
    pub credits: [c_char; CREDITS_SIZE],
}

/// Reads the facts of an event from the body of a delivery that has been verified.
///
/// A body that cannot be read is as authentic as before: deal with it by its key.
///
/// @param verified   as it was set when the delivery was accepted; with the body
/// @param event      set to the facts, or to empty texts if the body cannot be read
/// @return OK, ARGUMENT_INVALID, NOT_VERIFIED, or what is wrong with the body: 50 to 53
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_event_read(
    verified: *const Verified,
    event: *mut EventFacts,
) -> Outcome {
    // SAFETY: the caller promises that the pointer and the body are good.
    let body = unsafe { Verified::body(verified) };
    // SAFETY: the caller promises that there is room for an event.
    unsafe { read(body, event) }
}

/// Reads the facts of an event from any bytes: anybody may have written them. For tools, and for
/// bodies that were verified some other way.
///
/// @param event   set to the facts, or to empty texts if the body cannot be read
/// @return OK, ARGUMENT_INVALID, or what is wrong with the body: 50 to 53
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_event_read_unverified(
    body: *const c_void,
    body_length: usize,
    event: *mut EventFacts,
) -> Outcome {
    // SAFETY: the caller promises that the body is good.
    let body = unsafe { argument::bytes(body, body_length) };
    // SAFETY: the caller promises that there is room for an event.
    unsafe { read(body, event) }
}

/// # Safety
/// As of [`argument::place`].
unsafe fn read(body: Result<&[u8], Outcome>, event: *mut EventFacts) -> Outcome {
    let (outcome, facts) = match body.and_then(|body| Ok(Event::read_unverified(body)?)) {
        Ok(event) => (Outcome::Ok, Some(event)),
        Err(outcome) => (outcome, None),
    };
    // SAFETY: the caller's promise.
    let place = match unsafe { argument::place(event) } {
        Ok(place) => place.write(EventFacts::NONE),
        Err(outcome) => return outcome,
    };
    if let Some(facts) = &facts {
        write(&mut place.id, facts.id());
        write(&mut place.event_type, facts.event_type());
        write(&mut place.status, facts.status());
        write(&mut place.job_id, facts.job_id());
        write(&mut place.credits, facts.credits());
    }
    outcome
}

impl EventFacts {
    const NONE: Self = Self {
        id: [0; ID_SIZE],
        event_type: [0; TYPE_SIZE],
        status: [0; STATUS_SIZE],
        job_id: [0; ID_SIZE],
        credits: [0; CREDITS_SIZE],
    };
}

/// Writes a text into a field that is zeroed and longer than it.
fn write<const SIZE: usize>(field: &mut [c_char; SIZE], text: Option<&str>) {
    for (place, byte) in field.iter_mut().zip(text.unwrap_or_default().bytes()) {
        *place = c_char::from_ne_bytes([byte]);
    }
}
