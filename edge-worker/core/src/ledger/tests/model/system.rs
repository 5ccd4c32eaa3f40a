//! The state of the model: ledger, deliveries on their way, and what really happened.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ledger::entry::{EventState, Token};
use crate::ledger::message::Call;
use crate::ledger::store::Store as _;
use crate::ledger::tests::memory_store::MemoryStore;
use crate::machine::{Machine, Output, Phase};
use crate::outcome::OriginResult;

/// The time that the object's clock always shows. Instead of the clock, the leases move; that this
/// makes no difference is a test of its own, in `agreement`.
pub(super) const NOW_MS: u64 = 1_000;

/// How long a lease holds, in ticks.
pub(super) const LEASE_TICKS: u64 = 2;

/// How many ticks after its claim an attempt has heard from the origin and called the ledger once
/// more: less than its lease, as the settings see to.
pub(super) const ATTEMPT_TICKS: u8 = 1;

/// Everything that can make a difference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct System {
    /// The object's rows.
    pub(super) store: MemoryStore,
    /// Attempts that isolates are working on, in order, so that it does not matter which has which.
    pub(super) attempts: Vec<Attempt>,
    /// Calls that the worker has given up and that may still reach the object.
    pub(super) strays: Vec<Stray>,
    /// What really happened, by event.
    pub(super) histories: Vec<History>,
    /// How often the provider may still send, by event.
    pub(super) sends_left: Vec<u8>,
    /// Isolates that may still die, calls that may still be lost, and origins that may still fail.
    pub(super) faults_left: u8,
    /// How many ticks the object's clock may still be set back, one at a time.
    pub(super) setbacks_left: u8,
    /// How often the admin may still have an event reopened.
    pub(super) reopens_left: u8,
    /// Which promises were broken.
    pub(super) broken: BTreeSet<Promise>,
}

/// A claim that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Grant {
    pub(super) event: usize,
    /// Which of the event's grants it was, counted by the model. The ledger does not know it.
    pub(super) serial: u8,
    /// What the ledger gave out.
    pub(super) token: Token,
}

/// A delivery whose claim was granted. One that was refused has no further effect, and neither has
/// the way of a response to the provider, which may send again in any case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Attempt {
    pub(super) grant: Grant,
    /// Time until the origin has answered and the ledger was called once more.
    pub(super) ticks_left: u8,
    /// What came of the request to the origin; none while it is under way.
    pub(super) taken: Option<Taken>,
    pub(super) run: Run,
}

/// The worker's own machine, and what it wants done.
#[derive(Clone)]
pub(in crate::ledger::tests) struct Run {
    /// Shared: the checker copies states all the time.
    pub(in crate::ledger::tests) machine: Arc<Machine>,
    pub(super) output: Arc<Output>,
}

impl Run {
    pub(super) fn new(machine: Machine, output: Output) -> Self {
        Self { machine: Arc::new(machine), output: Arc::new(output) }
    }

    /// What the machine waits for: all of it that its decisions depend on. The rest is what the log line
    /// will say, and the same for every delivery of an event.
    fn phase(&self) -> Option<&Phase> {
        self.machine.phase()
    }

    /// How many calls to commit or release were made; 0 while the origin is asked.
    pub(super) fn tries(&self) -> usize {
        match self.phase() {
            Some(Phase::Settling(settling)) => settling.tries,
            _ => 0,
        }
    }

    /// The call of the ledger that the machine waits for.
    pub(in crate::ledger::tests) fn call(&self) -> Call {
        let Output::CallLedger { calls, .. } = &*self.output else {
            panic!("no call: {:?}", self.output)
        };
        Call::decode(&calls[0].message).unwrap()
    }
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.phase() == other.phase()
    }
}

impl Eq for Run {}

impl PartialOrd for Run {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Run {
    fn cmp(&self, other: &Self) -> Ordering {
        self.phase().cmp(&other.phase())
    }
}

impl Hash for Run {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.phase().hash(state);
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { grant, ticks_left, run, .. } = self;
        write!(f, "{grant:?} in {ticks_left} ticks: {:?}", run.phase())
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
    /// The origin does not get the event.
    Unreached,
}

impl Taken {
    pub(super) const ALL: [Self; 4] = [Self::Accepted, Self::Cut, Self::Failed, Self::Unreached];

