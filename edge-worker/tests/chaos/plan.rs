//! What each party will do, from the seed alone.

use core::time::Duration;

use fastrand::Rng;
use nextapi_testkit::{Shape, Status};

use crate::conduct::Conduct;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) events: Vec<Event>,
    /// In the order in which they happen.
    pub(crate) crashes: Vec<Crash>,
}

/// One event, and what will befall it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) body: Body,
    /// How many deliveries the provider begins at the same moment. Each is repeated until it is
    /// answered 2xx.
    pub(crate) copies: usize,
    /// Whether the provider hangs up early at its first try.
    pub(crate) is_hasty: bool,
    /// When the provider delivers the event once more, counted from its success.
    pub(crate) echo: Option<Duration>,
    /// What the origin does when it gets the event for the first, second, … time. After that, it
    /// answers well.
    pub(crate) conducts: Vec<Conduct>,
    /// What is drawn while the event is delivered: the jitter, the signature's label and header.
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// An event of the job of this number.
    Job { job: usize, shape: Shape, status: Status },
    /// The end of a batch, without an id.
    Batch,
    /// Not JSON at all.
    Unreadable,
}

/// The engine is killed, or the origin stops and cuts its connections; either comes back. Or an operator pauses all
/// deliveries, and resumes them. Or the disk takes nothing more for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crash {
    pub(crate) of: Party,
    /// How many requests the origin has received by then, over the whole run.
    pub(crate) at: usize,
    /// How long after that request, so that the crash meets different moments of its way.
    pub(crate) delay: Duration,
    /// How long the party stays away, beyond what it needs to start.
    pub(crate) lasts: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Engine,
    Origin,
    Operator,
    /// The operator has all dead letters delivered anew, while everything goes on.
    Replay,
    Disk,
}

impl Event {
    /// How many requests with this event the origin gets at least: the late answer may be in time.
    fn least_requests(&self) -> usize {
        let is_success = |conduct: &Conduct| matches!(conduct.status(), Some(200..=299));
        self.conducts.iter().take_while(|conduct| !is_success(conduct)).count() + 1
    }
}

impl Plan {
    pub(crate) fn new(seed: u64, events: usize) -> Self {
        let mut random = Rng::with_seed(seed);
        let events = self::events(events, &mut random);
        let crashes = crashes(&events, &mut random);
        Self { events, crashes }
    }
}

/// Longer than the provider's whole schedule, compressed.
const LONG_ABSENCE: Duration = Duration::from_secs(9);
/// Long enough that much would happen.
const PAUSE: Duration = Duration::from_secs(5);
const DISK_FULL: Duration = Duration::from_secs(1);

impl Plan {
    /// The same, and what only an edge is up to that retries by itself: in the middle the origin is away for longer
    /// than the provider tries again, an operator pauses everything before and after, and the disk is full now and then.
    pub(crate) fn for_durable(mut self) -> Self {
        let requests: usize = self.events.iter().map(Event::least_requests).sum();
        for (of, eighth, lasts) in [
            (Party::Disk, 1, DISK_FULL),
            (Party::Operator, 2, PAUSE),
            (Party::Disk, 3, DISK_FULL),
            (Party::Origin, 4, LONG_ABSENCE),
            (Party::Disk, 5, DISK_FULL),
            (Party::Operator, 6, PAUSE),
            (Party::Replay, 7, Duration::ZERO),
        ] {
            let at = requests * eighth / 8;
            self.crashes.push(Crash { of, at, delay: Duration::ZERO, lasts });
        }
        self.crashes.sort_by_key(|crash| crash.at);
        // An event that is given up brings fewer requests than it would otherwise.
        for crash in &mut self.crashes {
            crash.at = crash.at * 3 / 4;
        }
        self
    }

    /// The event before each of its job, if there is one.
    pub(crate) fn predecessors(&self) -> Vec<Option<usize>> {
        let jobs = self.jobs();
        let before = |(event, job): (usize, &Option<usize>)| {
            job.and_then(|job| jobs[..event].iter().rposition(|other| *other == Some(job)))
        };
        jobs.iter().enumerate().map(before).collect()
    }

    /// The job of each event, if it has one.
    pub(crate) fn jobs(&self) -> Vec<Option<usize>> {
        let job = |event: &Event| match event.body {
            Body::Job { job, .. } => Some(job),
            Body::Batch | Body::Unreadable => None,
        };
        self.events.iter().map(job).collect()
    }
}

fn events(count: usize, random: &mut Rng) -> Vec<Event> {
    let mut bodies = Vec::new();
    let mut job = 0;
    while bodies.len() < count {
        match random.u8(..100) {
            0..5 => bodies.push(Body::Batch),
            5..10 => bodies.push(Body::Unreadable),
            _ => {
                let shape = match random.u8(..5) {
                    0..3 => Shape::Envelope,
                    3 => Shape::EnvelopeWithJobId,
                    _ => Shape::Flat,
                };
                let end = if random.u8(..5) == 0 { Status::Failed } else { Status::Succeeded };
                let story = [Status::Queued, Status::Running, end];
                bodies.extend(story.map(|status| Body::Job { job, shape, status }));
                job += 1;
            }
        }
    }
    bodies.truncate(count);
    bodies.into_iter().map(|body| event(body, random)).collect()
}

