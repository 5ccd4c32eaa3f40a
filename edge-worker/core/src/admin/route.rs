//! What an admin asks for.

#[cfg(test)]
mod tests;

use super::replay_request::is_id;
use super::{job_request, query, replay_request};
use crate::ledger::audit::AuditCursor;
use crate::ledger::bulk_replay::Steering;
use crate::ledger::job::JobFilter;
use crate::ledger::search::Search;
use crate::outcome::Outcome;
use crate::settings::Role;
use crate::watch::WatchPage;

/// What all paths for admins begin with.
const PREFIX: &str = "/_edge/";

/// The methods of the list of bulk replays.
const REPLAYS_ALLOW: &str = "GET, HEAD, POST";

/// The methods of the list of jobs.
const JOBS_ALLOW: &str = "GET, HEAD, POST";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub(super) enum AdminRoute {
    /// Whose token it is.
    Whoami,
    /// Settings, figures, warnings.
    Status,
    /// Figures for Prometheus.
    Metrics,
    /// A page of the list of events.
    Events {
        /// Which events to look up, and where: one more than is shown, to know whether there are more.
        search: Search,
        /// How many to show.
        limit: usize,
    },
    /// One event, by its key.
    Event(String),
    /// Forward the next delivery of this event.
    Reopen(String),
    /// Deliver this event anew.
    Replay(String),
    /// Plan or start a bulk replay, as the body says.
    NewReplay,
    /// All bulk replays.
    Replays,
    /// One bulk replay, by its name.
    BulkReplay(String),
    /// Pause, resume or cancel this bulk replay.
    SteerReplay {
        /// Its name.
        id: String,
        /// What to do.
        steering: Steering,
    },
    /// Follow a job from now on, as the body says.
    RegisterJob,
    /// A page of the list of jobs.
    Jobs {
        /// Which jobs to look up: one more than is shown.
        filter: JobFilter,
        /// How many to show.
        limit: usize,
    },
    /// One job, by its id.
    Job(String),
    /// What jobs cost.
    Costs,
    /// A page of the audit log.
    Audit {
        /// Where it begins; none for the first one.
        cursor: Option<AuditCursor>,
        /// How many entries to show.
        limit: usize,
    },
    /// A page of the watch.
    Watch(WatchPage),
    /// Hold all events back, or let them go out again.
    Pause {
        /// Whether they are held back.
        is_paused: bool,
    },
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The outcome.
    pub(super) outcome: Outcome,
    /// What to do about it, if there is more to say than the outcome does.
    pub(super) text: Option<String>,
}

impl From<Outcome> for Refusal {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, text: None }
    }
}

/// Whether a path is one for admins, or could be one.
pub(crate) fn is_admin_path(path: &str) -> bool {
    path.starts_with(PREFIX)
}

impl AdminRoute {
    /// The longest body of such a request, in bytes; none if it has none.
    pub(super) const fn most_bytes(&self) -> Option<usize> {
        match self {
            Self::NewReplay => Some(replay_request::MAX_BYTES),
            Self::RegisterJob => Some(job_request::MAX_BYTES),
            _ => None,
        }
    }

    /// The role that it takes; none if any token will do.
    pub(super) const fn needs(&self) -> Option<Role> {
        match self {
            Self::Whoami => None,
            Self::Status
            | Self::Metrics
            | Self::Events { .. }
            | Self::Event(_)
            | Self::Replays
            | Self::BulkReplay(_)
            | Self::Jobs { .. }
            | Self::Job(_)
            | Self::Costs
            | Self::Watch(_)
            | Self::Audit { .. } => Some(Role::Read),
            // To plan a bulk replay changes nothing, but only its body tells that.
            Self::Reopen(_)
            | Self::Replay(_)
            | Self::NewReplay
            | Self::SteerReplay { .. }
            | Self::Pause { .. } => Some(Role::Operate),
            Self::RegisterJob => Some(Role::Submit),
        }
    }

