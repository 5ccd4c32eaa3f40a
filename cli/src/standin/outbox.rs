//! The events, and the attempts to deliver them.

use std::collections::{HashMap, VecDeque};

use fastrand::Rng;

use super::faults::Faults;
use super::moment::Moment;
use super::record::{DeliveryLog, DeliveryOutcome, DeliveryReason, DeliveryRecord};
use super::retry::RetrySchedule;
use super::timers::Timers;
use crate::EventBody;

/// Decides when which event is delivered, and what becomes of it.
///
/// Of a job, the first attempt at an event begins when the first attempt at the one before it has
/// ended, whatever its end: deliveries are in order, and retries are overtaken.
#[derive(Debug)]
pub(crate) struct Outbox {
    faults: Faults,
    retry: RetrySchedule,
    events: Vec<Event>,
    by_id: HashMap<String, usize>,
    lanes: HashMap<String, Lane>,
    plan: Timers<Planned>,
    under_way: HashMap<u64, Planned>,
    log: DeliveryLog,
}

#[derive(Debug)]
struct Event {
    id: String,
    job_id: String,
    body: EventBody,
    emitted: Moment,
    /// What becomes of it is its own chance, whatever becomes of other events meanwhile.
    random: Rng,
    attempts: u32,
    delivered: bool,
}

/// The events of one job that were not tried yet.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    busy: bool,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    event: usize,
    /// To be overtaken by the next one.
    held: bool,
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    event: usize,
    reason: DeliveryReason,
}

/// A request to be made now.
#[derive(Clone, Debug)]
pub(crate) struct Posting {
    pub(crate) record: DeliveryRecord,
    pub(crate) body: EventBody,
    /// It is not to be made after all, and ends as [`DeliveryOutcome::Lost`].
    pub(crate) lost: bool,
}

impl Outbox {
    pub(crate) fn new(faults: Faults, retry: RetrySchedule) -> Self {
        Self {
            faults,
            retry,
            events: Vec::new(),
            by_id: HashMap::new(),
            lanes: HashMap::new(),
            plan: Timers::default(),
            under_way: HashMap::new(),
            log: DeliveryLog::default(),
        }
    }

    /// Takes an event of a job, with the chance that decides what becomes of it; `last` says that
    /// the job has no more of them.
    pub(crate) fn emit(
        &mut self,
        id: String,
        job_id: &str,
        body: EventBody,
        last: bool,
        mut random: Rng,
        now: Moment,
    ) {
        let event = self.events.len();
        self.by_id.insert(id.clone(), event);
        let job_id = job_id.to_owned();
        let lane = self.lanes.entry(job_id.clone()).or_default();
        let overtakes = lane.waiting.iter().any(|waiting| waiting.held);
        let held = random.f64() < self.faults.reorder && !last && !overtakes;
        lane.waiting.push_back(Waiting { event, held });
        self.events.push(Event {
            id,
            job_id: job_id.clone(),
            body,
            emitted: now,
            random,
            attempts: 0,
            delivered: false,
        });
        self.next_in_lane(&job_id, now);
    }

    /// When there is next something to do.
    pub(crate) fn next_due(&self) -> Option<Moment> {
        self.plan.next()
    }

    /// What is to be posted by now. Each of them must be [`finished`](Self::finished).
    pub(crate) fn due(&mut self, now: Moment) -> Vec<Posting> {
        let mut postings = Vec::new();
        while let Some((_, planned)) = self.plan.pop_due(now) {
            if !self.begin(planned, now, &mut postings) {
                continue;
            }
            let ours = matches!(planned.reason, DeliveryReason::First | DeliveryReason::Retry);
            if ours && self.chance(planned.event, self.faults.duplicate) {
                let twin = Planned { reason: DeliveryReason::Duplicate, ..planned };
                self.begin(twin, now, &mut postings);
            }
        }
        postings
    }

