//! What an admin asks for.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::listing::{Cursor, Filter};

    const KEY: &str = "event-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn outcome(method: &str, path: &str, query: &str) -> Outcome {
        AdminRoute::of(method, path, query).unwrap_err().outcome
    }

    #[test]
    fn paths() {
        let of = |method, path: &str| AdminRoute::of(method, path, "").unwrap();
        let key = || KEY.to_owned();
        for method in ["GET", "HEAD"] {
            assert_eq!(of(method, "/_edge/whoami"), AdminRoute::Whoami);
            assert_eq!(of(method, "/_edge/status"), AdminRoute::Status);
            assert_eq!(of(method, "/_edge/metrics"), AdminRoute::Metrics);
            assert_eq!(of(method, &format!("/_edge/events/{KEY}")), AdminRoute::Event(key()));
        }
        assert_eq!(of("POST", &format!("/_edge/events/{KEY}/reopen")), AdminRoute::Reopen(key()));
        assert_eq!(of("POST", &format!("/_edge/events/{KEY}/replay")), AdminRoute::Replay(key()));
        assert_eq!(of("POST", "/_edge/pause"), AdminRoute::Pause { is_paused: true });
        assert_eq!(of("POST", "/_edge/resume"), AdminRoute::Pause { is_paused: false });
        assert_eq!(of("GET", "/_edge/replays"), AdminRoute::Replays);
        assert_eq!(of("POST", "/_edge/replays"), AdminRoute::NewReplay);
        assert_eq!(of("GET", "/_edge/replays/r-1"), AdminRoute::BulkReplay("r-1".to_owned()));
        for (act, steering) in
            [("pause", Steering::Pause), ("resume", Steering::Resume), ("cancel", Steering::Cancel)]
        {
            let id = "r-1".to_owned();
            let expected = AdminRoute::SteerReplay { id, steering };
            assert_eq!(of("POST", &format!("/_edge/replays/r-1/{act}")), expected);
        }
        assert_eq!(of("POST", "/_edge/jobs"), AdminRoute::RegisterJob);
        assert_eq!(of("GET", "/_edge/jobs/job%201"), AdminRoute::Job("job 1".to_owned()));
        assert_eq!(of("HEAD", "/_edge/costs"), AdminRoute::Costs);
        assert_eq!(of("GET", "/_edge/history"), AdminRoute::Watch(WatchPage::History));
        assert_eq!(of("HEAD", "/_edge/alerts"), AdminRoute::Watch(WatchPage::Alerts));
        let body_key = KEY.replace("event-", "body-");
        let path = format!("/_edge/events/{body_key}");
        assert_eq!(of("GET", &path), AdminRoute::Event(body_key));
    }

    #[test]
    fn methods() {
        let reopen = format!("/_edge/events/{KEY}/reopen");
        let get = Outcome::MethodNotAllowed { allow: "POST" };
        let replay = format!("/_edge/events/{KEY}/replay");
        for method in ["GET", "HEAD", "DELETE"] {
            for path in
                [&reopen, &replay, "/_edge/pause", "/_edge/resume", "/_edge/replays/r-1/cancel"]
            {
                assert_eq!(outcome(method, path, ""), get);
            }
        }
        let all = Outcome::MethodNotAllowed { allow: "GET, HEAD, POST" };
        assert_eq!(outcome("DELETE", "/_edge/replays", ""), all);
        assert_eq!(outcome("DELETE", "/_edge/jobs", ""), all);
        let event = format!("/_edge/events/{KEY}");
        let post = Outcome::MethodNotAllowed { allow: "GET, HEAD" };
        for path in [
            "/_edge/whoami",
            "/_edge/status",
            "/_edge/metrics",
            "/_edge/events",
            &event,
            "/_edge/replays/r-1",
            "/_edge/jobs/job_1",
            "/_edge/costs",
            "/_edge/audit",
            "/_edge/history",
            "/_edge/alerts",
        ] {
            assert_eq!(outcome("POST", path, ""), post, "{path}");
        }
    }

    #[test]
    fn anything_else_is_not_there() {
        for path in [
            "/_edge/",
            "/_edge/Status",
            "/_edge/status/",
            "/_edge/events/",
            "/_edge/events/event-00",
            &format!("/_edge/events/{}", KEY.to_uppercase()),
            &format!("/_edge/events/{KEY}0"),
            &format!("/_edge/events/{KEY}/"),
            &format!("/_edge/events/{KEY}/reopen/"),
            &format!("/_edge/events/{KEY}/other"),
            "/_edge/jobs/",
            "/_edge/jobs/job_1/events",
            "/_edge/costs/",
            "/_edge/audit/1",
            "/_edge/history/",
            "/_edge/alerts/1",
            "/_edge/replays/",
            "/_edge/replays/a.b",
            "/_edge/replays/r-1/other",
            "/_edge/replays/r-1/cancel/",
            "/status",
            "/",
        ] {
            assert_eq!(outcome("GET", path, ""), Outcome::NotFound, "{path}");
        }
        assert!(is_admin_path("/_edge/anything"));
        assert!(!is_admin_path("/_edge") && !is_admin_path("/webhook"));
    }

    #[test]
    fn events_are_filtered_and_paged() {
        let filter = |query| match AdminRoute::of("GET", "/_edge/events", query) {
            Ok(AdminRoute::Events { search, limit }) => {
                let Search { filter, from, to, rows } = search;
                assert_eq!((from, to, rows), (None, None, 10_000));
                (filter, limit)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(filter(""), (Filter { limit: 51, ..Filter::default() }, 50));
        let all = Filter {
            state: Some("open".to_owned()),
            job_id: Some("job 1&".to_owned()),
            event_type: Some("job.failed".to_owned()),
            tenant: Some("acme".to_owned()),
            last_outcome: Some("origin_failed".to_owned()),
            event_id: Some("evt_1".to_owned()),
            since_ms: Some(1_700_000_000_000),
            until_ms: Some(1_700_000_000_001),
            after: Some(Cursor { last_ms: 1_700_000_000_000, key: KEY.to_owned() }),
            limit: 8,
            ..Filter::default()
        };
        let query = format!(
            "state=open&job=job+1%26&type=job.failed&tenant=acme&outcome=origin_failed&id=evt_1\
                 &since=2023-11-14T22:13:20Z&until=1700000000001&limit=7&cursor=1700000000000.{KEY}"
        );
        assert_eq!(filter(&query), (all, 7));
        assert_eq!(filter("limit=100").0.limit, 101);
    }

    #[test]
    fn a_malformed_query_is_refused_in_words() {
        for (query, about) in [
            ("state=gone", "`state` is none of claimed, waiting, dead, open, done"),
            ("state=", "`state`"),
            ("limit=0", "`limit` is not a whole number from 1 to 100"),
            ("limit=101", "`limit`"),
            ("limit=x", "`limit`"),
            ("cursor=", "`cursor` is malformed"),
            ("cursor=1", "`cursor`"),
            ("cursor=x.event-00", "`cursor`"),
            ("cursor=+1.event-00", "`cursor`"),
            ("cursor=1.a%00", "`cursor`"),
            ("job=", "`job` is empty"),
            ("job=a%0Ab", "`job` is empty or has a control character"),
            ("type=a%00b", "`type` is empty or has a control character"),
            ("tenant=", "`tenant` is empty"),
            ("outcome=a%00", "`outcome` is empty or has"),
            ("id=", "`id` is empty"),
            ("since=yesterday", "`since` is malformed: expected a time in UTC"),
            ("until=2023-11-14", "`until` is malformed"),
            ("until=-1", "`until` is malformed"),
            ("since=2&until=2", "`since` is not before `until`"),
            ("offset=1", "other than state, type, job, tenant, outcome, id, since, until,"),
            ("stat=open", "other than"),
        ] {
            let refusal = AdminRoute::of("GET", "/_edge/events", query).unwrap_err();
            assert_eq!(refusal.outcome, Outcome::QueryInvalid, "{query}");
            assert!(
                refusal.text.as_deref().is_some_and(|text| text.contains(about)),
                "{refusal:?}"
            );
        }
    }
}
