//! RPC messages between the Worker and the ledger's objects.
//!
//! A call is `{"v":1,"call":{…}}`, its reply `{"v":1,"reply":{…}}`, both JSON. During a rollout a
//! Worker of one version talks to an object of another, so golden files pin the texts. A field may be
//! added: readers ignore unknown ones. Any other change takes a new [`VERSION`]. A message of another
//! version, or with an unknown call or reply, is an error; the delivery is then answered 503 and comes
//! again.

mod read;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::Serialize;

use super::audit::{AuditCursor, AuditEntry};
use super::bulk_replay::{BulkReplay, NewReplay, Selection, Steering};
use super::costs::TenantCosts;
use super::entry::Token;
use super::event_meta::EventMeta;
use super::figures::Figures;
use super::job::{DueJob, JobFilter, JobSummary, NewJob, Observation};
use super::listing::{EventSummary, Filter};
use super::order::Order;
use super::search::{Found, Search};
use crate::counts::Counts;
use crate::json::{FromJson as _, Object, from_json};

/// Version of the messages.
pub(crate) const VERSION: u32 = 1;

/// What the Worker asks of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Call {
    /// Claim the right to forward an event.
    Claim {
        /// The event's key.
        key: String,
        /// What the signed body says about the event.
        meta: EventMeta,
        /// The name of the delivery in the log.
        #[serde(skip_serializing_if = "Option::is_none")]
        correlation_id: Option<String>,
    },
    /// Store an event together with the bytes that come with the call, and claim the right to forward it.
    Accept {
        /// The event's key.
        key: String,
        /// What the signed body says about the event.
        meta: EventMeta,
        /// Headers and names that go along.
        head: String,
        /// The length of the body.
        body_bytes: u64,
        /// The name of the delivery in the log.
        #[serde(skip_serializing_if = "Option::is_none")]
        correlation_id: Option<String>,
    },
    /// The origin has the event.
    Commit {
        /// The event's job.
        #[serde(skip_serializing_if = "Option::is_none")]
        job_id: Option<String>,
        /// The event's key.
        key: String,
        /// The token of the claim.
        token: Token,
        /// The status that the origin answered with.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// The name of the attempt in the log.
        #[serde(skip_serializing_if = "Option::is_none")]
        correlation_id: Option<String>,
        /// Outcomes counted since the last report.
        #[serde(skip_serializing_if = "Counts::is_empty")]
        counts: Counts,
    },
    /// The attempt failed.
    Release {
        /// The event's job.
        #[serde(skip_serializing_if = "Option::is_none")]
        job_id: Option<String>,
        /// The event's key.
        key: String,
        /// The token of the claim.
        token: Token,
        /// Code of the attempt's outcome.
        outcome: String,
        /// The status that the origin answered with.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// How long the origin wants to be left alone, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        /// A random number, which spreads retries.
        jitter: u16,
        /// The name of the attempt in the log.
        #[serde(skip_serializing_if = "Option::is_none")]
        correlation_id: Option<String>,
        /// Outcomes counted since the last report.
        #[serde(skip_serializing_if = "Counts::is_empty")]
        counts: Counts,
    },
    /// Forward the event's next delivery, whatever happened before.
    Reopen {
        /// The event's key.
        key: String,
    },
    /// Deliver an owed event anew.
    Replay {
        /// The event's key.
        key: String,
        /// Names the replay to the origin.
        id: String,
    },
    /// Say how many events a bulk replay would deliver anew.
    PlanReplay(Selection),
    /// Start a bulk replay, unless it was started before.
    StartReplay(NewReplay),
    /// Pause, resume or cancel a bulk replay.
    SteerReplay {
        /// Names it.
        id: String,
        /// What to do.
        steering: Steering,
    },
    /// List bulk replays.
    Replays {
        /// Only the one of this name.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// Hold all events back, or let them go out again.
    Pause {
        /// Whether they are held back.
        is_paused: bool,
    },
    /// Report the shard's figures.
    Figures {
        /// Outcomes counted since the last report.
        #[serde(skip_serializing_if = "Counts::is_empty")]
        counts: Counts,
    },
    /// Take note of outcomes, and make sure that the alarm rings.
    Report {
        /// Outcomes counted since the last report.
        #[serde(skip_serializing_if = "Counts::is_empty")]
        counts: Counts,
    },
    /// List the events that pass a filter, however many rows that takes.
    List(Filter),
    /// Look for events that pass a filter among so many rows.
    Search(Search),
    /// Look up one event.
    Find {
        /// The event's key.
        key: String,
    },
    /// Follow a job from now on. It may be repeated: what is given replaces what was known, and nothing is forgotten.
    RegisterJob(NewJob),
    /// List jobs that the API is to be asked about now. Nothing changes: the answers come with `observe`.
    DueJobs {
        /// How many at most.
        limit: u32,
    },
    /// Note what the API has shown of jobs, one or several.
    Observe(Vec<Observation>),
    /// Store the end of a job that was made from an observation, together with the bytes that come with the call:
    /// the object delivers it.
    MakeEnd {
        /// What the API has shown.
        observation: Observation,
        /// The key of the made event.
        key: String,
        /// What its body says about it.
        meta: EventMeta,
        /// Headers and names that go along.
        head: String,
        /// The length of the body.
        body_bytes: u64,
    },
    /// Follow an open job no longer: it is followed under another name.
    ForgetJob {
        /// The job's id.
        job_id: String,
    },
    /// List the jobs that pass a filter.
    Jobs(JobFilter),
    /// Look up one job.
    FindJob {
        /// Its id.
        job_id: String,
    },
    /// Add up what jobs cost, by tenant.
    Costs,
    /// Tell what jobs cost in all, as of up to half a minute ago: the sums of [`Costs`](Self::Costs) as those of one
    /// tenant, with the prices of all and without times.
    Totals,
    /// List what admins and the reconciler did.
    Audit {
        /// Only entries behind this place in the list.
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<AuditCursor>,
        /// How many at most.
        limit: u32,
    },
}

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