    /// Makes an attempt; false if there is no need for it any more.
    fn begin(&mut self, planned: Planned, now: Moment, postings: &mut Vec<Posting>) -> bool {
        let Some(event) = self.events.get_mut(planned.event) else { return false };
        match planned.reason {
            // Its twin, or a redelivery, has made it in the meantime.
            DeliveryReason::Retry if event.delivered => return false,
            DeliveryReason::First | DeliveryReason::Retry => {
                event.attempts = event.attempts.saturating_add(1);
            }
            DeliveryReason::Duplicate | DeliveryReason::Redelivery => {}
        }
        let record = DeliveryRecord {
            number: self.log.next_number(),
            event_id: event.id.clone(),
            event_type: event.body.event_type.clone(),
            job_id: event.job_id.clone(),
            attempt: event.attempts,
            reason: planned.reason,
            outcome: DeliveryOutcome::Pending,
            began: now,
            took: None,
            next_retry: None,
        };
        let number = record.number;
        let body = event.body.clone();
        self.log.push(record.clone());
        self.under_way.insert(number, planned);
        // What was asked for by hand is not lost on purpose.
        let losable = planned.reason != DeliveryReason::Redelivery;
        let lost = losable && self.chance(planned.event, self.faults.lose);
        postings.push(Posting { record, body, lost });
        true
    }

    /// Takes note of how an attempt ended, and gives what the log now says about it.
    pub(crate) fn finished(
        &mut self,
        number: u64,
        outcome: DeliveryOutcome,
        now: Moment,
    ) -> Option<DeliveryRecord> {
        let planned = self.under_way.remove(&number)?;
        let event = self.events.get_mut(planned.event)?;
        event.delivered |= outcome.is_success();
        let chain = matches!(planned.reason, DeliveryReason::First | DeliveryReason::Retry);
        let retry = if chain && !event.delivered {
            self.retry.wait_after(event.attempts, &mut event.random).map(|wait| now.after(wait))
        } else {
            None
        };
        let job_id = event.job_id.clone();
        if let Some(at) = retry {
            self.plan.set(at, Planned { reason: DeliveryReason::Retry, ..planned });
        }
        let record = self.log.get_mut(number).map(|record| {
            record.outcome = outcome;
            record.took = Some(now.since(record.began));
            record.next_retry = retry;
            record.clone()
        });
        if planned.reason == DeliveryReason::First {
            if let Some(lane) = self.lanes.get_mut(&job_id) {
                lane.busy = false;
            }
            self.next_in_lane(&job_id, now);
        }
        record
    }

    /// Whether something happens to an event that happens at this rate.
    fn chance(&mut self, event: usize, rate: f64) -> bool {
        self.events.get_mut(event).is_some_and(|event| event.random.f64() < rate)
    }

    /// Plans one more attempt at an event, now; false if there is no such event.
    pub(crate) fn redeliver(&mut self, event_id: &str, now: Moment) -> bool {
        let Some(event) = self.by_id.get(event_id) else { return false };
        self.plan.set(now, Planned { event: *event, reason: DeliveryReason::Redelivery });
        true
    }

    /// The last attempts.
    pub(crate) const fn log(&self) -> &DeliveryLog {
        &self.log
    }

    /// Plans the first attempt at the job's next event, unless one is under way.
    fn next_in_lane(&mut self, job_id: &str, now: Moment) {
        let Some(lane) = self.lanes.get_mut(job_id) else { return };
        if lane.busy {
            return;
        }
        let Some(index) = lane.waiting.iter().position(|waiting| !waiting.held) else {
            if lane.waiting.is_empty() {
                self.lanes.remove(job_id);
            }
            return;
        };
        let Some(next) = lane.waiting.remove(index) else { return };
        lane.busy = true;
        for overtaken in lane.waiting.iter_mut().take(index) {
            overtaken.held = false;
        }
        let emitted = self.events.get(next.event).map_or(now, |event| event.emitted);
        let at = emitted.after(self.faults.delay).max(now);
        self.plan.set(at, Planned { event: next.event, reason: DeliveryReason::First });
    }
}

#[cfg(test)]
mod tests;
