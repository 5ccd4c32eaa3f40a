//! Submissions.

use http::StatusCode;
use nextapi_testkit::{Generation, Job, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Engine;
use super::entry::{Entry, event};
use crate::api_faults::ApiFault;
use crate::books::Amounts;
use crate::error::ApiError;
use crate::idempotency::Known;
use crate::keys::Caller;
use crate::lifecycle::Lifecycle;
use crate::moment::Moment;
use crate::outbox::Emission;
use crate::submission;

/// The longest idempotency key, in bytes.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// What is kept under an idempotency key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stored {
    /// The job as it was when it was submitted.
    Job(Value),
    /// A 500 on purpose, whether there is a job or not.
    Error,
}

impl Engine {
    /// Takes a job, or gives the answer that the same submission was given before.
    pub(crate) fn submit(
        &mut self,
        caller: Caller,
        idempotency_key: Option<&str>,
        body: &[u8],
        fault: Option<ApiFault>,
        now: Moment,
    ) -> Result<Value, ApiError> {
        let fingerprint = Sha256::digest(body).into();
        if let Some(key) = idempotency_key {
            check_idempotency_key(key)?;
            self.check_in_flight(caller, key, now)?;
            match self.idempotency.look_up(caller.key, key, &fingerprint, now) {
                Known::Nothing => {}
                Known::Same(stored) => return stored.into_answer(),
                Known::Other => {
                    let message = "this Idempotency-Key was used for a request with another body";
                    return Err(ApiError::invalid_with(StatusCode::CONFLICT, message));
                }
            }
        }
        let generation = submission::read(body, &self.moderation)?;
        let stored = match fault {
            Some(ApiFault::StoreError { acts: false }) => Stored::Error,
            Some(ApiFault::StoreError { acts: true }) => {
                self.begin(caller, generation, now)?;
                Stored::Error
            }
            _ => Stored::Job(self.begin(caller, generation, now)?),
        };
        if let Some(key) = idempotency_key {
            if let Some(ApiFault::Hang(until)) = fault {
                self.in_flight.insert((caller.key, key.to_owned()), until);
            }
            let key = key.to_owned();
            self.idempotency.remember(caller.key, key, fingerprint, stored.clone(), now);
        }
        stored.into_answer()
    }

    /// Refuses a submission while the answer to the first one under its key is held back.
    fn check_in_flight(&mut self, caller: Caller, key: &str, now: Moment) -> Result<(), ApiError> {
        self.in_flight.retain(|_, until| now < *until);
        let in_flight = self.in_flight.contains_key(&(caller.key, key.to_owned()));
        if in_flight && self.behaviour.api_faults.conflict_in_flight {
            let message = "the first request with this Idempotency-Key is still in flight";
            return Err(ApiError::invalid_with(StatusCode::CONFLICT, message));
        }
        Ok(())
    }

    fn begin(
        &mut self,
        caller: Caller,
        generation: Generation,
        now: Moment,
    ) -> Result<Value, ApiError> {
        let no_luck = |_| ApiError::no_luck();
        let Caller { key: api_key, environment, .. } = caller;
        let cost = generation.estimate;
        let job = Job::new(generation, now.as_unix_time()).map_err(no_luck)?;
        let mut random = self.general.random.fork();
        let shape = self.behaviour.shapes.draw(&mut random);
        let (id, body) = event(&job, shape, Status::Queued).map_err(no_luck)?;
        self.reserve(caller, cost, now)?;
        let fails = random.f64() < self.behaviour.failure_rate;
        let lifecycle = Lifecycle::new(now, self.behaviour.job_duration, fails);
        let chance = random.fork();
        let silent = random.f64() < self.behaviour.faults.drop_jobs;
        let entry = Entry {
            job,
            environment,
            api_key,
            cost,
            amounts: Amounts { reserved: cost, ..Amounts::default() },
            lifecycle,
            created: now,
            deleted: false,
            silent,
            random,
        };
        let answer = entry.to_json(now);
        let (job_id, video_id) = (entry.job.id().to_owned(), entry.job.video_id().to_owned());
        let emission = Emission { id, body, last: false, dropped: silent };
        self.outbox.emit(&job_id, emission, chance, now);
        let number = self.jobs.push(entry);
        self.by_id.insert(video_id, number);
        self.by_id.insert(job_id, number);
        self.plan(number);
        Ok(answer)
    }
}

impl Stored {
    fn into_answer(self) -> Result<Value, ApiError> {
        match self {
            Self::Job(job) => Ok(job),
            Self::Error => Err(ApiError::on_purpose(StatusCode::INTERNAL_SERVER_ERROR)),
        }
    }
}

fn check_idempotency_key(key: &str) -> Result<(), ApiError> {
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY || !visible {
        return Err(ApiError::invalid(format!(
            "Idempotency-Key must be 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters"
        )));
    }
    Ok(())
}
