//! A job, and what the engine knows of it.

use fastrand::Rng;
use nextapi_testkit::{Credits, EventBody, Job, Shape, Status, random_hex};
use nextapi_webhook::Event;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::books::{Amounts, JobBook};
use crate::chance;
use crate::keys::{Environment, KeyDigest};
use crate::lifecycle::Lifecycle;
use crate::moment::Moment;

/// A job, and what the engine knows of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) job: Job,
    pub(super) environment: Environment,
    /// Whose key it was submitted with.
    pub(super) api_key: KeyDigest,
    pub(super) cost: Credits,
    pub(super) amounts: Amounts,
    pub(super) lifecycle: Lifecycle,
    pub(super) created: Moment,
    /// It has vanished from the list.
    pub(super) deleted: bool,
    /// None of its webhooks is ever sent.
    pub(super) silent: bool,
    #[serde(with = "chance")]
    pub(super) random: Rng,
}

impl Entry {
    /// The job as it stands in the books.
    pub(super) fn book(&self) -> JobBook {
        JobBook {
            job_id: self.job.id().to_owned(),
            video_id: self.job.video_id().to_owned(),
            environment: self.environment,
            status: self.lifecycle.status(),
            amounts: self.amounts,
        }
    }

    /// The job as the API tells it, as it is or was at this moment.
    pub(super) fn to_json(&self, at: Moment) -> Value {
        let lifecycle = self.lifecycle.as_of(at);
        let mut job = self.job.resource(lifecycle.status());
        if let Value::Object(fields) = &mut job {
            let created_at = self.created.as_unix_time().as_secs();
            fields.insert("created_at".to_owned(), json!(created_at));
            if let Some(progress) = lifecycle.progress(at) {
                fields.insert("progress".to_owned(), json!(progress));
            }
        }
        job
    }
}

/// An event's id and body. Flat bodies have no event id; there it is the simulator's own.
pub(super) fn event(
    job: &Job,
    shape: Shape,
    status: Status,
) -> anyhow::Result<(String, EventBody)> {
    let body = job.event(shape, status)?;
    let own = Event::read_unverified(&body.bytes).ok().filter(|event| event.event_type().is_some());
    let id = match own.as_ref().and_then(Event::id) {
        Some(id) => id.to_owned(),
        None => format!("evt_{}", random_hex::<12>()?),
    };
    Ok((id, body))
}
