//! Reading a body without ever holding more of it than allowed.

use futures_util::StreamExt as _;
use worker::Request;

/// A body that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Body {
    /// The bytes, exactly as they were received.
    pub(crate) bytes: Vec<u8>,
    /// Whether the connection broke before the end.
    pub(crate) is_cut: bool,
}

/// The body is longer than allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl Body {
    /// Takes in one piece, unless it does not fit. Beyond `limit` there is never more in memory
    /// than the piece in hand.
    fn push(&mut self, piece: &[u8], limit: usize) -> Result<(), TooLarge> {
        if piece.len() > limit.saturating_sub(self.bytes.len()) {
            return Err(TooLarge);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

/// Whether the `Content-Length` says that the body is longer than `limit`. One that is missing or
/// makes no sense says nothing; what is read is counted anyway.
pub(crate) fn is_declared_too_large(content_length: Option<&str>, limit: usize) -> bool {
    content_length
        .and_then(|length| length.trim().parse::<u64>().ok())
        .is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit))
}

/// Reads the body, and stops at the first piece that exceeds `limit`.
///
/// A connection that breaks ends the body early instead of failing. For some errors the stream of
/// the platform's crate does the same unasked: it turns "aborted" into an end. Both are harmless,
/// because the signature is over the whole body and does not hold for a part of it.
pub(crate) async fn read(request: &mut Request, limit: usize) -> Result<Body, TooLarge> {
    let mut body = Body::default();
    // Without a body there is no stream. An empty body can be signed as well as any other.
    let Ok(mut stream) = request.stream() else { return Ok(body) };
    while let Some(piece) = stream.next().await {
        let Ok(piece) = piece else {
            body.is_cut = true;
            break;
        };
        body.push(&piece, limit)?;
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_up_to_the_limit_and_not_beyond() {
        let mut body = Body::default();
        assert_eq!(body.push(b"abc", 5), Ok(()));
        assert_eq!(body.push(b"", 5), Ok(()));
        assert_eq!(body.push(b"de", 5), Ok(()));
        assert_eq!(body.push(b"", 5), Ok(()));
        assert_eq!(body.push(b"f", 5), Err(TooLarge));
        assert_eq!(body.bytes, b"abcde");
    }

    #[test]
    fn a_single_piece_beyond_the_limit_is_not_taken_in() {
        let mut body = Body::default();
        assert_eq!(body.push(&[0; 6], 5), Err(TooLarge));
        assert_eq!(body.bytes.capacity(), 0);
    }

    #[test]
    fn a_declared_length_is_believed_only_when_it_is_too_large() {
        for declared in [None, Some("0"), Some("5"), Some(""), Some("x"), Some("-6"), Some("5, 6")]
        {
            assert!(!is_declared_too_large(declared, 5), "{declared:?}");
        }
        for declared in ["6", "262145", "18446744073709551615"] {
            assert!(is_declared_too_large(Some(declared), 5), "{declared}");
        }
    }
}
