//! What is known of a delivery once it has been accepted.

use core::ffi::c_void;
use core::ptr;

use nextapi_webhook::Verified as Accepted;

use crate::{Outcome, argument};

/// What is known of a delivery that is authentic and fresh. Only nextapi_webhook_verify,
/// nextapi_webhook_stream_finish and nextapi_webhook_pending_finish fill it, and
/// nextapi_webhook_verified_set_body adds the body to it. If the delivery is refused it is all zeros.
///
/// It may be copied. It refers to the body, which has to stay where it is for as long as events are
/// read from it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// When the delivery was signed, in seconds since 1970-01-01T00:00:00Z.
    pub timestamp: u64,
    /// How old the signature is, in seconds; negative if its timestamp is ahead of the clock.
    pub age_seconds: i64,
    /// Which secret it was signed with, counted from 0 in the order in which they were given. Once
    /// only 0 occurs, the older ones can be removed.
    pub key_index: usize,
    /// The body that was verified, or NULL if it arrived in pieces and has not been set.
    pub body: *const c_void,
    /// The number of bytes in it.
    pub body_length: usize,
    /// The library's own: neither to be read nor written.
    pub seal: u64,
}

/// Accepted, and the body is known.
const WITH_BODY: u64 = u64::from_be_bytes(*b"verified");

/// Accepted, after a body that arrived in pieces.
const WITHOUT_BODY: u64 = u64::from_be_bytes(*b"accepted");

impl Verified {
    /// What a refused delivery leaves.
    pub const NONE: Self = Self {
        timestamp: 0,
        age_seconds: 0,
        key_index: 0,
        body: ptr::null(),
        body_length: 0,
        seal: 0,
    };

    fn set_body(&mut self, body: &[u8]) {
        // Not the address that Rust gives to no bytes.
        self.body = if body.is_empty() { ptr::null() } else { body.as_ptr().cast() };
        self.body_length = body.len();
        self.seal = WITH_BODY;
    }

    /// The body that was verified.
    ///
    /// # Safety
    /// As of [`argument::reference`]; besides, the body is still there, and nobody writes to it for
    /// the lifetime `'a`.
    pub(crate) unsafe fn body<'a>(verified: *const Self) -> Result<&'a [u8], Outcome> {
        // SAFETY: the caller's promise.
        let verified = unsafe { argument::reference(verified) }?;
        if verified.seal != WITH_BODY {
            return Err(Outcome::NotVerified);
        }
        // SAFETY: the seal says that these are the pointer and the length of a body, and the caller
        // promises that it is still there.
        unsafe { argument::bytes(verified.body, verified.body_length) }
    }
}

impl From<Accepted> for Verified {
    fn from(accepted: Accepted) -> Self {
        Self {
            timestamp: accepted.timestamp().as_secs(),
            age_seconds: accepted.age_secs(),
            key_index: accepted.key_index(),
            seal: WITHOUT_BODY,
            ..Self::NONE
        }
    }
}

impl From<Accepted<&[u8]>> for Verified {
    fn from(accepted: Accepted<&[u8]>) -> Self {
        let mut verified = Self {
            timestamp: accepted.timestamp().as_secs(),
            age_seconds: accepted.age_secs(),
            key_index: accepted.key_index(),
            ..Self::NONE
        };
        verified.set_body(accepted.body());
        verified
    }
}

/// Gives the verdict: as a result, and in the place that the caller may have given for the rest.
///
/// # Safety
/// The place is NULL, or misaligned, or may be written to.
pub(crate) unsafe fn answer(verdict: Result<Verified, Outcome>, place: *mut Verified) -> Outcome {
    let (outcome, verified) = match verdict {
        Ok(verified) => (Outcome::Ok, verified),
        Err(outcome) => (outcome, Verified::NONE),
    };
    if place.is_null() {
        return outcome;
    }
    // SAFETY: the caller's promise.
    match unsafe { argument::place(place) } {
        Ok(place) => {
            place.write(verified);
            outcome
        }
        Err(invalid) => invalid,
    }
}

/// Sets the body of a delivery that was verified in pieces, or with MACs from elsewhere, so that the
/// event can be read from it.
///
/// It has to be the body that was verified, byte for byte: the library has not kept it, and does not
/// check.
///
/// @param verified   as nextapi_webhook_stream_finish or nextapi_webhook_pending_finish set it
/// @return OK, ARGUMENT_INVALID, or NOT_VERIFIED if the delivery was refused
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_verified_set_body(
    verified: *mut Verified,
    body: *const c_void,
    body_length: usize,
) -> Outcome {
    let set = || {
        // SAFETY: the caller promises that the pointer is good, and that nobody else uses it.
        let verified = unsafe { argument::reference_mut(verified) }?;
        // SAFETY: the caller promises that the body is good.
        let body = unsafe { argument::bytes(body, body_length) }?;
        if verified.seal != WITHOUT_BODY && verified.seal != WITH_BODY {
            return Err(Outcome::NotVerified);
        }
        verified.set_body(body);
        Ok(())
    };
    set().into()
}
