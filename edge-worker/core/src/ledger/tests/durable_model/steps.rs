//! What each step does. What must not happen is noted where it happens.

use std::sync::Arc;

use super::edge::{Edge, Event, new_isolate};
use super::system::{
    Attempt, Bulk, History, LEASE_MS, Maker, NOW_MS, Promise, Stray, System, TICK_MS, Taken,
};
use crate::ledger::attempt::Attempt as Forwarded;
use crate::ledger::bulk_replay::{NewReplay, ReplayState, Selection};
use crate::ledger::entry::{Entry, EventState, Token};
use crate::ledger::message::{Call, Reply};
use crate::ledger::policy::Policy;
use crate::ledger::store::Store as _;
use crate::ledger::tests::memory_store::MemoryStore;
use crate::ledger::{alarm, outbox, replays};
use crate::machine::{Input, Machine, Output};
use crate::trace::Random;

/// How many attempts the object has under way at most.
const MOST_OF_OBJECT: usize = 2;

/// The name of the bulk replay.
pub(super) const BULK: &str = "bulk";

impl Edge {
    /// The object does what a call asks for.
    pub(super) fn call(&self, system: &mut System, call: Call) -> Reply {
        (self.object.call)(&mut system.store, call, &self.policy)
    }

    /// A delivery's call reaches the object.
    pub(super) fn accept(&self, system: &mut System, event: usize) -> Reply {
        let reply = self.call(system, self.events[event].accepting.call());
        if matches!(reply, Reply::Accepted { .. } | Reply::Stored) {
            let place = system.histories.iter().map(|it| it.place).max().unwrap_or(0) + 1;
            let history = &mut system.histories[event];
            history.place = place;
            history.grants = u8::from(reply != Reply::Stored);
        }
        reply
    }

    /// A delivery's call is answered, and the Worker goes on.
    pub(super) fn deliver(&self, system: &mut System, event: usize) {
        let reply = self.accept(system, event);
        let run = &self.events[event].accepting;
        let input = Input::LedgerReplies(reply.encode());
        match Machine::clone(&run.machine).handle(&mut new_isolate(), input, 0) {
            (Some(machine), Output::RespondEarly { response, .. }) => {
                assert_eq!(response.status, 200);
                system.histories[event].is_acknowledged = true;
                let Reply::Accepted { token, .. } = reply else {
                    panic!("goes on without a grant: {reply:?}")
                };
                let (machine, output) = machine.handle(&mut new_isolate(), Input::Responded, 0);
                self.begin(system, event, token, Maker::Worker, machine.unwrap(), output);
            }
            (None, Output::Respond { response, .. }) => {
                system.histories[event].is_acknowledged |= response.status < 300;
            }
            (_, output) => panic!("after an acceptance: {output:?}"),
        }
    }

    /// The origin is about to get an event.
    fn begin(
        &self,
        system: &mut System,
        event: usize,
        token: Token,
        maker: Maker,
        machine: Machine,
        output: Output,
    ) {
        assert!(matches!(output, Output::Forward { .. }), "{output:?}");
        let history = &system.histories[event];
        if history.taken > history.unknown {
            system.broken.insert(Promise::NothingRepeated);
        }
        let others = (0..self.events.len()).filter(|other| *other != event);
        let others: Vec<_> = others.filter(|_| self.policy.is_ordered).collect();
        let is_twice = system.is_being_forwarded(event)
            || others.iter().any(|other| system.is_being_forwarded(*other));
        if is_twice {
            system.broken.insert(Promise::OneAttempt);
        }
        let is_behind = |other: &usize| {
            let entry = system.store.rows.get(&self.events[*other].key);
            let place = system.histories[*other].place;
            entry.is_some_and(Entry::is_in_lane) && place < system.histories[event].place
        };
        if others.iter().any(is_behind) {
            system.broken.insert(Promise::InOrder);
        }
        let (machine, output) = (Arc::new(machine), Arc::new(output));
        let ticks_left = 1;
        system.attempts.push(Attempt {
            event,
            token,
            maker,
            ticks_left,
            taken: None,
            machine,
            output,
        });
    }

