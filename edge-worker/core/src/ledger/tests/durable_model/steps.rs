//! What each step does. What must not happen is noted where it happens.

use std::sync::Arc;

use super::edge::{Edge, new_isolate};
use super::system::{
    Attempt, History, LEASE_MS, Maker, NOW_MS, Promise, Stray, System, TICK_MS, Taken,
};
use crate::ledger::attempt::Attempt as Forwarded;
use crate::ledger::entry::{Entry, EventState, Token};
use crate::ledger::message::{Call, Reply};
use crate::ledger::policy::Policy;
use crate::ledger::store::Store as _;
use crate::ledger::tests::memory_store::MemoryStore;
use crate::ledger::{alarm, outbox};
use crate::machine::{Input, Machine, Output};
use crate::trace::Random;

/// How many attempts the object has under way at most.
const MOST_OF_OBJECT: usize = 2;

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
            let Some(claimed) = (self.object.take)(&mut system.store, &self.policy) else { break };
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
        let place = system.histories.iter().map(|it| it.place).max().unwrap_or(0) + 1;
        let history = &mut system.histories[event];
        history.unknown = history.taken;
        history.grants = 0;
        if was_dead {
            history.place = place;
        }
    }

    /// Notes what must hold of every state.
    pub(super) fn note_sleepers(&self, system: &mut System) {
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

impl System {
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
    outbox::take(store, policy, NOW_MS).unwrap()
}
