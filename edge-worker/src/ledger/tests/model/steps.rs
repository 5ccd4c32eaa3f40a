//! What the calls of the ledger do: to the object, and to the worker that made them. What must not
//! happen is noted where it happens.

use super::edge::Edge;
use super::system::{ATTEMPT_TICKS, Attempt, Grant, History, Phase, Promise, Reply, Stray, System};
use crate::delivery;
use crate::ledger::message::Answer;
use crate::ledger::order::{LateEvents, Order};
use crate::outcome::Outcome;
use crate::tally::Tally;

impl Edge {
    /// A delivery's claim is answered, and the worker goes on.
    pub(super) fn deliver(&self, system: &mut System, event: usize) {
        let answer = Ok(self.claim(system, event));
        let history = &system.histories[event];
        let (serial, is_confirmed) = (history.grants, history.is_confirmed);
        match delivery::granted(&answer) {
            Ok((token, _)) => {
                if history.taken > history.unknown {
                    system.broken.insert(Promise::NothingRepeated);
                }
                if system.is_being_forwarded(event) {
                    system.broken.insert(Promise::OneAttempt);
                }
                let grant = Grant { event, serial, token };
                let phase = Phase::Forwarding;
                system.attempts.push(Attempt { grant, ticks_left: ATTEMPT_TICKS, phase });
            }
            Err(outcome) if outcome.status() < 300 => {
                // What is dropped is judged where the object says so.
                if outcome != Outcome::LateDropped && !is_confirmed {
                    system.broken.insert(Promise::NothingLost);
                }
                if system.is_being_forwarded(event) {
                    system.broken.insert(Promise::OneAttempt);
                }
            }
            Err(_) => {}
        }
    }

    /// Commit or release is answered, or given up, and the worker goes on.
    pub(super) fn settle(&self, system: &mut System, index: usize, is_answered: bool) {
        let mut attempt = system.attempts.remove(index);
        let Phase::Settling { reply, tries } = attempt.phase else {
            unreachable!("the origin has not answered")
        };
        let answer = if is_answered {
            Ok(self.change(system, attempt.grant, reply))
        } else {
            system.strays.push(Stray::Settle(attempt.grant, reply));
            system.histories[attempt.grant.event].note_end(&attempt.phase);
            Err("no answer".to_owned().into())
        };
        let (outcome, tries) = (Outcome::from(reply.seen()), tries + 1);
        let settlement = delivery::settlement(outcome, &answer);
        if delivery::pause_before_retry_ms(settlement, false, tries, 0).is_some() {
            attempt.phase = Phase::Settling { reply, tries };
            system.attempts.push(attempt);
        } else if outcome.status() < 300 && !system.histories[attempt.grant.event].is_confirmed {
            system.broken.insert(Promise::NothingLost);
        }
    }

    /// A claim reaches the object.
    pub(super) fn claim(&self, system: &mut System, event: usize) -> Answer {
        let answer = self.ask(&mut system.store, self.events[event].claim());
        let is_late = self.is_late(system, event);
        let history = &mut system.histories[event];
        match answer {
            Answer::Granted { order, .. } => {
                if history.is_committed {
                    system.broken.insert(Promise::NothingRepeated);
                }
                if (order == Order::Late) != is_late {
                    system.broken.insert(Promise::RightOrder);
                }
                history.grants += 1;
                history.newest = Some(history.grants);
            }
            Answer::LateDropped => {
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
    pub(super) fn change(&self, system: &mut System, grant: Grant, reply: Reply) -> Answer {
        let authentic = &self.events[grant.event];
        let outcome = Outcome::from(reply.seen());
        let call = authentic.settle(grant.token, outcome, Tally::new());
        let before = system.store.clone();
        let answer = self.ask(&mut system.store, call);
        let history = &mut system.histories[grant.event];
        if system.store != before && history.newest != Some(grant.serial) {
            system.broken.insert(Promise::StaleIsRefused);
        }
        history.is_committed |= outcome == Outcome::Forwarded && answer == Answer::Ok;
        answer
    }

    /// Whether the job's events that the ledger has acknowledged make this one late.
    fn is_late(&self, system: &System, event: usize) -> bool {
        let rank = |event: usize| if self.is_end(event) { 2 } else { 1 };
        let committed = (0..self.events.len()).filter(|it| system.histories[*it].is_committed);
        committed.map(rank).any(|committed| committed > rank(event) || committed == 2)
    }

    fn is_end(&self, event: usize) -> bool {
        self.events[event].facts().event_type.as_deref() == Some("job.succeeded")
    }
}

impl History {
    /// The origin takes the event, or not.
    pub(super) fn note_reply(&mut self, reply: Reply) {
        self.taken += u8::from(reply.is_taken());
        self.unknown += u8::from(reply == Reply::Cut);
        self.is_confirmed |= reply == Reply::Accepted;
    }

    /// An attempt ends without an answer of the ledger, or its first commit does. From then on the
    /// ledger need not know that the origin took the event.
    pub(super) fn note_end(&mut self, phase: &Phase) {
        let is_first = matches!(phase, Phase::Settling { reply: Reply::Accepted, tries: 0 });
        self.unknown += u8::from(is_first);
    }

    /// The operator wants the event once more, whatever the origin has.
    pub(super) fn note_forgotten(&mut self) {
        (self.newest, self.is_committed, self.unknown) = (None, false, self.taken);
    }
}
