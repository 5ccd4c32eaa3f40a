//! What must never happen.

use core::fmt;

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Breach {
    /// In the end the provider has no 2xx for an event, or the origin has never answered 2xx for it.
    Lost,
    /// The provider is answered 2xx before the origin has answered 2xx.
    AcknowledgedEarly,
    /// The origin gets an event again after the provider was answered 2xx, or after the ledger had
    /// taken the commit.
    AgainAfterCommit,
    /// The origin gets an event again, and nothing has gone wrong with the attempt before.
    AgainWithoutReason,
    /// The origin gets other bytes than those that were signed.
    OtherBody,
    /// The number of an attempt is missing, or not higher than that of the attempt before.
    AttemptNotHigher,
    /// The `Idempotency-Key` is missing, not the same for all attempts of an event, or that of
    /// another event.
    OtherKey,
    /// The origin gets a request that belongs to no delivery.
    Stray,
    /// The origin gets an event of a job while an earlier accepted one is not out of the way.
    OutOfOrder,
    /// The origin gets an event again sooner than it has asked for.
    TooSoon,
    /// The origin gets an event while an operator has paused deliveries.
    WhilePaused,
    /// The objects have more attempts under way at once than their connections allow.
    TooManyAtOnce,
    /// When all is over, the edge still owes an event, and nothing happens to it.
    Asleep,
}

impl Breach {
    pub(crate) const ALL: [Self; 13] = [
        Self::Lost,
        Self::AcknowledgedEarly,
        Self::AgainAfterCommit,
        Self::AgainWithoutReason,
        Self::OtherBody,
        Self::AttemptNotHigher,
        Self::OtherKey,
        Self::Stray,
        Self::OutOfOrder,
        Self::TooSoon,
        Self::WhilePaused,
        Self::TooManyAtOnce,
        Self::Asleep,
    ];
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "lost",
            Self::AcknowledgedEarly => "acknowledged early",
            Self::AgainAfterCommit => "again after a commit",
            Self::AgainWithoutReason => "again without a reason",
            Self::OtherBody => "bodies that differ",
            Self::AttemptNotHigher => "attempts out of order",
            Self::OtherKey => "keys that differ",
            Self::Stray => "requests out of nowhere",
            Self::OutOfOrder => "events out of order",
            Self::TooSoon => "sooner than Retry-After",
            Self::WhilePaused => "during a pause",
            Self::TooManyAtOnce => "too many at once",
            Self::Asleep => "asleep",
        })
    }
}
