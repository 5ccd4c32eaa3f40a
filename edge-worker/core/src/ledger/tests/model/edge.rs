//! The model: which steps there are, and what each of them does.

use std::collections::BTreeSet;

use nextapi_webhook::{EventKey, Key, UnixTime};
use stateright::{Model, Property};

use super::properties;
use super::system::{History, LEASE_TICKS, NOW_MS, Run, Stray, System, Taken};
use crate::isolate::{Bindings, Isolate};
use crate::ledger::message::{Call, Reply};
use crate::ledger::order::LateEvents;
use crate::ledger::policy::Policy;
use crate::ledger::tests::memory_store::MemoryStore;
use crate::machine::{Input, Machine, Output};
use crate::request::Request;
use crate::settings::tests::{SECRET, settings_with};
use crate::trace::Random;

/// What the object does with a call: the ledger's own function, or one with a fault in it.
pub(super) type Ledger = fn(&mut MemoryStore, Call, &Policy, u64) -> Result<Reply, String>;

/// The edge, a provider and an origin, and how much may happen.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(super) ledger: Ledger,
    pub(super) late_events: LateEvents,
    /// The events of one job.
    pub(super) events: Vec<JobEvent>,
    /// How often each event is sent.
    pub(super) sends: u8,
    pub(super) faults: u8,
    pub(super) setbacks: u8,
    pub(super) reopens: u8,
    /// Whether every attempt has ended before its lease does, as the settings see to.
    pub(super) is_lease_long: bool,
}

/// An event of the job.
#[derive(Clone)]
pub(super) struct JobEvent {
    pub(super) event_type: &'static str,
    pub(super) key: String,
    /// The worker's machine for each delivery of the event, at its claim.
    pub(super) claiming: Run,
}

/// An event of this type, and a delivery of it up to its claim.
pub(super) fn event(event_type: &'static str) -> JobEvent {
    let (key, claiming) = first_call(&mut new_isolate(), event_type);
    JobEvent { event_type, key, claiming }
}

/// The key of an event of this type, and the machine of a delivery of it at its first call of the ledger.
pub(in crate::ledger::tests) fn first_call(
    isolate: &mut Isolate,
    event_type: &str,
) -> (String, Run) {
    const SIGNED_AT: UnixTime = UnixTime::from_secs(1_700_000_000);
    let body =
        format!(r#"{{"id":"{event_type}","type":"{event_type}","data":{{"job_id":"job"}}}}"#);
    let key = Key::new(SECRET.as_bytes()).unwrap();
    let signature = key.sign(SIGNED_AT, body.as_bytes()).to_string();
    let headers = [("x-nextapi-signature", signature.as_str())];
    let request = Request::new("POST", "https://edge.test/webhook", &headers);
    let now_ms = SIGNED_AT.as_secs() * 1_000;
    let begun = Machine::begin(isolate, request, Random::from_bytes(&[]), now_ms).0.unwrap();
    let handed_over = || Input::Body(body.clone().into_bytes());
    let read = begun.clone().handle(isolate, handed_over(), now_ms);
    let (Some(machine), output) = read else { panic!("refused: {:?}", read.1) };
    // The other way to the MACs comes to the same claim. Until then nothing is stored, so an isolate that
    // dies on the way leaves nothing behind, either way.
    let mac = key.sign(SIGNED_AT, body.as_bytes()).mac().to_vec();
    let inputs = [Input::LongBody(body.len()), Input::Macs(Ok(mac)), handed_over()];
    let mut long = (Some(begun), None);
    for input in inputs {
        assert!(!matches!(long.1, Some(Output::CallLedger { .. })), "a claim before its time");
        let (machine, output) = long.0.unwrap().handle(isolate, input, now_ms);
        long = (machine, Some(output));
    }
    assert_eq!(long.1.as_ref(), Some(&output));
    assert_eq!(long.0.unwrap().phase(), machine.phase());
    let key = EventKey::of_unverified(body.as_bytes()).to_string();
    (key, Run::new(machine, output))
}

/// An isolate that remembers nothing. Isolates share nothing that deliveries depend on.
pub(super) fn new_isolate() -> Isolate {
    Isolate::new(Ok(settings_with(&[("DELIVERY", "through")])), Bindings::default())
}

/// What happens next. Attempts and strays go by their place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// The provider sends an event; the claim reaches the object, and its answer comes back.
    Send(usize),
    /// The provider sends an event, and the claim is given up.
    SendInVain(usize),
    /// The origin gets the event, or not.
    Answer(usize, Taken),
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
    /// The admin has an event reopened.
    Reopen(usize),
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
            reopens_left: self.reopens,
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
                actions.extend(may_fail.then_some(Action::SettleInVain(index)));
            }
            actions.extend(may_fail.then_some(Action::Die(index)));
        }
        actions.extend((0..system.strays.len()).map(Action::Arrive));
        actions.push(Action::Tick);
        if system.setbacks_left > 0 {
            actions.push(Action::SetBack);
        }
        if system.reopens_left > 0 {
            actions.extend((0..self.events.len()).map(Action::Reopen));
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
            Action::Answer(index, taken) => {
                let attempt = &mut next.attempts[index];
                attempt.answered(taken);
                next.histories[attempt.grant.event].note_answer(taken);
                next.faults_left -= u8::from(taken != Taken::Accepted);
            }
            Action::Settle(index) => self.settle(&mut next, index, true),
            Action::SettleInVain(index) => {
                next.faults_left -= 1;
                self.settle(&mut next, index, false);
            }
            Action::Arrive(index) => match next.strays.remove(index) {
                Stray::Claim(event) => drop(self.claim(&mut next, event)),
                Stray::Settle(grant, settle) => drop(self.change(&mut next, grant, &settle)),
            },
            Action::Die(index) => {
                next.faults_left -= 1;
                let attempt = next.attempts.remove(index);
                next.histories[attempt.grant.event].note_end(&attempt);
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
            Action::Reopen(event) => {
                next.reopens_left -= 1;
                let key = self.events[event].key.clone();
                if self.ask(&mut next.store, Call::Reopen { key }) != Reply::Ok {
                    return None;
                }
                next.histories[event].note_reopened();
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
    pub(crate) fn ask(&self, store: &mut MemoryStore, call: Call) -> Reply {
        let policy = Policy {
            lease_ms: LEASE_TICKS,
            retention_ms: u64::from(u32::MAX),
            late_events: self.late_events,
            ..Policy::of_tests()
        };
        (self.ledger)(store, call, &policy, NOW_MS).unwrap()
    }
}