    /// Commit or release is answered, or given up.
    pub(super) fn settle(&self, system: &mut System, index: usize, is_answered: bool) {
        let attempt = system.attempts.remove(index);
        let call = attempt.call();
        let input = if is_answered {
            Input::LedgerReplies(self.call(system, call).encode())
        } else {
            system.strays.push(Stray::Settle(call.encode()));
            system.histories[attempt.event].note_lost(&attempt);
            Input::LedgerReplies(r#"{"error":{"message":"no answer"}}"#.to_owned())
        };
        let machine = Machine::clone(&attempt.machine);
        // What is called again is the same call once more, which the stray stands for.
        let (_, output) = machine.handle(&mut new_isolate(), input, 0);
        assert!(matches!(output, Output::End { .. } | Output::Wait { .. }), "{output:?}");
        if attempt.maker == Maker::Object {
            self.go_on(system);
        }
    }

    /// The object makes what is due, and rests if nothing is.
    fn go_on(&self, system: &mut System) {
        let of_object =
            |system: &System| system.attempts.iter().filter(|it| it.maker == Maker::Object).count();
        while of_object(system) < MOST_OF_OBJECT {
            let before = system.store.clone();
            let claimed = (self.object.take)(&mut system.store, &self.policy);
            self.note_released(system, &before);
            let Some(claimed) = claimed else { break };
            let event = self.events.iter().position(|it| it.key == claimed.key).unwrap();
            system.histories[event].grants += 1;
            let token = claimed.entry.attempts;
            let random = Random::from_bytes(&[]);
            let attempt = Forwarded::of(claimed);
            let step = Machine::attempt(&new_isolate(), attempt, b"{}", &random, 0).unwrap();
            let (Some(machine), output) = step else { panic!("no attempt") };
            self.begin(system, event, token, Maker::Object, machine, output);
        }
        if of_object(system) == 0 {
            alarm::rest(&mut system.store, &self.policy, NOW_MS).unwrap();
        }
    }

    /// The alarm rings.
    pub(super) fn ring(&self, system: &mut System) {
        system.rang_in_vain = false;
        system.store.set_alarm(None);
        (self.object.ring)(&mut system.store, &self.policy);
        self.go_on(system);
    }

    /// The alarm rings, and fails once its successor is set.
    pub(super) fn ring_in_vain(&self, system: &mut System) {
        system.rang_in_vain = true;
        system.store.set_alarm(None);
        alarm::set_successor(&mut system.store, Some(&self.policy), NOW_MS);
    }

    /// A replay has been granted: the event may come again, and a dead letter goes behind the others.
    pub(super) fn note_replayed(&self, system: &mut System, before: &System, event: usize) {
        let was_dead = before.store.rows[&self.events[event].key].state == EventState::Dead;
        system.note_anew(event, was_dead);
    }

    /// An admin starts the bulk replay.
    pub(super) fn start_bulk(&self, system: &mut System) {
        system.bulk_left = false;
        let state = self.bulk.unwrap();
        let selection =
            Selection { state: state.to_owned(), until_ms: NOW_MS, ..Selection::default() };
        let new = NewReplay { id: BULK.to_owned(), selection, rate: 1, interval_ms: TICK_MS };
        let reply = self.call(system, Call::StartReplay(new));
        assert!(matches!(reply, Reply::Planned { events: 1.., .. }), "{reply:?}");
        for (event, history) in self.events.iter().zip(&mut system.histories) {
            let entry = system.store.rows.get(&event.key);
            if entry.is_some_and(|entry| entry.state.name() == state) {
                history.bulk = Bulk::Selected;
            }
        }
    }

    /// Notes which events the bulk replay has released: nothing else takes one out of its state in this step.
    fn note_released(&self, system: &mut System, before: &MemoryStore) {
        for (index, event) in self.events.iter().enumerate() {
            let entries = (before.rows.get(&event.key), system.store.rows.get(&event.key));
            let (Some(was), Some(is)) = entries else { continue };
            let is_settled = matches!(was.state, EventState::Dead | EventState::Done);
            if !is_settled || !is.is_in_lane() {
                continue;
            }
            if system.histories[index].bulk == Bulk::Released {
                system.broken.insert(Promise::ReplayedOnce);
            }
            system.histories[index].bulk = Bulk::Released;
            system.note_anew(index, true);
        }
    }

    /// Notes what must hold of every state.
    pub(super) fn note_sleepers(&self, system: &mut System) {
        self.note_replay(system);
        for (event, history) in self.events.iter().zip(&system.histories) {
            let entry = system.store.rows.get(&event.key);
            let is_kept = entry.is_some_and(|it| it.owed.is_some() || it.state == EventState::Done);
            if history.is_acknowledged && !is_kept {
                system.broken.insert(Promise::NothingLost);
            }
            let Some(entry) = entry.filter(|entry| entry.is_in_lane()) else { continue };
            let tries = entry.owed.as_ref().map_or(0, |owed| owed.tries);
            if tries != u64::from(history.grants) {
                system.broken.insert(Promise::HoldingIsFree);
            }
            if !self.is_awake(system, entry.due_ms()) {
                system.broken.insert(Promise::NeverAsleep);
            }
        }
    }

    /// Whether something will happen to an owed event that is due at a time, or waits for another one.
    fn is_awake(&self, system: &System, due_ms: Option<u64>) -> bool {
        let Some(due_ms) = due_ms else {
            // Its lane's head is looked at by itself.
            let mut rows = system.store.rows.values();
            return rows.any(|it| it.is_in_lane() && it.due_ms().is_some());
        };
        let held_ms =
            system.store.gate.held_until(&system.store, &self.policy, NOW_MS).unwrap().unwrap_or(0);
        let least_ms = if system.rang_in_vain { LEASE_MS } else { TICK_MS };
        let latest_ms = due_ms.max(held_ms).max(NOW_MS + least_ms);
        system.is_ringing() || system.store.alarm_ms().is_some_and(|ms| ms <= latest_ms)
    }
}

impl Edge {
    /// Notes what must hold of the bulk replay.
    fn note_replay(&self, system: &mut System) {
        let Some(replay) = system.store.replays.get(BULK) else { return };
        let (state, next_ms) = (replay.state, replay.next_ms);
        if state == ReplayState::Running && !self.is_awake(system, Some(next_ms)) {
            system.broken.insert(Promise::NeverAsleep);
        }
        let is_left_out = |(event, history): (&Event, &History)| {
            let entry = system.store.rows.get(&event.key);
            history.bulk == Bulk::Selected
                && entry.is_some_and(|entry| Some(entry.state.name()) == self.bulk)
        };
        let mut events = self.events.iter().zip(&system.histories);
        if state == ReplayState::Done && events.any(is_left_out) {
            system.broken.insert(Promise::NothingLeftOut);
        }
    }
}

impl System {
    /// An event may come again, and perhaps goes behind the others.
    fn note_anew(&mut self, event: usize, is_behind: bool) {
        let place = self.histories.iter().map(|it| it.place).max().unwrap_or(0) + 1;
        let history = &mut self.histories[event];
        history.unknown = history.taken;
        history.grants = 0;
        if is_behind {
            history.place = place;
        }
    }

