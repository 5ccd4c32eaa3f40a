//! Puts each kind of breach into a real history that has none, and lets the judge find it.

use std::collections::{HashMap, HashSet};

use crate::breach::Breach;
use crate::conduct::Conduct;
use crate::history::{
    DeliveryNumber, Entry, EventNumber, Fact, History, LogEntry, Reception, Step,
};
use crate::verdict::Verdict;
use crate::verdict_durable::{self, MOST_AT_ONCE};

/// Changes one record. False if the history has no record that this change fits.
type Change = fn(&mut History) -> bool;

/// From so many events on, there is a record for each change.
const ENOUGH: usize = 100;

const CHANGES: [(&str, Breach, Change); 9] = [
    ("the provider's answer comes before the origin's", Breach::AcknowledgedEarly, answer_first),
    ("the origin's 2xx was a 500", Breach::Lost, never_taken),
    ("the origin gets an event again at the end", Breach::AgainAfterCommit, once_more),
    ("a commit was logged, and the event came again", Breach::AgainAfterCommit, committed_before),
    ("nothing was logged of an attempt that failed", Breach::AgainWithoutReason, unlogged),
    ("a body has changed", Breach::OtherBody, |history| {
        change(history, |reception| reception.is_same_body = false)
    }),
    ("a later attempt has the first number", Breach::AttemptNotHigher, |history| {
        change(history, |reception| {
            reception.attempt = Some(1);
        })
    }),
    ("a key has changed", Breach::OtherKey, |history| {
        change(history, |reception| reception.idempotency_key = Some("another".to_owned()))
    }),
    ("the origin gets a request out of nowhere", Breach::Stray, |history| {
        history.entries[0].fact = Fact::Stray;
        true
    }),
];

/// Puts in one breach after the other.
pub(crate) fn check(events: usize, history: &History) {
    for (name, breach, change) in CHANGES {
        let mut changed = history.clone();
        if !change(&mut changed) {
            assert!(events < ENOUGH, "no record fits: {name}");
            continue;
        }
        let found = Verdict::of(events, &changed);
        assert!(found.count(breach) > 0, "not found: {name}; but {:?}", found.breaches);
        println!("  put in and found: {name}");
    }
}

/// The same for an edge that retries by itself.
const DURABLE_CHANGES: [(&str, Breach, Change); 12] = [
    ("the first events come again at the end", Breach::OutOfOrder, first_again),
    ("nothing of an event has reached the origin", Breach::Lost, never_received),
    ("the origin gets an event again at the end", Breach::AgainAfterCommit, delivered_once_more),
    ("nothing was logged of an attempt that failed", Breach::AgainWithoutReason, unlogged_attempt),
    ("a body has changed", Breach::OtherBody, |history| {
        change(history, |reception| reception.is_same_body = false)
    }),
    ("a later attempt has the first number", Breach::AttemptNotHigher, |history| {
        change(history, |reception| {
            reception.attempt = Some(1);
        })
    }),
    ("a key has changed", Breach::OtherKey, |history| {
        change(history, |reception| reception.idempotency_key = Some("another".to_owned()))
    }),
    ("a busy origin is asked again at once", Breach::TooSoon, too_soon),
    ("an event comes in the middle of a pause", Breach::WhilePaused, in_a_pause),
    ("one attempt more is under way than there are connections", Breach::TooManyAtOnce, at_once),
    ("an event is still owed at the end", Breach::Asleep, |history| {
        history.owed = 1;
        true
    }),
    ("the origin gets a request out of nowhere", Breach::Stray, |history| {
        history.entries[0].fact = Fact::Stray;
        true
    }),
];

