//! The verdict over MACs that are computed elsewhere.

use core::ffi::{c_char, c_void};
use core::mem::MaybeUninit;

use nextapi_webhook::{Mac, Pending, Tolerance, UnixTime};

use crate::slot::{self, Kept};
use crate::verified::answer;
use crate::{Outcome, Verified, argument, stack};

/// Bytes of a nextapi_webhook_pending.
pub const PENDING_SIZE: usize = 384;

/// Parts of the message that a MAC is computed over.
pub const MESSAGE_PARTS: usize = 3;

/// Bytes of a MAC, an HMAC-SHA256.
pub const MAC_SIZE: usize = 32;

/// A verification whose MACs are computed elsewhere: by a peripheral, a secure element or another
/// library. The storage is the caller's, the content is not. It is aligned as uint64_t is. Zeroed
/// storage is a verification that was not begun.
///
/// It holds no secret, and may be moved or copied, but for the message that it has given out.
#[repr(C)]
pub struct PendingStorage {
    opaque: [MaybeUninit<u64>; 48],
}

/// A part of a message.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The first byte.
    pub data: *const c_void,
    /// The number of bytes, which may be zero.
    pub length: usize,
}

impl Kept for Pending {
    type Storage = PendingStorage;
    const SEAL: u64 = u64::from_be_bytes(*b"pending.");
}

const _: () = slot::fits::<Pending>();
const _: () = assert!(size_of::<PendingStorage>() == PENDING_SIZE);

/// Begins to verify a delivery whose MACs are computed elsewhere. For each secret, compute the
/// HMAC-SHA256 of nextapi_webhook_pending_message and pass it to nextapi_webhook_pending_offer; then
/// ask for the verdict with nextapi_webhook_pending_finish.
///
/// What was in the storage before is overwritten. On failure it is wiped.
///
/// @param pending    storage, which need not be initialised
/// @param header     the value of the signature header
/// @return OK, ARGUMENT_INVALID, or what is wrong with the header: 30 to 35. It is said before the
///         body has to be read.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_pending_begin(
    pending: *mut PendingStorage,
    header: *const c_char,
    header_length: usize,
) -> Outcome {
    // SAFETY: the caller promises that the pointer is good, and that nobody else uses the storage.
    let storage = match unsafe { argument::reference_mut(pending) } {
        Ok(storage) => storage,
        Err(outcome) => return outcome,
    };
    slot::wipe::<Pending>(storage);
    let begun = || {
        // SAFETY: the caller promises that the header is good.
        let header = unsafe { argument::bytes(header.cast(), header_length) }?;
        Ok(Pending::parse(header)?)
    };
    begun().map(|begun| slot::fill(storage, begun)).into()
}

/// Gives the message that each MAC is computed over: NEXTAPI_WEBHOOK_MESSAGE_PARTS parts, one after
/// the other, with nothing between them. The last is the body.
///
/// The other parts are in the storage of `pending`, and are there until it is finished or moved. For
/// a body that is not there as a whole, take the first two parts of the message of an empty one, and
/// then the pieces.
///
/// @param body     the raw bytes of the body, as they were received
/// @param parts    an array of NEXTAPI_WEBHOOK_MESSAGE_PARTS, set to the parts, or zeroed
/// @return OK, ARGUMENT_INVALID or NOT_INITIALISED
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_pending_message(
    pending: *const PendingStorage,
    body: *const c_void,
    body_length: usize,
    parts: *mut Part,
) -> Outcome {
    let message = || {
        // SAFETY: the caller promises that the pointer is good and that nobody writes to it.
        let storage = unsafe { argument::reference(pending) }?;
        // SAFETY: the caller promises that the body is good.
        let body = unsafe { argument::bytes(body, body_length) }?;
        Ok(slot::get::<Pending>(storage)?.message(body))
    };
    let (outcome, message) = match message() {
        Ok(message) => (Outcome::Ok, message),
        Err(outcome) => (outcome, [&[][..]; MESSAGE_PARTS]),
    };
    // SAFETY: the caller promises that there is room for so many parts.
    match unsafe { argument::place(parts.cast::<[Part; MESSAGE_PARTS]>()) } {
        Ok(place) => {
            place.write(message.map(Part::from));
            outcome
        }
        Err(invalid) => invalid,
    }
}

impl From<&[u8]> for Part {
    fn from(bytes: &[u8]) -> Self {
        // Not the address that Rust gives to no bytes.
        let data = if bytes.is_empty() { core::ptr::null() } else { bytes.as_ptr() };
        Self { data: data.cast(), length: bytes.len() }
    }
}

/// Takes the MAC that was computed with one of the secrets. They may come in any order, and need not
/// all come: of several that match, the one with the smallest index is reported.
///
/// A MAC of nothing but zero bits, or nothing but ones, matches no signature: that is what an engine
/// gives that has no clock or no power, and a signature that anybody can write.
///
/// Whoever knows the MAC can pass the message for signed: wipe it where it came from. It is compared in
/// constant time.
///
/// @param key_index   which secret, counted from 0, newest first
/// @param mac         NEXTAPI_WEBHOOK_MAC_SIZE bytes
/// @return OK, ARGUMENT_INVALID or NOT_INITIALISED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_pending_offer(
    pending: *mut PendingStorage,
    key_index: u32,
    mac: *const c_void,
) -> Outcome {
    let offer = || {
        // SAFETY: the caller promises that the pointer is good, and that nobody else uses the storage.
        let storage = unsafe { argument::reference_mut(pending) }?;
        // SAFETY: the caller promises that so many bytes are there; bytes are always aligned.
        let mac = unsafe { argument::reference(mac.cast::<[u8; MAC_SIZE]>()) }?;
        slot::get_mut::<Pending>(storage)?.offer(key_index, &Mac::new(mac));
        Ok(())
    };
    stack::clean(offer).into()
}

/// Gives the verdict over every MAC that was offered, and wipes the storage. No MAC gives
/// SIGNATURE_MISMATCH.
///
/// @param tolerance_past     as for nextapi_webhook_verifier_init
/// @param tolerance_future   as for nextapi_webhook_verifier_init
/// @param now                the receiver's clock when the whole body is there, in seconds since
///                           1970-01-01T00:00:00Z
/// @param details            set if the delivery is accepted, else zeroed; may be NULL. The body is
///                           not in it: see nextapi_webhook_verified_set_body
/// @return OK, ARGUMENT_INVALID, NOT_INITIALISED, or why the delivery is refused: 40 to 43
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_pending_finish(
    pending: *mut PendingStorage,
    tolerance_past: u64,
    tolerance_future: u64,
    now: u64,
    details: *mut Verified,
) -> Outcome {
    let finish = || {
        // SAFETY: the caller promises that the pointer is good, and that nobody else uses the storage.
        let storage = unsafe { argument::reference_mut(pending) }?;
        let tolerance = Tolerance::new(tolerance_past, tolerance_future);
        let pending = slot::take::<Pending>(storage)?;
        Ok(pending.finish(UnixTime::from_secs(now), tolerance)?.into())
    };
    // SAFETY: the caller promises that there is room for a result, or NULL.
    unsafe { answer(finish(), details) }
}

/// Gives a verification up: overwrites the storage with zeros. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_pending_wipe(pending: *mut PendingStorage) {
    // SAFETY: the caller promises that the pointer is good, and that nobody else uses the storage.
    if let Ok(storage) = unsafe { argument::reference_mut(pending) } {
        slot::wipe::<Pending>(storage);
    }
}
