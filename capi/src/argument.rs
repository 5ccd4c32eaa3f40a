//! What C hands over: pointers, checked as far as a pointer can be.

use core::ffi::{c_char, c_void};
use core::mem::MaybeUninit;
use core::slice;

use crate::Outcome;

/// Whether a length can be that of anything in memory.
fn is_possible(length: usize) -> bool {
    isize::try_from(length).is_ok()
}

/// The bytes that a pointer and a length give. NULL is nothing, if the length says so.
///
/// # Safety
/// If the length is not zero and the pointer not NULL, that many bytes are there to be read, and
/// nobody writes to them for the lifetime `'a`.
pub(crate) unsafe fn bytes<'a>(data: *const c_void, length: usize) -> Result<&'a [u8], Outcome> {
    if length == 0 {
        return Ok(&[]);
    }
    if data.is_null() || !is_possible(length) {
        return Err(Outcome::ArgumentInvalid);
    }
    // SAFETY: neither NULL nor too long, as just checked; bytes are always aligned; the rest is the
    // caller's promise.
    Ok(unsafe { slice::from_raw_parts(data.cast::<u8>(), length) })
}

/// The elements of an array, as [`bytes`].
///
/// # Safety
/// As of [`bytes`], for that many elements, which are initialised.
pub(crate) unsafe fn array<'a, T>(data: *const T, length: usize) -> Result<&'a [T], Outcome> {
    if length == 0 {
        return Ok(&[]);
    }
    let size = length.checked_mul(size_of::<T>());
    if data.is_null() || !data.is_aligned() || !size.is_some_and(is_possible) {
        return Err(Outcome::ArgumentInvalid);
    }
    // SAFETY: neither NULL nor misaligned nor too long, as just checked; the rest is the caller's
    // promise.
    Ok(unsafe { slice::from_raw_parts(data, length) })
}

/// The elements of an array that may be written to, as [`array`].
///
/// # Safety
/// As of [`array`]; besides, nobody else reads or writes them for the lifetime `'a`.
pub(crate) unsafe fn array_mut<'a, T>(data: *mut T, length: usize) -> Result<&'a mut [T], Outcome> {
    if length == 0 {
        return Ok(&mut []);
    }
    let size = length.checked_mul(size_of::<T>());
    if data.is_null() || !data.is_aligned() || !size.is_some_and(is_possible) {
        return Err(Outcome::ArgumentInvalid);
    }
    // SAFETY: neither NULL nor misaligned nor too long, as just checked; the rest is the caller's
    // promise.
    Ok(unsafe { slice::from_raw_parts_mut(data, length) })
}

/// What a pointer points to.
///
/// # Safety
/// If the pointer is neither NULL nor misaligned, a `T` is there, initialised, and nobody writes to
/// it for the lifetime `'a`.
pub(crate) unsafe fn reference<'a, T>(data: *const T) -> Result<&'a T, Outcome> {
    if data.is_null() || !data.is_aligned() {
        return Err(Outcome::ArgumentInvalid);
    }
    // SAFETY: neither NULL nor misaligned, as just checked; the rest is the caller's promise.
    Ok(unsafe { &*data })
}

/// What a pointer points to, to be changed.
///
/// # Safety
/// As of [`reference`]; besides, nobody else reads or writes it for the lifetime `'a`.
pub(crate) unsafe fn reference_mut<'a, T>(data: *mut T) -> Result<&'a mut T, Outcome> {
    if data.is_null() || !data.is_aligned() {
        return Err(Outcome::ArgumentInvalid);
    }
    // SAFETY: neither NULL nor misaligned, as just checked; the rest is the caller's promise.
    Ok(unsafe { &mut *data })
}

/// A place for a result, which need not be initialised.
///
/// # Safety
/// If the pointer is neither NULL nor misaligned, there is room for a `T`, and nobody else reads or
/// writes it for the lifetime `'a`.
pub(crate) unsafe fn place<'a, T>(data: *mut T) -> Result<&'a mut MaybeUninit<T>, Outcome> {
    // SAFETY: the caller's promise; any memory is a valid `MaybeUninit`.
    unsafe { reference_mut(data.cast::<MaybeUninit<T>>()) }
}

/// Writes a text and its NUL into a buffer of C. If there is no text, or no room for it, the buffer
/// is made the empty text, as far as there is one, and the length 0.
///
/// # Safety
/// If the buffer is neither NULL nor of no size, that many bytes may be written there. If the place
/// for the length is neither NULL nor misaligned, it may be written to.
pub(crate) unsafe fn write_text(
    text: Result<&str, Outcome>,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> Outcome {
    // SAFETY: the caller's promise; any memory is good for bytes that need not be initialised.
    let buffer = match unsafe { array_mut(buffer.cast::<MaybeUninit<u8>>(), size) } {
        Ok(buffer) => buffer,
        Err(outcome) => return outcome,
    };
    let (outcome, text) = match text {
        Ok(text) if text.len() < buffer.len() => (Outcome::Ok, text),
        Ok(_) => (Outcome::BufferTooSmall, ""),
        Err(outcome) => (outcome, ""),
    };
    for (place, byte) in buffer.iter_mut().zip(text.bytes().chain([0])) {
        place.write(byte);
    }
    if length.is_null() {
        return outcome;
    }
    // SAFETY: the caller's promise.
    match unsafe { place(length) } {
        Ok(place) => {
            place.write(text.len());
            outcome
        }
        Err(invalid) => invalid,
    }
}
