//! What the Worker asks of an object.

use std::borrow::Cow;

use serde::Serialize;

use super::{VERSION, unknown_version};
use crate::counts::Counts;
use crate::json::{Object, from_json_enum};
use crate::ledger::audit::AuditCursor;
use crate::ledger::bulk_replay::{NewReplay, Selection, Steering};
use crate::ledger::entry::Token;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::job::{JobFilter, NewJob, Observation};
use crate::ledger::listing::Filter;
use crate::ledger::search::Search;

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

from_json_enum!(Call {
    "claim" => Claim { key = required, meta = required, correlation_id = or_default },
    "accept" => Accept {
        key = required,
        meta = required,
        head = required,
        body_bytes = required,
        correlation_id = or_default,
    },
    "commit" => Commit {
        job_id = or_default,
        key = required,
        token = required,
        status = or_default,
        correlation_id = or_default,
        counts = or_default,
    },
    "release" => Release {
        job_id = or_default,
        key = required,
        token = required,
        outcome = required,
        status = or_default,
        retry_after_ms = or_default,
        jitter = or_default,
        correlation_id = or_default,
        counts = or_default,
    },
    "reopen" => Reopen { key = required },
    "replay" => Replay { key = required, id = required },
    "plan_replay" => PlanReplay(selection),
    "start_replay" => StartReplay(new),
    "steer_replay" => SteerReplay { id = required, steering = required },
    "replays" => Replays { id = or_default },
    "pause" => Pause { is_paused = required },
    "figures" => Figures { counts = or_default },
    "report" => Report { counts = or_default },
    "list" => List(filter),
    "search" => Search(search),
    "find" => Find { key = required },
    "register_job" => RegisterJob(new),
    "due_jobs" => DueJobs { limit = required },
    "observe" => Observe(observations),
    "make_end" => MakeEnd {
        observation = required,
        key = required,
        meta = required,
        head = required,
        body_bytes = required,
    },
    "forget_job" => ForgetJob { job_id = required },
    "jobs" => Jobs(filter),
    "find_job" => FindJob { job_id = required },
    "costs" => Costs,
    "totals" => Totals,
    "audit" => Audit { cursor = or_default, limit = required },
});

#[derive(Serialize)]
struct CallMessage<'a, C> {
    v: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Cow<'a, str>>,
    call: C,
}

impl Call {
    /// The call as a message.
    pub(crate) fn encode(&self) -> String {
        self.encoded(None)
    }

    /// The same, with the name of who acts. It stands in the audit log.
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
