//! The verdict over a body that arrives in pieces.

use core::ffi::{c_char, c_void};
use core::mem::MaybeUninit;

use nextapi_webhook::UnixTime;

use crate::slot::{self, Kept};
use crate::verified::answer;
use crate::verifier::Keys;
use crate::{MAX_KEYS, Outcome, Verified, VerifierStorage, argument, stack};

/// Bytes of a nextapi_webhook_stream.
pub const STREAM_SIZE: usize = 640;

/// A verification under way. The storage is the caller's, the content is not. It is aligned as
/// uint64_t is. Zeroed storage is a stream that was not begun.
///
/// It refers to the verifier that it was begun with, which has to stay where it is, initialised, until
/// the stream has been finished or wiped. The stream itself may be moved, but not copied.
#[repr(C)]
pub struct StreamStorage {
    opaque: [MaybeUninit<u64>; 80],
}

/// Bytes of a block of SHA-256 (FIPS 180-4 section 1).
///
/// cbindgen:ignore
const BLOCK_BYTES: usize = 64;

/// cbindgen:ignore
struct Pieces {
    /// The lifetime is the caller's to keep.
    stream: nextapi_webhook::Stream<'static, MAX_KEYS>,
    /// Where the keys are that the stream refers to.
    verifier: *const VerifierStorage,
    /// Bytes of the body that have been taken in, as long as they are fewer than those of a block.
    taken: usize,
}

impl Kept for Pieces {
    type Storage = StreamStorage;
    const SEAL: u64 = u64::from_be_bytes(*b"pieces..");
}

const _: () = slot::fits::<Pieces>();
const _: () = assert!(size_of::<StreamStorage>() == STREAM_SIZE);

/// Begins to verify a delivery whose body arrives in pieces. The verdict is the same as that of
/// nextapi_webhook_verify, however the body is cut.
///
/// What was in the storage before is overwritten. On failure it is wiped.
///
/// @param stream     storage, which need not be initialised
/// @param verifier   stays where it is, and is neither wiped nor initialised again, until the
///                   stream has been finished or wiped
/// @param header     the value of the signature header
/// @return OK, ARGUMENT_INVALID, NOT_INITIALISED, or what is wrong with the header: 30 to 35. It is
///         said before the body has to be read.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_stream_begin(
    stream: *mut StreamStorage,
    verifier: *const VerifierStorage,
    header: *const c_char,
    header_length: usize,
) -> Outcome {
    // SAFETY: the caller promises that the pointer is good, and that nobody else uses the storage.
    let storage = match unsafe { argument::reference_mut(stream) } {
        Ok(storage) => storage,
        Err(outcome) => return outcome,
    };
    slot::wipe::<Pieces>(storage);
    // In its place, so that nothing of it is left on the stack.
    let mut begin = || {
        // SAFETY: the caller promises that the pointer is good, and that the verifier stays where it
        // is, with nobody writing to it, until the stream has ended: hence the lifetime.
        let keys: &'static Keys = slot::get::<Keys>(unsafe { argument::reference(verifier) }?)?;
        // SAFETY: the caller promises that the header is good.
        let header = unsafe { argument::bytes(header.cast(), header_length) }?;
        let stream = nextapi_webhook::Stream::new(keys);
        slot::fill::<Pieces>(storage, Pieces { stream, verifier, taken: 0 });
        Ok(slot::get_mut::<Pieces>(storage)?.stream.begin(header)?)
    };
    let result = begin();
    if result.is_err() {
        slot::wipe::<Pieces>(storage);
    }
    result.into()
}

/// The stream, if it was begun and its verifier is still there.
///
/// With the keys that a wiped verifier has, which are all zeros, anybody could sign.
///
/// # Safety
/// The storage of the verifier may be read.
unsafe fn pieces(storage: &mut StreamStorage) -> Result<&mut Pieces, Outcome> {
    let pieces = slot::get_mut::<Pieces>(storage)?;
    // SAFETY: the caller's promise; it was neither NULL nor misaligned when the stream was begun.
    slot::get::<Keys>(unsafe { argument::reference(pieces.verifier) }?)?;
    Ok(pieces)
}

/// Takes in the next piece of the body, of any length.
///
/// On ARGUMENT_INVALID the stream is wiped, so that a body that was not taken in as a whole is
/// never accepted.
///
/// @return OK, ARGUMENT_INVALID or NOT_INITIALISED
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_stream_update(
    stream: *mut StreamStorage,
    piece: *const c_void,
    piece_length: usize,
) -> Outcome {
    // SAFETY: the caller promises that the piece is good.
    let piece = unsafe { argument::bytes(piece, piece_length) };
    if piece.is_err() {
        // SAFETY: the caller promises that the stream is good.
        unsafe { nextapi_webhook_stream_wipe(stream) };
    }
    let updated = || {
        let piece = piece?;
        // SAFETY: the caller promises that the pointer is good, and that nobody else uses the
        // stream.
        let storage = unsafe { argument::reference_mut(stream) }?;
        // SAFETY: the caller promises that the verifier outlives the stream.
        let Pieces { stream, taken, .. } = unsafe { pieces(storage) }?;
        // Behind the first block of the message, what is computed with is no state of a key.
        if *taken < BLOCK_BYTES {
            *taken = taken.saturating_add(piece.len());
            stack::clean(|| stream.update(piece));
        } else {
            stream.update(piece);
        }
        Ok(())
    };
    updated().into()
}

/// Gives the verdict over everything taken in, and wipes the stream. Before that, whatever is done
/// with the body is done with bytes that anybody may have sent.
///
/// @param now        the receiver's clock when the last piece is there, in seconds since
///                   1970-01-01T00:00:00Z. Not an earlier time: a delivery that was begun while it
///                   was fresh, and held back, could be replayed
/// @param details    set if the delivery is accepted, else zeroed; may be NULL. The body is not in
///                   it: see nextapi_webhook_verified_set_body
/// @return OK, ARGUMENT_INVALID, NOT_INITIALISED, or why the delivery is refused: 40 to 43
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_stream_finish(
    stream: *mut StreamStorage,
    now: u64,
    details: *mut Verified,
) -> Outcome {
    let finish = || {
        // SAFETY: the caller promises that the pointer is good, and that nobody else uses the
        // stream.
        let storage = unsafe { argument::reference_mut(stream) }?;
        // SAFETY: the caller promises that the verifier outlives the stream.
        let verdict = unsafe { pieces(storage) }
            .and_then(|pieces| Ok(pieces.stream.finish(UnixTime::from_secs(now))?.into()));
        slot::wipe::<Pieces>(storage);
        verdict
    };
    // SAFETY: the caller promises that there is room for a result, or NULL.
    unsafe { answer(stack::clean(finish), details) }
}

/// Gives a verification up: overwrites the stream with zeros. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_stream_wipe(stream: *mut StreamStorage) {
    // SAFETY: the caller promises that the pointer is good, and that nobody else uses the storage.
    if let Ok(storage) = unsafe { argument::reference_mut(stream) } {
        slot::wipe::<Pieces>(storage);
    }
}
