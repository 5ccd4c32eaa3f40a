//! An attempt that an object makes of an event that it owes.

use serde::{Deserialize, Serialize};

use super::entry::Token;
use super::event_meta::EventMeta;
use super::order::Order;
use super::outbox::Taken;

/// An attempt of an owed event, claimed. Its body is read with [`SELECT_BODY`](super::SELECT_BODY).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Attempt {
    pub(super) fn of(taken: Taken) -> Self {
        let Taken { key, entry, order } = taken;
        let (head, replay) = entry.owed.map(|owed| (owed.head, owed.replay)).unwrap_or_default();
        Self { key, token: entry.attempts, order, meta: entry.meta, head, replay }
    }

    /// The event's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}
