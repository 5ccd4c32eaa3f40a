//! The state of the model: the object's rows and alarm, machines on their way, and what really happened.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ledger::alarm;
use crate::ledger::breaker::Breaker;
use crate::ledger::entry::{EventState, Token};
use crate::ledger::message::Call;
use crate::ledger::store::Store as _;
use crate::ledger::tests::memory_store::MemoryStore;
use crate::machine::{Machine, Output};
use crate::outcome::OriginResult;

/// The time that the object's clock always shows. Instead of the clock, everything with a time moves; that this
/// makes no difference is a test of its own, in `agreement`.
pub(super) const NOW_MS: u64 = 1_000_000_000;

/// A tick: the least time for which an alarm is set.
pub(super) const TICK_MS: u64 = 1_000;

/// How long a lease holds.
pub(super) const LEASE_MS: u64 = 2 * TICK_MS;

/// Times from here on never come: they are those of retentions, and of looking around in a pause.
const FAR_MS: u64 = NOW_MS + 20 * TICK_MS;

/// Everything that can make a difference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct System {
    pub(super) store: MemoryStore,
    /// Attempts under way, in order, so that it does not matter which comes first.
    pub(super) attempts: Vec<Attempt>,
    /// Whether the last alarm failed: its successor rings a lease later.
    pub(super) rang_in_vain: bool,
    /// Calls that a Worker has given up and that may still reach the object.
    pub(super) strays: Vec<Stray>,
    /// What really happened, by event.
    pub(super) histories: Vec<History>,
    pub(super) sends_left: Vec<u8>,
    pub(super) faults_left: u8,
    pub(super) replays_left: u8,
    pub(super) pauses_left: u8,
    pub(super) bulk_left: bool,
    /// Which promises were broken.
    pub(super) broken: BTreeSet<Promise>,
}

/// Who makes an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Maker {
    Worker,
    Object,
}

/// An attempt, and the machine that makes it.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) event: usize,
    pub(super) token: Token,
    pub(super) maker: Maker,
    /// Time until the origin has answered and the ledger was called once.
    pub(super) ticks_left: u8,
    /// What came of the request to the origin; none while it is under way.
    pub(super) taken: Option<Taken>,
    pub(super) machine: Arc<Machine>,
    pub(super) output: Arc<Output>,
}

impl Attempt {
    /// All that its future depends on. What the machine waits for is all of it that decides.
    fn essence(&self) -> impl Ord + Hash + use<'_> {
        let Self { event, token, maker, ticks_left, taken, machine, .. } = self;
        (event, token, maker, ticks_left, taken, machine.phase())
    }

    /// The call of the ledger that the machine waits for.
    pub(super) fn call(&self) -> Call {
        let Output::CallLedger { calls, .. } = &*self.output else {
            panic!("no call: {:?}", self.output)
        };
        Call::decode(&calls[0].message).unwrap()
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, token, maker, machine, .. } = self;
        write!(f, "attempt {token} of {event} by {maker:?}: {:?}", machine.phase())
    }
}

impl PartialEq for Attempt {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Attempt {}

impl PartialOrd for Attempt {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Attempt {
    fn cmp(&self, other: &Self) -> Ordering {
        self.essence().cmp(&other.essence())
    }
}

impl Hash for Attempt {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.essence().hash(state);
    }
}

/// What comes of a request to the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Taken {
    /// The origin takes the event and says so.
    Accepted,
    /// The origin takes the event, but its answer is lost.
    Cut,
    /// The origin fails, and says so.
    Failed,
    /// The origin refuses the event for good.
    Refused,
}

impl Taken {
    pub(super) const ALL: [Self; 4] = [Self::Accepted, Self::Cut, Self::Failed, Self::Refused];

    /// What is seen of it.
    pub(super) const fn seen(self) -> OriginResult {
        match self {
            Self::Accepted => OriginResult::Status(200),
            Self::Cut => OriginResult::TimedOut,
            Self::Failed => OriginResult::Status(500),
            Self::Refused => OriginResult::Status(400),
        }
    }

    /// Whether the origin has the event.
    pub(super) const fn is_taken(self) -> bool {
        matches!(self, Self::Accepted | Self::Cut)
    }
}

/// A call that nobody waits for any longer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stray {
    /// The first call of a delivery.
    Accept(usize),
    /// Commit or release, as the Worker sent it.
    Settle(String),
}

/// What really happened to an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct History {
    /// Whether the provider was answered 2xx.
    pub(super) is_acknowledged: bool,
    /// How many claims were granted since the event was accepted or replayed.
    pub(super) grants: u8,
    /// How often the origin took the event.
    pub(super) taken: u8,
    /// How many of these times the ledger need not know of.
    pub(super) unknown: u8,
    /// Its place in the order in which events were accepted; 0 before.
    pub(super) place: u8,
    /// What the bulk replay has to do with it.
    pub(super) bulk: Bulk,
}

/// What the bulk replay has to do with an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Bulk {
    /// Nothing, or nothing yet.
    #[default]
    Nothing,
    /// It was selected when the replay was started.
    Selected,
    /// It was released.
    Released,
}

