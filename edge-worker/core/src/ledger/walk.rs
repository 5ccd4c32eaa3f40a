//! The walk that forgets what is old: through all rows by their keys, a piece at a time.
//!
//! An index by age would cost a row written with every change of an event. Reading is a thousand times cheaper, so
//! each row is looked at several times in its life instead. A walk begins when the oldest row that the last one has
//! seen is due, but not before an eighth of the retention has passed. So a row outlives the time at which it is due
//! by that, and by the time that a walk takes.
//!
//! An event that was claimed without being owed, and whose claimant was never heard of again, is opened on the way:
//! for a claim that makes no difference, and an admin finds it.

use serde::Serialize;

use crate::json::from_json;

use super::expired::Expired;
use super::policy::Policy;
use super::store::Store;

/// Rows that one piece has at most, so that it never holds up deliveries for long.
pub(crate) const BATCH: u32 = 500;

/// Pause after a piece that others follow, in milliseconds.
pub(crate) const PAUSE_AFTER_PIECE_MS: u64 = 1_000;

/// How long after its lease an attempt counts as lost for good, in milliseconds. Its maker lives for less than a
/// minute.
const LOST_AFTER_MS: u64 = 60 * 60 * 1_000;

/// The place of a row among all: its job, or the empty text, and its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Place {
    /// The job's id; empty if it has none.
    pub(crate) job_id: String,
    /// The event's key.
    pub(crate) key: String,
}

from_json!(Place { job_id = required, key = required });

/// Where the walk stands, or when the next one begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Walk {
    /// When it goes on, in milliseconds since 1970; between two walks, when the last one ended. When the next one
    /// begins is not noted, since the retention may be another one by then. Rows have the name that it had before.
    #[serde(rename = "due_ms")]
    pub(crate) from_ms: u64,
    /// No row that is not owed has had its last transition before this, by the last whole walk.
    pub(crate) oldest_ms: u64,
    /// The walk that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) under_way: Option<UnderWay>,
}

from_json!(Walk { from_ms as "due_ms" = required, oldest_ms = required, under_way = or_default });

/// A walk that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct UnderWay {
    /// The row that was looked at last.
    after: Place,
    /// When the oldest row seen so far had its last transition, or when the walk began.
    oldest_ms: u64,
}

from_json!(UnderWay { after = required, oldest_ms = required });

/// A piece of the walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// It begins behind this place.
    pub(crate) after: Place,
    /// How many rows it has at most.
    pub(crate) rows: u32,
    /// Rows whose last transition was at this time or before are deleted, unless they are owed.
    pub(crate) due_ms: u64,
    /// Claims whose lease ended at this time or before are opened, unless they are owed.
    pub(crate) lost_ms: u64,
}

/// What was found in a piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walked {
    /// How many rows were deleted.
    pub(crate) deleted: u32,
    /// Those of them of which nobody knows that the origin has them.
    pub(crate) expired: Vec<Expired>,
    /// When the oldest one that is left and not owed had its last transition.
    pub(crate) oldest_ms: Option<u64>,
    /// The last row of the piece, if it has as many as it may.
    pub(crate) end: Option<Place>,
}

impl Walk {
    /// The pause between two walks, in milliseconds.
    pub(crate) fn pause_ms(policy: &Policy) -> u64 {
        (policy.retention_ms / 8).max(super::alarm::LEAST_PAUSE_MS)
    }

    /// When it goes on, or the next one begins, in milliseconds since 1970.
    pub(crate) fn due_ms(&self, policy: &Policy) -> u64 {
        if self.under_way.is_some() {
            return self.from_ms;
        }
        let soonest_ms = self.from_ms.saturating_add(Self::pause_ms(policy));
        self.oldest_ms.saturating_add(policy.retention_ms).max(soonest_ms)
    }

    /// Goes on by a piece if that is due, or begins; how many rows it has deleted, and those of them of which nobody
    /// knows that the origin has them.
    ///
    /// # Errors
    /// The store's message.
    pub(crate) fn go_on(
        store: &mut impl Store,
        policy: &Policy,
        now_ms: u64,
    ) -> Result<(u32, Vec<Expired>), String> {
        let walk = store.walk()?;
        if walk.as_ref().is_some_and(|walk| walk.due_ms(policy) > now_ms) {
            return Ok((0, Vec::new()));
        }
        let known_ms = walk.as_ref().map(|walk| walk.oldest_ms);
        let (after, oldest_ms) = walk
            .and_then(|walk| walk.under_way)
            .map_or_else(|| (Place::default(), now_ms), |it| (it.after, it.oldest_ms));
        let walked = store.walk_on(&Piece {
            after,
            rows: BATCH,
            due_ms: now_ms.saturating_sub(policy.retention_ms),
            lost_ms: now_ms.saturating_sub(LOST_AFTER_MS),
        })?;
        // A row that comes behind the walk is younger than that.
        let oldest_ms = walked.oldest_ms.map_or(oldest_ms, |found_ms| found_ms.min(oldest_ms));
        let next = match walked.end {
            Some(after) => Some(Self {
                from_ms: now_ms.saturating_add(PAUSE_AFTER_PIECE_MS),
                oldest_ms: known_ms.unwrap_or(oldest_ms),
                under_way: Some(UnderWay { after, oldest_ms }),
            }),
            None if store.is_empty()? => None,
            None => Some(Self { from_ms: now_ms, oldest_ms, under_way: None }),
        };
        store.set_walk(next.as_ref())?;
        Ok((walked.deleted, walked.expired))
    }

    /// When the walk has to go on, or to begin; none if there is no row.
    ///
    /// # Errors
    /// The store's message.
    pub(crate) fn next_ms(
        store: &impl Store,
        policy: &Policy,
        now_ms: u64,
    ) -> Result<Option<u64>, String> {
        Ok(match store.walk()? {
            Some(walk) => Some(walk.due_ms(policy)),
            None if store.is_empty()? => None,
            // The first rows have come since the last walk has found none.
            None => Some(now_ms.saturating_add(policy.retention_ms)),
        })
    }
}
