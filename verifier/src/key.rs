//! A signing key: the provider's secret, ready for use.

use core::fmt;

use hmac::KeyInit;
use hmac::block_api::HmacCore;
use hmac::digest::block_api::{Buffer, FixedOutputCore as _, UpdateCore as _};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use crate::signature::MAC_BYTES;
use crate::{KeyError, Signature, UnixTime};

/// Bytes of a block of SHA-256 (FIPS 180-4 section 1).
const BLOCK_BYTES: usize = 64;

/// HMAC-SHA256 (RFC 2104 over FIPS 180-4), in the middle of a message, at the end of a block. What
/// of the message does not fill a block is kept beside it, once for all keys.
pub(crate) type Hasher = HmacCore<Sha256>;

/// A webhook secret, ready for use.
///
/// The key is the secret string's raw bytes, any `whsec_` prefix included; nothing is decoded. What
/// is kept is the hash state after the two padded key blocks of RFC 2104, computed once, so a
/// verification does not pay for it again. It is wiped when the key is dropped, and `Debug` does
/// not show it.
///
/// A secret may have any length but zero. RFC 2104 section 3 advises at least 32 bytes.
#[derive(Clone)]
pub struct Key(Hasher);

impl Key {
    /// Takes the secret's raw bytes.
    ///
    /// # Errors
    /// [`KeyError::Empty`] if there are none: an unset variable must not become a key that
    /// everybody knows.
    pub fn new(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.is_empty() {
            return Err(KeyError::Empty);
        }
        // What RFC 2104 section 2 makes of a key that is not as long as a block. The library would do
        // the same; but of a length that the compiler knows, nothing remains in it that could panic.
        let digest;
        let bytes = if secret.len() > BLOCK_BYTES {
            digest = Sha256::digest(secret);
            digest.as_slice()
        } else {
            secret
        };
        let mut block = [0; BLOCK_BYTES];
        for (place, byte) in block.iter_mut().zip(bytes) {
            *place = *byte;
        }
        let state = Hasher::new_from_slice(&block).map_err(|_| KeyError::Empty);
        block.zeroize();
        state.map(Self)
    }

    /// Signs `body` as sent at `timestamp`: what the provider does, and what a filter does that
    /// vouches for what it forwards.
    #[must_use]
    pub fn sign(&self, timestamp: UnixTime, body: &[u8]) -> Signature {
        Signature::new(timestamp, |digits| {
            let mut mac = [0; MAC_BYTES];
            self.mac([digits, b".", body], &mut mac);
            mac
        })
    }

    /// Puts the HMAC-SHA256 of a message that is at hand, in parts, into `mac`.
    pub(crate) fn mac<const PARTS: usize>(
        &self,
        message: [&[u8]; PARTS],
        mac: &mut [u8; MAC_BYTES],
    ) {
        let mut hasher = self.hasher();
        let mut buffer = Buffer::<Hasher>::default();
        for part in message {
            buffer.digest_blocks(part, |blocks| hasher.update_blocks(blocks));
        }
        hasher.finalize_fixed_core(&mut buffer, mac.into());
    }

    /// The state after the two padded key blocks.
    pub(crate) fn hasher(&self) -> Hasher {
        self.0.clone()
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

/// The parts that hold the key wipe themselves.
#[cfg(feature = "zeroize")]
impl ZeroizeOnDrop for Key {}

/// Fails to compile if the hash states that an HMAC consists of were not wiped on drop: the feature
/// `zeroize` of `sha2` would be missing. (`Hmac` itself lacks the marker, its parts have it.)
const _: fn() = || {
    fn wiped<T: ZeroizeOnDrop>() {}
    wiped::<Sha256>();
};

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
