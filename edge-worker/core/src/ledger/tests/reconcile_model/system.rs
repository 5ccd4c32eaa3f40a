//! The state: the object's rows, attempts on their way, the reconciler's hand, and what really happened.

use super::faults::Object;
use crate::ledger::entry::Token;
use crate::ledger::job::JobPolicy;
use crate::ledger::policy::Policy;
use crate::ledger::retry::RetryPolicy;
use crate::ledger::tests::memory_store::MemoryStore;

/// The least time for which an alarm is set.
pub(super) const TICK_MS: u64 = 1_000;

/// When the model begins.
pub(super) const START_MS: u64 = 1_000_000_000;

/// The key of the provider's end.
pub(super) const GENUINE: &str = "genuine";

/// The key of the made one.
pub(super) const MADE: &str = "made";

/// What the two ends say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// The same.
    Agree,
    /// Something else.
    Conflict,
}

/// The edge, a provider, its API, a reconciler and an origin.
#[derive(Clone)]
pub(crate) struct Loop {
    pub(super) object: Object,
    pub(super) is_durable: bool,
    pub(super) ends: Ends,
    pub(super) policy: Policy,
}

impl Loop {
    pub(super) fn new(object: Object, is_durable: bool, ends: Ends) -> Self {
        let policy = Policy::of_tests();
        let retry =
            RetryPolicy { initial_ms: TICK_MS, max_ms: TICK_MS, attempts: 2, ..policy.retry };
        // The breaker has a model of its own.
        let breaker = crate::ledger::breaker::BreakerPolicy { failures: 100, ..policy.breaker };
        let jobs = Some(JobPolicy { after_ms: TICK_MS, deadline_ms: 100 * TICK_MS });
        let policy = Policy { lease_ms: 2 * TICK_MS, retry, breaker, jobs, ..policy };
        Self { object, is_durable, ends, policy }
    }
}

/// Everything that can make a difference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct System {
    pub(super) store: MemoryStore,
    pub(super) now_ms: u64,
    pub(super) attempts: Vec<Attempt>,
    /// The reconciler knows that the end is ripe, and has not been told that it is made.
    pub(super) is_ripe: bool,
    pub(super) genuine: History,
    pub(super) made: History,
    /// Whether the provider was answered 2xx. It does not deliver again.
    pub(super) is_acknowledged: bool,
    pub(super) is_absorbed: bool,
    pub(super) sends_left: u8,
    pub(super) looks_left: u8,
    pub(super) faults_left: u8,
    pub(super) ticks_left: u8,
    pub(super) has_repeated: bool,
    pub(super) has_lost: bool,
    pub(super) has_hidden_conflict: bool,
}

/// An attempt, from its claim to the call that ends it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Attempt {
    pub(super) key: &'static str,
    pub(super) token: Token,
    /// Whether the object makes it.
    pub(super) is_of_object: bool,
    /// When it has ended for sure: in time before its lease.
    pub(super) end_ms: u64,
    /// What came of it; none while it is under way.
    pub(super) answer: Option<Answer>,
}

/// What comes of a request to the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Answer {
    /// The origin takes the event and says so.
    Accepted,
    /// The origin takes the event, but its answer is lost.
    Cut,
    /// The origin fails, and says so.
    Failed,
    /// The origin refuses the event for good.
    Refused,
}

/// What really happened to an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct History {
    /// How often the origin took it.
    pub(super) taken: u8,
    /// How many of these times the ledger need not know of.
    pub(super) unknown: u8,
    /// Whether somebody was told that it is on disk.
    pub(super) is_promised: bool,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The provider delivers its end, and the call reaches the object.
    Send,
    /// The provider's delivery is lost.
    SendInVain,
    /// The origin answers an attempt.
    Answer(usize, Answer),
    /// Commit or release reaches the object.
    Settle(usize),
    /// A Worker dies.
    Die(usize),
    /// The object dies, with its attempts.
    ObjectDies,
    /// The alarm rings.
    Ring,
    /// The reconciler asks the API, whether or not that is due, and tells the object.
    Look,
    /// The reconciler makes the end.
    Make,
    /// The same, but it is not told what came of it.
    MakeInVain,
    /// The reconciler forgets what it was about to do.
    ReconcilerDies,
    /// Time passes.
    Tick,
}
