//! Judges a history. Pure: it knows neither the plan nor the clock.

use core::ops::Range;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::breach::Breach;
use crate::conduct::Conduct;
use crate::history::{DeliveryNumber, EventNumber, Fact, History, LogEntry, Reception, Step};
use crate::reason::Reason;

#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    /// Every breach, with the event it happened to if it is known.
    pub(crate) breaches: Vec<(Breach, Option<EventNumber>)>,
    /// How often the origin has got an event again, by reason.
    pub(crate) again: BTreeMap<Reason, usize>,
}

impl Verdict {
    /// Judges a history of events 0 to `events` - 1.
    pub(crate) fn of(events: usize, history: &History) -> Self {
        let mut verdict = Self::default();
        let mut cases: Vec<_> = (0..events).map(|_| Case::default()).collect();
        for (order, entry) in history.entries.iter().enumerate() {
            match &entry.fact {
                Fact::Delivery { event, delivery, step } => {
                    cases[*event].steps.push((order, *delivery, step));
                }
                Fact::Stray => verdict.breaches.push((Breach::Stray, None)),
                _ => {}
            }
        }
        for entry in &history.log {
            cases[entry.event].log.insert(entry.delivery, entry);
        }
        let crashes = Crashes::of(history);
        let mut keys = HashSet::new();
        for (event, case) in cases.iter().enumerate() {
            let mut breaches = Vec::new();
            case.judge_acknowledgements(&mut breaches);
            case.judge_receptions(&crashes, &mut breaches, &mut verdict.again);
            case.judge_keys(&mut keys, &mut breaches);
            verdict.breaches.extend(breaches.into_iter().map(|breach| (breach, Some(event))));
        }
        verdict
    }

    pub(crate) fn count(&self, breach: Breach) -> usize {
        self.breaches.iter().filter(|(found, _)| *found == breach).count()
    }
}

/// A place in the history.
type Order = usize;

/// When a party was away. A beginning is recorded before the party goes, an end before it is back:
/// in between, some of what it does may still be done.
struct Crashes {
    engine: Vec<Range<Order>>,
    origin: Vec<Range<Order>>,
}

impl Crashes {
    fn of(history: &History) -> Self {
        let absences = |begin: &Fact, end: &Fact| {
            let orders = |wanted: &Fact| {
                let entries = history.entries.iter().enumerate();
                let found = entries.filter(|(_, entry)| entry.fact == *wanted);
                found.map(|(order, _)| order).collect::<Vec<_>>()
            };
            // At the end of the history the engine is away for good.
            let ends = orders(end).into_iter().chain([history.entries.len()]);
            orders(begin).into_iter().zip(ends).map(|(begin, end)| begin..end).collect()
        };
        Self {
            engine: absences(&Fact::EngineKilled, &Fact::EngineBack),
            origin: absences(&Fact::OriginGone, &Fact::OriginBack),
        }
    }
}

fn overlap(absences: &[Range<Order>], time: &Range<Order>) -> bool {
    absences.iter().any(|absence| absence.start < time.end && time.start < absence.end)
}

/// All that is known of one event.
#[derive(Default)]
struct Case<'a> {
    steps: Vec<(Order, DeliveryNumber, &'a Step)>,
    log: HashMap<DeliveryNumber, &'a LogEntry>,
}

const fn is_2xx(status: u16) -> bool {
    matches!(status, 200..=299)
}

impl<'a> Case<'a> {
    fn acknowledgements(&self) -> impl Iterator<Item = (Order, DeliveryNumber)> {
        self.steps.iter().filter_map(|&(order, delivery, step)| match step {
            Step::Answered { status, .. } if is_2xx(*status) => Some((order, delivery)),
            _ => None,
        })
    }

    fn receptions(&self) -> impl Iterator<Item = (Order, DeliveryNumber, &'a Reception)> {
        self.steps.iter().filter_map(|&(order, delivery, step)| match step {
            Step::Received(reception) => Some((order, delivery, reception)),
            _ => None,
        })
    }

    /// When the origin has answered 2xx for the first time.
    fn taken(&self) -> Option<Order> {
        self.steps.iter().find_map(|&(order, _, step)| match step {
            Step::OriginAnswered(status) if is_2xx(*status) => Some(order),
            _ => None,
        })
    }