fn event(body: Body, random: &mut Rng) -> Event {
    let copies = match random.u8(..100) {
        0..70 => 1,
        70..90 => 2,
        _ => random.usize(3..=6),
    };
    let faults = match random.u8(..100) {
        0..55 => 0,
        55..80 => 1,
        80..93 => 2,
        _ => 3,
    };
    let mut conducts: Vec<_> = (0..faults).map(|_| Conduct::fault(random)).collect();
    conducts.push(Conduct::success(random));
    Event {
        body,
        copies,
        is_hasty: random.u8(..100) < 3,
        echo: (random.u8(..100) < 25).then(|| Duration::from_millis(random.u64(..3_000))),
        conducts,
        seed: random.u64(..),
    }
}

fn crashes(events: &[Event], random: &mut Rng) -> Vec<Crash> {
    let thousands = events.len() / 1_000;
    let engine = core::iter::repeat_n(Party::Engine, 3 + thousands);
    let origin = core::iter::repeat_n(Party::Origin, 1 + thousands);
    let requests: usize = events.iter().map(Event::least_requests).sum();
    let mut crashes: Vec<_> = engine
        .chain(origin)
        .map(|of| Crash {
            of,
            // Few enough that each crash has its turn.
            at: random.usize(..requests),
            delay: Duration::from_micros(random.u64(..20_000)),
            lasts: Duration::from_millis(random.u64(..400)),
        })
        .collect();
    crashes.sort_by_key(|crash| crash.at);
    crashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::{EVENTS, SEED};

    #[test]
    fn the_seed_decides_everything() {
        assert_eq!(Plan::new(7, 500), Plan::new(7, 500));
        assert_ne!(Plan::new(7, 500), Plan::new(8, 500));
    }

    #[test]
    fn there_are_as_many_events_as_were_asked_for() {
        for count in [1, 2, 3, 300, 10_000] {
            assert_eq!(Plan::new(1, count).events.len(), count);
        }
    }

    #[test]
    fn every_event_ends_well() {
        for event in Plan::new(1, 10_000).events {
            assert!((1..=6).contains(&event.copies));
            assert!((1..=4).contains(&event.conducts.len()));
            assert!(matches!(event.conducts.last(), Some(Conduct::Answer(200..=299))));
        }
    }

    /// What `make test` runs has everything in it.
    #[test]
    fn a_small_plan_has_every_fault() {
        let plan = Plan::new(SEED, EVENTS);
        let has = |is: fn(&Conduct) -> bool| {
            plan.events
                .iter()
                .any(|event| event.conducts[..event.conducts.len() - 1].iter().any(is))
        };
        assert!(has(|conduct| matches!(conduct, Conduct::Answer(500..))));
        assert!(has(|conduct| matches!(conduct, Conduct::Answer(300..500))));
        assert!(has(|conduct| matches!(conduct, Conduct::Late(_))));
        for fault in [Conduct::Half, Conduct::Hang, Conduct::Close, Conduct::Reset] {
            assert!(plan.events.iter().any(|event| event.conducts.contains(&fault)), "{fault}");
        }
        for body in [Body::Batch, Body::Unreadable] {
            assert!(plan.events.iter().any(|event| event.body == body), "{body:?}");
        }
        assert!(plan.events.iter().any(|event| event.is_hasty));
        assert!(plan.events.iter().any(|event| event.echo.is_some()));
        let killed = plan.crashes.iter().filter(|crash| crash.of == Party::Engine).count();
        assert_eq!((killed, plan.crashes.len()), (3, 4));
    }

    #[test]
    fn crashes_come_in_order_and_each_has_its_turn() {
        for events in [1, 300, 10_000] {
            let plan = Plan::new(1, events);
            let requests: usize = plan.events.iter().map(Event::least_requests).sum();
            assert!(requests >= events);
            assert!(plan.crashes.is_sorted_by_key(|crash| crash.at));
            assert!(plan.crashes.iter().all(|crash| crash.at < requests));
        }
    }

    #[test]
    fn a_good_answer_ends_the_requests() {
        let hang = Conduct::Hang;
        for (conducts, least) in [
            (vec![Conduct::Answer(204)], 1),
            (vec![hang, Conduct::Answer(404), Conduct::Answer(200)], 3),
            (vec![hang, Conduct::Half, hang, Conduct::Answer(200)], 2),
            (vec![Conduct::Late(Duration::ZERO), hang, Conduct::Answer(200)], 1),
        ] {
            let event = Event { conducts, ..Plan::new(1, 1).events.remove(0) };
            assert_eq!(event.least_requests(), least, "{event:?}");
        }
    }
}