    /// What the worker sees of it.
    pub(super) const fn seen(self) -> OriginResult {
        match self {
            Self::Accepted => OriginResult::Status(200),
            Self::Cut => OriginResult::TimedOut,
            Self::Failed => OriginResult::Status(500),
            Self::Unreached => OriginResult::Unreachable,
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
    /// The claim of an event.
    Claim(usize),
    /// Commit or release.
    Settle(Grant, Settle),
}

/// A call to commit or release, with what the model needs of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::ledger::tests) struct Settle {
    /// The message, as the worker sent it.
    pub(super) message: String,
    pub(super) is_commit: bool,
}

impl Settle {
    /// The call that an attempt makes.
    pub(super) fn of(run: &Run) -> Self {
        let call = run.call();
        let is_commit = matches!(call, Call::Commit { .. });
        Self { message: call.encode(), is_commit }
    }
}

/// What really happened to an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct History {
    /// How many claims were granted.
    pub(super) grants: u8,
    /// Which of them is the newest, unless the admin has had it reopened.
    pub(super) newest: Option<u8>,
    /// How often the origin took the event.
    pub(super) taken: u8,
    /// How many of these times the ledger need not know of: the isolate died, the answer was cut, a
    /// commit was lost, or the admin wants the event once more.
    pub(super) unknown: u8,
    /// Whether the origin has said that it took the event.
    pub(super) is_confirmed: bool,
    /// Whether the ledger has acknowledged a commit that was not reopened since.
    pub(super) is_committed: bool,
}

/// What the edge promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Promise {
    /// The provider is answered 2xx only if the origin has answered 2xx, or if the event was dropped.
    NothingLost,
    /// The origin gets an event again only if the outcome of every time that it took it is unknown.
    NothingRepeated,
    /// While an attempt runs, there is no second one and no 2xx.
    OneAttempt,
    /// Only the newest attempt changes the row.
    StaleIsRefused,
    /// Late is late and in order is in order; only what is late is dropped, and never an end.
    RightOrder,
}

impl System {
    /// The same state in the one form in which states are compared.
    pub(crate) fn normalised(mut self) -> Self {
        for entry in self.store.rows.values_mut() {
            // No answer to a claim, a commit or a release depends on these.
            (entry.first_ms, entry.last_ms, entry.last_outcome) = (NOW_MS, NOW_MS, None);
            if let EventState::Claimed { lease_end_ms } = &mut entry.state {
                // How long ago a lease ended matters only if the clock may be set back.
                *lease_end_ms = (*lease_end_ms).max(NOW_MS - u64::from(self.setbacks_left));
            }
        }
        // Neither does any on what is counted, nor on the alarm.
        self.store.clear_outcomes();
        self.store.set_alarm(None);
        self.attempts.sort();
        self.strays.sort();
        self
    }

    /// Moves all leases; false if there is none that this changes.
    pub(crate) fn move_leases(&mut self, ticks: i64) -> bool {
        let least = NOW_MS - u64::from(self.setbacks_left);
        let mut is_changed = false;
        for entry in self.store.rows.values_mut() {
            if let EventState::Claimed { lease_end_ms } = &mut entry.state {
                let moved = lease_end_ms.strict_add_signed(ticks).max(least);
                is_changed |= moved != *lease_end_ms;
                *lease_end_ms = moved;
            }
        }
        is_changed
    }

    /// Lets a tick pass for the attempts; false if one should have ended before.
    pub(crate) fn tick_attempts(&mut self) -> bool {
        let mut is_in_time = true;
        for attempt in &mut self.attempts {
            if attempt.run.tries() <= 1 {
                is_in_time &= attempt.ticks_left > 0;
                attempt.ticks_left = attempt.ticks_left.saturating_sub(1);
            }
        }
        is_in_time
    }

    /// Whether an attempt of an event is between its claim and the origin's answer.
    pub(crate) fn is_being_forwarded(&self, event: usize) -> bool {
        let is_it = |it: &Attempt| it.grant.event == event && it.taken.is_none();
        self.attempts.iter().any(is_it)
    }
}
