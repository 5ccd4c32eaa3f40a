//! The verdict over a body that arrives in pieces.

#[cfg(feature = "embedded-io")]
mod read;

use crate::header::Header;
use crate::sha256::{Blocks, Chain};
use crate::verdict::Verdict;
use crate::{Error, Key, UnixTime, Verified, Verifier};

/// A verification under way: [`Verifier::begin`], [`update`](Self::update) for each piece of the body,
/// [`finish`](Self::finish).
///
/// Whatever is done with the body before `finish` has answered is done with bytes that anybody may
/// have sent.
///
/// A stream takes about 350 bytes, and 32 more for each key that there is room for. Where that counts, it
/// stays where it is and is used again for every delivery:
///
/// ```
/// # use nextapi_webhook::{Error, Key, Stream, Tolerance, UnixTime, Verifier};
/// # let mut verifier = Verifier::<1>::without_keys(Tolerance::DEFAULT);
/// # verifier.add_key(b"whsec_1").unwrap();
/// # let now = UnixTime::from_secs(1_700_000_000);
/// # let header = Key::new(b"whsec_1").unwrap().sign(now, b"{}").to_string();
/// let mut stream = Stream::new(&verifier);
/// stream.begin(&header)?;
/// stream.update(b"{");
/// stream.update(b"}");
/// assert_eq!(stream.finish(now)?.key_index(), 0);
/// # Ok::<(), Error>(())
/// ```
#[must_use = "nothing is verified before `finish` has answered"]
pub struct Stream<'k, const KEYS: usize> {
    verifier: &'k Verifier<KEYS>,
    header: Header,
    /// One for each key. They begin with the first piece, in their place: nothing that comes of a key
    /// is in a stream that moves out of `begin`.
    chains: [Chain; KEYS],
    blocks: Blocks,
}

impl<'k, const KEYS: usize> Stream<'k, KEYS> {
    /// A stream that has not begun, and refuses everything until it does.
    pub const fn new(verifier: &'k Verifier<KEYS>) -> Self {
        Self {
            verifier,
            header: Header::new(),
            chains: [const { Chain::NONE }; KEYS],
            blocks: Key::message(),
        }
    }

    /// Begins with a delivery, in place, whatever came before: what [`Verifier::begin`] does for a new
    /// stream.
    ///
    /// # Errors
    /// The variants of [`Error`] that concern the header alone. The stream has then not begun.
    pub fn begin(&mut self, header: impl AsRef<[u8]>) -> Result<(), Error> {
        let digits = self.header.read(header.as_ref())?;
        // They do not fill a block, so there is nothing to absorb yet.
        self.blocks = Key::message();
        self.blocks.take(digits, &mut []);
        self.blocks.take(b".", &mut []);
        Ok(())
    }

    /// Takes in the next piece of the body, of any length.
    pub fn update(&mut self, piece: &[u8]) {
        let keys = self.verifier.keys();
        let chains = self.chains.get_mut(..keys.len()).unwrap_or_default();
        if self.blocks.absorbed() == Key::message().absorbed() {
            for (chain, key) in chains.iter_mut().zip(keys) {
                key.begin(chain);
            }
        }
        self.blocks.take(piece, chains);
    }

    /// Gives the verdict over everything taken in. The time is that of the receiver's clock now, when
    /// the last piece is there: a delivery that took its time is judged by its age at the end.
    ///
    /// The verdict is given once: then the stream refuses everything, until it begins again.
    ///
    /// # Errors
    /// [`Error::SignatureMismatch`], [`Error::TimestampExpired`] or [`Error::TimestampAhead`].
    pub fn finish(&mut self, now: UnixTime) -> Result<Verified, Error> {
        // If nothing has come, the body is empty.
        self.update(&[]);
        let keys = self.verifier.keys();
        let chains = self.chains.get_mut(..keys.len()).unwrap_or_default();
        self.blocks.finish(chains);
        let mut verdict = Verdict::NONE;
        for ((chain, key), index) in chains.iter_mut().zip(keys).zip(0..) {
            key.finish(chain, &mut self.blocks);
            verdict.compare(index, chain.words(), self.header.signatures());
            chain.wipe();
        }
        self.header.forget_signatures();
        verdict.release(self.header.timestamp(), now, self.verifier.tolerance())
    }
}

impl<const KEYS: usize> core::fmt::Debug for Stream<'_, KEYS> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Stream")
            .field("timestamp", &self.header.timestamp())
            .finish_non_exhaustive()
    }
}
