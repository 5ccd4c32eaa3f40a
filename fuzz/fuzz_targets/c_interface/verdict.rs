//! Verifying in one call, in pieces, and with MACs from elsewhere.

use std::mem::MaybeUninit;
use std::{ptr, slice};

use nextapi_webhook_c as c;
use nextapi_webhook_fuzz::mac::hmac_bytes;

use crate::memory::{Moved, code, pointer};

/// What C says of a delivery.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: &'static str,
    pub(crate) timestamp: u64,
    pub(crate) age: i64,
    pub(crate) key_index: usize,
}

impl Said {
    pub(crate) const fn refused(code: &'static str) -> Self {
        Self { code, timestamp: 0, age: 0, key_index: 0 }
    }

    pub(crate) fn of((outcome, known): &Answer) -> Self {
        let c::Verified { timestamp, age_seconds: age, key_index, .. } = *known;
        Self { code: code(*outcome), timestamp, age, key_index }
    }
}

/// An outcome, and what is known of the delivery.
pub(crate) type Answer = (c::Outcome, c::Verified);

/// Lets C answer.
fn answer(ask: impl FnOnce(*mut c::Verified) -> c::Outcome) -> Answer {
    let mut known = MaybeUninit::uninit();
    let outcome = ask(known.as_mut_ptr());
    // SAFETY: it is written whatever the outcome is.
    (outcome, unsafe { known.assume_init() })
}

/// Adds the body to what is known after one in pieces, unless it is refused.
fn with_body((outcome, mut known): Answer, body: &Moved) -> Answer {
    // SAFETY: all that is pointed to is there.
    let set =
        unsafe { c::nextapi_webhook_verified_set_body(&raw mut known, body.pointer(), body.len()) };
    let is_accepted = outcome == c::Outcome::Ok;
    assert_eq!(set, if is_accepted { c::Outcome::Ok } else { c::Outcome::NotVerified });
    (outcome, known)
}

pub(crate) fn at_once(
    verifier: &c::VerifierStorage,
    header: &Moved,
    body: &Moved,
    now: u64,
) -> Answer {
    let overread = cfg!(feature = "planted-overread") && body.len() > 0;
    // SAFETY: all that is pointed to is there.
    answer(|known| unsafe {
        c::nextapi_webhook_verify(
            verifier,
            header.pointer().cast(),
            header.len(),
            body.pointer(),
            body.len() + usize::from(overread),
            now,
            known,
        )
    })
}

pub(crate) fn in_pieces(
    verifier: &c::VerifierStorage,
    header: &Moved,
    body: &Moved,
    now: u64,
    cuts: &[u16],
) -> Answer {
    let mut stream = MaybeUninit::uninit();
    let stream = stream.as_mut_ptr();
    let header_start = header.pointer().cast();
    // SAFETY: all that is pointed to is there.
    let begun =
        unsafe { c::nextapi_webhook_stream_begin(stream, verifier, header_start, header.len()) };
    if begun != c::Outcome::Ok {
        return (begun, c::Verified::NONE);
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
    // SAFETY: the stream was begun.
    let answer = answer(|known| unsafe { c::nextapi_webhook_stream_finish(stream, now, known) });
    with_body(answer, body)
}

/// With MACs of `ring`, offered from the secret at `first` on, and around.
pub(crate) fn with_macs(
    secrets: &[&[u8]],
    tolerance: (u64, u64),
    header: &Moved,
    body: &Moved,
    now: u64,
    first: usize,
) -> Answer {
    let mut pending = MaybeUninit::uninit();
    let pending = pending.as_mut_ptr();
    // SAFETY: all that is pointed to is there.
    let begun =
        unsafe { c::nextapi_webhook_pending_begin(pending, header.pointer().cast(), header.len()) };
    if begun != c::Outcome::Ok {
        return (begun, c::Verified::NONE);
    }
    let mut parts = [c::Part { data: ptr::null(), length: 0 }; c::MESSAGE_PARTS];
    // SAFETY: it was begun; the body and room for the parts are there.
    let outcome = unsafe {
        let (data, length) = (body.pointer(), body.len());
        c::nextapi_webhook_pending_message(pending, data, length, parts.as_mut_ptr())
    };
    assert_eq!(outcome, c::Outcome::Ok);
    let message = parts.map(|part| match part.length {
        0 => &[],
        // SAFETY: the parts are there for as long as the verification and the body.
        length => unsafe { slice::from_raw_parts(part.data.cast(), length) },
    });
    let macs: Vec<[u8; 32]> = secrets.iter().map(|secret| hmac_bytes(secret, &message)).collect();
    for step in 0..macs.len() {
        let place = (first + step) % macs.len();
        let index = u32::try_from(place).unwrap_or(u32::MAX);
        // SAFETY: it was begun, and the MAC is there.
        let outcome = unsafe {
            c::nextapi_webhook_pending_offer(pending, index, macs[place].as_ptr().cast())
        };
        assert_eq!(outcome, c::Outcome::Ok);
    }
    let (past, future) = tolerance;
    // SAFETY: it was begun.
    let answer = answer(|known| unsafe {
        c::nextapi_webhook_pending_finish(pending, past, future, now, known)
    });
    with_body(answer, body)
}
