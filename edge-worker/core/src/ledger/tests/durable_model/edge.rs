//! The model: which steps there are.

use std::collections::BTreeSet;

use stateright::{Model, Property};

use super::properties;
use super::system::{History, LEASE_MS, Maker, Stray, System, TICK_MS, Taken};
use crate::isolate::{Bindings, Isolate};
use crate::ledger::breaker::BreakerPolicy;
use crate::ledger::message::{Call, Reply};
use crate::ledger::outbox::Taken as Claimed;
use crate::ledger::policy::Policy;
use crate::ledger::retry::RetryPolicy;
use crate::ledger::tests::memory_store::MemoryStore;
use crate::ledger::tests::model::system::Run;
use crate::settings::tests::settings_with;

/// What the object does: the ledger's own functions, or some with a fault in them.
#[derive(Clone, Copy)]
pub(super) struct Object {
    /// With a call.
    pub(super) call: fn(&mut MemoryStore, Call, &Policy) -> Reply,
    /// When its alarm rings, before it takes anything.
    pub(super) ring: fn(&mut MemoryStore, &Policy),
    /// When it takes the next attempt that is due.
    pub(super) take: fn(&mut MemoryStore, &Policy) -> Option<Claimed>,
}

/// The edge, a provider and an origin, and how much may happen.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(super) object: Object,
    pub(super) policy: Policy,
    /// The events, each with a delivery of it up to its first call.
    pub(super) events: Vec<Event>,
    pub(super) sends: u8,
    pub(super) faults: u8,
    pub(super) replays: u8,
    pub(super) pauses: u8,
    /// The state of the events that a bulk replay is of, if there is one.
    pub(super) bulk: Option<&'static str>,
}

/// An event.
#[derive(Clone)]
pub(super) struct Event {
    pub(super) key: String,
    /// The Worker's machine for each delivery of the event, at its first call.
    pub(super) accepting: Run,
}

/// A schedule that is over soon, and a breaker that opens.
pub(super) fn policy() -> Policy {
    let policy = Policy::of_tests();
    let retry = RetryPolicy { initial_ms: TICK_MS, max_ms: TICK_MS, attempts: 3, ..policy.retry };
    Policy {
        lease_ms: LEASE_MS,
        retry,
        breaker: BreakerPolicy { failures: 2, pause_ms: TICK_MS },
        ..policy
    }
}

/// An isolate that remembers nothing, with events that are stored.
pub(super) fn new_isolate() -> Isolate {
    Isolate::new(Ok(settings_with(&[("DELIVERY", "durable")])), Bindings::default())
}

/// What happens next. Attempts and strays go by their place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// The provider sends an event; the call reaches the object, and its answer comes back.
    Send(usize),
    /// The provider sends an event, and the call is given up.
    SendInVain(usize),
    /// The origin gets the event, or not.
    Answer(usize, Taken),
    /// Commit or release reaches the object, and its answer comes back.
    Settle(usize),
    /// Commit or release of a Worker is given up: it may reach the object later, or never.
    SettleInVain(usize),
    /// A call that was given up reaches the object.
    Arrive(usize),
    /// A Worker's isolate dies.
    Die(usize),
    /// The object dies, with all its attempts.
    ObjectDies,
    /// The alarm rings.
    Ring,
    /// The alarm rings, and fails after it has set its successor.
    RingInVain,
    /// Time passes.
    Tick,
    /// An admin has an event delivered anew.
    Replay(usize),
    /// An admin starts the bulk replay.
    StartBulk,
    /// An admin holds all events back, or lets them go out again.
    Pause(bool),
}

impl Model for Edge {
    type State = System;
    type Action = Action;

    fn init_states(&self) -> Vec<System> {
        vec![System {
            store: MemoryStore::default(),
            attempts: Vec::new(),
            rang_in_vain: false,
            strays: Vec::new(),
            histories: vec![History::default(); self.events.len()],
            sends_left: vec![self.sends; self.events.len()],
            faults_left: self.faults,
            replays_left: self.replays,
            pauses_left: self.pauses,
            bulk_left: self.bulk.is_some(),
            broken: BTreeSet::new(),
        }]
    }

