//! A message on its way through HMAC, under several keys at once.

use heapless::Vec;
use hmac::digest::block_api::{Buffer, FixedOutputCore as _, UpdateCore as _};

use crate::Key;
use crate::key::Hasher;
use crate::signature::MAC_BYTES;

/// A message that is hashed under every key at once, as it arrives. What does not fill a block yet is
/// kept once for all of them.
#[derive(Default)]
pub(crate) struct Message<const KEYS: usize> {
    hashers: Vec<Hasher, KEYS>,
    buffer: Buffer<Hasher>,
}

impl<const KEYS: usize> Message<KEYS> {
    /// Begins to hash under the keys, of which only as many as there is room for are taken.
    pub(crate) fn begin(&mut self, keys: &[Key]) {
        for key in keys {
            // `extend` would bring a panic along.
            let _ = self.hashers.push(key.hasher());
        }
    }

    /// Takes in the next piece, of any length.
    pub(crate) fn update(&mut self, piece: &[u8]) {
        let Self { hashers, buffer } = self;
        buffer.digest_blocks(piece, |blocks| {
            for hasher in hashers.iter_mut() {
                hasher.update_blocks(blocks);
            }
        });
    }

    /// Gives each key's MAC in turn, the last key's first, with the key's index.
    pub(crate) fn finish(&mut self, mut each: impl FnMut(usize, &[u8; MAC_BYTES])) {
        for (index, hasher) in self.hashers.iter_mut().enumerate().rev() {
            let mut mac = [0; MAC_BYTES];
            hasher.finalize_fixed_core(&mut self.buffer.clone(), (&mut mac).into());
            each(index, &mac);
        }
    }
}
