//! The events, and the attempts to deliver them.

use std::collections::{HashMap, VecDeque};

use fastrand::Rng;
use nextapi_testkit::EventBody;

use crate::event_record::EventRecord;
use crate::faults::Faults;
use crate::moment::Moment;
use crate::record::{DeliveryOutcome, DeliveryReason, DeliveryRecord};
use crate::retry::RetrySchedule;
use crate::rows::Rows;
use crate::timers::Timers;

mod event;
mod kept;
#[cfg(test)]
mod tests;

use event::{Event, Next};

/// The job of events that are about none.
pub(crate) const NO_JOB: &str = "";
/// How many attempts the log remembers.
const LOGGED: usize = 10_000;

/// Decides when which event is delivered, and what becomes of it.
///
/// Of a job, the first attempt at an event begins when the first attempt at the one before it has
/// ended, whatever its end: deliveries are in order, and retries are overtaken.
#[derive(Debug)]
pub(crate) struct Outbox {
    faults: Faults,
    retry: RetrySchedule,
    events: Rows<Event>,
    by_id: HashMap<String, u64>,
    lanes: HashMap<String, Lane>,
    plan: Timers<Planned>,
    under_way: HashMap<u64, Planned>,
    /// The last attempts.
    log: Rows<DeliveryRecord>,
}

/// The events of one job whose turn has not come.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<u64>,
    /// A first attempt is planned or under way.
    busy: bool,
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    event: u64,
    reason: DeliveryReason,
}

/// An event that has happened.
#[derive(Clone, Debug)]
pub(crate) struct Emission {
    pub(crate) id: String,
    pub(crate) body: EventBody,
    /// Its job has no more of them.
    pub(crate) last: bool,
    /// It is not delivered, unless somebody asks for it.
    pub(crate) dropped: bool,
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
            events: Rows::default(),
            by_id: HashMap::new(),
            lanes: HashMap::new(),
            plan: Timers::default(),
            under_way: HashMap::new(),
            log: Rows::default(),
        }
    }

    /// Takes an event of a job, with the chance that decides what becomes of it.
    pub(crate) fn emit(&mut self, job_id: &str, emission: Emission, mut random: Rng, now: Moment) {
        let Emission { id, body, last, dropped } = emission;
        let lane = self.lanes.entry(job_id.to_owned()).or_default();
        let overtakes = lane.waiting.iter().any(|number| is_held(&self.events, *number));
        let held = random.f64() < self.faults.reorder && !last && !overtakes;
        let dropped = random.f64() < self.faults.drop_events || dropped;
        let next = if dropped { Next::Nothing } else { Next::Turn { held } };
        let event = self.events.push(Event {
            id: id.clone(),
            job_id: job_id.to_owned(),
            body,
            emitted: now,
            random,
            attempts: 0,
            delivered: false,
            dropped,
            next,
            under_way: false,
            redeliveries: 0,
        });
        self.by_id.insert(id, event);
        if dropped {
            // What waits to be overtaken by it would wait for ever.
            for number in &lane.waiting {
                if is_held(&self.events, *number)
                    && let Some(event) = self.events.get_mut(*number)
                {
                    event.next = Next::Turn { held: false };
                }
            }
        } else {
            lane.waiting.push_back(event);
        }
        self.next_in_lane(job_id, now);
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
            DeliveryReason::Retry if event.delivered => {
                event.next = Next::Nothing;
                return false;
            }
            DeliveryReason::First | DeliveryReason::Retry => {
                event.attempts = event.attempts.saturating_add(1);
                event.under_way = true;
            }
            DeliveryReason::Duplicate | DeliveryReason::Redelivery => {}
        }
        if self.log.len() >= LOGGED {
            self.log.forget_oldest();
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
            gave_up: false,
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
        let (mut retry, mut gave_up) = (None, false);
        match planned.reason {
            DeliveryReason::First | DeliveryReason::Retry => {
                if !event.delivered {
                    let wait = self.retry.wait_after(event.attempts, &mut event.random);
                    retry = wait.map(|wait| now.after(wait));
                    gave_up = retry.is_none();
                }
                event.under_way = false;
                event.next = retry.map_or(Next::Nothing, |at| Next::Retry { at });
            }
            DeliveryReason::Duplicate => {}
            DeliveryReason::Redelivery => {
                event.redeliveries = event.redeliveries.saturating_sub(1);
            }
        }
        let job_id = event.job_id.clone();
        if let Some(at) = retry {
            self.plan.set(at, Planned { reason: DeliveryReason::Retry, ..planned });
        }
        let record = self.log.get_mut(number).map(|record| {
            record.outcome = outcome;
            record.took = Some(now.since(record.began));
            record.next_retry = retry;
            record.gave_up = gave_up;
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
    fn chance(&mut self, event: u64, rate: f64) -> bool {
        self.events.get_mut(event).is_some_and(|event| event.random.f64() < rate)
    }

    /// Plans one more attempt at an event, now; false if there is no such event.
    pub(crate) fn redeliver(&mut self, event_id: &str, now: Moment) -> bool {
        let Some(number) = self.by_id.get(event_id).copied() else { return false };
        let Some(event) = self.events.get_mut(number) else { return false };
        event.redeliveries = event.redeliveries.saturating_add(1);
        self.plan.set(now, Planned { event: number, reason: DeliveryReason::Redelivery });
        true
    }

    /// All events, oldest first.
    pub(crate) fn events(&self) -> impl DoubleEndedIterator<Item = EventRecord> {
        self.events.iter().map(Event::record)
    }

    /// The last attempts.
    pub(crate) const fn log(&self) -> &Rows<DeliveryRecord> {
        &self.log
    }

    /// Plans the first attempt at the job's next event, unless one is under way.
    fn next_in_lane(&mut self, job_id: &str, now: Moment) {
        let Some(lane) = self.lanes.get_mut(job_id) else { return };
        if lane.busy {
            return;
        }
        let turn = lane.waiting.iter().position(|number| !is_held(&self.events, *number));
        let Some(index) = turn else {
            if lane.waiting.is_empty() {
                self.lanes.remove(job_id);
            }
            return;
        };
        let Some(number) = lane.waiting.remove(index) else { return };
        lane.busy = true;
        for overtaken in lane.waiting.iter().take(index) {
            if let Some(event) = self.events.get_mut(*overtaken) {
                event.next = Next::Turn { held: false };
            }
        }
        let Some(event) = self.events.get_mut(number) else { return };
        let at = event.emitted.after(self.faults.delay).max(now);
        event.next = Next::First { at };
        self.plan.set(at, Planned { event: number, reason: DeliveryReason::First });
    }
}

/// Whether an event waits to be overtaken by the next one.
fn is_held(events: &Rows<Event>, number: u64) -> bool {
    events.get(number).is_some_and(|event| event.next == Next::Turn { held: true })
}
