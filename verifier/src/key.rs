//! A signing key: the provider's secret, ready for use.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

use crate::signature::MAC_BYTES;
use crate::{KeyError, Signature, UnixTime};

/// HMAC-SHA256 (RFC 2104 over FIPS 180-4) in the middle of a message.
#[derive(Clone)]
pub(crate) struct Hasher(Hmac<Sha256>);

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> [u8; MAC_BYTES] {
        self.0.finalize().into_bytes().into()
    }
}

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
        // HMAC takes keys of any length (RFC 2104 section 2), so the only refusal is ours.
        let state = Hmac::new_from_slice(secret).map_err(|_| KeyError::Empty)?;
        Ok(Self(Hasher(state)))
    }

    /// Signs `body` as sent at `timestamp`: what the provider does, and what a filter does that
    /// vouches for what it forwards.
    #[must_use]
    pub fn sign(&self, timestamp: UnixTime, body: &[u8]) -> Signature {
        Signature::new(timestamp, |digits| {
            let mut hasher = self.hasher(digits);
            hasher.update(body);
            hasher.finish()
        })
    }

    /// The plain HMAC-SHA256 of a message, for the published vectors.
    #[cfg(test)]
    pub(crate) fn mac(&self, message: &[u8]) -> [u8; MAC_BYTES] {
        let mut hasher = self.0.clone();
        hasher.update(message);
        hasher.finish()
    }

    /// A hasher that has taken in `<timestamp>.` and expects the body.
    pub(crate) fn hasher(&self, timestamp_digits: &[u8]) -> Hasher {
        let mut hasher = self.0.clone();
        hasher.update(timestamp_digits);
        hasher.update(b".");
        hasher
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
