//! SHA-256 (FIPS 180-4) in place: what has been hashed stays where it is, and nothing is copied that a
//! key could be computed from.
//!
//! The compression function is that of the crate `sha2`. What surrounds it there, buffers and padding
//! for every hash of the family, brings panics along and moves states about on the stack.

use core::slice;

use sha2::block_api::compress256;
use zeroize::{ZeroizeOnDrop, optimization_barrier};

/// Bytes of a block (FIPS 180-4 section 1).
pub(crate) const BLOCK_BYTES: usize = 64;

/// Bytes of a hash.
pub(crate) const HASH_BYTES: usize = 32;

/// Where the length of the message stands in the last block (FIPS 180-4 section 5.1.1).
const LENGTH_BEGINS: usize = BLOCK_BYTES - size_of::<u64>();

/// The hash of nothing yet (FIPS 180-4 section 5.3.3).
static INITIAL: Chain = Chain([
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
]);

/// The hash of whole blocks. Wiped on drop.
#[derive(Clone)]
pub(crate) struct Chain([u32; 8]);

impl Chain {
    /// A place for a hash.
    pub(crate) const NONE: Self = Self([0; 8]);

    /// Becomes the hash of nothing yet.
    pub(crate) fn begin(&mut self) {
        self.set(&INITIAL);
    }

    /// Becomes equal to another. Unlike an assignment, this leaves no second copy on the stack.
    pub(crate) fn set(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word = *other;
        }
    }

    pub(crate) fn absorb(&mut self, block: &[u8; BLOCK_BYTES]) {
        compress256(&mut self.0, slice::from_ref(block));
    }

    pub(crate) fn words(&self) -> &[u32; 8] {
        &self.0
    }

    /// Becomes the hash that these bytes are.
    pub(crate) fn read(&mut self, bytes: &[u8; HASH_BYTES]) {
        for (word, bytes) in self.0.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
    }

    /// Overwrites the hash.
    pub(crate) fn wipe(&mut self) {
        self.0 = [0; 8];
        optimization_barrier(&self.0);
    }

    /// Writes the hash as bytes.
    pub(crate) fn write(&self, bytes: &mut [u8; HASH_BYTES]) {
        for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(&self.0) {
            *place = word.to_be_bytes();
        }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl ZeroizeOnDrop for Chain {}

/// A message on its way into one chain or several: cut into blocks, and padded at its end.
pub(crate) struct Blocks {
    /// What does not fill a block yet, at the beginning.
    last: [u8; BLOCK_BYTES],
    /// Bytes of the whole message.
    length: u64,
}

impl Blocks {
    /// A message of which so many bytes, whole blocks, have been absorbed already.
    pub(crate) const fn after(length: u64) -> Self {
        Self { last: [0; BLOCK_BYTES], length }
    }

    /// How much of the last block is filled: never all of it.
    fn filled(&self) -> usize {
        let [low, ..] = self.length.to_le_bytes();
        usize::from(low) % BLOCK_BYTES
    }

    /// How many bytes, whole blocks, have been absorbed.
    pub(crate) fn absorbed(&self) -> u64 {
        self.length.wrapping_sub(self.filled() as u64)
    }

    /// Takes in the next piece, of any length. Every chain absorbs the blocks that are full.
    pub(crate) fn take(&mut self, piece: &[u8], chains: &mut [Chain]) {
        let mut filled = self.filled();
        // No memory is so large that this wraps.
        self.length = self.length.wrapping_add(piece.len() as u64);
        let mut rest = piece;
        loop {
            let full;
            if filled == 0 && rest.len() >= BLOCK_BYTES {
                (full, rest) = rest.as_chunks();
            } else {
                let room = self.last.get_mut(filled..).unwrap_or_default();
                if rest.len() < room.len() {
                    copy(room, rest);
                    return;
                }
                rest = copy(room, rest);
                filled = 0;
                full = slice::from_ref(&self.last);
            }
            absorb(chains, full);
        }
    }

    /// Pads the message (FIPS 180-4 section 5.1.1). Every chain absorbs what that gives: one block or two.
    pub(crate) fn finish(&mut self, chains: &mut [Chain]) {
        let filled = self.filled();
        if let Some([end, after @ ..]) = self.last.get_mut(filled..) {
            *end = 0x80;
            after.fill(0);
        }
        if filled >= LENGTH_BEGINS {
            absorb(chains, slice::from_ref(&self.last));
            self.last = [0; BLOCK_BYTES];
        }
        if let Some(place) = self.last.last_chunk_mut() {
            *place = self.length.wrapping_mul(8).to_be_bytes();
        }
        absorb(chains, slice::from_ref(&self.last));
    }

    /// Becomes a message of which so many bytes, whole blocks, have been absorbed already, and then this
    /// hash has come.
    pub(crate) fn go_on_with(&mut self, hash: &Chain, length: u64) {
        self.length = length.wrapping_add(HASH_BYTES as u64);
        if let Some(start) = self.last.first_chunk_mut() {
            hash.write(start);
        }
    }

    /// Overwrites what is left of the message, for one that is secret.
    pub(crate) fn wipe(&mut self) {
        self.last = [0; BLOCK_BYTES];
        optimization_barrier(&self.last);
    }
}

fn absorb(chains: &mut [Chain], blocks: &[[u8; BLOCK_BYTES]]) {
    for chain in chains {
        compress256(&mut chain.0, blocks);
    }
}

/// Copies as much as there is room for, and gives what there is not.
fn copy<'a>(room: &mut [u8], bytes: &'a [u8]) -> &'a [u8] {
    for (place, byte) in room.iter_mut().zip(bytes) {
        *place = *byte;
    }
    bytes.get(room.len()..).unwrap_or_default()
}

/// The hash of a message that is at hand, in parts.
pub(crate) fn hash(message: &[&[u8]]) -> [u8; HASH_BYTES] {
    let mut chain = Chain::NONE;
    let mut blocks = Blocks::after(0);
    chain.begin();
    for part in message {
        blocks.take(part, slice::from_mut(&mut chain));
    }
    blocks.finish(slice::from_mut(&mut chain));
    let mut hash = [0; HASH_BYTES];
    chain.write(&mut hash);
    hash
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use sha2::{Digest as _, Sha256};

    use super::*;

    /// Every length around the ends of blocks and of the padding, cut everywhere.
    #[test]
    fn the_hash_is_that_of_the_library_however_the_message_is_cut() {
        let message: Vec<u8> = (0..=255).collect();
        for length in 0..=200 {
            let message = &message[..length];
            for cut in 0..=length {
                let (first, second) = message.split_at(cut);
                let expected: [u8; HASH_BYTES] = Sha256::digest(message).into();
                assert_eq!(hash(&[first, second]), expected, "{length} bytes cut at {cut}");
            }
        }
    }

    #[test]
    fn one_byte_after_the_other() {
        let message = [0xa5; 300];
        let bytes: Vec<&[u8]> = message.chunks(1).collect();
        assert_eq!(hash(&bytes), <[u8; HASH_BYTES]>::from(Sha256::digest(message)));
    }
}
