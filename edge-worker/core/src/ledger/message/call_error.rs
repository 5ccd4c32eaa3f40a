//! Why there is no reply.

use crate::json::from_json;

/// Why a call has no reply. It may have taken effect or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallError {
    /// The reason in words.
    pub(crate) message: String,
    /// The object has more calls than it can handle; another one would make it worse.
    pub(crate) overloaded: bool,
    /// The connection to the object broke; another call may find the object well.
    pub(crate) retryable: bool,
}

from_json!(CallError { message = required, overloaded = or_default, retryable = or_default });

impl From<&str> for CallError {
    fn from(message: &str) -> Self {
        Self { message: message.to_owned(), overloaded: false, retryable: false }
    }
}
