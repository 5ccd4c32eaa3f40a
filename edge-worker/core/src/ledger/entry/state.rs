//! Where an event stands.

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum EventState {
    /// An attempt is under way. Past the end of its lease it counts as lost.
    Claimed {
        /// When the lease ends, in milliseconds since 1970.
        lease_end_ms: u64,
    },
    /// The edge owes the event to the origin and makes the next attempt itself.
    Waiting {
        /// When that is due, in milliseconds since 1970; none while an earlier event of its job is owed.
        due_ms: Option<u64>,
    },
    /// The edge has given the event up; somebody has to look at it.
    Dead,
    /// The last attempt failed; the next delivery may try again.
    Open,
    /// The origin has the event. Final, unless an admin reopens it.
    Done,
    /// The event came late and was acknowledged without being forwarded.
    Dropped,
    /// An admin wants the next delivery forwarded, whatever happened before.
    Reopened,
}

impl EventState {
    /// The names of all states, as in the tables and in listings.
    pub(crate) const NAMES: [&str; 7] =
        ["claimed", "waiting", "dead", "open", "done", "dropped", "reopened"];

    /// The state's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Waiting { .. } => "waiting",
            Self::Dead => "dead",
            Self::Open => "open",
            Self::Done => "done",
            Self::Dropped => "dropped",
            Self::Reopened => "reopened",
        }
    }
}
