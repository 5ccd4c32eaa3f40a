//! What an object replies.

use serde::Serialize;

use super::{CallError, VERSION, unknown_version};
use crate::json::{FromJson as _, Object, from_json_enum};
use crate::ledger::audit::AuditEntry;
use crate::ledger::bulk_replay::BulkReplay;
use crate::ledger::costs::TenantCosts;
use crate::ledger::entry::Token;
use crate::ledger::figures::Figures;
use crate::ledger::job::{DueJob, JobSummary};
use crate::ledger::listing::EventSummary;
use crate::ledger::order::Order;
use crate::ledger::search::Found;

/// What the object replies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// To a claim: forward the event.
    Granted {
        /// Number of this attempt, counted from 1; commit and release quote it.
        token: Token,
        /// Whether a newer event of the job was delivered before.
        order: Order,
    },
    /// To an acceptance: the event is on disk. Forward it now.
    Accepted {
        /// Number of this attempt, counted from 1; commit and release quote it.
        token: Token,
        /// Whether a newer event of the job was delivered before.
        order: Order,
    },
    /// To an acceptance or a made end: the event is on disk, and the object forwards it.
    Stored,
    /// To a claim: an admin has paused deliveries.
    Paused,
    /// To a replay: the event's bytes are not kept any more.
    Gone,
    /// To an acceptance or a made end: the shard holds as much as it may. To the start of a bulk replay: it has as
    /// many.
    Full,
    /// To the plan or the start of a bulk replay.
    Planned {
        /// How many events it delivers anew, up to [`COUNT_LIMIT`](super::figures::COUNT_LIMIT) together with
        /// the others.
        events: u64,
        /// How many would be meant, and have no bytes any more.
        without_bytes: u64,
    },
    /// To steering a bulk replay: it has ended.
    Ended,
    /// To a claim or a reopening: another attempt is under way.
    InFlight {
        /// Milliseconds until its lease ends.
        remaining_ms: u64,
    },
    /// To a claim or an acceptance: the origin has the event, or it is on disk. To a reopening: it is on disk. To
    /// the start of a bulk replay: there is another one of its name. To a made end: the ledger has an end of the job,
    /// owes one, or one is in flight.
    Duplicate,
    /// To a claim: the event is late, and late events are dropped.
    LateDropped,
    /// Applied, or applied already.
    Ok,
    /// To a commit or a release: this attempt no longer holds the event. A newer one has claimed it,
    /// an admin has reopened it, or its row is gone.
    Superseded,
    /// There is no such event. To a made end: the job is not known.
    Absent,
    /// The shard's figures.
    Figures(Figures),
    /// Events, the most recently changed first.
    Events(Vec<EventSummary>),
    /// To a search.
    Found(Found),
    /// Bulk replays, those first that were started last.
    Replays(Vec<BulkReplay>),
    /// Jobs that the API is to be asked about.
    DueJobs {
        /// Those whose time has come, the longest due first.
        jobs: Vec<DueJob>,
        /// When the next one is due that is not among them, in milliseconds since 1970.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_ms: Option<u64>,
    },
    /// What is to be done about observed jobs.
    Observed {
        /// Ids of jobs whose end is to be made, since the webhook has not come.
        ripe: Vec<String>,
        /// Ids of jobs that the ledger does not know, and that were not to be followed from now on.
        unknown: Vec<String>,
    },
    /// Jobs, those first that became known last.
    Jobs(Vec<JobSummary>),
    /// What jobs cost, by tenant in alphabetical order.
    Costs(Vec<TenantCosts>),
    /// What was done, the latest first.
    Audit(Vec<AuditEntry>),
}

from_json_enum!(Reply {
    "granted" => Granted { token = required, order = required },
    "accepted" => Accepted { token = required, order = required },
    "stored" => Stored,
    "paused" => Paused,
    "gone" => Gone,
    "full" => Full,
    "planned" => Planned { events = required, without_bytes = or_default },
    "ended" => Ended,
    "in_flight" => InFlight { remaining_ms = required },
    "duplicate" => Duplicate,
    "late_dropped" => LateDropped,
    "ok" => Ok,
    "superseded" => Superseded,
    "absent" => Absent,
    "figures" => Figures(figures),
    "events" => Events(events),
    "found" => Found(found),
    "replays" => Replays(replays),
    "due_jobs" => DueJobs { jobs = required, next_ms = or_default },
    "observed" => Observed { ripe = required, unknown = required },
    "jobs" => Jobs(jobs),
    "costs" => Costs(costs),
    "audit" => Audit(entries),
});

#[derive(Serialize)]
struct ReplyMessage<'a> {
    v: u32,
    reply: &'a Reply,
}

impl Reply {
    /// The reply as a message.
    pub(crate) fn encode(&self) -> String {
        // As above; the Worker takes the empty message for no reply.
        serde_json::to_string(&ReplyMessage { v: VERSION, reply: self }).unwrap_or_default()
    }

    /// Reads the replies to several calls: a message a line, with
    /// `{"error":{"message":…,"overloaded":…,"retryable":…}}` in place of each that did not come.
    ///
    /// A reply that cannot be read is an error and leaves the others alone. Another number of lines is as
    /// many errors as calls were made: nobody knows then which reply belongs to which call.
    pub(crate) fn decode_all(messages: &str, calls: usize) -> Vec<Result<Self, CallError>> {
        let replies: Vec<_> = messages.split('\n').map(Self::decode).collect();
        if replies.len() == calls { replies } else { vec![Err(malformed_reply()); calls] }
    }

    fn decode(message: &str) -> Result<Self, CallError> {
        let message = Object::read(message).ok_or_else(malformed_reply)?;
        if let Some(error) = message.raw("error") {
            return Err(CallError::from_json(error).unwrap_or_else(malformed_reply));
        }
        // As for a call.
        match message.required("v") {
            Some(VERSION) => message.required("reply").ok_or_else(malformed_reply),
            Some(v) => Err(CallError::from(unknown_version(v).as_str())),
            None => Err(malformed_reply()),
        }
    }
}

fn malformed_reply() -> CallError {
    CallError::from("malformed reply")
}
