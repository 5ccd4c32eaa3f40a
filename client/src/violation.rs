//! What is wrong with a request.

use alloc::string::String;
use core::fmt;

/// What is wrong with a field of a request. It names the field and never shows its value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The field's name in the body; `body` for all of it.
    pub field: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Problem {
    /// It is empty.
    Empty,
    /// It is zero.
    Zero,
    /// It has characters other than visible ASCII.
    NotVisibleAscii,
    /// It is not JSON.
    NotJson,
    /// It was given twice, or as an extra field although it has a method of its own.
    Twice,
    /// It is not an absolute `https` URL without user and password.
    NotHttps,
    /// It is longer than this many bytes.
    TooLong(usize),
}

impl Violation {
    pub(crate) fn new(field: impl Into<String>, problem: Problem) -> Self {
        Self { field: field.into(), problem }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.field)?;
        match self.problem {
            Problem::Empty => f.write_str("must not be empty"),
            Problem::Zero => f.write_str("must not be zero"),
            Problem::NotVisibleAscii => f.write_str("must be visible ASCII characters"),
            Problem::NotJson => f.write_str("must be JSON"),
            Problem::Twice => f.write_str("is given twice"),
            Problem::NotHttps => {
                f.write_str("must be an absolute https URL without user and password")
            }
            Problem::TooLong(bytes) => {
                write!(
                    f,
                    "must have at most {bytes} bytes; put large content at a URL and refer to it"
                )
            }
        }
    }
}
