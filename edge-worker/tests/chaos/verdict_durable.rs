//! Judges a history of an edge that retries by itself. Pure, like the other judge.

mod rules;

pub(crate) use rules::MOST_AT_ONCE;

use core::ops::Range;
use std::collections::HashMap;

use crate::breach::Breach;
use crate::conduct::{Conduct, RETRY_AFTER};
use crate::history::{EventNumber, Fact, History, LogEntry, Reception, Step};
use crate::reason::Reason;
use crate::verdict::Verdict;

/// A place in the history.
type Order = usize;

/// All that is known of one event.
#[derive(Default)]
struct Case<'a> {
    /// When the provider first sent it.
    sent: Option<Order>,
    /// When the provider first had a 2xx for it: from then on it is on disk.
    acknowledged: Option<Order>,
    receptions: Vec<(Order, &'a Reception)>,
    /// When the origin has answered 2xx.
    taken: Vec<Order>,
    /// What the log says of its attempts, by their number.
    log: HashMap<u64, &'a LogEntry>,
}

/// Judges a history of events, each with its job.
pub(crate) fn judge(jobs: &[Option<usize>], history: &History) -> Verdict {
    let mut verdict = Verdict::default();
    let cases = cases(jobs.len(), history, &mut verdict);
    let kills = kills(history);
    for (event, case) in cases.iter().enumerate() {
        let mut breaches = Vec::new();
        case.judge_end(&mut breaches);
        case.judge_receptions(history, &kills, &mut breaches, &mut verdict);
        verdict.breaches.extend(breaches.into_iter().map(|breach| (breach, Some(event))));
    }
    judge_order(jobs, &cases, &mut verdict);
    rules::judge(history, &mut verdict);
    verdict
}

fn cases<'a>(events: usize, history: &'a History, verdict: &mut Verdict) -> Vec<Case<'a>> {
    let mut cases: Vec<_> = (0..events).map(|_| Case::default()).collect();
    for (order, entry) in history.entries.iter().enumerate() {
        match &entry.fact {
            Fact::Delivery { event, step, .. } => cases[*event].note(order, step),
            Fact::Stray => verdict.breaches.push((Breach::Stray, None)),
            _ => {}
        }
    }
    for entry in history.log.iter().filter(|entry| entry.is_attempt) {
        if let Some(attempt) = entry.attempt {
            cases[entry.event].log.insert(attempt, entry);
        }
    }
    cases
}

/// When the engine was away, or its objects: one that cannot write is reset, with all that it has under way.
fn kills(history: &History) -> Vec<Range<Order>> {
    let orders = |wanted: &Fact| {
        let entries = history.entries.iter().enumerate();
        let found = entries.filter(|(_, entry)| entry.fact == *wanted);
        found.map(|(order, _)| order).collect::<Vec<_>>()
    };
    let between = |begin: &Fact, end: &Fact| {
        let ends = orders(end).into_iter().chain([history.entries.len()]);
        orders(begin).into_iter().zip(ends).map(|(begin, end)| begin..end).collect::<Vec<_>>()
    };
    let full = between(&Fact::DiskFull, &Fact::DiskFree);
    between(&Fact::EngineKilled, &Fact::EngineBack).into_iter().chain(full).collect()
}

