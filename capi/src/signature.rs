//! What a sender puts into the header.

use core::ffi::{c_char, c_void};

use nextapi_webhook::{Key, Signature, UnixTime};

use crate::{Outcome, argument, stack};

/// Bytes that are enough for every header that nextapi_webhook_sign makes, its NUL included.
pub const SIGNATURE_SIZE: usize = 129;

const _: () = assert!(SIGNATURE_SIZE == Signature::MAX_BYTES + 1);

/// Signs a body: makes the value of the signature header, `t=1700000000,v=...`, which ends with
/// NUL.
///
/// @param secret          the secret's raw bytes, at least one
/// @param timestamp       seconds since 1970-01-01T00:00:00Z
/// @param header          room for the value; NEXTAPI_WEBHOOK_SIGNATURE_SIZE is always enough
/// @param header_size     how much room that is, in bytes
/// @param header_length   set to the value's length without its NUL, if it fits, else to 0; may be
///                        NULL
/// @return OK, ARGUMENT_INVALID, BUFFER_TOO_SMALL or KEY_EMPTY
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nextapi_webhook_sign(
    secret: *const c_void,
    secret_length: usize,
    body: *const c_void,
    body_length: usize,
    timestamp: u64,
    header: *mut c_char,
    header_size: usize,
    header_length: *mut usize,
) -> Outcome {
    let mut buffer = [0; Signature::MAX_BYTES];
    let signed = || {
        // SAFETY: the caller promises that the secret is good.
        let secret = unsafe { argument::bytes(secret, secret_length) }?;
        // SAFETY: the caller promises that the body is good.
        let body = unsafe { argument::bytes(body, body_length) }?;
        let signature = Key::new(secret)?.sign(UnixTime::from_secs(timestamp), body);
        Ok(signature)
    };
    let text = stack::clean(signed).map(|signature: Signature| signature.encode(&mut buffer));
    // SAFETY: the caller promises that there is room for the text and its length.
    unsafe { argument::write_text(text, header, header_size, header_length) }
}