    /// Whether it changes something that the audit log is about, or may do so.
    pub(super) const fn is_act(&self) -> bool {
        matches!(
            self,
            Self::Reopen(_)
                | Self::Replay(_)
                | Self::NewReplay
                | Self::SteerReplay { .. }
                | Self::Pause { .. }
        )
    }

    /// Whether it means nothing if jobs are not kept.
    pub(super) const fn is_about_jobs(&self) -> bool {
        match self {
            Self::RegisterJob | Self::Jobs { .. } | Self::Job(_) | Self::Costs => true,
            // The tenant of an event is that of its job.
            Self::Events { search, .. } => search.filter.tenant.is_some(),
            _ => false,
        }
    }
}

impl AdminRoute {
    /// What a request asks for, given by its method, path and query (without `?`).
    pub(super) fn of(method: &str, path: &str, query: &str) -> Result<Self, Refusal> {
        let path = path.strip_prefix(PREFIX).ok_or(Outcome::NotFound)?;
        let mut segments = path.split('/');
        let names = (segments.next(), segments.next(), segments.next(), segments.next());
        let (route, allow) = match names {
            (Some("whoami"), None, ..) => (Self::Whoami, "GET, HEAD"),
            (Some("status"), None, ..) => (Self::Status, "GET, HEAD"),
            (Some("metrics"), None, ..) => (Self::Metrics, "GET, HEAD"),
            (Some("events"), None, ..) => (query::events(query)?, "GET, HEAD"),
            (Some("events"), Some(key), None, _) if is_key(key) => {
                (Self::Event(key.to_owned()), "GET, HEAD")
            }
            (Some("events"), Some(key), Some("reopen"), None) if is_key(key) => {
                (Self::Reopen(key.to_owned()), "POST")
            }
            (Some("events"), Some(key), Some("replay"), None) if is_key(key) => {
                (Self::Replay(key.to_owned()), "POST")
            }
            (Some("replays"), None, ..) if method == "POST" => (Self::NewReplay, REPLAYS_ALLOW),
            (Some("replays"), None, ..) => (Self::Replays, REPLAYS_ALLOW),
            (Some("replays"), Some(id), None, _) if is_id(id) => {
                (Self::BulkReplay(id.to_owned()), "GET, HEAD")
            }
            (Some("replays"), Some(id), Some(act), None) if is_id(id) => {
                let steering = match act {
                    "pause" => Steering::Pause,
                    "resume" => Steering::Resume,
                    "cancel" => Steering::Cancel,
                    _ => return Err(Outcome::NotFound.into()),
                };
                (Self::SteerReplay { id: id.to_owned(), steering }, "POST")
            }
            (Some("jobs"), None, ..) if method == "POST" => (Self::RegisterJob, JOBS_ALLOW),
            (Some("jobs"), None, ..) => (query::jobs(query)?, JOBS_ALLOW),
            (Some("jobs"), Some(id), None, _) if !id.is_empty() => {
                (Self::Job(query::decoded(id)), "GET, HEAD")
            }
            (Some("costs"), None, ..) => (Self::Costs, "GET, HEAD"),
            (Some("audit"), None, ..) => (query::audit(query)?, "GET, HEAD"),
            (Some("history"), None, ..) => (Self::Watch(WatchPage::History), "GET, HEAD"),
            (Some("alerts"), None, ..) => (Self::Watch(WatchPage::Alerts), "GET, HEAD"),
            (Some("pause"), None, ..) => (Self::Pause { is_paused: true }, "POST"),
            (Some("resume"), None, ..) => (Self::Pause { is_paused: false }, "POST"),
            _ => return Err(Outcome::NotFound.into()),
        };
        if allow.split(',').any(|allowed| allowed.trim() == method) {
            Ok(route)
        } else {
            Err(Outcome::MethodNotAllowed { allow }.into())
        }
    }
}

/// Whether a text can be the key of an event: `event-` or `body-`, and 64 hex digits.
fn is_key(text: &str) -> bool {
    let digits = text.strip_prefix("event-").or_else(|| text.strip_prefix("body-"));
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    digits.is_some_and(|digits| digits.len() == 64 && digits.bytes().all(is_digit))
}
