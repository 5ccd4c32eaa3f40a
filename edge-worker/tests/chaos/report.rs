//! What came of a run, for people.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::breach::Breach;
use crate::history::{Fact, History, Step};
use crate::scope::Scope;
use crate::verdict::Verdict;

/// How many events with a breach have their history shown.
const SHOWN: usize = 5;

pub(crate) struct Report<'a> {
    pub(crate) scope: Scope,
    pub(crate) history: &'a History,
    pub(crate) verdict: &'a Verdict,
    pub(crate) took: Duration,
}

/// What the history adds up to.
#[derive(Default)]
struct Counts {
    deliveries: usize,
    /// By status and code.
    answers: BTreeMap<String, usize>,
    unanswered: usize,
    received: usize,
    taken: usize,
    /// Answered with 2xx or 409 without reaching the origin.
    suppressed: usize,
    kills: usize,
    absences: usize,
    pauses: usize,
    full_disks: usize,
}

impl Counts {
    fn of(history: &History) -> Self {
        let mut counts = Self::default();
        let mut reached = HashSet::new();
        let mut answered = HashMap::new();
        let mut taken = HashSet::new();
        for entry in &history.entries {
            match &entry.fact {
                Fact::Delivery { event, delivery, step } => match step {
                    Step::Sent => counts.deliveries += 1,
                    Step::Received(_) => {
                        counts.received += 1;
                        reached.insert((event, delivery));
                    }
                    Step::OriginAnswered(status) => {
                        if (200..300).contains(status) {
                            taken.insert(event);
                        }
                    }
                    Step::Answered { status, code } => {
                        *counts.answers.entry(format!("{status} {code}")).or_default() += 1;
                        answered.insert((event, delivery), *status);
                    }
                    Step::Unanswered => counts.unanswered += 1,
                },
                Fact::EngineKilled => counts.kills += 1,
                Fact::OriginGone => counts.absences += 1,
                Fact::Paused => counts.pauses += 1,
                Fact::DiskFull => counts.full_disks += 1,
                Fact::Stray
                | Fact::EngineBack
                | Fact::OriginBack
                | Fact::DiskFree
                | Fact::Replaying
                | Fact::Resuming => {}
            }
        }
        counts.taken = taken.len();
        let is_suppressed = |(name, status): &(&_, &u16)| {
            matches!(status, 200..=299 | 409) && !reached.contains(*name)
        };
        counts.suppressed = answered.iter().filter(is_suppressed).count();
        counts
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = Counts::of(self.history);
        let mut row = |name: &str, count: usize| writeln!(f, "{name:<42}{count:>8}");
        row("events", self.scope.events)?;
        row("kills of the engine", counts.kills)?;
        row("absences of the origin", counts.absences)?;
        row("pauses", counts.pauses)?;
        row("full disks", counts.full_disks)?;
        row("deliveries", counts.deliveries)?;
        for (answer, count) in &counts.answers {
            row(&format!("  {answer}"), *count)?;
        }
        row("  no answer", counts.unanswered)?;
        row("duplicates suppressed", counts.suppressed)?;
        row("requests that reached the origin", counts.received)?;
        row("events that the origin has answered 2xx", counts.taken)?;
        let unknown = self.verdict.again.iter().filter(|(reason, _)| reason.is_unknown_outcome());
        let refused = self.verdict.again.iter().filter(|(reason, _)| !reason.is_unknown_outcome());
        row("again, refused before", refused.map(|(_, count)| count).sum())?;
        row("again, outcome unknown", unknown.clone().map(|(_, count)| count).sum())?;
        for (reason, count) in unknown {
            row(&format!("  {reason}"), *count)?;
        }
        for breach in Breach::ALL {
            row(&breach.to_string(), self.verdict.count(breach))?;
        }
        writeln!(f, "took {:.1} s", self.took.as_secs_f64())?;
        self.show_breaches(f)
    }
}

impl Report<'_> {
    fn show_breaches(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events: BTreeSet<_> =
            self.verdict.breaches.iter().filter_map(|(_, event)| *event).collect();
        for event in events.iter().take(SHOWN) {
            let of_it = self.verdict.breaches.iter().filter(|(_, of)| of.as_ref() == Some(event));
            let names: Vec<_> = of_it.map(|(breach, _)| breach.to_string()).collect();
            write!(f, "\n{}: {}", names.join(", "), self.history.of(*event))?;
        }
        if events.len() > SHOWN {
            writeln!(f, "\nand {} events more", events.len() - SHOWN)?;
        }
        Ok(())
    }
}
