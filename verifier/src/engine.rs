//! Engines that compute while the caller waits.

use core::convert::Infallible;
use core::fmt;

use zeroize::Zeroize as _;

use crate::sha256::Chain;
use crate::{Error, Key, Mac, Pending, Tolerance, UnixTime, Verified};

/// Something that computes HMAC-SHA256 under keys of its own, while the caller waits: a peripheral that
/// is polled, a secure element, another library.
///
/// [`verify_with`] verifies with one. An engine that is awaited, or that interrupts, takes
/// [`Pending`] instead.
pub trait Engine {
    /// Why the engine could not compute.
    type Error;

    /// How many keys it has.
    fn key_count(&self) -> u32;

    /// Puts the HMAC-SHA256 (RFC 2104) of the parts of a message, one after the other, into `mac`,
    /// computed under the key of that index, which is less than [`key_count`](Self::key_count).
    ///
    /// # Errors
    /// If it cannot. Nothing is then said about the delivery.
    fn mac(
        &mut self,
        key_index: u32,
        message: [&[u8]; 3],
        mac: &mut [u8; 32],
    ) -> Result<(), Self::Error>;
}

/// The crate's own keys, newest first.
impl Engine for &[Key] {
    type Error = Infallible;

    fn key_count(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    fn mac(
        &mut self,
        key_index: u32,
        message: [&[u8]; 3],
        mac: &mut [u8; 32],
    ) -> Result<(), Self::Error> {
        if let Some(key) = usize::try_from(key_index).ok().and_then(|index| self.get(index)) {
            let mut chain = Chain::NONE;
            key.mac(&message, &mut chain);
            chain.write(mac);
        }
        Ok(())
    }
}

/// Why [`verify_with`] gave no [`Verified`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EngineError<E> {
    /// The delivery is refused.
    Refused(Error),
    /// The engine failed, so there is no verdict. Answer so that the provider tries again.
    Engine(E),
}

impl<E> From<Error> for EngineError<E> {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl<E: fmt::Display> fmt::Display for EngineError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Engine(error) => write!(f, "the engine failed: {error}"),
        }
    }
}

impl<E: core::error::Error> core::error::Error for EngineError<E> {}

/// Verifies a delivery with an engine: what [`Verifier::verify`](crate::Verifier::verify) does with
/// keys of this crate.
///
/// # Errors
/// [`EngineError::Refused`] with any variant of [`Error`], or [`EngineError::Engine`] if the engine
/// failed with any of its keys.
pub fn verify_with<'b, E: Engine + ?Sized>(
    engine: &mut E,
    tolerance: Tolerance,
    header: impl AsRef<[u8]>,
    body: &'b [u8],
    now: UnixTime,
) -> Result<Verified<&'b [u8]>, EngineError<E::Error>> {
    let mut pending = Pending::parse(header)?;
    for index in 0..engine.key_count() {
        let mut bytes = [0; 32];
        let computed = engine.mac(index, pending.message(body), &mut bytes);
        let mac = Mac::new(&bytes);
        bytes.zeroize();
        computed.map_err(EngineError::Engine)?;
        pending.offer(index, &mac);
    }
    Ok(pending.finish(now, tolerance)?.with_body(body))
}
