//! Keys, and the verdict in one call.

use core::ffi::{c_char, c_void};
use core::mem::MaybeUninit;

use nextapi_webhook::{Tolerance, UnixTime};

use crate::slot::{self, Kept};
use crate::verified::answer;
use crate::{Outcome, Verified, argument, stack};

/// Secrets that a verifier has room for: several are active while a secret is being rotated.
pub const MAX_KEYS: usize = 4;

/// The provider's documented tolerance, in seconds, in both directions.
pub const TOLERANCE_SECONDS: u64 = 300;

/// Bytes of a nextapi_webhook_verifier.
pub const VERIFIER_SIZE: usize = 384;

/// A verifier: keys and tolerance. The storage is the caller's, the content is not: it is neither
/// to be read nor written. It is aligned as uint64_t is. Zeroed storage is a verifier that was not
/// initialised.
///
/// It refers to nothing outside itself, so it may be moved or copied with memcpy. A copy holds the
/// keys as well, and has to be wiped as well.
#[repr(C)]
pub struct VerifierStorage {
    opaque: [MaybeUninit<u64>; 48],
}

/// A secret: its raw bytes, any `whsec_` prefix included; nothing is decoded. It may have any
/// length but zero.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Secret {
    /// The first byte.
    pub data: *const c_void,
    /// The number of bytes.
    pub length: usize,
}

/// cbindgen:ignore
pub(crate) type Keys = nextapi_webhook::Verifier<MAX_KEYS>;

impl Kept for Keys {
    type Storage = VerifierStorage;
    const SEAL: u64 = u64::from_be_bytes(*b"verifier");
}

const _: () = slot::fits::<Keys>();
const _: () = assert!(size_of::<VerifierStorage>() == VERIFIER_SIZE);
const _: () = assert!(Tolerance::DEFAULT.past_secs() == TOLERANCE_SECONDS);
const _: () = assert!(Tolerance::DEFAULT.future_secs() == TOLERANCE_SECONDS);

/// Makes a verifier of secrets, newest first: where two match, the first is reported.
///
/// Ages below `tolerance_past` seconds are accepted, and timestamps less than `tolerance_future`
/// seconds ahead; NEXTAPI_WEBHOOK_TOLERANCE_SECONDS for both is the provider's own rule. A wider
/// tolerance is safe only if events are remembered for at least the sum of both.
///
/// What was in the storage before is overwritten. On failure it is wiped, and everything that is
/// verified with it is refused.
///
/// The secrets are not needed afterwards: wipe them where they came from.
///
/// @param verifier   storage, which need not be initialised
/// @param secrets    an array of 1 to NEXTAPI_WEBHOOK_MAX_KEYS secrets
/// @return OK, ARGUMENT_INVALID, KEY_EMPTY, KEY_NONE or KEY_TOO_MANY
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_verifier_init(
    verifier: *mut VerifierStorage,
    secrets: *const Secret,
    secret_count: usize,
    tolerance_past: u64,
    tolerance_future: u64,
) -> Outcome {
    // SAFETY: the caller promises that the pointer is good, and that nobody else uses the storage.
    let storage = match unsafe { argument::reference_mut(verifier) } {
        Ok(storage) => storage,
        Err(outcome) => return outcome,
    };
    slot::wipe::<Keys>(storage);
    // The keys are made in the storage, so that no copies of them are left on the stack.
    slot::fill(storage, Keys::without_keys(Tolerance::new(tolerance_past, tolerance_future)));
    let filled = || {
        // SAFETY: the caller promises that the array is good.
        let secrets = unsafe { argument::array(secrets, secret_count) }?;
        if secrets.is_empty() {
            return Err(Outcome::KeyNone);
        }
        // What is wrong with their number is said before what is wrong with one of them.
        if secrets.len() > MAX_KEYS {
            return Err(Outcome::KeyTooMany);
        }
        let keys = slot::get_mut::<Keys>(storage)?;
        for secret in secrets {
            // SAFETY: the caller promises that so are the secrets in it.
            keys.add_key(unsafe { argument::bytes(secret.data, secret.length) }?)?;
        }
        Ok(())
    };
    let outcome = stack::clean(filled).into();
    if outcome != Outcome::Ok {
        slot::wipe::<Keys>(storage);
    }
    outcome
}

/// Verifies a delivery whose body is there as a whole.
///
/// @param header     the value of the signature header
/// @param body       the raw bytes of the body, as they were received
/// @param now        the receiver's clock, in seconds since 1970-01-01T00:00:00Z
/// @param details    set if the delivery is accepted, else zeroed; may be NULL. It refers to the body
/// @return OK, ARGUMENT_INVALID, NOT_INITIALISED, or why the delivery is refused: 30 to 43
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_verify(
    verifier: *const VerifierStorage,
    header: *const c_char,
    header_length: usize,
    body: *const c_void,
    body_length: usize,
    now: u64,
    details: *mut Verified,
) -> Outcome {
    let verify = || {
        // SAFETY: the caller promises that the pointer is good and that nobody writes to the
        // verifier.
        let storage = unsafe { argument::reference(verifier) }?;
        // SAFETY: the caller promises that the header is good.
        let header = unsafe { argument::bytes(header.cast(), header_length) }?;
        // SAFETY: the caller promises that the body is good.
        let body = unsafe { argument::bytes(body, body_length) }?;
        Ok(slot::get::<Keys>(storage)?.verify(header, body, UnixTime::from_secs(now))?.into())
    };
    // SAFETY: the caller promises that there is room for a result, or NULL.
    unsafe { answer(stack::clean(verify), details) }
}

/// Overwrites the keys with zeros. The verifier is then as one that was not initialised. NULL is
/// ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_verifier_wipe(verifier: *mut VerifierStorage) {
    // SAFETY: the caller promises that the pointer is good, and that nobody else uses the storage.
    if let Ok(storage) = unsafe { argument::reference_mut(verifier) } {
        slot::wipe::<Keys>(storage);
    }
}
