//! A MAC from elsewhere.

use crate::sha256::{Chain, HASH_BYTES};

/// An HMAC-SHA256 that an engine outside of this crate computed: a peripheral, a secure element, the
/// platform's cryptography.
///
/// It is secret: whoever knows the right MAC of a message can pass it for signed. So it cannot be
/// compared or printed, and it is wiped on drop. The verdict over it is [`Pending`](crate::Pending)'s.
pub struct Mac(Chain);

impl Mac {
    /// Takes the 32 bytes as the engine gave them. The place that they come from is the caller's to
    /// wipe.
    #[must_use]
    pub fn new(bytes: &[u8; HASH_BYTES]) -> Self {
        let mut mac = Self(Chain::NONE);
        mac.0.read(bytes);
        mac
    }

    pub(crate) fn words(&self) -> &[u32; 8] {
        self.0.words()
    }
}

impl core::fmt::Debug for Mac {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Mac(redacted)")
    }
}

/// The chain that it consists of wipes itself.
#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Mac {}
