//! A key as the unit takes it: its bytes.

use zeroize::Zeroize as _;

/// Bytes that a secret may have, as in the frames.
const ROOM: usize = 255;

/// A secret. Wiped when it is replaced.
pub(crate) struct Secret {
    bytes: [u8; ROOM],
    length: usize,
}

impl Secret {
    pub(crate) const NONE: Self = Self { bytes: [0; ROOM], length: 0 };

    /// Becomes another one. What does not fit is cut off, which the frames do not let happen.
    pub(crate) fn set(&mut self, secret: &[u8]) {
        self.bytes.zeroize();
        self.length = 0;
        for (place, byte) in self.bytes.iter_mut().zip(secret) {
            *place = *byte;
            self.length = self.length.wrapping_add(1);
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}
