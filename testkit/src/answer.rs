//! What the provider got back for a delivery.

use core::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// The answer to one delivery.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// An answer of these parts.
    #[must_use]
    pub const fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The outcome's code from the JSON body: `{"error":{"code":…}}` or, where all is well,
    /// `{"status":…}`.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let code = body.pointer("/error/code").or_else(|| body.get("status"))?;
        code.as_str().map(str::to_owned)
    }

    /// A header's value, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, byte for byte.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

/// Status and code, as in `401 signature_mismatch`; without a code, the status in words.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.code() {
            return write!(f, "{} {code}", self.status());
        }
        let reason = self.status.canonical_reason().unwrap_or("(unknown)");
        write!(f, "{} {reason}", self.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &'static str) -> Answer {
        Answer::new(StatusCode::CONFLICT, HeaderMap::new(), Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn the_code_is_found_in_either_place() {
        let error = answer(r#"{"error":{"code":"in_flight","message":"wait"}}"#);
        assert_eq!(error.to_string(), "409 in_flight");
        assert_eq!(answer(r#"{"status":"forwarded"}"#).code().as_deref(), Some("forwarded"));
    }

    #[test]
    fn an_answer_without_a_code_is_its_status() {
        for body in ["", "<html>", "[]", r#"{"status":7}"#, r#"{"error":"text"}"#] {
            assert_eq!(answer(body).to_string(), "409 Conflict", "{body}");
        }
    }
}
