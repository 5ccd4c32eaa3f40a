//! Keys, tolerance and the two ways of verifying: in one call, or piece by piece.

use heapless::Vec;

use crate::header::{Header, Signatures};
use crate::message::Message;
use crate::signature::MAC_BYTES;
use crate::time::Distance;
use crate::verdict::Verdict;
use crate::{Error, Key, KeyError, Tolerance, UnixTime};

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
#[derive(Clone, Debug)]
pub struct Verifier<const KEYS: usize = 4> {
    keys: Vec<Key, KEYS>,
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
        let mut room = Vec::new();
        for key in keys {
            room.push(key).map_err(|_| KeyError::TooMany { limit: KEYS })?;
        }
        if room.is_empty() {
            return Err(KeyError::None);
        }
        Ok(Self { keys: room, tolerance })
    }

    /// Verifies a delivery: `header` is the value of the signature header, `body` the raw bytes as
    /// they were received, `now` the time of the receiver's clock.
    ///
    /// # Errors
    /// Any variant of [`Error`]. Those about time are given only if the signature holds.
    pub fn verify(
        &self,
        header: impl AsRef<[u8]>,
        body: &[u8],
        now: UnixTime,
    ) -> Result<Verified, Error> {
        // The verdict of `begin`, `update` and `finish`, but one key after the other, with nothing
        // kept for a next piece and nothing moved: a microcontroller has little stack.
        let mut signatures = Signatures::new();
        let header = Header::parse(header.as_ref(), &mut signatures)?;
        let mut verdict = Verdict::new();
        for (index, key) in self.keys.iter().enumerate().rev() {
            let mut mac = [0; MAC_BYTES];
            key.mac([header.timestamp_digits(), b".", body], &mut mac);
            verdict.compare(index, &mac, &signatures);
        }
        Verified::release(verdict, header.timestamp(), now, &self.tolerance)
    }

    /// Begins to verify a delivery whose body arrives in pieces. The verdict is the same as that of
    /// [`verify`](Self::verify), however the body is cut.
    ///
    /// # Errors
    /// The variants of [`Error`] that concern the header alone: what is said about it is said
    /// before the body has to be read.
    pub fn begin(&self, header: impl AsRef<[u8]>, now: UnixTime) -> Result<Stream<KEYS>, Error> {
        // Built in its place, part after part: a stream is large, and so are its parts.
        let mut stream = Stream {
            message: Message::default(),
            timestamp: now,
            signatures: Signatures::new(),
            now,
            tolerance: self.tolerance,
        };
        let header = Header::parse(header.as_ref(), &mut stream.signatures)?;
        stream.timestamp = header.timestamp();
        stream.message.begin(&self.keys);
        stream.message.update(header.timestamp_digits());
        stream.message.update(b".");
        Ok(stream)
    }

    /// The tolerance that this verifier was built with.
    #[must_use]
    pub const fn tolerance(&self) -> Tolerance {
        self.tolerance
    }
}

#[cfg(feature = "zeroize")]
impl<const KEYS: usize> zeroize::ZeroizeOnDrop for Verifier<KEYS> {}

/// A verification under way: [`Verifier::begin`], [`update`](Self::update) for each piece of the
/// body, [`finish`](Self::finish).
///
/// Whatever is done with the body before `finish` has answered is done with bytes that anybody may
/// have sent.
#[must_use = "nothing is verified before `finish` has answered"]
pub struct Stream<const KEYS: usize> {
    message: Message<KEYS>,
    timestamp: UnixTime,
    signatures: Signatures,
    now: UnixTime,
    tolerance: Tolerance,
}

impl<const KEYS: usize> Stream<KEYS> {
    /// Takes in the next piece of the body, of any length.
    pub fn update(&mut self, piece: &[u8]) {
        self.message.update(piece);
    }

    /// Gives the verdict over everything taken in.
    ///
    /// # Errors
    /// [`Error::SignatureMismatch`], [`Error::TimestampExpired`] or [`Error::TimestampAhead`].
    pub fn finish(mut self) -> Result<Verified, Error> {
        let Self { message, signatures, .. } = &mut self;
        let mut verdict = Verdict::new();
        message.finish(|index, mac| verdict.compare(index, mac, signatures));
        Verified::release(verdict, self.timestamp, self.now, &self.tolerance)
    }
}

impl<const KEYS: usize> core::fmt::Debug for Stream<KEYS> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Stream").field("timestamp", &self.timestamp).finish_non_exhaustive()
    }
}

/// A delivery that is authentic and fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "a verdict that nobody reads protects nobody"]
pub struct Verified {
    key_index: usize,
    timestamp: UnixTime,
    distance: Distance,
}

impl Verified {
    /// Makes the verdict public.
    fn release(
        verdict: Verdict,
        timestamp: UnixTime,
        now: UnixTime,
        tolerance: &Tolerance,
    ) -> Result<Self, Error> {
        let distance = Distance::between(timestamp, now);
        let key_index = verdict.release(distance, *tolerance)?;
        Ok(Self { key_index, timestamp, distance })
    }

    /// Which of the verifier's keys matched, counted from 0 in the order in which they were given.
    /// Once only 0 occurs, the older keys can be removed.
    #[must_use]
    pub const fn key_index(&self) -> usize {
        self.key_index
    }

    /// When the delivery was signed.
    #[must_use]
    pub const fn timestamp(&self) -> UnixTime {
        self.timestamp
    }

    /// How old the signature is, in seconds; negative if its timestamp is ahead of the clock.
    #[must_use]
    pub fn age_secs(&self) -> i64 {
        let limited = |secs: u64| i64::try_from(secs).unwrap_or(i64::MAX);
        if self.distance.ahead > 0 {
            limited(self.distance.ahead).saturating_neg()
        } else {
            limited(self.distance.age)
        }
    }
}
