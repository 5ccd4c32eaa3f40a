//! The one enumeration of results.

use core::ffi::{CStr, c_char};

use nextapi_webhook::{Error, EventError, KeyError, MAX_DEPTH, MAX_HEADER_BYTES, MAX_SIGNATURES};

/// What a function has to say. Zero is good news.
///
/// A value never changes its meaning, and the number of a retired one is not used again. New ones
/// may come: take a value that you do not know for a refusal.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done. Of a delivery: it is authentic and fresh. Of an event: it is not remembered.
    Ok = 0,
    /// The event is remembered by the replay window.
    Duplicate = 1,

    /// A pointer is NULL that must not be, or is not aligned for its type, or its length is more
    /// than half of the address space.
    ArgumentInvalid = 10,
    /// The verifier was not initialised, or has been wiped; or the stream or pending verification was
    /// not begun, or has been finished or wiped; or the stream's verifier has been wiped, or a piece
    /// was invalid.
    NotInitialised = 11,
    /// The output buffer is too small.
    BufferTooSmall = 12,
    /// There is no verified body to read from: the delivery was refused, or its body arrived in
    /// pieces and has not been set.
    NotVerified = 13,

    /// A secret is empty. An unset variable must not become a key that everybody knows.
    KeyEmpty = 20,
    /// No secret was given.
    KeyNone = 21,
    /// More than NEXTAPI_WEBHOOK_MAX_KEYS secrets were given.
    KeyTooMany = 22,

    /// The signature header has more than 1024 bytes.
    HeaderTooLong = 30,
    /// The signature header has no element `t=...`.
    TimestampMissing = 31,
    /// The signature header has more than one element `t=...`.
    TimestampRepeated = 32,
    /// The timestamp is not a plain decimal number of seconds, or is greater than UINT64_MAX.
    TimestampInvalid = 33,
    /// The signature header has no `v`, `v1` or `sha256` with 64 lower-case hexadecimal digits.
    SignatureMissing = 34,
    /// The signature header has more than 8 signatures.
    TooManySignatures = 35,

    /// No signature was made over this timestamp and body with any of the keys.
    SignatureMismatch = 40,
    /// The signature holds, but it is too old.
    TimestampExpired = 41,
    /// The signature holds, but its timestamp is too far in the future.
    TimestampAhead = 42,
    /// Refused for a reason that has no number yet.
    Refused = 43,

    /// The body is not a JSON object in which `id`, `type` and `status`, where present, are strings
    /// and occur once.
    EventUnreadable = 50,
    /// The body is nested more than 32 levels deep.
    EventTooDeep = 51,
    /// The `id`, `type` or `status` has no room in nextapi_webhook_event.
    EventFieldTooLong = 52,
    /// The `id`, `type` or `status` has a control character.
    EventFieldInvalid = 53,
    /// The bytes are not those of an event key.
    EventKeyInvalid = 54,
}

/// The sentences of the results name the verifier's limits.
const _: () = assert!(MAX_HEADER_BYTES == 1024 && MAX_SIGNATURES == 8 && MAX_DEPTH == 32);

impl Outcome {
    /// Every result.
    ///
    /// cbindgen:ignore
    pub const ALL: [Self; 24] = [
        Self::Ok,
        Self::Duplicate,
        Self::ArgumentInvalid,
        Self::NotInitialised,
        Self::BufferTooSmall,
        Self::NotVerified,
        Self::KeyEmpty,
        Self::KeyNone,
        Self::KeyTooMany,
        Self::HeaderTooLong,
        Self::TimestampMissing,
        Self::TimestampRepeated,
        Self::TimestampInvalid,
        Self::SignatureMissing,
        Self::TooManySignatures,
        Self::SignatureMismatch,
        Self::TimestampExpired,
        Self::TimestampAhead,
        Self::Refused,
        Self::EventUnreadable,
        Self::EventTooDeep,
        Self::EventFieldTooLong,
        Self::EventFieldInvalid,
        Self::EventKeyInvalid,
    ];

