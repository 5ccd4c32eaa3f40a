//! A signing key: the provider's secret, ready for use.

use core::{fmt, slice};

use zeroize::Zeroize as _;

use crate::sha256::{BLOCK_BYTES, Blocks, Chain};
use crate::{KeyError, Signature, UnixTime};

/// What the key is combined with for the inner and for the outer hash (RFC 2104 section 2).
const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;

/// Bytes of the padded key, with which both hashes begin.
const PADDED_KEY_BYTES: u64 = BLOCK_BYTES as u64;

/// A webhook secret, ready for use: HMAC-SHA256 (RFC 2104 over FIPS 180-4) under it.
///
/// The key is the secret string's raw bytes, any `whsec_` prefix included; nothing is decoded. What
/// is kept is the hash state after each of the two padded key blocks of RFC 2104, computed once, so a
/// verification does not pay for it again. It is wiped when the key is dropped, and `Debug` does
/// not show it.
///
/// A secret may have any length but zero. RFC 2104 section 3 advises at least 32 bytes.
#[derive(Clone)]
pub struct Key {
    inner: Chain,
    outer: Chain,
}

impl Key {
    /// No key: a place for one.
    pub(crate) const NONE: Self = Self { inner: Chain::NONE, outer: Chain::NONE };

    /// Takes the secret's raw bytes.
    ///
    /// # Errors
    /// [`KeyError::Empty`] if there are none: an unset variable must not become a key that
    /// everybody knows.
    pub fn new(secret: &[u8]) -> Result<Self, KeyError> {
        let mut key = Self::NONE;
        key.set(secret)?;
        Ok(key)
    }

    /// Becomes the key of a secret, in its place: a key that moves leaves copies of itself behind.
    pub(crate) fn set(&mut self, secret: &[u8]) -> Result<(), KeyError> {
        if secret.is_empty() {
            return Err(KeyError::Empty);
        }
        let mut block = [0; BLOCK_BYTES];
        if secret.len() > BLOCK_BYTES {
            // RFC 2104 section 2: of a secret longer than a block the key is its hash.
            let mut blocks = Blocks::after(0);
            self.inner.begin();
            blocks.take(secret, slice::from_mut(&mut self.inner));
            blocks.finish(slice::from_mut(&mut self.inner));
            blocks.wipe();
            if let Some(start) = block.first_chunk_mut() {
                self.inner.write(start);
            }
        } else {
            for (place, byte) in block.iter_mut().zip(secret) {
                *place = *byte;
            }
        }
        // The inner pad comes off with the outer one.
        for (chain, pad) in [(&mut self.inner, INNER_PAD), (&mut self.outer, INNER_PAD ^ OUTER_PAD)]
        {
            for byte in &mut block {
                *byte ^= pad;
            }
            chain.begin();
            chain.absorb(&block);
        }
        block.zeroize();
        Ok(())
    }

    /// Signs `body` as sent at `timestamp`: what the provider does, and what a filter does that
    /// vouches for what it forwards.
    #[must_use]
    pub fn sign(&self, timestamp: UnixTime, body: &[u8]) -> Signature {
        Signature::new(timestamp, |digits, mac| {
            let mut chain = Chain::NONE;
            self.mac(&[digits, b".", body], &mut chain);
            chain.write(mac);
        })
    }

    /// Leaves in `chain` the HMAC-SHA256 of a message that is at hand, in parts.
    pub(crate) fn mac(&self, message: &[&[u8]], chain: &mut Chain) {
        let mut blocks = Self::message();
        self.begin(chain);
        for part in message {
            blocks.take(part, slice::from_mut(chain));
        }
        blocks.finish(slice::from_mut(chain));
        self.finish(chain, &mut blocks);
    }

    /// A message of which the padded key has been absorbed, and nothing else.
    pub(crate) const fn message() -> Blocks {
        Blocks::after(PADDED_KEY_BYTES)
    }

    /// Makes `chain` that of the padded key, to absorb the message.
    pub(crate) fn begin(&self, chain: &mut Chain) {
        chain.set(&self.inner);
    }

    /// Makes of the hash of the whole message its MAC. Of the blocks, only the room is used.
    pub(crate) fn finish(&self, chain: &mut Chain, blocks: &mut Blocks) {
        blocks.go_on_with(chain, PADDED_KEY_BYTES);
        chain.set(&self.outer);
        blocks.finish(slice::from_mut(chain));
        blocks.wipe();
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Key {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Key(redacted)");
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

/// The two chains that it consists of wipe themselves.
#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Key {}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;

    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let key = Key::new(b"whsec_canary").unwrap();
        assert_eq!(format!("{key:?}"), "Key(redacted)");
    }

    #[test]
    fn an_empty_secret_is_refused() {
        assert_eq!(Key::new(b"").map(|_| ()), Err(KeyError::Empty));
    }
}
