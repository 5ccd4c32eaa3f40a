//! The verdict over a delivery: signatures, keys and clock together.

use nextapi_webhook::Verified;

use crate::header::Header;
use crate::mac::hmac;
use crate::refusal::Refusal;

/// What is said about a delivery that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The place of the first key that matches.
    pub key_index: usize,
    /// When the delivery was signed, in seconds of Unix time.
    pub timestamp: u64,
    /// Seconds since then, negative if the timestamp is ahead.
    pub age: i64,
}

impl<B> From<Verified<B>> for Accepted {
    fn from(verified: Verified<B>) -> Self {
        Self {
            key_index: verified.key_index(),
            timestamp: verified.timestamp().as_secs(),
            age: verified.age_secs(),
        }
    }
}

/// Who receives: the secrets, newest first, the tolerance and the clock, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Receiver<'a> {
    /// The raw bytes of the secrets.
    pub secrets: &'a [&'a [u8]],
    /// Ages below this are accepted.
    pub past: u64,
    /// Timestamps less than this ahead are accepted.
    pub future: u64,
    /// The receiver's clock, in seconds of Unix time.
    pub now: u64,
}

impl Receiver<'_> {
    /// Judges a delivery.
    ///
    /// # Errors
    /// The one that the verifier gives as well.
    pub fn verify(&self, header: &[u8], body: &[u8]) -> Result<Accepted, Refusal> {
        let header = Header::read(header)?;
        let is_match = |secret: &&[u8]| {
            let mac = hmac(secret, &[header.digits.as_bytes(), b".", body]);
            header.signatures().any(|signature| signature == mac.as_bytes())
        };
        let key_index = self.secrets.iter().position(is_match).ok_or(Refusal::SignatureMismatch)?;

        let timestamp = header.timestamp;
        // Wide enough for every difference.
        let age = i128::from(self.now) - i128::from(timestamp);
        let distance = self.now.abs_diff(timestamp);
        if age >= 0 && age >= i128::from(self.past) {
            return Err(Refusal::TimestampExpired { age: distance, tolerance: self.past });
        }
        if age < 0 && -age >= i128::from(self.future) {
            return Err(Refusal::TimestampAhead { ahead: distance, tolerance: self.future });
        }
        // Differences beyond an `i64` are told as its limit.
        let limit = i128::from(i64::MAX);
        let age = i64::try_from(age.clamp(-limit, limit)).unwrap_or_default();
        Ok(Accepted { key_index, timestamp, age })
    }
}
