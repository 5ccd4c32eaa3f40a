//! What the calls of the ledger do: to the object, and to the worker that made them. What must not
//! happen is noted where it happens.

use super::edge::{Edge, new_isolate};
use super::system::{
    ATTEMPT_TICKS, Attempt, Grant, History, Promise, Run, Settle, Stray, System, Taken,
};
use crate::ledger::message::{Call, Reply};
use crate::ledger::order::{LateEvents, Order};
use crate::machine::{Input, Machine, Output, Step};

impl Edge {
    /// A delivery's claim is answered, and the worker goes on.
    pub(super) fn deliver(&self, system: &mut System, event: usize) {
        let reply = self.claim(system, event);
        let history = &system.histories[event];
        let (serial, is_confirmed) = (history.grants, history.is_confirmed);
        match self.events[event].claiming.clone().replied(Some(&reply)) {
            (Some(machine), output @ Output::Forward { .. }) => {
                let Reply::Granted { token, .. } = reply else {
                    panic!("forwarded without a grant: {reply:?}")
                };
                if history.taken > history.unknown {
                    system.broken.insert(Promise::NothingRepeated);
                }
                if system.is_being_forwarded(event) {
                    system.broken.insert(Promise::OneAttempt);
                }
                let grant = Grant { event, serial, token };
                let run = Run::new(machine, output);
                system.attempts.push(Attempt {
                    grant,
                    ticks_left: ATTEMPT_TICKS,
                    taken: None,
                    run,
                });
            }
            (None, Output::Respond { response, .. }) if response.status < 300 => {
                // What is dropped is judged where the object says so.
                if reply != Reply::LateDropped && !is_confirmed {
                    system.broken.insert(Promise::NothingLost);
                }
                if system.is_being_forwarded(event) {
                    system.broken.insert(Promise::OneAttempt);
                }
            }
            (None, Output::Respond { .. }) => {}
            (_, output) => panic!("after a claim: {output:?}"),
        }
    }

    /// Commit or release is answered, or given up, and the worker goes on.
    pub(super) fn settle(&self, system: &mut System, index: usize, is_answered: bool) {
        let mut attempt = system.attempts.remove(index);
        let settle = Settle::of(&attempt.run);
        let reply = if is_answered {
            Some(self.change(system, attempt.grant, &settle))
        } else {
            system.strays.push(Stray::Settle(attempt.grant, settle));
            system.histories[attempt.grant.event].note_end(&attempt);
            None
        };
        match attempt.run.replied(reply.as_ref()) {
            (Some(machine), Output::Wait { .. }) => {
                let Some((Some(machine), output)) =
                    Some(machine.handle(&mut new_isolate(), Input::Waited, 0))
                else {
                    panic!("a pause ends with a call")
                };
                attempt.run = Run::new(machine, output);
                system.attempts.push(attempt);
            }
            (None, Output::Respond { response, .. }) => {
                let is_confirmed = system.histories[attempt.grant.event].is_confirmed;
                if response.status < 300 && !is_confirmed {
                    system.broken.insert(Promise::NothingLost);
                }
            }
            (_, output) => panic!("after a settlement: {output:?}"),
        }
    }

    /// A claim reaches the object.
    pub(crate) fn claim(&self, system: &mut System, event: usize) -> Reply {
        let answer = self.ask(&mut system.store, self.events[event].claiming.call());
        let is_late = self.is_late(system, event);
        let history = &mut system.histories[event];
        match answer {
            Reply::Granted { order, .. } => {
                if history.is_committed {
                    system.broken.insert(Promise::NothingRepeated);
                }
                if (order == Order::Late) != is_late {
                    system.broken.insert(Promise::RightOrder);
                }
                history.grants += 1;
                history.newest = Some(history.grants);
            }
            Reply::LateDropped => {
                let may_drop = self.late_events == LateEvents::Drop && is_late;
                if !may_drop || self.is_end(event) {
                    system.broken.insert(Promise::RightOrder);
                }
            }
            _ => {}
        }
        answer
    }

    /// A commit or a release reaches the object.
    pub(super) fn change(&self, system: &mut System, grant: Grant, settle: &Settle) -> Reply {
        let before = system.store.clone();
        let reply = self.ask(&mut system.store, Call::decode(&settle.message).unwrap());
        let history = &mut system.histories[grant.event];
        if system.store != before && history.newest != Some(grant.serial) {
            system.broken.insert(Promise::StaleIsRefused);
        }
        history.is_committed |= settle.is_commit && reply == Reply::Ok;
        reply
    }

    /// Whether the job's events that the ledger has acknowledged make this one late.
    fn is_late(&self, system: &System, event: usize) -> bool {
        let rank = |event: usize| if self.is_end(event) { 2 } else { 1 };
        let committed = (0..self.events.len()).filter(|it| system.histories[*it].is_committed);
        committed.map(rank).any(|committed| committed > rank(event) || committed == 2)
    }

    fn is_end(&self, event: usize) -> bool {
        self.events[event].event_type == "job.succeeded"
    }
}

impl Run {
    /// The worker's step after a reply of the ledger, or after none.
    fn replied(self, reply: Option<&Reply>) -> Step {
        let none = || r#"{"error":{"message":"no answer"}}"#.to_owned();
        let message = reply.map_or_else(none, Reply::encode);
        let input = Input::LedgerReplies(message);
        Machine::clone(&self.machine).handle(&mut new_isolate(), input, 0)
    }
}

impl Attempt {
    /// The origin has answered, or not.
    pub(super) fn answered(&mut self, taken: Taken) {
        let machine = Machine::clone(&self.run.machine);
        let (machine, output) = machine.handle(&mut new_isolate(), Input::Origin(taken.seen()), 0);
        self.run = Run::new(machine.unwrap(), output);
        self.taken = Some(taken);
    }
}

impl History {
    /// The origin takes the event, or not.
    pub(super) fn note_answer(&mut self, taken: Taken) {
        self.taken += u8::from(taken.is_taken());
        self.unknown += u8::from(taken == Taken::Cut);
        self.is_confirmed |= taken == Taken::Accepted;
    }

    /// An attempt ends without an answer of the ledger, or its first commit does. From then on the
    /// ledger need not know that the origin took the event.
    pub(super) fn note_end(&mut self, attempt: &Attempt) {
        let is_first = attempt.taken == Some(Taken::Accepted) && attempt.run.tries() <= 1;
        self.unknown += u8::from(is_first);
    }

    /// The admin wants the event once more, whatever the origin has.
    pub(super) fn note_reopened(&mut self) {
        (self.newest, self.is_committed, self.unknown) = (None, false, self.taken);
    }
}
