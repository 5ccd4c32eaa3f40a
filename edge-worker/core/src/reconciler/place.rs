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
            credits: job.and_then(|job| job.credits).and_then(amount),
            estimated: job.and_then(|job| job.estimated_credits).and_then(amount),
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
fn amount(credits: nextapi_client::Credits) -> Option<Credits> {
    Credits::believed(credits.as_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_line() {
        let place = Place { shard: "shard-0".to_owned(), job_id: "job_1".to_owned() };
        let job = Job::read(br#"{"id":"job_1","status":"on\nhold\u0000"}"#);
        assert_eq!(Shown { place, job: Ok(job.unwrap()) }.observation(true).status, "onhold");
    }

    /// One that cannot be stored would keep everything from its shard that is shown with it.
    #[test]
    fn an_amount_that_nobody_pays_is_not_known() {
        for (credits, shown) in [
            ("1.05", Some("1.05")),
            ("1000000", Some("1000000")),
            ("1000000.000001", None),
            ("1e13", None),
        ] {
            let body = format!(
                r#"{{"id":"job_1","status":"running","credits":{credits},"estimated_credits":{credits}}}"#
            );
            let place = Place { shard: "shard-0".to_owned(), job_id: "job_1".to_owned() };
            let seen =
                Shown { place, job: Ok(Job::read(body.as_bytes()).unwrap()) }.observation(true);
            let shown = shown.map(str::to_owned);
            assert_eq!(seen.credits.map(|credits| credits.to_string()), shown, "{credits}");
            assert_eq!(seen.estimated.map(|credits| credits.to_string()), shown, "{credits}");
        }
    }
}
