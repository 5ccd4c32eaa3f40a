//! Names of HTTP headers, and which of them may mean what.

/// Carries the common name of one delivery from the provider to the origin.
pub(crate) const CORRELATION_ID: &str = "x-correlation-id";
/// Carries the W3C trace context.
pub(crate) const TRACEPARENT: &str = "traceparent";
/// Credentials: the sender's are dropped, those for the origin are configured.
pub(crate) const AUTHORIZATION: &str = "authorization";
/// Carries the event's key to the origin, the same at every attempt.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Whether a header of this name (lower case) must not be taken over from a delivery, under any
/// settings: it belongs to one hop, holds the sender's credentials, or is ours to write.
pub(crate) fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 16] = [
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        AUTHORIZATION,
        "cookie",
        IDEMPOTENCY_KEY,
        CORRELATION_ID,
        TRACEPARENT,
    ];
    RESERVED.contains(&name) || name.starts_with("cf-") || name.starts_with("x-edge-")
}

/// Whether this is the name of a header: a token of RFC 9110, section 5.6.2.
pub(crate) fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_tokens() {
        for name in ["a", "x-signature", "x_1", "!#$%&'*+-.^_`|~"] {
            assert!(is_header_name(name), "{name}");
        }
        for name in ["", " ", "a b", "a:", "ä", "a\n", "(a)"] {
            assert!(!is_header_name(name), "{name:?}");
        }
    }
}
