//! The name under which duplicates of an event are recognised.

use core::fmt;

use crate::Event;
use crate::sha256;
use crate::signature::{concatenate, hex};

/// The name under which duplicates of an event are recognised: equal for all deliveries of one
/// event, different for different events.
///
/// It comes from signed bytes only. Headers are not signed, so whoever captured one delivery could
/// make new events of it by changing a header that is part of the key.
///
/// | body | key | prints as |
/// | --- | --- | --- |
/// | has an `id`, and a `type` or a `status` or both | SHA-256 of id, line feed, type, line feed, status | `event-` and 64 hexadecimal digits |
/// | anything else | SHA-256 of the body | `body-` and 64 hexadecimal digits |
///
/// The three are members of the body itself, in UTF-8 with their escapes resolved; the status of the
/// job inside an envelope is not one of them. One that is missing, null or empty gives no bytes, but
/// both line feeds are always there. None of the three can hold a line feed, so different events never
/// give the same bytes. The key has the full 256 bits of the hash, and can be computed with ordinary
/// tools:
///
/// ```text
/// printf 'evt_1\njob.succeeded\n' | sha256sum      # {"id":"evt_1","type":"job.succeeded",…}
/// printf 'vid_1\n\nsucceeded' | sha256sum          # {"id":"vid_1","status":"succeeded",…}
/// printf 'vid_1\nvideo\nsucceeded' | sha256sum     # {"id":"vid_1","type":"video","status":"succeeded",…}
/// ```
///
/// All three are needed: where `id` names a video, `running` and `succeeded` share it, and perhaps
/// a `type` as well, and the second would be dropped as a duplicate of the first. For the same
/// reason a body with an `id` alone is known by its bytes.
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
    /// Bytes of the longest text of a key.
    pub const MAX_TEXT_BYTES: usize = "event-".len() + 64;

    /// The key of any body: that of the event it says it is, else that of its bytes.
    ///
    /// Nothing has verified the body here, and anybody may have written it. Of what has been verified,
    /// [`Verified::event_key`](crate::Verified::event_key) is the key.
    #[must_use]
    pub fn of_unverified(body: &[u8]) -> Self {
        let event = Event::read_unverified(body).ok();
        event.and_then(|event| event.key()).unwrap_or_else(|| Self::of_bytes(body))
    }

    /// The key of a body that does not say which event it is. Two deliveries of it are duplicates if
    /// they are equal byte for byte.
    pub(crate) fn of_bytes(body: &[u8]) -> Self {
        Self { source: Source::Body, digest: sha256::hash(&[body]) }
    }

    /// The texts have no line feed: they come from an [`Event`], which refuses control characters.
    pub(crate) fn of_event(id: &str, event_type: Option<&str>, status: Option<&str>) -> Self {
        let event_type = event_type.unwrap_or_default();
        let status = status.unwrap_or_default();
        let message = [id, "\n", event_type, "\n", status].map(str::as_bytes);
        Self { source: Source::Event, digest: sha256::hash(&message) }
    }

    /// The hash alone, without what it was taken of.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The key for a store, in 33 bytes: 1 for an event or 2 for a body, and the hash. They stay the
    /// same for ever.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 33] {
        let mut bytes = [0; 33];
        let [source, digest @ ..] = &mut bytes;
        *source = match self.source {
            Source::Event => 1,
            Source::Body => 2,
        };
        *digest = self.digest;
        bytes
    }

    /// The key that [`to_bytes`](Self::to_bytes) gave, or `None` if it can have given no such bytes.
    #[must_use]
    pub const fn from_bytes(bytes: &[u8; 33]) -> Option<Self> {
        let [source, digest @ ..] = bytes;
        let source = match source {
            1 => Source::Event,
            2 => Source::Body,
            _ => return None,
        };
        Some(Self { source, digest: *digest })
    }

    /// The key as text, written without the formatting machinery, for firmware and for whoever must
    /// not panic. It is the same text as the one that is printed.
    pub fn encode<'a>(&self, buffer: &'a mut [u8; Self::MAX_TEXT_BYTES]) -> &'a str {
        let source: &[u8] = match self.source {
            Source::Event => b"event-",
            Source::Body => b"body-",
        };
        concatenate([source, &hex(&self.digest)], buffer)
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut [0; Self::MAX_TEXT_BYTES]))
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

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString as _;

    use super::*;

    #[test]
    fn bytes_for_a_store_stay_the_same_and_give_the_key_again() {
        for (key, source) in
            [(EventKey::of_event("evt_1", None, Some("running")), 1), (EventKey::of_bytes(b""), 2)]
        {
            let bytes = key.to_bytes();
            assert_eq!((bytes[0], &bytes[1..]), (source, key.digest().as_slice()));
            assert_eq!(EventKey::from_bytes(&bytes), Some(key));
        }
        for source in [0, 3, 255] {
            assert_eq!(EventKey::from_bytes(&[source; 33]), None);
        }
    }

    #[test]
    fn the_longest_text_fits() {
        let text = EventKey::of_event("evt_1", None, Some("running")).to_string();
        assert_eq!(text.len(), EventKey::MAX_TEXT_BYTES);
        assert!(text.starts_with("event-"), "{text}");
        let text = EventKey::of_bytes(b"").to_string();
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(text.strip_prefix("body-"), Some(digest));
    }
}
