//! What became of a claim, in words.

use serde::{Serialize, Serializer};

/// What became of the claim in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The ledger knows that the origin has the event.
    Committed,
    /// The origin has the event, but this attempt no longer holds it: a newer one has claimed it since, an
    /// admin has reopened it, or its row is gone.
    CommitRefused,
    /// The origin has the event, but the ledger could not be told: it may get it once more.
    CommitFailed,
    /// The next delivery is granted at once.
    Released,
    /// This attempt no longer holds the event, as above.
    ReleaseRefused,
    /// The ledger could not be told: the next delivery is granted once the lease has run out.
    ReleaseFailed,
}

impl Settlement {
    /// The name in logs and data points.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::CommitRefused => "commit_refused",
            Self::CommitFailed => "commit_failed",
            Self::Released => "released",
            Self::ReleaseRefused => "release_refused",
            Self::ReleaseFailed => "release_failed",
        }
    }
}

impl Serialize for Settlement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