/// What the edge promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Promise {
    /// What was answered 2xx is owed, delivered or dead.
    NothingLost,
    /// The origin gets an event again only if the outcome of every time that it took it is unknown.
    NothingRepeated,
    /// At most one attempt of an event is under way, and of a lane if events are ordered.
    OneAttempt,
    /// Earlier events of a lane have left it when one goes out.
    InOrder,
    /// Only attempts count as attempts.
    HoldingIsFree,
    /// Something will happen to every owed event.
    NeverAsleep,
    /// A bulk replay releases an event once, whatever ends in between.
    ReplayedOnce,
    /// A bulk replay that is done has left out nothing.
    NothingLeftOut,
}

impl System {
    /// The same state in the one form in which states are compared.
    pub(super) fn normalised(mut self) -> Self {
        for entry in self.store.rows.values_mut() {
            (entry.first_ms, entry.last_ms, entry.last_outcome) = (NOW_MS, NOW_MS, None);
            match &mut entry.state {
                EventState::Claimed { lease_end_ms: time_ms }
                | EventState::Waiting { due_ms: Some(time_ms) } => *time_ms = clamped(*time_ms),
                _ => {}
            }
            if let Some(owed) = &mut entry.owed {
                owed.since_ms = NOW_MS;
            }
        }
        let alarm_ms = self.store.alarm_ms().map(|ms| clamped(ms).min(FAR_MS));
        self.store.set_alarm(alarm_ms);
        if let Breaker::Open { until_ms, since_ms, .. } = &mut self.store.gate.breaker {
            (*until_ms, *since_ms) = (clamped(*until_ms), NOW_MS);
        }
        for replay in self.store.replays.values_mut() {
            (replay.started_ms, replay.changed_ms, replay.last_failure) = (NOW_MS, NOW_MS, None);
            (replay.next_ms, replay.selection.until_ms) = (clamped(replay.next_ms), NOW_MS);
            if let Some(after) = &mut replay.after {
                after.last_ms = NOW_MS;
            }
        }
        self.store.kept.values_mut().for_each(|kept| kept.kept_ms = NOW_MS);
        if let Breaker::Ramp { since_ms, .. } = &mut self.store.gate.breaker {
            *since_ms = Some(NOW_MS);
        }
        self.store.clear_outcomes();
        // The walk is about what is old, and the times here are not.
        self.store.clear_walk();
        self.attempts.sort();
        self.strays.sort();
        self
    }

    /// Lets a tick pass for everything that has a time; false if nothing changes.
    pub(super) fn pass(&mut self) -> bool {
        let before = self.store.clone();
        for entry in self.store.rows.values_mut() {
            match &mut entry.state {
                EventState::Claimed { lease_end_ms: time_ms }
                | EventState::Waiting { due_ms: Some(time_ms) } => *time_ms = passed(*time_ms),
                _ => {}
            }
        }
        let alarm_ms = self.store.alarm_ms().map(passed);
        self.store.set_alarm(alarm_ms);
        for replay in self.store.replays.values_mut() {
            replay.next_ms = passed(replay.next_ms);
        }
        if let Breaker::Open { until_ms, .. } = &mut self.store.gate.breaker {
            *until_ms = passed(*until_ms);
        }
        self.store != before
    }

    /// Lets a tick pass for the attempts; false if one should have ended before.
    pub(super) fn tick_attempts(&mut self) -> bool {
        let is_in_time = self.attempts.iter().all(|it| it.ticks_left > 0);
        for attempt in &mut self.attempts {
            attempt.ticks_left = attempt.ticks_left.saturating_sub(1);
        }
        is_in_time
    }

    /// Whether the alarm's handler is running: the platform rings one alarm at a time.
    pub(super) fn is_ringing(&self) -> bool {
        self.attempts.iter().any(|it| it.maker == Maker::Object)
    }

    /// Whether an attempt of an event is between its claim and the origin's answer.
    pub(super) fn is_being_forwarded(&self, event: usize) -> bool {
        self.attempts.iter().any(|it| it.event == event && it.taken.is_none())
    }

    /// Whether the alarm can ring.
    pub(super) fn can_ring(&self) -> bool {
        !self.is_ringing() && self.store.alarm_ms().is_some_and(|ms| ms <= NOW_MS)
    }
}

/// How long ago something was makes no difference.
const fn clamped(time_ms: u64) -> u64 {
    if time_ms < NOW_MS { NOW_MS } else { time_ms }
}

const fn passed(time_ms: u64) -> u64 {
    if time_ms >= FAR_MS { time_ms } else { clamped(time_ms - TICK_MS) }
}

/// The least time for which an alarm is set is a tick.
#[test]
fn a_tick_is_the_least_that_an_alarm_is_set_ahead() {
    let mut store = MemoryStore::default();
    alarm::ensure(&mut store, 0, NOW_MS);
    assert_eq!(store.alarm_ms(), Some(NOW_MS + TICK_MS));
}
