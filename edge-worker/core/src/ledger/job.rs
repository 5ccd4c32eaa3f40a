//! What is known of a job: from its events, from its registration, and from what the API shows of it.

use serde::Serialize;

use crate::json::from_json;

use super::credits::Credits;

/// The settings that jobs are followed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JobPolicy {
    /// How long nothing is heard of a job before the API is asked about it, and how long the API shows an end
    /// before it counts as lost, in milliseconds.
    pub(crate) after_ms: u64,
    /// How long after it became known a job is overdue, in milliseconds.
    pub(crate) deadline_ms: u64,
}

/// A job that somebody has submitted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct NewJob {
    /// Its id.
    pub(crate) job_id: String,
    /// Who it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// When it should have ended, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deadline_ms: Option<u64>,
    /// What it will cost, by the answer to its submission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) estimated: Option<Credits>,
}

from_json!(NewJob {
    job_id = required,
    tenant = or_default,
    deadline_ms = or_default,
    estimated = or_default,
});

/// A job that the API is to be asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct DueJob {
    /// Its id.
    pub(crate) job_id: String,
    /// When it became known, in milliseconds since 1970.
    pub(crate) known_ms: u64,
}

from_json!(DueJob { job_id = required, known_ms = required });

/// What the API has shown of a job.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Observation {
    /// Its id.
    pub(crate) job_id: String,
    /// Its status, as the API has it. One that is not known is kept, and is never an end.
    pub(crate) status: String,
    /// What it has cost, if that is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credits: Option<Credits>,
    /// What it will cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) estimated: Option<Credits>,
    /// When it was submitted, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_ms: Option<u64>,
    /// Whether a job that the ledger does not know is left alone. Otherwise it is followed from now on.
    pub(crate) is_known_only: bool,
}

from_json!(Observation {
    job_id = required,
    status = required,
    credits = or_default,
    estimated = or_default,
    created_ms = or_default,
    is_known_only = or_default,
});

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct JobFilter {
    /// Only jobs in one of [`STATES`](Self::STATES).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    /// Only jobs of this tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// Only jobs behind this place in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<JobCursor>,
    /// How many at most.
    pub(crate) limit: u32,
}

from_json!(JobFilter {
    state = or_default,
    tenant = or_default,
    cursor = or_default,
    limit = required,
});

impl JobFilter {
    /// What jobs can be listed by: `open` (overdue ones among them), `overdue`, `ended`; ended by `reconciliation`;
    /// with ends that `conflict`.
    pub(crate) const STATES: [&str; 5] = ["open", "overdue", "ended", "reconciliation", "conflict"];
}

/// A place in the list of jobs, those first that became known last, and then by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct JobCursor {
    /// When the job shown last became known, in milliseconds since 1970.
    pub(crate) known_ms: u64,
    /// That job's id.
    pub(crate) job_id: String,
}

from_json!(JobCursor { known_ms = required, job_id = required });

/// One job, as an admin sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct JobSummary {
    /// Its id.
    pub(crate) job_id: String,
    /// `open`, `overdue` or `ended`.
    pub(crate) state: String,
    /// Who it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// When it became known, in milliseconds since 1970.
    pub(crate) known_ms: u64,
    /// When it is overdue, in milliseconds since 1970.
    pub(crate) deadline_ms: u64,
    /// What it was estimated to cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) estimated: Option<Credits>,
    /// How it has ended: `succeeded` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    /// What it has cost, by the event of its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credits: Option<Credits>,
    /// When the ledger had its end, or owed it, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended_ms: Option<u64>,
    /// Where the event of its end came from: `webhook` or `reconciliation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended_by: Option<String>,
    /// The key of that event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_key: Option<String>,
    /// The key of the provider's event that came after the made one, and said the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) alias_key: Option<String>,
    /// Whether the provider's event that came after the made one said something else.
    pub(crate) is_conflict: bool,
    /// The status that the API has shown last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shown: Option<String>,
    /// Since when it shows that, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shown_ms: Option<u64>,
    /// When the API is to be asked next, in milliseconds since 1970; none once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) look_ms: Option<u64>,
    /// How often the API was asked.
    pub(crate) looks: u64,
}

from_json!(JobSummary {
    job_id = required,
    state = required,
    tenant = or_default,
    known_ms = required,
    deadline_ms = required,
    estimated = or_default,
    status = or_default,
    credits = or_default,
    ended_ms = or_default,
    ended_by = or_default,
    end_key = or_default,
    alias_key = or_default,
    is_conflict = or_default,
    shown = or_default,
    shown_ms = or_default,
    look_ms = or_default,
    looks = required,
});

impl JobSummary {
    /// A job of which nothing is known but its times.
    #[cfg(test)]
    pub(crate) fn open(job_id: &str, known_ms: u64, deadline_ms: u64) -> Self {
        Self {
            job_id: job_id.to_owned(),
            state: "open".to_owned(),
            tenant: None,
            known_ms,
            deadline_ms,
            estimated: None,
            status: None,
            credits: None,
            ended_ms: None,
            ended_by: None,
            end_key: None,
            alias_key: None,
            is_conflict: false,
            shown: None,
            shown_ms: None,
            look_ms: None,
            looks: 0,
        }
    }

    /// The place of this job in the list.
    pub(crate) fn cursor(&self) -> JobCursor {
        JobCursor { known_ms: self.known_ms, job_id: self.job_id.clone() }
    }
}

/// How many jobs a shard has, each number up to [`COUNT_LIMIT`](super::figures::COUNT_LIMIT).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct JobFigures {
    /// Jobs that have not ended, overdue ones among them.
    pub(crate) open: u64,
    /// Jobs that have not ended by their deadline.
    pub(crate) overdue: u64,
    /// Jobs whose end was made.
    pub(crate) reconciled: u64,
    /// Jobs of which the provider's end says something else than the made one.
    pub(crate) conflicts: u64,
}

from_json!(JobFigures {
    open = required,
    overdue = required,
    reconciled = required,
    conflicts = required,
});
