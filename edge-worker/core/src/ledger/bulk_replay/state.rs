//! Where a replay stands, and what an admin does about it.

use serde::Serialize;

use crate::json::from_json_enum;

/// Where a shard's part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReplayState {
    /// Events are released.
    Running,
    /// Nothing more is released until an admin resumes it.
    Paused,
    /// Nothing more is released.
    Cancelled,
    /// All events were released.
    Done,
}

from_json_enum!(ReplayState {
    "running" => Running,
    "paused" => Paused,
    "cancelled" => Cancelled,
    "done" => Done,
});

impl ReplayState {
    /// The state's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
        }
    }

    /// Whether more events may be released, now or later.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// What an admin does with a bulk replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Steering {
    /// Release nothing for the time being.
    Pause,
    /// Go on.
    Resume,
    /// Release nothing any more.
    Cancel,
}

from_json_enum!(Steering { "pause" => Pause, "resume" => Resume, "cancel" => Cancel });
