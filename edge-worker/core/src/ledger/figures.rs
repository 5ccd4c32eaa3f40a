//! Figures of one shard.

use serde::Serialize;

use super::breaker::Breaker;
use super::job::JobFigures;
use crate::counts::Counts;
use crate::json::from_json;

/// Events of one state are counted up to this number: counting a million would hold up deliveries.
pub(crate) const COUNT_LIMIT: u32 = 10_000;

/// How long after its last transition an unsettled event counts as abandoned, in milliseconds. The
/// longest time between two of the provider's retries is 24 h by one of its pages and 12 h by the other;
/// an hour is left for retries that come late.
pub(crate) const ABANDONED_AFTER_MS: u64 = 25 * 60 * 60 * 1_000;

/// The figures of one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Figures {
    /// Events by state, each up to [`COUNT_LIMIT`]; states without an event are left out.
    pub(crate) events: Counts,
    /// Last transition of the event that changed longest ago, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oldest_ms: Option<u64>,
    /// Events that the origin may not have and that no retry is expected for any more, up to
    /// [`COUNT_LIMIT`] in each state.
    pub(crate) abandoned: u64,
    /// When the event that waits longest was accepted or replayed, in milliseconds since 1970; of more than
    /// [`COUNT_LIMIT`] that wait, those that changed longest ago are looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oldest_waiting_ms: Option<u64>,
    /// Whether an admin has paused deliveries.
    pub(crate) is_paused: bool,
    /// How many bulk replays are paused.
    pub(crate) paused_replays: u64,
    /// The circuit breaker.
    pub(crate) breaker: Breaker,
    /// Size of the database, in bytes.
    pub(crate) bytes: u64,
    /// Numbers of shards that the ledger was used with, each with the time since when, in
    /// milliseconds since 1970; the latest last.
    pub(crate) shard_counts: Vec<(u64, u32)>,
    /// Outcomes reported to this shard.
    pub(crate) outcomes: Counts,
    /// Jobs; none if they are not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jobs: Option<JobFigures>,
}

from_json!(Figures {
    events = required,
    oldest_ms = or_default,
    abandoned = or_default,
    oldest_waiting_ms = or_default,
    is_paused = or_default,
    paused_replays = or_default,
    breaker = or_default,
    bytes = required,
    shard_counts = or_default,
    outcomes = or_default,
    jobs = or_default,
});
