//! What is asked for.

use serde::Serialize;

use crate::json::from_json;

/// Which events are replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Selection {
    /// Those in the state of this name, one of [`STATES`](Self::STATES). Of events that are done, those whose
    /// bytes are kept.
    pub(crate) state: String,
    /// Whose last transition was then or later, in milliseconds since 1970.
    pub(crate) since_ms: u64,
    /// And then or before, in milliseconds since 1970.
    pub(crate) until_ms: u64,
    /// Only those of this job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<String>,
    /// Only those of this type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_type: Option<String>,
}

from_json!(Selection {
    state = required,
    since_ms = required,
    until_ms = required,
    job_id = or_default,
    event_type = or_default,
});

impl Selection {
    /// The states whose events can be replayed.
    pub(crate) const STATES: [&str; 3] = ["dead", "done", "waiting"];
}

/// A bulk replay that is to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NewReplay {
    /// Names it, also to the origin.
    pub(crate) id: String,
    /// Which events.
    pub(crate) selection: Selection,
    /// How many a second, over all shards.
    pub(crate) rate: u32,
    /// The shard's pause between two of them, in milliseconds.
    pub(crate) interval_ms: u64,
}

from_json!(NewReplay {
    id = required,
    selection = required,
    rate = required,
    interval_ms = required,
});
