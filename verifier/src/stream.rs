//! The verdict over a body that arrives in pieces.

use crate::sha256::{Blocks, Chain};
use crate::{Error, Key, Pending, Tolerance, UnixTime, Verified};

/// A verification under way: [`Verifier::begin`](crate::Verifier::begin), [`update`](Self::update) for
/// each piece of the body, [`finish`](Self::finish).
///
/// Whatever is done with the body before `finish` has answered is done with bytes that anybody may
/// have sent.
#[must_use = "nothing is verified before `finish` has answered"]
pub struct Stream<'k, const KEYS: usize> {
    pub(crate) pending: Pending,
    keys: &'k [Key],
    tolerance: Tolerance,
    /// One for each key. They begin with the first piece, in their place: nothing that comes of a key
    /// is in a stream that moves out of `begin`.
    chains: [Chain; KEYS],
    blocks: Blocks,
}

impl<'k, const KEYS: usize> Stream<'k, KEYS> {
    pub(crate) const fn new(keys: &'k [Key], tolerance: Tolerance) -> Self {
        let chains = [const { Chain::INITIAL }; KEYS];
        Self { pending: Pending::new(), keys, tolerance, chains, blocks: Blocks::NONE }
    }

    /// Takes in the next piece of the body, of any length.
    pub fn update(&mut self, piece: &[u8]) {
        if self.blocks.is_empty() {
            for (chain, key) in self.chains.iter_mut().zip(self.keys) {
                key.begin(chain);
            }
            self.blocks = Key::message();
            let [digits, dot, _] = self.pending.message(&[]);
            absorb(&mut self.chains, self.keys, &mut self.blocks, digits);
            absorb(&mut self.chains, self.keys, &mut self.blocks, dot);
        }
        absorb(&mut self.chains, self.keys, &mut self.blocks, piece);
    }

    /// Gives the verdict over everything taken in. The time is that of the receiver's clock now, when
    /// the last piece is there: a delivery that took its time is judged by its age at the end.
    ///
    /// # Errors
    /// [`Error::SignatureMismatch`], [`Error::TimestampExpired`] or [`Error::TimestampAhead`].
    pub fn finish(mut self, now: UnixTime) -> Result<Verified, Error> {
        self.finish_in_place(now)
    }

    /// As [`finish`](Self::finish), for a stream that stays where it is: one that moves is copied, as
    /// large as it is. Once it has given its verdict, it refuses whatever it is asked about.
    ///
    /// # Errors
    /// As those of [`finish`](Self::finish).
    pub fn finish_in_place(&mut self, now: UnixTime) -> Result<Verified, Error> {
        // If nothing has come, the body is empty.
        self.update(&[]);
        let Self { pending, keys, tolerance, chains, blocks } = self;
        blocks.finish(|full| {
            for (chain, _) in chains.iter_mut().zip(*keys) {
                chain.absorb(full);
            }
        });
        for ((chain, key), index) in chains.iter_mut().zip(*keys).zip(0..) {
            key.finish(chain);
            pending.compare(index, chain.words());
        }
        let verdict = pending.release(now, *tolerance);
        *keys = &[];
        *pending = Pending::new();
        verdict
    }
}

/// Takes a piece into the chain of every key.
fn absorb(chains: &mut [Chain], keys: &[Key], blocks: &mut Blocks, piece: &[u8]) {
    blocks.take(piece, |full| {
        for (chain, _) in chains.iter_mut().zip(keys) {
            chain.absorb(full);
        }
    });
}

impl<const KEYS: usize> core::fmt::Debug for Stream<'_, KEYS> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Stream").field("pending", &self.pending).finish_non_exhaustive()
    }
}
