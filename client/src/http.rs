//! Requests and answers, as far as the core knows HTTP.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::Millis;

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
}

impl Method {
    /// As it stands in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A request that the driver is to send: once, without following redirects.
///
/// It has no host and no API key. The driver puts the base URL before [`path`](Self::path), adds
/// `Authorization: Bearer` and, if it likes, a correlation id of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Path and query, behind the base URL (`https://api.nextapi.top/v1`). It begins with `/`.
    pub path: String,
    /// All headers but `Authorization`, in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for `GET`.
    pub body: Arc<[u8]>,
    /// How long the driver waits for the whole answer before it reports [`TransportError::TimedOut`].
    pub timeout: Millis,
    /// Larger answers are cut, and reported as [`TransportError::TooLarge`]. In bytes.
    pub max_response_bytes: usize,
    /// How often this operation has sent a request before: `http.request.resend_count`.
    pub resend_count: u32,
}

/// Of the body, which holds a prompt, only the length is shown.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .field("resend_count", &self.resend_count)
            .finish_non_exhaustive()
    }
}

/// A whole answer.
#[derive(Clone, Copy)]
pub struct HttpResponse<'a> {
    /// The status.
    pub status: u16,
    /// The headers, at least those of [`HEADERS`](Self::HEADERS). Their names may be of any case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, decoded.
    pub body: &'a [u8],
}

impl<'a> HttpResponse<'a> {
    /// The headers that are read. A driver need not copy others.
    pub const HEADERS: [&'static str; 4] =
        ["date", "retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"];

    /// The value of the first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers
            .iter()
            .find(|(it, _)| it.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// Of the body, which may hold signed URLs, only the length is shown.
impl fmt::Debug for HttpResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransportError {
    /// No connection was made (name not found, refused, TLS failed), so nothing was sent. Everything else may
    /// have been received, and acted on. A driver in doubt reports another one.
    NotSent,
    /// The time was over.
    TimedOut,
    /// The connection broke, or what came is not HTTP.
    Broken,
    /// The answer is larger than [`HttpRequest::max_response_bytes`].
    TooLarge,
}

/// Appends `text` as one segment of a path (RFC 3986): what is not unreserved is percent-encoded.
pub(crate) fn push_segment(path: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.') {
            path.push(char::from(byte));
        } else {
            path.push('%');
            for digit in [byte >> 4, byte & 15] {
                path.extend(
                    char::from_digit(digit.into(), 16).map(|digit| digit.to_ascii_uppercase()),
                );
            }
        }
    }
}
