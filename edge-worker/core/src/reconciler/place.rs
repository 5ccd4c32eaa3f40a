//! Where the ledger has a job, and what the API has shown of it.

use nextapi_client::{Bucket, Job, Status};

use super::RoundCall;
use super::made_end::MadeEnd;
use crate::forward::Head;
use crate::ledger::credits::Credits;
use crate::ledger::job::Observation;
use crate::ledger::message::Call;
use crate::trace::TraceContext;

/// Who acts, in the audit log.
const RECONCILER: &str = "reconciler";

/// Where the ledger has a job: the shard, and the name that it knows the job by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) shard: String,
    pub(super) job_id: String,
}

/// What the API has shown of a job.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) place: Place,
    /// The job, or why the API shows none.
    pub(super) job: Result<Job, &'static str>,
}

impl Shown {
    /// As the ledger is told.
    pub(super) fn observation(&self, is_known_only: bool) -> Observation {
        let status = match &self.job {
            Err(reason) => (*reason).to_owned(),
            // The event of such an end would be of no use to the origin. Whatever the API says next counts.
            Ok(job) if is_without_url(job) => "succeeded_without_url".to_owned(),
            Ok(job) => job.status.as_str().chars().filter(|letter| !letter.is_control()).collect(),
        };
        let job = self.job.as_ref().ok();
        Observation {
            job_id: self.place.job_id.clone(),
            status,
            credits: job.and_then(|job| job.credits).map(amount),
            estimated: job.and_then(|job| job.estimated_credits).map(amount),
            created_ms: job
                .and_then(|job| job.created_at)
                .map(|seconds| seconds.saturating_mul(1_000)),
            is_known_only,
        }
    }

    /// The names that the job has, apart from the one that the ledger knows it by here.
    pub(super) fn other_names(&self) -> impl Iterator<Item = &str> {
        let job = self.job.as_ref().ok();
        let names =
            job.into_iter().flat_map(|job| [Some(&*job.id), job.video_id.as_deref()]).flatten();
        names.filter(|name| *name != self.place.job_id)
    }

    /// The call that has its end stored; none if it has not ended.
    pub(super) fn make_end(
        &self,
        correlation_id: &str,
        trace: &TraceContext,
        now_ms: u64,
    ) -> Option<RoundCall> {
        let job =
            self.job.as_ref().ok().filter(|job| matches!(job.bucket(), Bucket::Terminal(_)))?;
        let MadeEnd { key, meta, body } = MadeEnd::new(&self.place.job_id, job, now_ms);
        let head = Head {
            correlation_id: correlation_id.to_owned(),
            trace: trace.to_string(),
            kept: vec![("content-type".to_owned(), "application/json".to_owned())],
        };
        let call = Call::MakeEnd {
            observation: self.observation(true),
            key,
            meta,
            head: head.encode(),
            body_bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
        };
        Some(RoundCall {
            shard: self.place.shard.clone(),
            message: call.encode_by(RECONCILER),
            body: Some(body),
        })
    }
}

fn is_without_url(job: &Job) -> bool {
    job.status == Status::Succeeded && !matches!(job.bucket(), Bucket::Terminal(_))
}

/// As the ledger counts it.
fn amount(credits: nextapi_client::Credits) -> Credits {
    Credits::of_millionths(credits.as_micros())
}