/// An event goes out once all of its job that were on disk before the provider began with it are out of the way.
fn judge_order(jobs: &[Option<usize>], cases: &[Case<'_>], verdict: &mut Verdict) {
    let mut lanes: HashMap<usize, Vec<EventNumber>> = HashMap::new();
    for (event, job) in jobs.iter().enumerate() {
        if let Some(job) = job {
            lanes.entry(*job).or_default().push(event);
        }
    }
    for lane in lanes.values() {
        for (earlier, later) in lane.iter().flat_map(|a| lane.iter().map(move |b| (*a, *b))) {
            let (first, second) = (&cases[earlier], &cases[later]);
            let is_before =
                matches!((first.acknowledged, second.sent), (Some(a), Some(b)) if a < b);
            // A dead letter is out of the way, and takes its place behind the others when it is replayed.
            let in_turn = first.receptions.iter().rev().find(|(_, it)| it.replay.is_none());
            let last = in_turn.map(|(order, _)| *order);
            let next = second.receptions.first().map(|(order, _)| *order);
            if is_before && matches!((last, next), (Some(last), Some(next)) if next < last) {
                verdict.breaches.push((Breach::OutOfOrder, Some(later)));
            }
        }
    }
}

impl<'a> Case<'a> {
    fn note(&mut self, order: Order, step: &'a Step) {
        match step {
            Step::Sent => self.sent = self.sent.or(Some(order)),
            Step::Received(reception) => self.receptions.push((order, reception)),
            Step::OriginAnswered(200..=299) => self.taken.push(order),
            Step::Answered { status: 200..=299, .. } => {
                self.acknowledged = self.acknowledged.or(Some(order));
            }
            _ => {}
        }
    }

    /// Delivered, or given up because the origin refuses it for good.
    fn judge_end(&self, breaches: &mut Vec<Breach>) {
        let last = self.receptions.last().map(|(_, reception)| reception.conduct);
        let is_given_up = last.is_some_and(Conduct::is_final_refusal);
        if self.acknowledged.is_none() || (self.taken.is_empty() && !is_given_up) {
            breaches.push(Breach::Lost);
        }
    }

    fn judge_receptions(
        &self,
        history: &History,
        kills: &[Range<Order>],
        breaches: &mut Vec<Breach>,
        verdict: &mut Verdict,
    ) {
        let key = self.receptions.first().map(|(_, reception)| &reception.idempotency_key);
        for (_, reception) in &self.receptions {
            if !reception.is_same_body {
                breaches.push(Breach::OtherBody);
            }
            if reception.idempotency_key.is_none() || Some(&reception.idempotency_key) != key {
                breaches.push(Breach::OtherKey);
            }
        }
        for pair in self.receptions.windows(2) {
            let [(before, first), (after, second)] = pair else { continue };
            if second.attempt <= first.attempt {
                breaches.push(Breach::AttemptNotHigher);
            }
            let pause = history.entries[*after].at.saturating_sub(history.entries[*before].at);
            let is_busy = matches!(first.conduct, Conduct::Busy(_));
            let is_obeyed = is_busy && self.is_heard(first);
            if is_obeyed && pause < RETRY_AFTER {
                breaches.push(Breach::TooSoon);
            }
            let is_replay = second.replay.is_some() && second.replay != first.replay;
            let reason = if is_replay && first.conduct.is_final_refusal() {
                Ok(Reason::Replayed)
            } else {
                self.reason(first, *before..*after, kills)
            };
            match reason {
                Ok(reason) => *verdict.again.entry(reason).or_default() += 1,
                Err(breach) => breaches.push(breach),
            }
        }
    }

    /// Whether the edge has noted the origin's answer.
    fn is_heard(&self, reception: &Reception) -> bool {
        let entry = reception.attempt.and_then(|attempt| self.log.get(&attempt));
        entry.is_some_and(|entry| entry.settlement.as_deref() == Some("released"))
    }

    /// Why the origin got the event again after this time.
    fn reason(
        &self,
        before: &Reception,
        between: Range<Order>,
        kills: &[Range<Order>],
    ) -> Result<Reason, Breach> {
        let entry = before.attempt.and_then(|attempt| self.log.get(&attempt));
        let Some(entry) = entry else {
            let is_cut_off =
                kills.iter().any(|kill| kill.start < between.end && between.start < kill.end);
            return if is_cut_off { Ok(Reason::Crash) } else { Err(Breach::AgainWithoutReason) };
        };
        match (entry.outcome.as_str(), entry.settlement.as_deref()) {
            ("forwarded", Some("committed")) => Err(Breach::AgainAfterCommit),
            ("origin_failed", _) => Ok(Reason::Refused),
            // 429 says that it may be tried again.
            ("origin_rejected", _) if before.conduct == Conduct::Busy(429) => Ok(Reason::Refused),
            // It was given up, unless the ledger could not be told.
            ("origin_rejected", Some("released")) => Err(Breach::AgainWithoutReason),
            ("forwarded" | "origin_rejected", _) => Ok(Reason::LostCommit),
            ("origin_timeout", _) => Ok(Reason::TimeOut),
            ("origin_unreachable", _) => Ok(Reason::OriginGone),
            _ => Err(Breach::AgainWithoutReason),
        }
    }
}