/// Puts in one breach after the other.
pub(crate) fn check_durable(jobs: &[Option<usize>], history: &History) {
    for (name, breach, change) in DURABLE_CHANGES {
        let mut changed = history.clone();
        if !change(&mut changed) {
            assert!(jobs.len() < ENOUGH, "no record fits: {name}");
            continue;
        }
        let found = verdict_durable::judge(jobs, &changed);
        assert!(found.count(breach) > 0, "not found: {name}; but {:?}", found.breaches);
        println!("  put in and found: {name}");
    }
}

fn never_received(history: &mut History) -> bool {
    let Some((_, wanted)) = first_success(history) else { return false };
    history.entries.retain(|entry| match &entry.fact {
        Fact::Delivery { event, step, .. } if *event == wanted => {
            !matches!(step, Step::Received(_) | Step::OriginAnswered(_))
        }
        _ => true,
    });
    true
}

/// An event whose commit was logged.
fn delivered_once_more(history: &mut History) -> bool {
    let is_committed = |event: EventNumber, attempt: Option<u64>| {
        let mut log = history.log.iter().filter(|entry| entry.is_attempt && entry.event == event);
        log.any(|it| it.attempt == attempt && it.settlement.as_deref() == Some("committed"))
    };
    let committed = history.entries.iter().rev().find(|entry| match &entry.fact {
        Fact::Delivery { event, step: Step::Received(reception), .. } => {
            is_committed(*event, reception.attempt)
        }
        _ => false,
    });
    let Some(mut entry) = committed.cloned() else { return false };
    if let Fact::Delivery { step: Step::Received(reception), .. } = &mut entry.fact {
        reception.attempt = reception.attempt.map(|attempt| attempt + 1);
    }
    history.entries.push(entry);
    true
}

/// Of these first events, most have later ones of their jobs.
fn first_again(history: &mut History) -> bool {
    let is_reception =
        |entry: &&Entry| matches!(entry.fact, Fact::Delivery { step: Step::Received(_), .. });
    let first: Vec<_> = history.entries.iter().filter(is_reception).take(20).cloned().collect();
    history.entries.extend(first);
    true
}

/// Of an event that came again without any kill in the whole history.
fn unlogged_attempt(history: &mut History) -> bool {
    let kill = |entry: &Entry| {
        matches!(
            entry.fact,
            Fact::EngineKilled | Fact::EngineBack | Fact::DiskFull | Fact::DiskFree
        )
    };
    history.entries.retain(|entry| !kill(entry));
    let Some(reception) = second_reception(history) else { return false };
    let Some(attempt) = reception.attempt else { return false };
    let key = reception.idempotency_key.clone();
    let event = history.entries.iter().find_map(|entry| match &entry.fact {
        Fact::Delivery { event, step: Step::Received(it), .. } if it.idempotency_key == key => {
            Some(*event)
        }
        _ => None,
    });
    history.log.retain(|entry| Some(entry.event) != event || entry.attempt >= Some(attempt));
    event.is_some()
}

/// Of the requests after one that the origin was busy for, the next comes at the same moment.
fn too_soon(history: &mut History) -> bool {
    let mut busy: HashMap<EventNumber, core::time::Duration> = HashMap::new();
    let released: HashSet<_> = history
        .log
        .iter()
        .filter(|entry| entry.is_attempt && entry.settlement.as_deref() == Some("released"))
        .map(|entry| (entry.event, entry.attempt))
        .collect();
    for entry in &mut history.entries {
        let Fact::Delivery { event, step: Step::Received(reception), .. } = &entry.fact else {
            continue;
        };
        if let Some(at) = busy.remove(event) {
            entry.at = at;
            return true;
        }
        let is_busy = matches!(reception.conduct, Conduct::Busy(_));
        if is_busy && released.contains(&(*event, reception.attempt)) {
            busy.insert(*event, entry.at);
        }
    }
    false
}

