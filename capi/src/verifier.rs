//! Keys, and the verdict in one call.

use core::ffi::{c_char, c_void};
use core::mem::MaybeUninit;

use nextapi_webhook::{Key, Tolerance, UnixTime};

use crate::slot::{self, Kept};
use crate::{Outcome, argument};

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

/// What is known of a delivery that is authentic and fresh.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// When the delivery was signed, in seconds since 1970-01-01T00:00:00Z.
    pub timestamp: u64,
    /// How old the signature is, in seconds; negative if its timestamp is ahead of the clock.
    pub age_seconds: i64,
    /// Which secret it was signed with, counted from 0 in the order in which they were given. Once
    /// only 0 occurs, the older ones can be removed.
    pub key_index: usize,
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

impl From<nextapi_webhook::Verified> for Verified {
    fn from(verified: nextapi_webhook::Verified) -> Self {
        Self {
            timestamp: verified.timestamp().as_secs(),
            age_seconds: verified.age_secs(),
            key_index: verified.key_index(),
        }
    }
}

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
    // SAFETY: the caller promises that the array is good.
    let secrets = unsafe { argument::array(secrets, secret_count) };
    // SAFETY: the caller promises that so are the secrets in it.
    let keys = secrets.and_then(|secrets| unsafe { keys(secrets) });
    let tolerance = Tolerance::new(tolerance_past, tolerance_future);
    keys.and_then(|keys| Ok(Keys::new(keys.into_iter().flatten(), tolerance)?))
        .map(|keys| slot::fill(storage, keys))
        .into()
}

/// The keys of so many secrets.
///
/// # Safety
/// The bytes of every secret are there to be read.
unsafe fn keys(secrets: &[Secret]) -> Result<[Option<Key>; MAX_KEYS], Outcome> {
    if secrets.len() > MAX_KEYS {
        return Err(Outcome::KeyTooMany);
    }
    let mut keys = [const { None }; MAX_KEYS];
    for (key, secret) in keys.iter_mut().zip(secrets) {
        // SAFETY: the caller's promise.
        let secret = unsafe { argument::bytes(secret.data, secret.length) }?;
        *key = Some(Key::new(secret)?);
    }
    Ok(keys)
}

/// Verifies a delivery whose body is there as a whole.
///
/// @param header     the value of the signature header
/// @param body       the raw bytes of the body, as they were received
/// @param now        the receiver's clock, in seconds since 1970-01-01T00:00:00Z
/// @param details    set if the delivery is accepted, else zeroed; may be NULL
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
        let now = UnixTime::from_secs(now);
        Ok(slot::get::<Keys>(storage)?.verify(header, body, now)?.without_body())
    };
    // SAFETY: the caller promises that there is room for a result, or NULL.
    unsafe { answer(verify(), details) }
}

/// Says the verdict: as a result, and in the place that the caller may have given for the rest.
///
/// # Safety
/// The place is NULL, or misaligned, or may be written to.
pub(crate) unsafe fn answer(
    verdict: Result<nextapi_webhook::Verified, Outcome>,
    details: *mut Verified,
) -> Outcome {
    let (outcome, known) = match verdict {
        Ok(verified) => (Outcome::Ok, verified.into()),
        Err(outcome) => (outcome, Verified::default()),
    };
    if details.is_null() {
        return outcome;
    }
    // SAFETY: the caller's promise.
    match unsafe { argument::place(details) } {
        Ok(place) => {
            place.write(known);
            outcome
        }
        Err(invalid) => invalid,
    }
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
