//! Hashes by `ring`, which shares no code with the verifier.

use std::fmt;

use ring::{digest, hmac};

/// 32 bytes in lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex([u8; 64]);

impl Hex {
    /// The digits.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Takes digits for a hash, if they are as many. Whether they are digits is seen where they are
    /// compared with some that are.
    #[must_use]
    pub fn read(digits: &str) -> Option<Self> {
        digits.as_bytes().try_into().ok().map(Self)
    }

    fn of(bytes: &[u8]) -> Self {
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let mut hex = [0; 64];
        for (place, digit) in hex.iter_mut().zip(digits) {
            *place = b"0123456789abcdef"[usize::from(digit)];
        }
        Self(hex)
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.0).map_err(|_| fmt::Error)?)
    }
}

/// SHA-256 of the parts together.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hex {
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in parts {
        hash.update(part);
    }
    Hex::of(hash.finish().as_ref())
}

/// HMAC-SHA256 of the parts together, in digits.
#[must_use]
pub fn hmac(secret: &[u8], parts: &[&[u8]]) -> Hex {
    Hex::of(&hmac_bytes(secret, parts))
}

/// HMAC-SHA256 of the parts together.
///
/// # Panics
/// Never: it has 32 bytes.
#[must_use]
pub fn hmac_bytes(secret: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut hmac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
    for part in parts {
        hmac.update(part);
    }
    hmac.sign().as_ref().try_into().expect("it has 32 bytes")
}
