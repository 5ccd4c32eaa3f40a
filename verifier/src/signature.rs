//! A signature as a sender makes it.

use core::{fmt, str};

use base16ct::lower;

use crate::UnixTime;
use crate::decimal::Decimal;
use crate::sha256::HASH_BYTES;

/// Bytes of an HMAC-SHA256.
pub(crate) const MAC_BYTES: usize = HASH_BYTES;

/// Hexadecimal digits of an HMAC-SHA256.
pub(crate) const MAC_DIGITS: usize = 2 * MAC_BYTES;

/// The name in front of a signature in the header: `v=<hex>`.
///
/// The provider's documentation shows `v`; published texts elsewhere show the other two. Anything
/// else in a header is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Label {
    /// `v`
    #[default]
    V,
    /// `v1`
    V1,
    /// `sha256`
    Sha256,
}

impl Label {
    /// Every label that is accepted.
    pub const ALL: &'static [Self] = &[Self::V, Self::V1, Self::Sha256];

    /// The label as it stands in the header, without the `=`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V => "v",
            Self::V1 => "v1",
            Self::Sha256 => "sha256",
        }
    }

    /// What stands behind a label and its `=`, if the text begins with one.
    pub(crate) fn strip(text: &[u8]) -> Option<&[u8]> {
        match text {
            [b'v', b'=', value @ ..]
            | [b'v', b'1', b'=', value @ ..]
            | [b's', b'h', b'a', b'2', b'5', b'6', b'=', value @ ..] => Some(value),
            _ => None,
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A signature that [`Key::sign`](crate::Key::sign) made. It prints as the value of the signature
/// header: `t=1700000000,v=<64 lower-case hexadecimal digits>`.
///
/// Two signatures cannot be compared: a comparison that ends at the first difference tells whoever can
/// measure time how to forge. [`Verifier`](crate::Verifier) compares.
#[derive(Clone)]
pub struct Signature {
    timestamp: Decimal,
    label: Label,
    mac: [u8; MAC_BYTES],
}

impl Signature {
    /// Bytes that are enough for every header value. Today's longest has 94; the rest is room for
    /// labels to come, so that this number need not change.
    pub const MAX_BYTES: usize = 128;

    /// Signs: `mac` is given the digits of the timestamp, and the place for the MAC.
    pub(crate) fn new(timestamp: UnixTime, mac: impl FnOnce(&[u8], &mut [u8; MAC_BYTES])) -> Self {
        let mut signature = Self {
            timestamp: Decimal::from(timestamp.as_secs()),
            label: Label::default(),
            mac: [0; MAC_BYTES],
        };
        mac(signature.timestamp.as_bytes(), &mut signature.mac);
        signature
    }

    /// The same signature under another label. The label is not part of what is signed.
    #[must_use]
    pub fn with_label(self, label: Label) -> Self {
        Self { label, ..self }
    }

    /// The HMAC-SHA256 itself.
    #[must_use]
    pub const fn mac(&self) -> &[u8; 32] {
        &self.mac
    }

    /// The header's value, written without the formatting machinery, for firmware and for whoever
    /// must not panic. It is the same text as the one that is printed.
    pub fn encode<'a>(&self, buffer: &'a mut [u8; Self::MAX_BYTES]) -> &'a str {
        let mac = hex(&self.mac);
        let label = self.label.as_str().as_bytes();
        concatenate([b"t=", self.timestamp.as_bytes(), b",", label, b"=", &mac], buffer)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut [0; Self::MAX_BYTES]))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

/// 32 bytes as 64 lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8; 32]) -> [u8; MAC_DIGITS] {
    let mut digits = [0; MAC_DIGITS];
    // There is room for two digits a byte, so this cannot fail.
    let _ = lower::encode(bytes, &mut digits);
    digits
}

/// Writes ASCII texts one after the other, as far as there is room.
pub(crate) fn concatenate<'a, const PARTS: usize>(
    parts: [&[u8]; PARTS],
    buffer: &'a mut [u8],
) -> &'a str {
    let mut left = &mut *buffer;
    let mut length: usize = 0;
    for part in parts {
        let Some((place, after)) = left.split_at_mut_checked(part.len()) else { break };
        for (place, byte) in place.iter_mut().zip(part) {
            *place = *byte;
        }
        left = after;
        length = length.saturating_add(part.len());
    }
    buffer.get(..length).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;

    use super::*;

    #[test]
    fn the_longest_header_fits() {
        for label in Label::ALL {
            let signature = Signature::new(UnixTime::from_secs(u64::MAX), |_, mac| mac.fill(0xa5));
            let text = format!("{}", signature.with_label(*label));
            assert_eq!(text, format!("t={},{label}={}", u64::MAX, "a5".repeat(MAC_BYTES)));
        }
    }
}
