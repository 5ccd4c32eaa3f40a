//! What verifying cannot go below: SHA-256 alone, over as many blocks as an HMAC with a kept key has.

use sha2::{Digest as _, Sha256};

/// Bytes of a block (FIPS 180-4, section 1).
const BLOCK: usize = 64;
/// What padding adds at least: one byte 0x80 and eight bytes of length (FIPS 180-4, section 5.1.1).
const PADDING: usize = 9;

/// A message that SHA-256 takes as many blocks for as HMAC-SHA256 does for a signed body.
///
/// HMAC hashes twice, and each time a block of key first (RFC 2104, section 2). Those two are
/// computed once for a kept key. What is left is the timestamp, the dot, the body and the padding
/// in the inner hash, and one block, 32 bytes and padding, in the outer one.
#[derive(Clone, Debug)]
pub struct Limit {
    message: Vec<u8>,
    digest: [u8; 32],
}

impl Limit {
    /// The limit for a body of `body` bytes, whose timestamp has `digits` digits.
    #[must_use]
    pub fn new(digits: usize, body: usize) -> Self {
        let length = Self::blocks(digits, body).saturating_mul(BLOCK).saturating_sub(PADDING);
        let message = vec![b'x'; length];
        // Byte by byte, for an answer that was not computed in the way that is measured.
        let mut hasher = Sha256::new();
        for byte in &message {
            hasher.update([*byte]);
        }
        Self { message, digest: hasher.finalize().into() }
    }

    /// The blocks that are hashed for such a body, the inner and the outer ones together.
    #[must_use]
    pub fn blocks(digits: usize, body: usize) -> usize {
        let inner = digits.saturating_add(1).saturating_add(body).saturating_add(PADDING);
        inner.div_ceil(BLOCK).saturating_add(1)
    }

    /// Hashes the message. Answers whether the digest is the right one.
    #[must_use]
    pub fn holds(&self) -> bool {
        let digest: [u8; 32] = Sha256::digest(core::hint::black_box(&self.message)).into();
        digest == self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_blocks_with_their_padding() {
        // "1700000000." and 44 bytes of body and 9 of padding fill one block exactly.
        assert_eq!(Limit::blocks(10, 44), 2);
        assert_eq!(Limit::blocks(10, 45), 3);
        assert_eq!(Limit::blocks(10, 512), 10);
        assert_eq!(Limit::blocks(10, 4096), 66);
    }

    #[test]
    fn the_message_has_as_many_blocks() {
        for body in [0, 44, 45, 512, 4096] {
            let limit = Limit::new(10, body);
            assert_eq!((limit.message.len() + PADDING) / BLOCK, Limit::blocks(10, body));
            assert_eq!((limit.message.len() + PADDING) % BLOCK, 0);
            assert!(limit.holds());
        }
    }
}
