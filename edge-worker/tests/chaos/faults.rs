//! Puts each kind of breach into a real history that has none, and lets the judge find it.

use std::collections::{HashMap, HashSet};

use crate::breach::Breach;
use crate::history::{
    DeliveryNumber, Entry, EventNumber, Fact, History, LogEntry, Reception, Step,
};
use crate::verdict::Verdict;

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