fn in_a_pause(history: &mut History) -> bool {
    let is_reception =
        |entry: &&Entry| matches!(entry.fact, Fact::Delivery { step: Step::Received(_), .. });
    let Some(mut entry) = history.entries.iter().find(is_reception).cloned() else { return false };
    let end = history.entries.iter().position(|entry| entry.fact == Fact::Resuming);
    let Some(end) = end else { return false };
    entry.at = history.entries[end].at;
    history.entries.insert(end, entry);
    true
}

/// At the end, at the same moment, of as many events.
fn at_once(history: &mut History) -> bool {
    let Some(reception) = second_reception(history).cloned() else { return false };
    let conduct = Conduct::Hang;
    let step = Step::Received(Reception { attempt: Some(2), conduct, ..reception });
    let at = history.entries.last().map(|entry| entry.at).unwrap_or_default();
    history.entries.extend((0..=MOST_AT_ONCE).map(|event| {
        let fact = Fact::Delivery { event, delivery: 0, step: step.clone() };
        Entry { at, fact }
    }));
    true
}

/// The first reception that is an event's second or later one.
fn second_reception(history: &mut History) -> Option<&mut Reception> {
    let mut receptions = history.entries.iter_mut().filter_map(|entry| match &mut entry.fact {
        Fact::Delivery { event, step: Step::Received(reception), .. } => Some((*event, reception)),
        _ => None,
    });
    let mut seen = HashSet::new();
    let again = receptions.find(|(event, _)| !seen.insert(*event));
    again.map(|(_, reception)| reception)
}

fn change(history: &mut History, change: impl FnOnce(&mut Reception)) -> bool {
    second_reception(history).map(change).is_some()
}

/// The place of the first 2xx that the provider got, and its event.
fn first_success(history: &History) -> Option<(usize, EventNumber)> {
    history.entries.iter().enumerate().find_map(|(order, entry)| match &entry.fact {
        Fact::Delivery { event, step: Step::Answered { status: 200..=299, .. }, .. } => {
            Some((order, *event))
        }
        _ => None,
    })
}

fn answer_first(history: &mut History) -> bool {
    let Some((order, _)) = first_success(history) else { return false };
    let answer = history.entries.remove(order);
    history.entries.insert(0, answer);
    true
}

fn never_taken(history: &mut History) -> bool {
    let Some((_, wanted)) = first_success(history) else { return false };
    for Entry { fact, .. } in &mut history.entries {
        if let Fact::Delivery { event, step: Step::OriginAnswered(status), .. } = fact
            && *event == wanted
        {
            *status = 500;
        }
    }
    true
}

fn once_more(history: &mut History) -> bool {
    let reception = history
        .entries
        .iter()
        .rev()
        .find(|entry| matches!(entry.fact, Fact::Delivery { step: Step::Received(_), .. }));
    let Some(mut entry) = reception.cloned() else { return false };
    if let Fact::Delivery { step: Step::Received(reception), .. } = &mut entry.fact {
        reception.attempt = reception.attempt.map(|attempt| attempt + 1);
    }
    history.entries.push(entry);
    true
}

fn committed_before(history: &mut History) -> bool {
    let is_released = |entry: &&mut LogEntry| entry.settlement.as_deref() == Some("released");
    let entry = history.log.iter_mut().find(is_released);
    entry.map(|entry| entry.settlement = Some("committed".to_owned())).is_some()
}

/// Of an attempt after which the next one came without any kill in between.
fn unlogged(history: &mut History) -> bool {
    let mut previous: HashMap<EventNumber, DeliveryNumber> = HashMap::new();
    let mut found = None;
    for entry in &history.entries {
        match &entry.fact {
            Fact::EngineKilled | Fact::EngineBack => previous.clear(),
            Fact::Delivery { event, delivery, step: Step::Received(_) } => {
                if let Some(before) = previous.insert(*event, *delivery) {
                    found = Some((*event, before));
                    break;
                }
            }
            _ => {}
        }
    }
    let Some((event, delivery)) = found else { return false };
    history.log.retain(|entry| (entry.event, entry.delivery) != (event, delivery));
    true
}
