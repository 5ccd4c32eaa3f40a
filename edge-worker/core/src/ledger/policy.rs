//! The settings that the ledger goes by.

use super::breaker::BreakerPolicy;
use super::job::JobPolicy;
use super::order::LateEvents;
use super::retry::RetryPolicy;
use super::statuses::Statuses;

/// The settings that the ledger goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// How long a claim holds, in milliseconds.
    pub(crate) lease_ms: u64,
    /// How long an event is remembered after its last transition, in milliseconds.
    pub(crate) retention_ms: u64,
    /// What becomes of late events.
    pub(crate) late_events: LateEvents,
    /// Whether an owed event waits for earlier ones of its job.
    pub(crate) is_ordered: bool,
    /// When owed events are tried again.
    pub(crate) retry: RetryPolicy,
    /// The origin's answers after which they are.
    pub(crate) retried: Statuses,
    /// When they are held.
    pub(crate) breaker: BreakerPolicy,
    /// How many attempts may be under way in one shard.
    pub(crate) concurrency: Option<u32>,
    /// How long a dead letter is kept, in milliseconds.
    pub(crate) dead_retention_ms: u64,
    /// How long the bytes of an owed event are kept once the origin has it, in milliseconds; 0 if not at all.
    pub(crate) keep_bodies_ms: u64,
    /// How many bytes of bodies one shard holds at most.
    pub(crate) most_bytes: u64,
    /// How jobs are followed; none if they are not kept.
    pub(crate) jobs: Option<JobPolicy>,
}

#[cfg(test)]
impl Policy {
    /// The settings' defaults.
    pub(crate) fn of_tests() -> Self {
        crate::settings::tests::settings_with(&[]).policy
    }
}
