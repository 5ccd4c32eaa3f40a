//! Everything that the simulator knows and decides. Nothing here waits, or asks what time it is.

use core::time::Duration;
use std::collections::HashMap;

use fastrand::Rng;
use http::StatusCode;
use nextapi_testkit::{Credits, EventBody, Generation, Job, Shape, Status, random_hex};
use nextapi_webhook::Event;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::account::Account;
use crate::behaviour::Behaviour;
use crate::chance;
use crate::error::ApiError;
use crate::idempotency::{IdempotencyStore, Known};
use crate::keys::{Caller, Environment};
use crate::lifecycle::Lifecycle;
use crate::moment::Moment;
use crate::outbox::{Outbox, Posting};
use crate::page::Page;
use crate::rate_limit::{Allowance, RateLimiter};
use crate::record::{DeliveryOutcome, DeliveryRecord};
use crate::retry::RetrySchedule;
use crate::rows::Rows;
use crate::submission;
use crate::timers::Timers;

/// A transition that could not be announced is tried again after this long.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// The longest idempotency key, in bytes.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// Jobs, accounts, limits and deliveries.
#[derive(Debug)]
pub(crate) struct Engine {
    behaviour: Behaviour,
    general: General,
    /// Whether `general` was never written.
    is_new: bool,
    /// In the order of submission.
    jobs: Rows<Entry>,
    by_id: HashMap<String, u64>,
    idempotency: IdempotencyStore<Value>,
    limiter: RateLimiter,
    transitions: Timers<u64>,
    outbox: Outbox,
}

/// What there is one of.
#[derive(Debug, Serialize, Deserialize)]
struct General {
    /// Part of every correlation id, so that no two simulators share one.
    run: String,
    /// Gives each job a chance of its own.
    #[serde(with = "chance")]
    random: Rng,
    accounts: HashMap<Environment, Account>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    job: Job,
    environment: Environment,
    cost: Credits,
    lifecycle: Lifecycle,
    created: Moment,
    #[serde(with = "chance")]
    random: Rng,
}

impl Engine {
    /// One to which nothing has happened; `run` becomes part of every correlation id.
    pub(crate) fn new(behaviour: Behaviour, run: String) -> Self {
        let account = Account::new(behaviour.credits);
        Self {
            general: General {
                run,
                random: behaviour.seed.map_or_else(Rng::new, Rng::with_seed),
                accounts: Environment::ALL.map(|environment| (environment, account)).into(),
            },
            is_new: true,
            jobs: Rows::default(),
            by_id: HashMap::new(),
            idempotency: IdempotencyStore::default(),
            limiter: RateLimiter::default(),
            transitions: Timers::default(),
            outbox: Outbox::new(behaviour.faults, RetrySchedule::new(behaviour.retry_scale)),
            behaviour,
        }
    }

    /// Part of every correlation id.
    pub(crate) fn run(&self) -> &str {
        &self.general.run
    }

    /// Counts a request.
    pub(crate) fn allowance(&mut self, caller: Caller, now: Moment) -> Allowance {
        self.limiter.take(caller.key, caller.admin, now)
    }

    /// Takes a job, or gives the answer that the same submission was given before.
    pub(crate) fn submit(
        &mut self,
        caller: Caller,
        idempotency_key: Option<&str>,
        body: &[u8],
        now: Moment,
    ) -> Result<Value, ApiError> {
        let fingerprint = Sha256::digest(body).into();
        if let Some(key) = idempotency_key {
            check_idempotency_key(key)?;
            match self.idempotency.look_up(caller.key, key, &fingerprint, now) {
                Known::Nothing => {}
                Known::Same(answer) => return Ok(answer),
                Known::Other => {
                    let message = "this Idempotency-Key was used for a request with another body";
                    return Err(ApiError::invalid_with(StatusCode::CONFLICT, message));
                }
            }
        }
        let answer = self.begin(caller.environment, submission::read(body)?, now)?;
        if let Some(key) = idempotency_key {
            let key = key.to_owned();
            self.idempotency.remember(caller.key, key, fingerprint, answer.clone(), now);
        }
        Ok(answer)
    }

    fn begin(
        &mut self,
        environment: Environment,
        generation: Generation,
        now: Moment,
    ) -> Result<Value, ApiError> {
        let no_luck = |_| ApiError::internal("the system's random generator failed");
        let cost = generation.estimate;
        let job = Job::new(generation, now.as_unix_time()).map_err(no_luck)?;
        let mut random = self.general.random.fork();
        let shape = self.behaviour.shapes.draw(&mut random);
        let (id, body) = event(&job, shape, Status::Queued).map_err(no_luck)?;
        let account = self.general.accounts.entry(environment).or_default();
        if !account.reserve(cost) {
            return Err(ApiError::insufficient_credits(format!(
                "the job needs {cost} credits, and {} are available",
                account.available()
            )));
        }
        let fails = random.f64() < self.behaviour.failure_rate;
        let lifecycle = Lifecycle::new(now, self.behaviour.job_duration, fails);
        let chance = random.fork();
        let entry = Entry { job, environment, cost, lifecycle, created: now, random };
        let answer = entry.to_json(now);
        let job_id = entry.job.id().to_owned();
        self.outbox.emit(id, &job_id, body, false, chance, now);
        let number = self.jobs.push(entry);
        self.by_id.insert(job_id, number);
        self.plan(number);
        Ok(answer)
    }

