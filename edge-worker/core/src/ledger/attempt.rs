//! An attempt that an object makes of an event that it owes.

use serde::Serialize;

use crate::json::{self, from_json};

use super::entry::Token;
use super::event_meta::EventMeta;
use super::order::Order;
use super::outbox::Taken;

/// An attempt of an owed event, claimed. Its body is read with [`SELECT_BODY`](super::SELECT_BODY).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Attempt {
    /// The event's key.
    pub(crate) key: String,
    /// Number of the attempt, counted from 1.
    pub(crate) token: Token,
    /// Whether a newer event of the job was delivered before.
    pub(crate) order: Order,
    /// What the signed body says about the event.
    pub(crate) meta: EventMeta,
    /// Headers and names that go along.
    pub(crate) head: String,
    /// The replay that it is part of.
    pub(crate) replay: Option<String>,
}

from_json!(Attempt {
    key = required,
    token = required,
    order = required,
    meta = required,
    head = required,
    replay = or_default,
});

impl Attempt {
    pub(super) fn of(taken: Taken) -> Self {
        let Taken { key, entry, order } = taken;
        let (head, replay) = entry.owed.map(|owed| (owed.head, owed.replay)).unwrap_or_default();
        Self { key, token: entry.attempts, order, meta: entry.meta, head, replay }
    }

    /// Reads an attempt: JSON, `Attempt` in `border.ts`. None if it is no such object.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        json::read(json)
    }

    /// The event's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}