    /// The origin has answered an attempt, or not.
    pub(super) fn answer(&mut self, index: usize, taken: Taken) {
        let attempt = &mut self.attempts[index];
        let history = &mut self.histories[attempt.event];
        history.taken += u8::from(taken.is_taken());
        history.unknown += u8::from(taken == Taken::Cut);
        let machine = Machine::clone(&attempt.machine);
        let (machine, output) = machine.handle(&mut new_isolate(), Input::Origin(taken.seen()), 0);
        attempt.taken = Some(taken);
        (attempt.machine, attempt.output) = (Arc::new(machine.unwrap()), Arc::new(output));
    }
}

impl History {
    /// An attempt has ended without the ledger.
    pub(super) fn note_lost(&mut self, attempt: &Attempt) {
        self.unknown += u8::from(attempt.taken == Some(Taken::Accepted));
    }
}

/// What the object does when it is sound.
pub(super) fn ring(store: &mut MemoryStore, policy: &Policy) {
    alarm::set_successor(store, Some(policy), NOW_MS);
    alarm::sweep(store, policy, NOW_MS).unwrap();
}

pub(super) fn take(store: &mut MemoryStore, policy: &Policy) -> Option<outbox::Taken> {
    replays::take(store, policy, NOW_MS).unwrap()
}
