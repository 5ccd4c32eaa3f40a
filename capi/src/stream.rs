//! The verdict over a body that arrives in pieces.

use core::ffi::{c_char, c_void};
use core::mem::MaybeUninit;

use nextapi_webhook::UnixTime;

use crate::slot::{self, Kept};
use crate::verifier::{Keys, answer};
use crate::{MAX_KEYS, Outcome, Verified, VerifierStorage, argument};

/// Bytes of a nextapi_webhook_stream.
pub const STREAM_SIZE: usize = 768;

/// A verification under way. The storage is the caller's, the content is not. It is aligned as
/// uint64_t is. Zeroed storage is a stream that was not begun. It refers to the verifier that it was
/// begun with, which must stay where it is until the stream has been finished or wiped.
#[repr(C)]
pub struct StreamStorage {
    opaque: [MaybeUninit<u64>; 96],
}

/// cbindgen:ignore
type Pieces = nextapi_webhook::Stream<'static, MAX_KEYS>;

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
    let begun = || {
        // SAFETY: the caller promises that the pointer is good, and that nobody moves the verifier or
        // writes to it until the stream has been finished or wiped.
        let verifier: &'static VerifierStorage = unsafe { argument::reference(verifier) }?;
        // SAFETY: the caller promises that the header is good.
        let header = unsafe { argument::bytes(header.cast(), header_length) }?;
        Ok(slot::get::<Keys>(verifier)?.begin(header)?)
    };
    begun().map(|begun| slot::fill::<Pieces>(storage, begun)).into()
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
        slot::get_mut::<Pieces>(storage)?.update(piece);
        Ok(())
    };
    updated().into()
}

/// Gives the verdict over everything taken in, and wipes the stream. Before that, whatever is done
/// with the body is done with bytes that anybody may have sent.
///
/// The age is judged here, by the time when the last piece is there.
///
/// @param now        the receiver's clock, in seconds since 1970-01-01T00:00:00Z
/// @param details    set if the delivery is accepted, else zeroed; may be NULL
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
        Ok(slot::take::<Pieces>(storage)?.finish(UnixTime::from_secs(now))?)
    };
    // SAFETY: the caller promises that there is room for a result, or NULL.
    unsafe { answer(finish(), details) }
}

/// Gives a verification up: overwrites the stream with zeros. NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_stream_wipe(stream: *mut StreamStorage) {
    // SAFETY: the caller promises that the pointer is good, and that nobody else uses the storage.
    if let Ok(storage) = unsafe { argument::reference_mut(stream) } {
        slot::wipe::<Pieces>(storage);
    }
}
