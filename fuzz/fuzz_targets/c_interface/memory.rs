//! Bytes as C sees them.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use nextapi_webhook_c as c;
use nextapi_webhook_fuzz::PLANTED_FAULT;

/// Bytes at an address of any alignment, at the end of their memory: one too many is seen.
pub(crate) struct Moved {
    memory: Vec<u8>,
    offset: usize,
}

impl Moved {
    pub(crate) fn new(bytes: &[u8], offset: u8) -> Self {
        let offset = usize::from(offset % 16);
        let mut memory = Vec::with_capacity(offset + bytes.len());
        memory.resize(offset, 0);
        memory.extend_from_slice(bytes);
        Self { memory, offset }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory[self.offset..]
    }

    /// NULL for no bytes, as C may say it.
    pub(crate) fn pointer(&self) -> *const c_void {
        pointer(self.bytes())
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }
}

pub(crate) fn pointer(bytes: &[u8]) -> *const c_void {
    if bytes.is_empty() { ptr::null() } else { bytes.as_ptr().cast() }
}

pub(crate) fn code(outcome: c::Outcome) -> &'static str {
    // SAFETY: the function gives a static text that ends with NUL.
    let code = unsafe { CStr::from_ptr(c::nextapi_webhook_result_code(outcome as i32)) };
    code.to_str().expect("codes are ASCII")
}

/// Lets C write a text into a buffer of that size, and compares it.
pub(crate) fn text(
    room: usize,
    expected: &str,
    write: impl FnOnce(*mut c_char, *mut usize) -> c::Outcome,
) {
    // One too many is seen.
    let mut buffer = vec![0xa5_u8; room].into_boxed_slice();
    let mut length = usize::MAX;
    let outcome = write(buffer.as_mut_ptr().cast(), &raw mut length);
    // With the fault, a text fits without its NUL.
    if room > expected.len() || (PLANTED_FAULT && room == expected.len()) {
        assert_eq!(outcome, c::Outcome::Ok);
        assert_eq!(length, expected.len());
        let text = CStr::from_bytes_until_nul(&buffer).expect("it ends with NUL");
        assert_eq!(text.to_str(), Ok(expected));
    } else {
        assert_eq!(outcome, c::Outcome::BufferTooSmall);
        assert_eq!(length, 0);
        assert!(buffer.first().is_none_or(|&first| first == 0));
    }
}
