//! What one isolate of the worker keeps from request to request, all of it in memory.

use std::rc::Rc;

use crate::forgeries::Forgeries;
use crate::outcome::Outcome;
use crate::settings::{Refused, Settings};
use crate::tally::Tally;

/// The bindings that are there, beside the ledger's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bindings {
    /// A dataset of Analytics Engine.
    pub(crate) analytics: bool,
    /// A rate limiter.
    pub(crate) rate_limiter: bool,
}

/// The memory of an isolate.
pub(crate) struct Isolate {
    /// The settings, read once: a change of them comes with a new isolate.
    pub(crate) settings: Result<Rc<Settings>, Rc<Refused>>,
    /// The bindings that are there.
    pub(crate) bindings: Bindings,
    /// Who has sent too many forgeries.
    pub(crate) forgeries: Forgeries,
    /// What was counted and not passed on yet.
    tally: Tally,
}

impl Isolate {
    /// The memory of a new isolate.
    pub(crate) fn new(settings: Result<Settings, Refused>, bindings: Bindings) -> Self {
        Self {
            settings: settings.map(Rc::new).map_err(Rc::new),
            bindings,
            forgeries: Forgeries::new(),
            tally: Tally::new(),
        }
    }

    /// Counts an outcome.
    pub(crate) fn count(&mut self, outcome: Outcome) {
        self.tally.count(outcome.code());
    }

    /// Takes what was counted since the last time.
    pub(crate) fn take_tally(&mut self) -> Tally {
        core::mem::take(&mut self.tally)
    }

    /// Gives back what could not be passed on.
    pub(crate) fn give_back(&mut self, tally: &Tally) {
        self.tally.merge(tally);
    }
}
