//! The version of the library that is linked.

use core::ffi::{CStr, c_char};

const VERSION: &CStr = {
    let text = concat!(env!("CARGO_PKG_VERSION"), "\0");
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    }
};

/// The version of the library that is linked. That of a shared library may be newer than the
/// header's, NEXTAPI_WEBHOOK_VERSION. The text is static and ends with NUL.
#[unsafe(no_mangle)]
pub extern "C" fn nextapi_webhook_version() -> *const c_char {
    VERSION.as_ptr()
}
