//! The verdict for MACs that are computed elsewhere.

use crate::decimal::Decimal;
use crate::header::Header;
use crate::verdict::Verdict;
use crate::{Error, Mac, Tolerance, UnixTime, Verified};

/// A delivery whose header has been read, and whose MACs come from elsewhere: a peripheral by DMA or
/// interrupt, a secure element, the platform's cryptography.
///
/// The header's grammar, the comparison in constant time, freshness and the release of the verdict stay
/// here; one HMAC-SHA256 for each key comes from an engine. It borrows nothing, so it lives across an
/// `await`, a transfer or an interrupt. The signatures that the header holds are never handed out.
///
/// ```
/// # use nextapi_webhook::{Error, Key, Mac, Pending, Tolerance, UnixTime};
/// # struct Engine;
/// # impl Engine {
/// #     fn hmac_sha256(&self, key: &[u8], message: [&[u8]; 3]) -> [u8; 32] {
/// #         let [digits, _, body] = message;
/// #         let secs = core::str::from_utf8(digits).unwrap().parse().unwrap();
/// #         *Key::new(key).unwrap().sign(UnixTime::from_secs(secs), body).mac()
/// #     }
/// # }
/// # let engine = Engine;
/// # let header = Key::new(b"whsec_old").unwrap().sign(UnixTime::from_secs(1_700_000_000), b"{}").to_string();
/// # let body = b"{}";
/// let mut pending = Pending::parse(&header)?;
/// for (index, secret) in (0..).zip([b"whsec_new", b"whsec_old"]) {
///     let mac = engine.hmac_sha256(secret, pending.message(body));
///     pending.offer(index, &Mac::new(&mac));
/// }
/// let now = UnixTime::from_secs(1_700_000_000);
/// let verified = pending.finish(now, Tolerance::DEFAULT)?.with_body(body);
/// assert_eq!(verified.key_index(), 1);
/// # Ok::<(), Error>(())
/// ```
#[must_use = "nothing is verified before `finish` has answered"]
pub struct Pending {
    digits: Decimal,
    header: Header,
    verdict: Verdict,
}

impl Pending {
    /// Reads the value of the signature header.
    ///
    /// # Errors
    /// The variants of [`Error`] that concern the header alone: what is said about it is said before
    /// the body has to be read.
    pub fn parse(header: impl AsRef<[u8]>) -> Result<Self, Error> {
        let mut pending =
            Self { digits: Decimal::NONE, header: Header::new(), verdict: Verdict::NONE };
        pending.digits.copy(pending.header.read(header.as_ref())?);
        Ok(pending)
    }

    /// What each key's HMAC-SHA256 is taken of: these parts, one after the other, with nothing between
    /// them. The last is the body.
    #[must_use]
    pub fn message<'a>(&'a self, body: &'a [u8]) -> [&'a [u8]; 3] {
        [self.digits.as_bytes(), b".", body]
    }

    /// Takes the MAC that was computed with a key, of those that the caller counts from 0, newest
    /// first. They may come in any order: of several that match, the one with the least index is
    /// reported.
    ///
    /// A MAC of nothing but zeros or nothing but ones matches no signature: it is what an engine gives
    /// that has no clock or no power, and a signature that anybody can write.
    pub fn offer(&mut self, key_index: u32, mac: &Mac) {
        self.verdict.compare_foreign(key_index, mac.words(), self.header.signatures());
    }

    /// Gives the verdict over every MAC that was offered. The time is that of the receiver's clock now,
    /// when the whole body is there: a delivery that took its time is judged by its age at the end.
    ///
    /// # Errors
    /// [`Error::SignatureMismatch`], also where no MAC was offered, [`Error::TimestampExpired`] or
    /// [`Error::TimestampAhead`].
    pub fn finish(self, now: UnixTime, tolerance: Tolerance) -> Result<Verified, Error> {
        self.verdict.release(self.header.timestamp(), now, tolerance)
    }
}

impl core::fmt::Debug for Pending {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pending")
            .field("timestamp", &self.header.timestamp())
            .finish_non_exhaustive()
    }
}