/// Why a call has no reply. It may have taken effect or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallError {
    /// The reason in words.
    pub(crate) message: String,
    /// The object has more calls than it can handle; another one would make it worse.
    pub(crate) overloaded: bool,
    /// The connection to the object broke; another call may find the object well.
    pub(crate) retryable: bool,
}

from_json!(CallError { message = required, overloaded = or_default, retryable = or_default });

impl From<&str> for CallError {
    fn from(message: &str) -> Self {
        Self { message: message.to_owned(), overloaded: false, retryable: false }
    }
}

#[derive(Serialize)]
struct CallMessage<'a, C> {
    v: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Cow<'a, str>>,
    call: C,
}

#[derive(Serialize)]
struct ReplyMessage<'a> {
    v: u32,
    reply: &'a Reply,
}

impl Call {
    /// The call as a message.
    pub(crate) fn encode(&self) -> String {
        self.encoded(None)
    }

    /// The same, with the name of who acts. It stands in the audit log.
    #[allow(dead_code, reason = "for who acts under a name of its own")]
    pub(crate) fn encode_by(&self, by: &str) -> String {
        self.encoded(Some(by.into()))
    }

    fn encoded(&self, by: Option<Cow<'_, str>>) -> String {
        // Texts and numbers can always be written as JSON. Were that to change, the object would
        // refuse the empty message.
        serde_json::to_string(&CallMessage { v: VERSION, by, call: self }).unwrap_or_default()
    }

    /// Reads a message, whoever acts.
    #[cfg(test)]
    pub(crate) fn decode(message: &str) -> Result<Self, String> {
        Self::decode_by(message).map(|(call, _)| call)
    }

    /// Reads a message: the call, and who acts, if that is said.
    ///
    /// # Errors
    /// What is wrong with it. The text never repeats the message.
    pub(crate) fn decode_by(message: &str) -> Result<(Self, Option<String>), String> {
        let malformed = || "malformed call: expected version, call and its fields".to_owned();
        let message = Object::read(message).ok_or_else(malformed)?;
        // Of another version's message nothing else is known.
        match message.required("v") {
            Some(VERSION) => {}
            Some(v) => return Err(unknown_version(v)),
            None => return Err(malformed()),
        }
        let read = || Some((message.required("call")?, message.or_default("by")?));
        read().ok_or_else(malformed)
    }
}

fn unknown_version(v: u32) -> String {
    format!("message version {v} is not supported, only {VERSION}: deploy in progress?")
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
