//! The peripheral as an engine, for bodies at hand.

use core::convert::Infallible;

use embassy_stm32::hash::{Algorithm, DataType, Hash, Instance};
use embassy_stm32::mode::Blocking;
use nextapi_webhook::Engine;

use crate::Secret;

/// The HASH peripheral and the secrets that it computes with, newest first: what
/// [`verify_with`](nextapi_webhook::verify_with) takes.
pub struct HashEngine<'d, 'k, T: Instance, const KEYS: usize> {
    hash: Hash<'d, T, Blocking>,
    secrets: [Secret<'k>; KEYS],
}

impl<'d, 'k, T: Instance, const KEYS: usize> HashEngine<'d, 'k, T, KEYS> {
    /// Takes the peripheral, and the secrets, newest first.
    pub const fn new(hash: Hash<'d, T, Blocking>, secrets: [Secret<'k>; KEYS]) -> Self {
        Self { hash, secrets }
    }
}

impl<T: Instance, const KEYS: usize> Engine for HashEngine<'_, '_, T, KEYS> {
    /// The driver waits for the peripheral, and has no errors. One without a clock gives zeros, which the verifier
    /// takes for no MAC.
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
        if let Some(secret) = self.secrets.get(index) {
            // Bytes in the order in which they stand in memory.
            let key = Some(secret.bytes());
            let mut context = self.hash.start(Algorithm::SHA256, DataType::Width8, key);
            for part in message {
                self.hash.update_blocking(&mut context, part);
            }
            self.hash.finish_blocking(context, mac);
        }
        Ok(())
    }
}
