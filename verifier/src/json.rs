//! Reading JSON within bounds.
//!
//! `serde-json-core` neither allocates nor needs a platform, but it recurses once per level of
//! nesting without a limit and hands strings out with their escapes in place. Both are put right
//! here.

use core::str;

use heapless::String;
use serde::Deserialize;
use serde_json_core::str::{EscapedStr, EscapedStringFragment};

use crate::EventError;

/// Levels of nested objects and arrays that are read. The provider's bodies have four.
pub const MAX_DEPTH: usize = 32;

/// Refuses a body that is nested too deeply to be read on a small stack.
pub(crate) fn check_depth(body: &[u8]) -> Result<(), EventError> {
    let mut depth: usize = 0;
    let mut in_string = false;
    let mut escaped = false;
    for &byte in body {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                if depth > MAX_DEPTH {
                    return Err(EventError::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// Reads `T` from the whole of `body`. Strings come out as they stand, escapes included: see
/// [`unescape`]. The nesting must have been checked before.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    match serde_json_core::from_slice::<T>(body) {
        Ok((value, length)) if length == body.len() => Some(value),
        _ => None,
    }
}

/// Resolves the escapes of a string into a buffer of its own. Pairs of surrogates, which
/// `serde-json-core` does not combine, and control characters are refused: no identifier has them.
pub(crate) fn unescape<const LIMIT: usize>(
    field: &'static str,
    text: &str,
) -> Result<String<LIMIT>, EventError> {
    let too_long = EventError::FieldTooLong { field, limit: LIMIT };
    let mut resolved = String::new();
    for fragment in EscapedStr(text).fragments() {
        match fragment.map_err(|_| EventError::FieldInvalid { field })? {
            EscapedStringFragment::NotEscaped(part) => {
                resolved.push_str(part).map_err(|_| too_long)?;
            }
            EscapedStringFragment::Escaped(character) => {
                resolved.push(character).map_err(|_| too_long)?;
            }
        }
    }
    if resolved.chars().any(char::is_control) {
        return Err(EventError::FieldInvalid { field });
    }
    Ok(resolved)
}
