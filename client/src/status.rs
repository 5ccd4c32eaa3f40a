//! The states of a job.

use alloc::boxed::Box;
use core::fmt;

/// The status of a job, as the provider names it: queued → running → succeeded or failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "Box<str>", into = "Box<str>")
)]
pub enum Status {
    /// Taken, not begun.
    Queued,
    /// Being made.
    Running,
    /// The video is ready, the credits are final. Final.
    Succeeded,
    /// It ended without a video; the credits were refunded. Final.
    Failed,
    /// One that this version does not know. It is kept and not guessed: neither an end nor a failure.
    Unknown(Box<str>),
}

/// What can be done about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Wait.
    InProgress,
    /// Somebody has to look.
    Blocked(BlockedReason),
    /// Nothing: it is over.
    Terminal(Ending),
}

/// Why somebody has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockedReason {
    /// The API key is refused.
    Credentials,
    /// The account has too few credits.
    Credits,
    /// The provider no longer knows a job that it has known.
    NotFound,
    /// The job stays in a status that this version does not know.
    UnknownStatus,
    /// The job has succeeded, and stays without a URL.
    NoUrl,
    /// The job has not changed for too long.
    Stalled,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// With a video.
    Succeeded,
    /// Without.
    Failed,
}

impl Status {
    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            _ => Self::Unknown(name.into()),
        }
    }

    /// The provider's name for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown(name) => name,
        }
    }

    /// How the job ended, if it has.
    #[must_use]
    pub const fn ending(&self) -> Option<Ending> {
        match self {
            Self::Succeeded => Some(Ending::Succeeded),
            Self::Failed => Some(Ending::Failed),
            _ => None,
        }
    }

    /// Whether a job that was seen in `earlier` can be in this status later. An answer that says otherwise
    /// is stale, since a job never goes backwards and an end is final. An unknown status can follow
    /// everything but an end, and be followed by everything but `queued`.
    #[must_use]
    pub fn may_follow(&self, earlier: &Self) -> bool {
        match earlier {
            Self::Succeeded | Self::Failed => self == earlier,
            Self::Queued => true,
            Self::Running | Self::Unknown(_) => *self != Self::Queued,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Box<str>> for Status {
    fn from(name: Box<str>) -> Self {
        Self::from_name(&name)
    }
}

impl From<Status> for Box<str> {
    fn from(status: Status) -> Self {
        match status {
            Status::Unknown(name) => name,
            known => known.as_str().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_never_goes_backwards_and_an_end_is_final() {
        let [queued, running, succeeded, failed, odd] =
            ["queued", "running", "succeeded", "failed", "paused"].map(Status::from_name);
        let all = [&queued, &running, &succeeded, &failed, &odd];
        for (earlier, allowed) in [
            (&queued, [true, true, true, true, true]),
            (&running, [false, true, true, true, true]),
            (&succeeded, [false, false, true, false, false]),
            (&failed, [false, false, false, true, false]),
            (&odd, [false, true, true, true, true]),
        ] {
            for (later, allowed) in all.iter().zip(allowed) {
                assert_eq!(later.may_follow(earlier), allowed, "{earlier} → {later}");
            }
        }
    }

    #[test]
    fn an_unknown_status_is_kept_as_it_is() {
        assert_eq!(Status::from_name("Succeeded").as_str(), "Succeeded");
        assert_eq!(Status::from_name("Succeeded").ending(), None);
        assert_eq!(Box::<str>::from(Status::from_name("paused")).as_ref(), "paused");
    }
}
