//! Why a delivery was refused, or a verifier could not be built.

use core::fmt;

/// Why a delivery was refused.
///
/// The variants about time are produced only for deliveries whose signature holds: whoever cannot
/// sign learns nothing about the clock or the tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The header is longer than [`MAX_HEADER_BYTES`](crate::MAX_HEADER_BYTES).
    #[non_exhaustive]
    HeaderTooLong {
        /// The header's length in bytes.
        length: usize,
    },
    /// The header has no element `t=…`.
    TimestampMissing,
    /// The header has more than one element `t=…`, so it does not say what was signed.
    TimestampRepeated,
    /// The timestamp is not a decimal number of seconds without sign or leading zero, or is greater
    /// than `u64::MAX`.
    TimestampInvalid,
    /// The header has no element with a known label (`v`, `v1`, `sha256`) and 64 lower-case
    /// hexadecimal digits.
    SignatureMissing,
    /// The header has more than [`MAX_SIGNATURES`](crate::MAX_SIGNATURES) elements with a known
    /// label.
    TooManySignatures,
    /// No signature in the header was made over this timestamp and body with any of the keys.
    SignatureMismatch,
    /// The signature holds, but it is too old.
    #[non_exhaustive]
    TimestampExpired {
        /// How old the signature is, in seconds.
        age: u64,
        /// Ages below this number of seconds are accepted.
        tolerance: u64,
    },
    /// The signature holds, but its timestamp is too far in the future.
    #[non_exhaustive]
    TimestampAhead {
        /// How far ahead of the given time the timestamp is, in seconds.
        ahead: u64,
        /// Timestamps less than this number of seconds ahead are accepted.
        tolerance: u64,
    },
}

impl Error {
    /// A stable code for logs, counters and answers: `signature_malformed`, `signature_mismatch`,
    /// `timestamp_expired` or `timestamp_ahead`. A code never changes its meaning.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::HeaderTooLong { .. }
            | Self::TimestampMissing
            | Self::TimestampRepeated
            | Self::TimestampInvalid
            | Self::SignatureMissing
            | Self::TooManySignatures => "signature_malformed",
            Self::SignatureMismatch => "signature_mismatch",
            Self::TimestampExpired { .. } => "timestamp_expired",
            Self::TimestampAhead { .. } => "timestamp_ahead",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::HeaderTooLong { length } => write!(
                f,
                "the signature header has {length} bytes, more than the {} allowed",
                crate::MAX_HEADER_BYTES
            ),
            Self::TimestampMissing => f.write_str("the signature header has no timestamp `t=…`"),
            Self::TimestampRepeated => {
                f.write_str("the signature header has more than one timestamp `t=…`")
            }
            Self::TimestampInvalid => f.write_str(
                "the timestamp of the signature header is not a plain decimal number of seconds",
            ),
            Self::SignatureMissing => f.write_str(
                "the signature header has no `v=`, `v1=` or `sha256=` with 64 lower-case \
                 hexadecimal digits",
            ),
            Self::TooManySignatures => {
                write!(f, "the signature header has more than {} signatures", crate::MAX_SIGNATURES)
            }
            Self::SignatureMismatch => f.write_str(
                "no signature matches: the body is not byte for byte the one that was signed, or \
                 it was signed with another secret",
            ),
            Self::TimestampExpired { age, tolerance } => write!(
                f,
                "the signature is {age} s old; only ages below {tolerance} s are accepted"
            ),
            Self::TimestampAhead { ahead, tolerance } => write!(
                f,
                "the signature is {ahead} s ahead of the clock; only less than {tolerance} s is \
                 accepted"
            ),
        }
    }
}

impl core::error::Error for Error {}

/// Why a [`Key`](crate::Key) or a [`Verifier`](crate::Verifier) could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum KeyError {
    /// The secret is empty. An unset variable must not become a key that everybody knows.
    Empty,
    /// A verifier was given no key at all.
    None,
    /// A verifier was given more keys than it has room for.
    #[non_exhaustive]
    TooMany {
        /// The number of keys that the verifier has room for.
        limit: usize,
    },
}

