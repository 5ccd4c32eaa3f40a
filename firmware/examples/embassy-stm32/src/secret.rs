//! Secrets, as the peripheral takes them.

/// Bytes of a block of the hash (FIPS 180-4): the longest key that is taken as it stands (RFC 2104 section 2).
const BLOCK_BYTES: usize = 64;

/// A secret that the peripheral takes as it stands: 1 to 64 bytes.
///
/// Of a longer one, the key is its SHA-256 (RFC 2104 section 2), which the peripheral would compute each time.
/// But the driver sets the bit that tells it so, LKEY, and never clears it: the next short key would give wrong
/// MACs. Compute the hash once, and make it the secret.
#[derive(Clone, Copy)]
pub struct Secret<'k>(&'k [u8]);

/// Why bytes are no [`Secret`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnfitSecret {
    /// There are none. An unset secret must not become a key that everybody knows.
    Empty,
    /// There are more than 64: take their SHA-256.
    TooLong,
}

impl<'k> Secret<'k> {
    /// Takes the secret's raw bytes.
    ///
    /// # Errors
    /// If there are none, or more than 64.
    pub const fn new(bytes: &'k [u8]) -> Result<Self, UnfitSecret> {
        match bytes.len() {
            0 => Err(UnfitSecret::Empty),
            1..=BLOCK_BYTES => Ok(Self(bytes)),
            _ => Err(UnfitSecret::TooLong),
        }
    }

    pub(crate) const fn bytes(self) -> &'k [u8] {
        self.0
    }
}
