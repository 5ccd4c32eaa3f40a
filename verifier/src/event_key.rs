//! The name under which duplicates of an event are recognised.

use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::Event;
use crate::signature::write_hex;

/// The name under which duplicates of an event are recognised: equal for all deliveries of one
/// event, different for different events.
///
/// It comes from signed bytes only. Headers are not signed, so whoever captured one delivery could
/// make new events of it by changing a header that is part of the key.
///
/// | body | key | prints as |
/// | --- | --- | --- |
/// | has an `id`, and a `type` or else a [`status`](Event::status), none empty | SHA-256 of id, line feed, type or status | `event-` and 64 hexadecimal digits |
/// | anything else | SHA-256 of the body | `body-` and 64 hexadecimal digits |
///
/// An `id` alone is not enough: in the flat shape `running` and `succeeded` have the same one, and
/// the second would be dropped as a duplicate of the first. Neither part of an event's key can hold
/// a line feed, so different pairs never give the same bytes. The key has the full 256 bits of the
/// hash, and can be found with ordinary tools:
///
/// ```text
/// printf 'evt_1\njob.succeeded' | sha256sum
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    source: Source,
    digest: [u8; 32],
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Source {
    Event,
    Body,
}

impl EventKey {
    /// The key of a verified body: that of the event it says it is, else that of its bytes.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Event::read(body).ok().and_then(|event| event.key()).unwrap_or_else(|| Self::of_body(body))
    }

    /// The key of a body that does not say which event it is. Two deliveries of it are duplicates if
    /// they are equal byte for byte.
    #[must_use]
    pub fn of_body(body: &[u8]) -> Self {
        Self { source: Source::Body, digest: Sha256::digest(body).into() }
    }

    pub(crate) fn of_event(id: &str, kind: &str) -> Self {
        let digest =
            Sha256::new().chain_update(id).chain_update(b"\n").chain_update(kind).finalize();
        Self { source: Source::Event, digest: digest.into() }
    }

    /// The hash alone, without what it was taken of.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            Source::Event => "event-",
            Source::Body => "body-",
        })?;
        write_hex(&self.digest, f)
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventKey({self})")
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for EventKey {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}", defmt::Display2Format(self));
    }
}

/// As text, the way it prints.
#[cfg(feature = "serde")]
impl serde::Serialize for EventKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
