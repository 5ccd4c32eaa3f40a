//! Everything that the simulator knows and decides. Nothing here waits, or asks what time it is.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap};

use fastrand::Rng;
use nextapi_testkit::Status;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::api_faults::{ApiFault, ApiFaults};
use crate::behaviour::Behaviour;
use crate::books::JobBook;
use crate::budget::{Budget, SpendLimits};
use crate::chance;
use crate::error::ApiError;
use crate::event_record::EventRecord;
use crate::idempotency::IdempotencyStore;
use crate::keys::{Caller, Environment, KeyDigest};
use crate::moderation::Moderation;
use crate::moment::Moment;
use crate::outbox::{Emission, Outbox, Posting};
use crate::rate_limit::{Allowance, RateLimiter};
use crate::record::{DeliveryOutcome, DeliveryRecord};
use crate::retry::RetrySchedule;
use crate::rows::Rows;
use crate::timers::Timers;
use crate::usage::{ApiUsage, UsageLog};

mod entry;
mod kept;
mod read;
mod spending;
mod submit;
#[cfg(test)]
mod tests;

use entry::{Entry, event};
use submit::Stored;

/// A transition that could not be announced is tried again after this long.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Jobs, accounts, limits and deliveries.
#[derive(Debug)]
pub(crate) struct Engine {
    behaviour: Behaviour,
    spend_limits: SpendLimits,
    moderation: Moderation,
    general: General,
    /// Whether `general` was never written.
    is_new: bool,
    /// In the order of submission.
    jobs: Rows<Entry>,
    by_id: HashMap<String, u64>,
    idempotency: IdempotencyStore<Stored>,
    /// Until when the answer to the first submission under an idempotency key is held back.
    in_flight: HashMap<(KeyDigest, String), Moment>,
    /// Draws the faults of the API; it begins anew with every start.
    api_random: Rng,
    limiter: RateLimiter,
    usage: UsageLog,
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
    /// By the name of an environment or an API key.
    budgets: BTreeMap<String, Budget>,
}

impl Engine {
    /// One to which nothing has happened; `run` becomes part of every correlation id.
    pub(crate) fn new(behaviour: Behaviour, run: String) -> Self {
        let account = Account::new(behaviour.credits);
        Self {
            general: General {
                run,
                random: random(behaviour.seed),
                accounts: Environment::ALL.map(|environment| (environment, account)).into(),
                budgets: BTreeMap::new(),
            },
            is_new: true,
            jobs: Rows::default(),
            by_id: HashMap::new(),
            idempotency: IdempotencyStore::default(),
            in_flight: HashMap::new(),
            api_random: random(behaviour.seed),
            limiter: RateLimiter::default(),
            usage: UsageLog::default(),
            transitions: Timers::default(),
            outbox: Outbox::new(behaviour.faults, RetrySchedule::new(behaviour.retry_scale)),
            spend_limits: SpendLimits::default(),
            moderation: Moderation::default(),
            behaviour,
        }
    }

    /// What it refuses from now on.
    pub(crate) fn refuse(&mut self, spend_limits: SpendLimits, moderation: Moderation) {
        self.spend_limits = spend_limits;
        self.moderation = moderation;
    }

    /// Part of every correlation id.
    pub(crate) fn run(&self) -> &str {
        &self.general.run
    }

    pub(crate) const fn api_faults(&self) -> ApiFaults {
        self.behaviour.api_faults
    }

    /// Counts a request, and draws what goes wrong with it if it may go on; `keyed` says that it has
    /// an idempotency key.
    pub(crate) fn admit(
        &mut self,
        caller: Caller,
        keyed: bool,
        now: Moment,
    ) -> (Allowance, Option<ApiFault>) {
        let allowance = self.limiter.take(caller.key, caller.admin, now);
        self.usage.count(caller, allowance.granted, now);
        let draw = || self.behaviour.api_faults.draw(&mut self.api_random, keyed, now);
        (allowance, allowance.granted.then(draw).flatten())
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
        self.go_on(now);
        self.outbox.due(now)
    }

    /// Lets every job reach the state that it has by now.
    fn go_on(&mut self, now: Moment) {
        while let Some((at, number)) = self.transitions.pop_due(now) {
            self.transition(number, at, now);
        }
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
        let last = entry.lifecycle.next().is_none();
        let emission = Emission { id, body, last, dropped: entry.silent };
        self.outbox.emit(entry.job.id(), emission, entry.random.fork(), at);
        let (environment, key, cost) = (entry.environment, entry.api_key, entry.cost);
        let amounts = &mut entry.amounts;
        match status {
            Status::Queued | Status::Running => {}
            Status::Succeeded => {
                amounts.settled = amounts.settled.saturating_add(cost);
                self.settle(environment, cost);
            }
            Status::Failed => {
                amounts.refunded = amounts.refunded.saturating_add(cost);
                self.refund(environment, key, cost);
            }
        }
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

    /// Every job, oldest first, and what it has cost.
    pub(crate) fn books(&self) -> impl DoubleEndedIterator<Item = JobBook> {
        self.jobs.iter().map(Entry::book)
    }

    /// How often each key has asked.
    pub(crate) fn usage(&self) -> Vec<ApiUsage> {
        self.usage.all()
    }

    /// The events that there have been, oldest first.
    pub(crate) fn events(&self) -> impl DoubleEndedIterator<Item = EventRecord> {
        self.outbox.events()
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

/// Chance, from a seed if there is one.
fn random(seed: Option<u64>) -> Rng {
    seed.map_or_else(Rng::new, Rng::with_seed)
}
