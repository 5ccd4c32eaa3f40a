//! A job's row, and how its facts come together.
//!
//! A job is open until the ledger has its end or owes it. Its *end slot* is filled once by reconciliation: the made
//! end stands beside the one that counts, so that a genuine one which comes later can be held against it.

use super::credits::Credits;
#[cfg(test)]
use super::job::{JobCursor, JobFilter};
use super::job::{JobPolicy, JobSummary, NewJob};

/// How a job has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Ending {
    /// It has a result, and is paid for.
    Succeeded,
    /// It has none, and its credits are given back.
    Failed,
}

impl Ending {
    /// The ending that an event's type or a status stands for; none for any other, known to us or not.
    pub(crate) fn of(event_type: &str) -> Option<Self> {
        match event_type.strip_prefix("job.").unwrap_or(event_type) {
            "succeeded" => Some(Self::Succeeded),
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }

    /// The status.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// The event of an end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobEnd {
    /// Its key.
    pub(crate) key: String,
    /// What it says.
    pub(crate) ending: Ending,
    /// What the job has cost, as far as it is known.
    pub(crate) credits: Option<Credits>,
}

impl JobEnd {
    /// Whether two events say the same. Credits that are not known do not differ.
    pub(crate) fn says_as(&self, other: &Self) -> bool {
        let differ = |(left, right)| left != right;
        self.ending == other.ending && !self.credits.zip(other.credits).is_some_and(differ)
    }
}

/// What the API shows of a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Shown {
    /// The status, as the API has it.
    pub(crate) status: String,
    /// Since when it shows that, as far as we have looked, in milliseconds since 1970.
    pub(crate) since_ms: u64,
    /// What the job has cost, if that is its end.
    pub(crate) credits: Option<Credits>,
}

/// A job's row without its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Job {
    /// Who it is for.
    pub(crate) tenant: Option<String>,
    /// When it became known, in milliseconds since 1970.
    pub(crate) known_ms: u64,
    /// When it is overdue, in milliseconds since 1970.
    pub(crate) deadline_ms: u64,
    /// What it was estimated to cost.
    pub(crate) estimated: Option<Credits>,
    /// The event of its end: claimed, owed or delivered.
    pub(crate) end: Option<JobEnd>,
    /// When the ledger had that or owed it, in milliseconds since 1970; none while the job is open.
    pub(crate) ended_ms: Option<u64>,
    /// The end that reconciliation has made.
    pub(crate) made: Option<JobEnd>,
    /// The key of a genuine end that says the same as the made one, and was not forwarded.
    pub(crate) alias_key: Option<String>,
    /// Whether a genuine end says something else than the made one.
    pub(crate) is_conflict: bool,
    /// What the API shows.
    pub(crate) shown: Option<Shown>,
    /// When the API is to be asked next, in milliseconds since 1970; none once the job has ended.
    pub(crate) look_ms: Option<u64>,
    /// How often it was asked.
    pub(crate) looks: u64,
}

impl Job {
    /// A job that becomes known.
    pub(crate) fn new(policy: JobPolicy, known_ms: u64, now_ms: u64) -> Self {
        Self {
            tenant: None,
            known_ms,
            deadline_ms: known_ms.saturating_add(policy.deadline_ms),
            estimated: None,
            end: None,
            ended_ms: None,
            made: None,
            alias_key: None,
            is_conflict: false,
            shown: None,
            look_ms: Some(now_ms.saturating_add(policy.after_ms)),
            looks: 0,
        }
    }

    /// With what its registration says. What it leaves out stays as it was.
    pub(crate) fn registered(mut self, new: NewJob) -> Self {
        self.tenant = new.tenant.or(self.tenant);
        self.estimated = new.estimated.or(self.estimated);
        self.deadline_ms = new.deadline_ms.unwrap_or(self.deadline_ms);
        self
    }

    /// Now that the ledger has the end or owes it.
    pub(crate) fn ended(mut self, now_ms: u64) -> Self {
        self.ended_ms = self.ended_ms.or(Some(now_ms));
        self.look_ms = None;
        self
    }

    /// Whether the end that counts is the made one.
    pub(crate) fn is_reconciled(&self) -> bool {
        self.made.is_some() && self.made == self.end
    }

    /// The name of its state.
    pub(crate) const fn state(&self, now_ms: u64) -> &'static str {
        match self.ended_ms {
            Some(_) => "ended",
            None if self.deadline_ms <= now_ms => "overdue",
            None => "open",
        }
    }

    /// The job as an admin sees it.
    pub(crate) fn summary(self, job_id: String, now_ms: u64) -> JobSummary {
        let ended_by = if self.is_reconciled() { "reconciliation" } else { "webhook" };
        let state = self.state(now_ms).to_owned();
        let (end_key, status, credits) = match self.end {
            Some(end) => (Some(end.key), Some(end.ending.name().to_owned()), end.credits),
            None => (None, None, None),
        };
        let (shown, shown_ms) =
            self.shown.map_or((None, None), |shown| (Some(shown.status), Some(shown.since_ms)));
        JobSummary {
            job_id,
            state,
            tenant: self.tenant,
            known_ms: self.known_ms,
            deadline_ms: self.deadline_ms,
            estimated: self.estimated,
            status,
            credits,
            ended_ms: self.ended_ms,
            ended_by: self.ended_ms.map(|_| ended_by.to_owned()),
            end_key,
            alias_key: self.alias_key,
            is_conflict: self.is_conflict,
            shown,
            shown_ms,
            look_ms: self.look_ms,
            looks: self.looks,
        }
    }
}

#[cfg(test)]
impl Job {
    /// Whether a job passes a filter, apart from the limit.
    pub(crate) fn passes(&self, job_id: &str, filter: &JobFilter, now_ms: u64) -> bool {
        let is_state = match filter.state.as_deref() {
            None => true,
            Some("open") => self.ended_ms.is_none(),
            Some("overdue") => self.state(now_ms) == "overdue",
            Some("ended") => self.ended_ms.is_some(),
            Some("reconciliation") => self.made.is_some(),
            Some("conflict") => self.is_conflict,
            Some(_) => false,
        };
        let is_behind = |JobCursor { known_ms, job_id: shown }: &JobCursor| {
            (core::cmp::Reverse(self.known_ms), job_id) > (core::cmp::Reverse(*known_ms), shown)
        };
        is_state
            && (filter.tenant.is_none() || filter.tenant == self.tenant)
            && filter.cursor.as_ref().is_none_or(is_behind)
    }
}
