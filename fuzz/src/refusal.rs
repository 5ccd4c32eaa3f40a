//! What can be said against a delivery or a body: the verifier's errors, which only the verifier can
//! make.

use nextapi_webhook::{Error, EventError};

/// Why a delivery is refused: [`Error`] by another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the verifier")]
pub enum Refusal {
    HeaderTooLong { length: usize },
    TimestampMissing,
    TimestampRepeated,
    TimestampInvalid,
    SignatureMissing,
    TooManySignatures,
    SignatureMismatch,
    TimestampExpired { age: u64, tolerance: u64 },
    TimestampAhead { ahead: u64, tolerance: u64 },
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::HeaderTooLong { length, .. } => Self::HeaderTooLong { length },
            Error::TimestampMissing => Self::TimestampMissing,
            Error::TimestampRepeated => Self::TimestampRepeated,
            Error::TimestampInvalid => Self::TimestampInvalid,
            Error::SignatureMissing => Self::SignatureMissing,
            Error::TooManySignatures => Self::TooManySignatures,
            Error::SignatureMismatch => Self::SignatureMismatch,
            Error::TimestampExpired { age, tolerance, .. } => {
                Self::TimestampExpired { age, tolerance }
            }
            Error::TimestampAhead { ahead, tolerance, .. } => {
                Self::TimestampAhead { ahead, tolerance }
            }
            other => panic!("an error that the oracle does not know: {other}"),
        }
    }
}

/// Why a body is no event: [`EventError`] by another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the verifier")]
pub enum Unreadable {
    NotAnEvent,
    TooDeep,
    FieldTooLong { field: &'static str, limit: usize },
    FieldInvalid { field: &'static str },
}

impl From<EventError> for Unreadable {
    fn from(error: EventError) -> Self {
        match error {
            EventError::NotAnEvent => Self::NotAnEvent,
            EventError::TooDeep => Self::TooDeep,
            EventError::FieldTooLong { field, limit, .. } => Self::FieldTooLong { field, limit },
            EventError::FieldInvalid { field, .. } => Self::FieldInvalid { field },
            other => panic!("an error that the oracle does not know: {other}"),
        }
    }
}
