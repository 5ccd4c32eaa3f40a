//! The HMAC peripheral, with keys in eFuses.

use esp_hal::hmac::{Error, Hmac, HmacPurpose, KeyId};
use nb::block;
use nextapi_webhook::Engine;

/// The HMAC peripheral and the eFuse blocks that hold its keys, newest first: what
/// [`verify_with`](nextapi_webhook::verify_with) takes. No program can read the keys, this one included.
///
/// A block has 256 bits and the purpose `HMAC_UP`. So this serves two kinds of secrets:
///
/// - of at most 32 bytes: burn them, with zeros behind them up to 32 bytes. HMAC itself fills a short key with
///   zeros (RFC 2104 section 2), so the MACs are the same.
/// - of more than 64 bytes: burn their SHA-256, which is what HMAC makes the key (RFC 2104 section 2).
///
/// A secret of 33 to 64 bytes is itself the key, and does not fit: take [`ShaEngine`](crate::ShaEngine). A block can
/// be burned once, so a rotation takes a block for each secret.
pub struct HmacEngine<'d, const KEYS: usize> {
    hmac: Hmac<'d>,
    keys: [KeyId; KEYS],
}

impl<'d, const KEYS: usize> HmacEngine<'d, KEYS> {
    /// Takes the peripheral, and where its keys are, newest first.
    pub const fn new(hmac: Hmac<'d>, keys: [KeyId; KEYS]) -> Self {
        Self { hmac, keys }
    }
}

impl<const KEYS: usize> Engine for HmacEngine<'_, KEYS> {
    /// The block has another purpose: nothing was burned, or something else.
    type Error = Error;

    fn key_count(&self) -> u32 {
        u32::try_from(KEYS).unwrap_or(u32::MAX)
    }

    fn mac(
        &mut self,
        key_index: u32,
        message: [&[u8]; 3],
        mac: &mut [u8; 32],
    ) -> Result<(), Error> {
        let index = usize::try_from(key_index).unwrap_or(usize::MAX);
        if let Some(key) = self.keys.get(index) {
            self.hmac.init();
            block!(self.hmac.configure(HmacPurpose::ToUser, *key))?;
            // The driver judges by what is left of a part whether a block is the last. That is right because
            // the parts before the body do not fill a block.
            for mut part in message {
                while !part.is_empty() {
                    let Ok(rest) = block!(self.hmac.update(part));
                    part = rest;
                }
            }
            let Ok(()) = block!(self.hmac.finalize(mac));
        }
        Ok(())
    }
}
