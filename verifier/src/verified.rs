//! A delivery that is authentic and fresh.

use core::fmt;

use crate::time::Distance;
use crate::{Event, EventError, EventKey, UnixTime};

/// A delivery that is authentic and fresh.
///
/// It carries the body that it was given for, where the verifier had it as a whole, and reads the event
/// from that one. After a body in pieces it is `Verified<()>`, until
/// [`with_body`](Self::with_body) puts the pieces with it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use = "a verdict that nobody reads protects nobody"]
pub struct Verified<B = ()> {
    body: B,
    key_index: usize,
    timestamp: UnixTime,
    distance: Distance,
}

impl Verified {
    pub(crate) const fn new(key_index: usize, timestamp: UnixTime, distance: Distance) -> Self {
        Self { body: (), key_index, timestamp, distance }
    }

    /// The same, with the body that arrived in pieces: exactly the bytes that the verdict was given
    /// over. That they are is the caller's word: the verifier has not kept them.
    pub fn with_body(self, body: &[u8]) -> Verified<&[u8]> {
        let Self { body: (), key_index, timestamp, distance } = self;
        Verified { body, key_index, timestamp, distance }
    }
}

impl<'b> Verified<&'b [u8]> {
    /// The raw bytes that were signed.
    #[must_use]
    pub const fn body(&self) -> &'b [u8] {
        self.body
    }

    /// Reads the event from the body.
    ///
    /// # Errors
    /// See [`EventError`]. A body that cannot be read is as authentic as before: deal with it by its
    /// [`event_key`](Self::event_key).
    pub fn event(&self) -> Result<Event, EventError> {
        Event::read_unverified(self.body)
    }

    /// The key under which duplicates of the event are recognised: that of the event that the body says
    /// it is, else that of its bytes. Every body has one.
    #[must_use]
    pub fn event_key(&self) -> EventKey {
        EventKey::of_unverified(self.body)
    }
}

impl<B> Verified<B> {
    /// The same, without the body: as after a body in pieces.
    pub fn without_body(self) -> Verified {
        let Self { body: _, key_index, timestamp, distance } = self;
        Verified { body: (), key_index, timestamp, distance }
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

/// Without the body, which does not belong in a log.
impl<B> fmt::Debug for Verified<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("key_index", &self.key_index)
            .field("timestamp", &self.timestamp)
            .field("age_secs", &self.age_secs())
            .finish_non_exhaustive()
    }
}

/// Without the body, which does not belong in a log.
#[cfg(feature = "defmt")]
impl<B> defmt::Format for Verified<B> {
    fn format(&self, f: defmt::Formatter<'_>) {
        let Self { key_index, timestamp, .. } = self;
        defmt::write!(f, "Verified {{ key_index: {}, timestamp: {} }}", key_index, timestamp);
    }
}
