//! Why the origin has got an event again.

use core::fmt;

/// What happened to the attempt before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reason {
    /// It had answered, and not 2xx.
    Refused,
    /// The engine was killed before it could tell how the attempt had ended.
    Crash,
    /// The origin hung, or its answer came too late.
    TimeOut,
    /// The origin did nothing wrong, but the edge has seen its answer too late: a busy machine.
    TimeOutOfPromptAnswer,
    /// The origin closed the connection instead of answering.
    Closed,
    /// The origin reset the connection instead of answering.
    Reset,
    /// The origin cut the connection in the middle of its answer.
    CutInAnswer,
    /// The origin went away.
    OriginGone,
    /// An operator has the event delivered anew.
    Replayed,
    /// The origin answered 2xx, but the edge has logged that the ledger did not take the commit.
    LostCommit,
}

impl Reason {
    /// Whether the edge could not know if the origin had acted on the attempt before.
    pub(crate) const fn is_unknown_outcome(self) -> bool {
        !matches!(self, Self::Refused | Self::Replayed)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::Crash => "crash of the engine",
            Self::TimeOut => "time-out",
            Self::TimeOutOfPromptAnswer => "time-out of a prompt answer",
            Self::Closed => "connection closed",
            Self::Reset => "connection reset",
            Self::CutInAnswer => "connection cut in the answer",
            Self::OriginGone => "origin gone",
            Self::Replayed => "replayed",
            Self::LostCommit => "commit lost",
        })
    }
}