    fn actions(&self, system: &System, actions: &mut Vec<Action>) {
        let may_fail = system.faults_left > 0;
        for event in (0..self.events.len()).filter(|event| system.sends_left[*event] > 0) {
            actions.push(Action::Send(event));
            actions.extend(may_fail.then_some(Action::SendInVain(event)));
        }
        for (index, attempt) in system.attempts.iter().enumerate() {
            if attempt.taken.is_none() {
                let answers = if may_fail { &Taken::ALL[..] } else { &[Taken::Accepted] };
                actions.extend(answers.iter().map(|taken| Action::Answer(index, *taken)));
            } else {
                actions.push(Action::Settle(index));
            }
            if may_fail && attempt.maker == Maker::Worker {
                actions.extend(attempt.taken.map(|_| Action::SettleInVain(index)));
                actions.push(Action::Die(index));
            }
        }
        actions.extend((0..system.strays.len()).map(Action::Arrive));
        actions.extend((may_fail && system.is_ringing()).then_some(Action::ObjectDies));
        if system.can_ring() {
            actions.push(Action::Ring);
            actions.extend(may_fail.then_some(Action::RingInVain));
        }
        actions.push(Action::Tick);
        if system.replays_left > 0 {
            actions.extend((0..self.events.len()).map(Action::Replay));
        }
        // Of nothing there is nothing to see.
        let is_selected =
            |state: &str| system.store.rows.values().any(|it| it.state.name() == state);
        if system.bulk_left && self.bulk.is_some_and(is_selected) {
            actions.push(Action::StartBulk);
        }
        if system.store.gate.is_paused {
            actions.push(Action::Pause(false));
        } else if system.pauses_left > 0 {
            actions.push(Action::Pause(true));
        }
    }

    fn next_state(&self, system: &System, action: Action) -> Option<System> {
        let mut next = system.clone();
        match action {
            Action::Send(event) => {
                next.sends_left[event] -= 1;
                self.deliver(&mut next, event);
            }
            Action::SendInVain(event) => {
                next.sends_left[event] -= 1;
                next.faults_left -= 1;
                next.strays.push(Stray::Accept(event));
            }
            Action::Answer(index, taken) => {
                next.faults_left -= u8::from(taken != Taken::Accepted);
                next.answer(index, taken);
            }
            Action::Settle(index) => self.settle(&mut next, index, true),
            Action::SettleInVain(index) => {
                next.faults_left -= 1;
                self.settle(&mut next, index, false);
            }
            Action::Arrive(index) => match next.strays.remove(index) {
                Stray::Accept(event) => drop(self.accept(&mut next, event)),
                Stray::Settle(message) => {
                    drop(self.call(&mut next, Call::decode(&message).unwrap()));
                }
            },
            Action::Die(index) => {
                next.faults_left -= 1;
                let attempt = next.attempts.remove(index);
                next.histories[attempt.event].note_lost(&attempt);
            }
            Action::ObjectDies => {
                next.faults_left -= 1;
                for attempt in core::mem::take(&mut next.attempts) {
                    match attempt.maker {
                        Maker::Object => next.histories[attempt.event].note_lost(&attempt),
                        Maker::Worker => next.attempts.push(attempt),
                    }
                }
            }
            Action::Ring => self.ring(&mut next),
            Action::RingInVain => {
                next.faults_left -= 1;
                self.ring_in_vain(&mut next);
            }
            Action::Tick => {
                if !next.tick_attempts() || !next.pass() {
                    return None;
                }
            }
            Action::Replay(event) => {
                next.replays_left -= 1;
                let key = self.events[event].key.clone();
                let reply = self.call(&mut next, Call::Replay { key, id: "r".to_owned() });
                if reply != Reply::Ok {
                    return None;
                }
                self.note_replayed(&mut next, system, event);
            }
            Action::StartBulk => self.start_bulk(&mut next),
            Action::Pause(is_paused) => {
                next.pauses_left -= u8::from(is_paused);
                self.call(&mut next, Call::Pause { is_paused });
            }
        }
        self.note_sleepers(&mut next);
        Some(next.normalised())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}
