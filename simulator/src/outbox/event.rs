//! An event, and how far its delivery is.

use core::str;

use fastrand::Rng;
use nextapi_testkit::EventBody;
use serde::{Deserialize, Serialize};

use crate::chance;
use crate::event_record::EventRecord;
use crate::moment::Moment;

/// An event, and how far its delivery is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) job_id: String,
    #[serde(with = "text")]
    pub(super) body: EventBody,
    pub(super) emitted: Moment,
    /// What becomes of it is its own chance, whatever becomes of other events meanwhile.
    #[serde(with = "chance")]
    pub(super) random: Rng,
    /// First attempt and retries, that under way included.
    pub(super) attempts: u32,
    pub(super) delivered: bool,
    /// It is not delivered, on purpose.
    pub(super) dropped: bool,
    pub(super) next: Next,
    /// Whether what is next has begun.
    pub(super) under_way: bool,
    /// How many were asked for and have not ended.
    pub(super) redeliveries: u32,
}

impl Event {
    pub(super) fn record(&self) -> EventRecord {
        EventRecord {
            event_id: self.id.clone(),
            event_type: self.body.event_type.clone(),
            job_id: self.job_id.clone(),
            attempts: self.attempts,
            delivered: self.delivered,
            dropped: self.dropped,
        }
    }
}

/// What is to be done for an event, other than what is asked for by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Next {
    /// Its job's event before it comes first; or the one after it, if it is held back.
    Turn {
        held: bool,
    },
    /// The first attempt.
    First {
        at: Moment,
    },
    Retry {
        at: Moment,
    },
    /// It is delivered, or given up.
    Nothing,
}

/// The bodies of the simulator's events are JSON, and kept as text.
mod text {
    use serde::de::Deserializer;
    use serde::ser::{Error as _, Serializer};

    use super::{Deserialize as _, EventBody, Serialize as _, str};

    pub(super) fn serialize<S: Serializer>(body: &EventBody, to: S) -> Result<S::Ok, S::Error> {
        let text = str::from_utf8(&body.bytes).map_err(S::Error::custom)?;
        (&body.event_type, text).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<EventBody, D::Error> {
        let (event_type, text) = <(String, String)>::deserialize(from)?;
        Ok(EventBody::new(event_type, text))
    }
}
