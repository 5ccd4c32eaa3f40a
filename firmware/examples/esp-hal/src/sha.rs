//! HMAC by the SHA peripheral, with secrets in memory.

use core::convert::Infallible;

use esp_hal::sha::{Sha, Sha256};
use nb::block;
use nextapi_webhook::{Engine, KeyError};
use zeroize::Zeroize as _;

/// Bytes of a block of the hash (FIPS 180-4).
const BLOCK_BYTES: usize = 64;

/// What the key is combined with for the inner and for the outer hash (RFC 2104 section 2).
const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;

/// The SHA peripheral and secrets of any length but zero, newest first: what
/// [`verify_with`](nextapi_webhook::verify_with) takes.
pub struct ShaEngine<'d, 'k, const KEYS: usize> {
    sha: Sha<'d>,
    secrets: [&'k [u8]; KEYS],
}

impl<'d, 'k, const KEYS: usize> ShaEngine<'d, 'k, KEYS> {
    /// Takes the peripheral, and the secrets, newest first.
    ///
    /// # Errors
    /// [`KeyError::Empty`] if one of them is.
    pub fn new(sha: Sha<'d>, secrets: [&'k [u8]; KEYS]) -> Result<Self, KeyError> {
        if secrets.iter().any(|secret| secret.is_empty()) {
            return Err(KeyError::Empty);
        }
        Ok(Self { sha, secrets })
    }

    /// The hash of the parts of a message, one after the other.
    fn hash(&mut self, message: &[&[u8]], hash: &mut [u8; 32]) {
        let mut digest = self.sha.start::<Sha256>();
        for mut part in message.iter().copied() {
            while !part.is_empty() {
                let Ok(rest) = block!(digest.update(part));
                part = rest;
            }
        }
        let Ok(()) = block!(digest.finish(hash));
    }
}

impl<const KEYS: usize> Engine for ShaEngine<'_, '_, KEYS> {
    /// The peripheral has no errors. One without a clock gives zeros, which the verifier takes for no MAC.
    type Error = Infallible;

    fn key_count(&self) -> u32 {
        u32::try_from(KEYS).unwrap_or(u32::MAX)
    }

    fn mac(
        &mut self,
        key_index: u32,
        message: [&[u8]; 3],
        mac: &mut [u8; 32],
    ) -> Result<(), Infallible> {
        let index = usize::try_from(key_index).unwrap_or(usize::MAX);
        let Some(&secret) = self.secrets.get(index) else { return Ok(()) };
        let [digits, dot, body] = message;
        let mut key = [0; BLOCK_BYTES];
        if secret.len() > BLOCK_BYTES {
            if let Some(start) = key.first_chunk_mut() {
                self.hash(&[secret], start);
            }
        } else {
            for (place, byte) in key.iter_mut().zip(secret) {
                *place = *byte;
            }
        }
        let mut inner = [0; 32];
        pad(&mut key, INNER_PAD);
        self.hash(&[&key, digits, dot, body], &mut inner);
        // The inner pad comes off with the outer one.
        pad(&mut key, INNER_PAD ^ OUTER_PAD);
        self.hash(&[&key, &inner], mac);
        key.zeroize();
        inner.zeroize();
        Ok(())
    }
}

fn pad(key: &mut [u8; BLOCK_BYTES], pad: u8) {
    for byte in key {
        *byte ^= pad;
    }
}