    /// The result of that number.
    fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| *outcome as i32 == number)
    }

    /// The stable code: the verifier's, where it has one.
    // Apart from the sentences, so that a program that asks for codes only does not link those.
    const fn code(self) -> &'static CStr {
        match self {
            Self::Ok => c"ok",
            Self::Duplicate => c"duplicate",
            Self::ArgumentInvalid => c"argument_invalid",
            Self::NotInitialised => c"not_initialised",
            Self::BufferTooSmall => c"buffer_too_small",
            Self::NotVerified => c"not_verified",
            Self::KeyEmpty => c"key_empty",
            Self::KeyNone => c"key_none",
            Self::KeyTooMany => c"key_too_many",
            Self::HeaderTooLong
            | Self::TimestampMissing
            | Self::TimestampRepeated
            | Self::TimestampInvalid
            | Self::SignatureMissing
            | Self::TooManySignatures => c"signature_malformed",
            Self::SignatureMismatch => c"signature_mismatch",
            Self::TimestampExpired => c"timestamp_expired",
            Self::TimestampAhead => c"timestamp_ahead",
            Self::Refused => c"refused",
            Self::EventUnreadable => c"event_unreadable",
            Self::EventTooDeep => c"event_too_deep",
            Self::EventFieldTooLong => c"event_field_too_long",
            Self::EventFieldInvalid => c"event_field_invalid",
            Self::EventKeyInvalid => c"event_key_invalid",
        }
    }

    /// The sentence.
    const fn text(self) -> &'static CStr {
        match self {
            Self::Ok => c"no error",
            Self::Duplicate => c"the event is remembered by the replay window",
            Self::ArgumentInvalid => {
                c"a pointer is NULL that must not be, is not aligned, or its length is \
                  impossible"
            }
            Self::NotInitialised => {
                c"the verifier was not initialised, or the verification was not begun or has ended"
            }
            Self::BufferTooSmall => c"the output buffer is too small",
            Self::NotVerified => {
                c"there is no verified body to read from: the delivery was refused, or its body has \
                  not been set"
            }
            Self::KeyEmpty => c"the secret is empty; is its variable set?",
            Self::KeyNone => c"no key was given; at least one is needed",
            Self::KeyTooMany => c"more keys were given than there is room for",
            Self::HeaderTooLong => c"the signature header has more than 1024 bytes",
            Self::TimestampMissing => c"the signature header has no timestamp `t=...`",
            Self::TimestampRepeated => c"the signature header has more than one timestamp `t=...`",
            Self::TimestampInvalid => {
                c"the timestamp of the signature header is not a plain decimal number of \
                  seconds"
            }
            Self::SignatureMissing => {
                c"the signature header has no `v=`, `v1=` or `sha256=` with 64 lower-case \
                  hexadecimal digits"
            }
            Self::TooManySignatures => c"the signature header has more than 8 signatures",
            Self::SignatureMismatch => {
                c"no signature matches: the body is not byte for byte the one that was signed, \
                  or it was signed with another secret"
            }
            Self::TimestampExpired => c"the signature holds, but it is too old",
            Self::TimestampAhead => {
                c"the signature holds, but its timestamp is too far ahead of the clock"
            }
            Self::Refused => c"refused for a reason that has no number yet",
            Self::EventUnreadable => {
                c"the body is not a JSON object in which `id`, `type` and `status`, where \
                  present, are strings and occur once"
            }
            Self::EventTooDeep => c"the body is nested more than 32 levels deep",
            Self::EventFieldTooLong => c"the `id`, `type` or `status` has too many bytes",
            Self::EventFieldInvalid => c"the `id`, `type` or `status` has a control character",
            Self::EventKeyInvalid => c"the bytes are not those of an event key",
        }
    }
}

impl From<Result<(), Outcome>> for Outcome {
    fn from(result: Result<(), Outcome>) -> Self {
        result.err().unwrap_or(Self::Ok)
    }
}

impl From<KeyError> for Outcome {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Empty => Self::KeyEmpty,
            KeyError::None => Self::KeyNone,
            KeyError::TooMany { .. } => Self::KeyTooMany,
            _ => Self::Refused,
        }
    }
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::HeaderTooLong { .. } => Self::HeaderTooLong,
            Error::TimestampMissing => Self::TimestampMissing,
            Error::TimestampRepeated => Self::TimestampRepeated,
            Error::TimestampInvalid => Self::TimestampInvalid,
            Error::SignatureMissing => Self::SignatureMissing,
            Error::TooManySignatures => Self::TooManySignatures,
            Error::SignatureMismatch => Self::SignatureMismatch,
            Error::TimestampExpired { .. } => Self::TimestampExpired,
            Error::TimestampAhead { .. } => Self::TimestampAhead,
            _ => Self::Refused,
        }
    }
}

impl From<EventError> for Outcome {
    fn from(error: EventError) -> Self {
        match error {
            EventError::NotAnEvent => Self::EventUnreadable,
            EventError::TooDeep => Self::EventTooDeep,
            EventError::FieldTooLong { .. } => Self::EventFieldTooLong,
            EventError::FieldInvalid { .. } => Self::EventFieldInvalid,
            _ => Self::Refused,
        }
    }
}

/// The stable code of a result, for logs, counters and answers, such as `signature_mismatch`. Six
/// results share the code `signature_malformed`. A number that is no result is `unknown`.
///
/// The text is static and ends with NUL.
#[unsafe(no_mangle)]
pub extern "C" fn nextapi_webhook_result_code(result: i32) -> *const c_char {
    Outcome::from_number(result).map_or(c"unknown", Outcome::code).as_ptr()
}

/// A sentence about a result, for people. It may change between versions.
///
/// The text is static and ends with NUL.
#[unsafe(no_mangle)]
pub extern "C" fn nextapi_webhook_result_text(result: i32) -> *const c_char {
    Outcome::from_number(result)
        .map_or(c"this version has no result of that number", Outcome::text)
        .as_ptr()
}
