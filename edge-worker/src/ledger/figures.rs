//! What there is to say about a shard as a whole.

use crate::tally::Tally;

/// Rows of one state are counted up to this number: counting a million would hold up deliveries.
pub(crate) const COUNT_LIMIT: u32 = 10_000;

/// The figures of one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Rows by the name of their state, each up to [`COUNT_LIMIT`]. What has no row is left out.
    pub(crate) rows: Tally,
    /// When the oldest row had its last transition, in milliseconds since 1970.
    pub(crate) oldest_ms: Option<u64>,
    /// The size of the database, in bytes.
    pub(crate) bytes: u64,
    /// The numbers of shards that the ledger was used with, each with the time since when, in
    /// milliseconds since 1970; the latest last.
    pub(crate) shard_counts: Vec<(u64, u32)>,
    /// Outcomes that were reported to this shard.
    pub(crate) tally: Tally,
}