impl KeyError {
    /// A stable code: `key_empty`, `key_none` or `key_too_many`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "key_empty",
            Self::None => "key_none",
            Self::TooMany { .. } => "key_too_many",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => f.write_str("the secret is empty; is its variable set?"),
            Self::None => f.write_str("no key was given; at least one is needed"),
            Self::TooMany { limit } => write!(f, "more than {limit} keys were given"),
        }
    }
}

impl core::error::Error for KeyError {}

/// Why a body could not be read as an event.
///
/// None of these makes a delivery less authentic: forward it all the same. It has a key, too:
/// [`Verified::event_key`](crate::Verified::event_key).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EventError {
    /// The body is not a JSON object (RFC 8259), or one of the fields that identify an event (`id`,
    /// `type`, `status`) is neither a string nor null, or occurs twice.
    NotAnEvent,
    /// Objects and arrays are nested more than [`MAX_DEPTH`](crate::MAX_DEPTH) deep.
    TooDeep,
    /// A field is longer than the event type has room for.
    #[non_exhaustive]
    FieldTooLong {
        /// The field's name.
        field: &'static str,
        /// The number of bytes it may have once its escapes are resolved.
        limit: usize,
    },
    /// A field has a control character, which no identifier has.
    #[non_exhaustive]
    FieldInvalid {
        /// The field's name.
        field: &'static str,
    },
}

impl EventError {
    /// A stable code: `event_unreadable`, `event_too_deep`, `event_field_too_long` or
    /// `event_field_invalid`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAnEvent => "event_unreadable",
            Self::TooDeep => "event_too_deep",
            Self::FieldTooLong { .. } => "event_field_too_long",
            Self::FieldInvalid { .. } => "event_field_invalid",
        }
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotAnEvent => f.write_str(
                "the body is not a JSON object in which `id`, `type` and `status`, where present, \
                 are strings and occur once",
            ),
            Self::TooDeep => {
                write!(f, "the body is nested more than {} levels deep", crate::MAX_DEPTH)
            }
            Self::FieldTooLong { field, limit } => {
                write!(f, "the field `{field}` has more than {limit} bytes")
            }
            Self::FieldInvalid { field } => {
                write!(f, "the field `{field}` has a control character")
            }
        }
    }
}

impl core::error::Error for EventError {}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString as _;

    use super::*;

    #[test]
    fn codes_are_stable_and_sentences_are_there() {
        let errors = [
            (Error::HeaderTooLong { length: 2_000 }, "signature_malformed"),
            (Error::TimestampMissing, "signature_malformed"),
            (Error::TimestampRepeated, "signature_malformed"),
            (Error::TimestampInvalid, "signature_malformed"),
            (Error::SignatureMissing, "signature_malformed"),
            (Error::TooManySignatures, "signature_malformed"),
            (Error::SignatureMismatch, "signature_mismatch"),
            (Error::TimestampExpired { age: 300, tolerance: 300 }, "timestamp_expired"),
            (Error::TimestampAhead { ahead: 300, tolerance: 300 }, "timestamp_ahead"),
        ]
        .map(|(error, code)| (error.code(), error.to_string(), code));
        let key_errors = [
            (KeyError::Empty, "key_empty"),
            (KeyError::None, "key_none"),
            (KeyError::TooMany { limit: 2 }, "key_too_many"),
        ]
        .map(|(error, code)| (error.code(), error.to_string(), code));
        let event_errors = [
            (EventError::NotAnEvent, "event_unreadable"),
            (EventError::TooDeep, "event_too_deep"),
            (EventError::FieldTooLong { field: "id", limit: 128 }, "event_field_too_long"),
            (EventError::FieldInvalid { field: "id" }, "event_field_invalid"),
        ]
        .map(|(error, code)| (error.code(), error.to_string(), code));
        for (code, sentence, expected) in errors.into_iter().chain(key_errors).chain(event_errors) {
            assert_eq!(code, expected);
            assert!(sentence.len() > 20, "{sentence}");
        }
    }
}