    /// A job of the caller's environment.
    pub(crate) fn retrieve(
        &self,
        environment: Environment,
        id: &str,
        now: Moment,
    ) -> Result<Value, ApiError> {
        let entry = self.by_id.get(id).and_then(|number| self.jobs.get(*number));
        entry
            .filter(|entry| entry.environment == environment)
            .map(|entry| entry.to_json(now))
            .ok_or_else(|| ApiError::not_found("there is no such job in this environment"))
    }

    /// The jobs of an environment, newest first.
    pub(crate) fn list(&self, environment: Environment, page: Page, now: Moment) -> Value {
        let jobs = self.jobs.iter().rev().filter(|entry| entry.environment == environment);
        page.of(jobs, |entry| entry.to_json(now))
    }

    /// An environment's credits.
    pub(crate) fn account(&self, environment: Environment) -> Account {
        self.general.accounts.get(&environment).copied().unwrap_or_default()
    }

    /// When there is next something to do.
    pub(crate) fn next_due(&self) -> Option<Moment> {
        [self.transitions.next(), self.outbox.next_due()].into_iter().flatten().min()
    }

    /// Does what is due, and gives what is to be posted now. Of each of them,
    /// [`finished`](Self::finished) must be told the outcome.
    pub(crate) fn advance(&mut self, now: Moment) -> Vec<Posting> {
        while let Some((at, number)) = self.transitions.pop_due(now) {
            self.transition(number, at, now);
        }
        self.outbox.due(now)
    }

    fn transition(&mut self, number: u64, at: Moment, now: Moment) {
        let Some(entry) = self.jobs.get_mut(number) else { return };
        let Some((_, status)) = entry.lifecycle.next() else { return };
        let shape = self.behaviour.shapes.draw(&mut entry.random);
        let Ok((id, body)) = event(&entry.job, shape, status) else {
            // A state that is not announced is not reached.
            self.transitions.set(now.after(TRY_AGAIN), number);
            return;
        };
        entry.lifecycle.advance();
        let account = self.general.accounts.entry(entry.environment).or_default();
        match status {
            Status::Queued | Status::Running => {}
            Status::Succeeded => account.settle(entry.cost),
            Status::Failed => account.refund(entry.cost),
        }
        let last = entry.lifecycle.next().is_none();
        self.outbox.emit(id, entry.job.id(), body, last, entry.random.fork(), at);
        self.plan(number);
    }

    /// Takes note of how a delivery ended.
    pub(crate) fn finished(
        &mut self,
        number: u64,
        outcome: DeliveryOutcome,
        now: Moment,
    ) -> Option<DeliveryRecord> {
        self.outbox.finished(number, outcome, now)
    }

    /// Plans one more delivery of an event.
    pub(crate) fn redeliver(&mut self, event_id: &str, now: Moment) -> Result<(), ApiError> {
        if self.outbox.redeliver(event_id, now) {
            Ok(())
        } else {
            Err(ApiError::not_found("there is no such event"))
        }
    }

    /// The last deliveries.
    pub(crate) const fn log(&self) -> &Rows<DeliveryRecord> {
        self.outbox.log()
    }

    fn plan(&mut self, number: u64) {
        let next = self.jobs.get(number).and_then(|entry| entry.lifecycle.next());
        if let Some((at, _)) = next {
            self.transitions.set(at, number);
        }
    }
}

/// An event's id and body. Flat bodies have no event id; there it is the simulator's own.
fn event(job: &Job, shape: Shape, status: Status) -> anyhow::Result<(String, EventBody)> {
    let body = job.event(shape, status)?;
    let own = Event::read_unverified(&body.bytes).ok().filter(|event| event.event_type().is_some());
    let id = match own.as_ref().and_then(Event::id) {
        Some(id) => id.to_owned(),
        None => format!("evt_{}", random_hex::<12>()?),
    };
    Ok((id, body))
}

impl Entry {
    /// The job as the API tells it.
    fn to_json(&self, now: Moment) -> Value {
        let mut job = self.job.resource(self.lifecycle.status());
        if let Value::Object(fields) = &mut job {
            let created_at = self.created.as_unix_time().as_secs();
            fields.insert("created_at".to_owned(), json!(created_at));
            if let Some(progress) = self.lifecycle.progress(now) {
                fields.insert("progress".to_owned(), json!(progress));
            }
        }
        job
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

mod kept;
#[cfg(test)]
mod tests;
