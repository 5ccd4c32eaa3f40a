//! Keys, tolerance and the two ways of verifying: in one call, or piece by piece.

use crate::header::Header;
use crate::sha256::Chain;
use crate::verdict::Verdict;
use crate::{Error, Key, KeyError, Stream, Tolerance, UnixTime, Verified};

/// Verifies deliveries against one or several keys.
///
/// `KEYS` is the number of keys that there is room for: several are active while a secret is being
/// rotated. A verification computes one MAC per key, so its time grows with the number of keys
/// given, not with the room and not with the number of signatures in the header.
///
/// ```
/// use nextapi_webhook::{Key, Tolerance, UnixTime, Verifier};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let verifier = Verifier::<2>::new(
///     [Key::new(b"whsec_new")?, Key::new(b"whsec_old")?],
///     Tolerance::DEFAULT,
/// )?;
/// let now = UnixTime::from_secs(1_700_000_000);
/// let header = Key::new(b"whsec_old")?.sign(now, b"{}").to_string();
///
/// let verified = verifier.verify(&header, b"{}", now)?;
/// assert_eq!(verified.key_index(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Verifier<const KEYS: usize = 4> {
    keys: [Key; KEYS],
    /// How many of them there are.
    count: usize,
    tolerance: Tolerance,
}

impl<const KEYS: usize> Verifier<KEYS> {
    /// Takes the keys, newest first: where two match, the first is reported.
    ///
    /// # Errors
    /// [`KeyError::None`] without a key, [`KeyError::TooMany`] with more than `KEYS`.
    pub fn new(
        keys: impl IntoIterator<Item = Key>,
        tolerance: Tolerance,
    ) -> Result<Self, KeyError> {
        let mut verifier = Self::without_keys(tolerance);
        for key in keys {
            *verifier.place()? = key;
        }
        if verifier.count == 0 {
            return Err(KeyError::None);
        }
        Ok(verifier)
    }

    /// A verifier that refuses everything until it is given keys: for one that is kept in a `static`,
    /// and for whoever wants no copies of keys on the stack.
    #[must_use]
    pub const fn without_keys(tolerance: Tolerance) -> Self {
        Self { keys: [const { Key::NONE }; KEYS], count: 0, tolerance }
    }

    /// Makes a key of the secret's raw bytes, see [`Key::new`], behind those that are there already.
    /// The key is built where it stays, and leaves no copies on its way.
    ///
    /// # Errors
    /// [`KeyError::Empty`] if the secret is, [`KeyError::TooMany`] if there is no room.
    pub fn add_key(&mut self, secret: &[u8]) -> Result<(), KeyError> {
        let before = self.count;
        self.place()?.set(secret).inspect_err(|_| self.count = before)
    }

    /// The place for the next key, which counts from now on.
    fn place(&mut self) -> Result<&mut Key, KeyError> {
        let place = self.keys.get_mut(self.count).ok_or(KeyError::TooMany { limit: KEYS })?;
        self.count = self.count.saturating_add(1);
        Ok(place)
    }

    /// Verifies a delivery: `header` is the value of the signature header, `body` the raw bytes as
    /// they were received, `now` the time of the receiver's clock.
    ///
    /// # Errors
    /// Any variant of [`Error`]. Those about time are given only if the signature holds.
    pub fn verify<'b>(
        &self,
        header: impl AsRef<[u8]>,
        body: &'b [u8],
        now: UnixTime,
    ) -> Result<Verified<&'b [u8]>, Error> {
        // The verdict of `begin`, `update` and `finish`, but one key after the other, with nothing kept
        // for a next piece: a microcontroller has little stack.
        let mut parsed = Header::new();
        let digits = parsed.read(header.as_ref())?;
        let mut verdict = Verdict::NONE;
        let mut chain = Chain::NONE;
        for (key, index) in self.keys().iter().zip(0..) {
            key.mac(&[digits, b".", body], &mut chain);
            verdict.compare(index, chain.words(), parsed.signatures());
        }
        let verified = verdict.release(parsed.timestamp(), now, self.tolerance)?;
        Ok(verified.with_body(body))
    }

    /// Begins to verify a delivery whose body arrives in pieces. The verdict is the same as that of
    /// [`verify`](Self::verify), however the body is cut; the time is asked for at the end. Where stack
    /// is short, [`Stream::begin`] does the same in place.
    ///
    /// # Errors
    /// The variants of [`Error`] that concern the header alone: what is said about it is said
    /// before the body has to be read.
    pub fn begin(&self, header: impl AsRef<[u8]>) -> Result<Stream<'_, KEYS>, Error> {
        let mut stream = Stream::new(self);
        stream.begin(header)?;
        Ok(stream)
    }

    /// The tolerance that this verifier was built with.
    #[must_use]
    pub const fn tolerance(&self) -> Tolerance {
        self.tolerance
    }

    pub(crate) fn keys(&self) -> &[Key] {
        self.keys.get(..self.count).unwrap_or_default()
    }
}

impl<const KEYS: usize> core::fmt::Debug for Verifier<KEYS> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Verifier")
            .field("keys", &self.count)
            .field("tolerance", &self.tolerance)
            .finish()
    }
}

#[cfg(feature = "zeroize")]
impl<const KEYS: usize> zeroize::ZeroizeOnDrop for Verifier<KEYS> {}