    fn judge_acknowledgements(&self, breaches: &mut Vec<Breach>) {
        let taken = self.taken();
        if taken.is_none() || self.acknowledgements().next().is_none() {
            breaches.push(Breach::Lost);
        }
        let is_early = |order: Order| taken.is_none_or(|taken| order < taken);
        let early = self.acknowledgements().filter(|(order, _)| is_early(*order));
        breaches.extend(early.map(|_| Breach::AcknowledgedEarly));
    }

    fn judge_receptions(
        &self,
        crashes: &Crashes,
        breaches: &mut Vec<Breach>,
        again: &mut BTreeMap<Reason, usize>,
    ) {
        let mut previous: Option<(Order, DeliveryNumber, &Reception)> = None;
        for this in self.receptions() {
            let (order, _, reception) = this;
            if !reception.is_same_body {
                breaches.push(Breach::OtherBody);
            }
            // `None` is less than any number.
            let highest = previous.and_then(|(_, _, previous)| previous.attempt);
            if reception.attempt <= highest {
                breaches.push(Breach::AttemptNotHigher);
            }
            if self.is_committed_before(order, reception.attempt) {
                breaches.push(Breach::AgainAfterCommit);
            } else if let Some(previous) = previous {
                match self.reason(previous, order, crashes) {
                    Some(reason) => *again.entry(reason).or_default() += 1,
                    None => breaches.push(Breach::AgainWithoutReason),
                }
            }
            previous = Some(this);
        }
    }

    /// Whether the edge must have known that the origin had the event: it had said so to the
    /// provider, unless it also logged that the commit was lost; or an earlier attempt was committed.
    fn is_committed_before(&self, reception: Order, attempt: Option<u64>) -> bool {
        let is_acknowledged = self
            .acknowledgements()
            .any(|(order, delivery)| order < reception && !self.is_commit_lost(delivery));
        let is_committed = self.log.values().any(|entry| {
            entry.settlement.as_deref() == Some("committed") && entry.attempt < attempt
        });
        is_acknowledged || is_committed
    }

    fn is_commit_lost(&self, delivery: DeliveryNumber) -> bool {
        let settlement = self.log.get(&delivery).and_then(|entry| entry.settlement.as_deref());
        matches!(settlement, Some("commit_failed" | "commit_refused"))
    }

    /// Why the origin got the event again at `next`, after `previous`.
    fn reason(
        &self,
        previous: (Order, DeliveryNumber, &Reception),
        next: Order,
        crashes: &Crashes,
    ) -> Option<Reason> {
        let (order, delivery, reception) = previous;
        let answered = self.steps.iter().find_map(|&(_, of, step)| match step {
            Step::OriginAnswered(status) if of == delivery => Some(*status),
            _ => None,
        });
        let told = self.steps.iter().find_map(|&(order, of, step)| match step {
            Step::Answered { .. } if of == delivery => Some(order),
            _ => None,
        });
        let under_way = order..told.unwrap_or(next);
        let Some(entry) = self.log.get(&delivery) else {
            // What the provider was told had been logged before.
            let is_cut_off = told.is_none() && overlap(&crashes.engine, &under_way);
            return is_cut_off.then_some(Reason::Crash);
        };
        match entry.outcome.as_str() {
            "forwarded" => self.is_commit_lost(delivery).then_some(Reason::LostCommit),
            "origin_failed" | "origin_rejected" => {
                answered.is_some_and(|status| !is_2xx(status)).then_some(Reason::Refused)
            }
            "origin_timeout" => Some(match reception.conduct {
                Conduct::Hang | Conduct::Late(_) => Reason::TimeOut,
                _ => Reason::TimeOutOfPromptAnswer,
            }),
            "origin_unreachable" => match reception.conduct {
                Conduct::Reset => Some(Reason::Reset),
                Conduct::Close => Some(Reason::Closed),
                Conduct::Half => Some(Reason::CutInAnswer),
                _ => overlap(&crashes.origin, &under_way).then_some(Reason::OriginGone),
            },
            _ => None,
        }
    }

    fn judge_keys(&self, others: &mut HashSet<&'a str>, breaches: &mut Vec<Breach>) {
        let keys: Vec<_> =
            self.receptions().map(|(_, _, reception)| &reception.idempotency_key).collect();
        let Some(first) = keys.first() else { return };
        let differ = keys.iter().filter(|key| key.is_none() || key != &first).count();
        let is_another_event_s = first.as_deref().is_some_and(|key| !others.insert(key));
        let count = differ + usize::from(is_another_event_s);
        breaches.extend(core::iter::repeat_n(Breach::OtherKey, count));
    }
}

#[cfg(test)]
mod tests;
