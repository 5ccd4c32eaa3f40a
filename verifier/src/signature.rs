//! A signature as a sender makes it.

use core::fmt;

use base16ct::lower;

use crate::UnixTime;
use crate::decimal::Decimal;

/// Bytes of an HMAC-SHA256.
pub(crate) const MAC_BYTES: usize = 32;

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
    pub const ALL: [Self; 3] = [Self::V, Self::V1, Self::Sha256];

    /// The label as it stands in the header, without the `=`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V => "v",
            Self::V1 => "v1",
            Self::Sha256 => "sha256",
        }
    }

    pub(crate) fn is_known(name: &[u8]) -> bool {
        Self::ALL.iter().any(|label| label.as_str().as_bytes() == name)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A signature that [`Key::sign`](crate::Key::sign) made. It prints as the value of the signature
/// header: `t=1700000000,v=<64 lower-case hexadecimal digits>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    timestamp: Decimal,
    label: Label,
    mac: [u8; MAC_BYTES],
}

impl Signature {
    pub(crate) fn new(timestamp: UnixTime, mac: impl FnOnce(&[u8]) -> [u8; MAC_BYTES]) -> Self {
        let timestamp = Decimal::from(timestamp.as_secs());
        let mac = mac(timestamp.as_bytes());
        Self { timestamp, label: Label::default(), mac }
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
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t={},{}=", self.timestamp, self.label)?;
        write_hex(&self.mac, f)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

/// Writes 32 bytes as 64 lower-case hexadecimal digits.
pub(crate) fn write_hex(bytes: &[u8; 32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut digits = [0; MAC_DIGITS];
    f.write_str(lower::encode_str(bytes, &mut digits).map_err(|_| fmt::Error)?)
}
