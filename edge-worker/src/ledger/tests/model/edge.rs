//! The model: which steps there are, and what each of them does.

use std::collections::BTreeSet;

use nextapi_webhook::{Event, EventKey};
use stateright::{Model, Property};

use super::properties;
use super::system::{Attempt, History, LEASE_TICKS, NOW_MS, Phase, Reply, Stray, System};
use crate::delivery::Authentic;
use crate::ledger::entry::Policy;
use crate::ledger::message::{Answer, Call};
use crate::ledger::order::LateEvents;
use crate::ledger::tests::memory_store::MemoryStore;

/// What the object does with a call: the ledger's own function, or one with a fault planted in it.
pub(super) type Ledger = fn(&mut MemoryStore, Call, Policy, u64) -> Result<Answer, String>;

/// The edge, a provider and an origin, and how much may happen.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) ledger: Ledger,
    pub(super) late_events: LateEvents,
    /// The events of one job.
    pub(super) events: Vec<Authentic>,
    /// How often each event is sent.
    pub(super) sends: u8,
    pub(super) faults: u8,
    pub(super) setbacks: u8,
    pub(super) forgets: u8,
    /// Whether every attempt has ended before its lease does, as the settings see to.
    pub(super) is_lease_long: bool,
}

/// An event of the job, with everything that a body says of it.
pub(super) fn event(event_type: &str) -> Authentic {
    let body =
        format!(r#"{{"id":"{event_type}","type":"{event_type}","data":{{"job_id":"job"}}}}"#);
    let body = body.as_bytes();
    let key = EventKey::of(body);
    Authentic { key_index: 0, age_seconds: 0, event: Event::read(body), key }
}

/// What happens next. Attempts and strays go by their place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// The provider sends an event; the claim reaches the object, and its answer comes back.
    Send(usize),
    /// The provider sends an event, and the claim is given up.
    SendInVain(usize),
    /// The origin gets the event, or not.
    Reply(usize, Reply),
    /// Commit or release reaches the object, and its answer comes back.
    Settle(usize),
    /// Commit or release is given up: it may reach the object later, or never.
    SettleInVain(usize),
    /// A call that was given up reaches the object.
    Arrive(usize),
    /// The isolate dies. One that dies with several attempts is as many deaths.
    Die(usize),
    /// Time passes.
    Tick,
    /// The object's clock is set back by a tick.
    SetBack,
    /// The operator has an event forgotten.
    Forget(usize),
}

impl Model for Edge {
    type State = System;
    type Action = Action;

    fn init_states(&self) -> Vec<System> {
        vec![System {
            store: MemoryStore::default(),
            attempts: Vec::new(),
            strays: Vec::new(),
            histories: vec![History::default(); self.events.len()],
            sends_left: vec![self.sends; self.events.len()],
            faults_left: self.faults,
            setbacks_left: self.setbacks,
            forgets_left: self.forgets,
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
            match attempt.phase {
                Phase::Forwarding => {
                    let replies = if may_fail { &Reply::ALL[..] } else { &[Reply::Accepted] };
                    actions.extend(replies.iter().map(|reply| Action::Reply(index, *reply)));
                }
                Phase::Settling { .. } => {
                    actions.push(Action::Settle(index));
                    actions.extend(may_fail.then_some(Action::SettleInVain(index)));
                }
            }
            actions.extend(may_fail.then_some(Action::Die(index)));
        }
        actions.extend((0..system.strays.len()).map(Action::Arrive));
        actions.push(Action::Tick);
        if system.setbacks_left > 0 {
            actions.push(Action::SetBack);
        }
        if system.forgets_left > 0 {
            actions.extend((0..self.events.len()).map(Action::Forget));
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
                next.strays.push(Stray::Claim(event));
            }
            Action::Reply(index, reply) => {
                let Attempt { grant, phase, .. } = &mut next.attempts[index];
                *phase = Phase::Settling { reply, tries: 0 };
                next.histories[grant.event].note_reply(reply);
                next.faults_left -= u8::from(reply != Reply::Accepted);
            }
            Action::Settle(index) => self.settle(&mut next, index, true),
            Action::SettleInVain(index) => {
                next.faults_left -= 1;
                self.settle(&mut next, index, false);
            }
            Action::Arrive(index) => match next.strays.remove(index) {
                Stray::Claim(event) => drop(self.claim(&mut next, event)),
                Stray::Settle(grant, reply) => drop(self.change(&mut next, grant, reply)),
            },
            Action::Die(index) => {
                next.faults_left -= 1;
                let Attempt { grant, phase, .. } = next.attempts.remove(index);
                next.histories[grant.event].note_end(&phase);
            }
            Action::Tick => {
                let is_in_time = next.tick_attempts();
                if (self.is_lease_long && !is_in_time) || !next.move_leases(-1) {
                    return None;
                }
            }
            Action::SetBack => {
                // The leases first: their least end goes by what is left.
                let is_changed = next.move_leases(1);
                next.setbacks_left -= 1;
                if !is_changed {
                    return None;
                }
            }
            Action::Forget(event) => {
                next.forgets_left -= 1;
                let key = self.events[event].key.to_string();
                if self.ask(&mut next.store, Call::Forget { key }) != Answer::Ok {
                    return None;
                }
                next.histories[event].note_forgotten();
            }
        }
        Some(next.normalised())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

impl Edge {
    /// Has the object do what a call asks for.
    pub(super) fn ask(&self, store: &mut MemoryStore, call: Call) -> Answer {
        let policy = Policy { lease_ms: LEASE_TICKS, late_events: self.late_events };
        (self.ledger)(store, call, policy, NOW_MS).unwrap()
    }
}
