//! What each step does. What must not happen is noted where it happens.

use super::system::{
    Action, Answer, Attempt, Ends, GENUINE, History, Loop, MADE, START_MS, System, TICK_MS,
};
use crate::ledger::credits::Credits;
use crate::ledger::entry::EventState;
use crate::ledger::event_meta::EventMeta;
use crate::ledger::job::{NewJob, Observation};
use crate::ledger::message::{Call, Reply};
use crate::ledger::store::Store as _;
use crate::ledger::tests::memory_store::MemoryStore;
use crate::ledger::{alarm, outbox, protocol};

const JOB: &str = "job_1";

/// How many ticks may pass until everything is at its end, once nothing fails.
const RECOVERY_TICKS: usize = 12;

fn meta(event_type: &str) -> EventMeta {
    EventMeta {
        event_type: Some(event_type.to_owned()),
        job_id: Some(JOB.to_owned()),
        credits: Credits::parse("1.05"),
        ..EventMeta::default()
    }
}

impl System {
    /// A job that was registered a while ago.
    pub(super) fn new(model: &Loop) -> Self {
        let mut store = MemoryStore::default();
        let new =
            NewJob { job_id: JOB.to_owned(), tenant: None, deadline_ms: None, estimated: None };
        protocol::answer(&mut store, Call::RegisterJob(new), &model.policy, START_MS).unwrap();
        Self {
            store,
            now_ms: START_MS,
            attempts: Vec::new(),
            is_ripe: false,
            genuine: History::default(),
            made: History::default(),
            is_acknowledged: false,
            is_absorbed: false,
            sends_left: 2,
            looks_left: 3,
            faults_left: 2,
            ticks_left: 6,
            has_repeated: false,
            has_lost: false,
            has_hidden_conflict: false,
        }
    }

    /// The same state in the one form in which states are compared.
    pub(super) fn normalised(mut self) -> Self {
        for entry in self.store.rows.values_mut() {
            (entry.first_ms, entry.last_ms, entry.last_outcome) = (START_MS, START_MS, None);
        }
        for job in self.store.jobs.values_mut() {
            job.looks = job.looks.min(1);
        }
        self.store.clear_outcomes();
        self.store.clear_walk();
        self.store.audit.clear();
        self.attempts.sort();
        self
    }

    fn history(&mut self, key: &str) -> &mut History {
        if key == GENUINE { &mut self.genuine } else { &mut self.made }
    }

    /// An attempt ends, and nobody tells the ledger.
    fn lose(&mut self, attempt: &Attempt) {
        if matches!(attempt.answer, Some(Answer::Accepted)) {
            self.history(attempt.key).unknown += 1;
        }
    }

    /// The origin takes an end. The other one must not be there, unless nobody can know that it is.
    fn take(&mut self, key: &'static str, ends: Ends) {
        let other_key = if key == GENUINE { MADE } else { GENUINE };
        let other = *self.history(other_key);
        let is_known = other.taken > other.unknown;
        if is_known && ends == Ends::Agree {
            self.has_repeated = true;
        }
        if is_known && ends == Ends::Conflict && !self.store.jobs[JOB].is_conflict {
            self.has_hidden_conflict = true;
        }
        self.history(key).taken += 1;
    }

    /// Whether what was promised is kept.
    fn note_losses(&mut self) {
        for key in [GENUINE, MADE] {
            let history = *self.history(key);
            let is_owed = self.store.rows.get(key).is_some_and(|entry| entry.owed.is_some());
            self.has_lost |= history.is_promised && history.taken == 0 && !is_owed;
        }
        // An absorbed end is the made one's to keep.
        let has_end = self.genuine.taken > 0 || self.made.taken > 0;
        let is_owed = self.store.rows.values().any(|entry| entry.owed.is_some());
        self.has_lost |= self.is_acknowledged && !has_end && !is_owed;
    }
}

impl Loop {
    pub(super) fn possible(system: &System, actions: &mut Vec<Action>) {
        let may_fail = system.faults_left > 0;
        if system.sends_left > 0 && !system.is_acknowledged {
            actions.push(Action::Send);
            actions.extend(may_fail.then_some(Action::SendInVain));
        }
        for (index, attempt) in system.attempts.iter().enumerate() {
            if attempt.answer.is_some() {
                actions.push(Action::Settle(index));
            } else {
                actions.push(Action::Answer(index, Answer::Accepted));
                if may_fail {
                    let failures = [Answer::Cut, Answer::Failed, Answer::Refused];
                    actions.extend(failures.map(|answer| Action::Answer(index, answer)));
                }
            }
            actions.extend((may_fail && !attempt.is_of_object).then_some(Action::Die(index)));
        }
        let is_ringing = system.attempts.iter().any(|it| it.is_of_object);
        actions.extend((may_fail && is_ringing).then_some(Action::ObjectDies));
        if !is_ringing && system.store.alarm_ms().is_some_and(|ms| ms <= system.now_ms) {
            actions.push(Action::Ring);
        }
        if system.looks_left > 0 {
            actions.push(Action::Look);
        }
        if system.is_ripe {
            actions.push(Action::Make);
            actions.extend(may_fail.then_some(Action::MakeInVain));
            actions.extend(may_fail.then_some(Action::ReconcilerDies));
        }
        actions.extend((system.ticks_left > 0).then_some(Action::Tick));
    }

    /// Whether the step can be made; then it was.
    pub(super) fn step(&self, system: &mut System, action: Action) -> bool {
        match action {
            Action::Send => {
                system.sends_left -= 1;
                self.send(system);
            }
            Action::SendInVain => {
                system.sends_left -= 1;
                system.faults_left -= 1;
            }
            Action::Answer(index, answer) => {
                system.faults_left -= u8::from(answer != Answer::Accepted);
                self.answer(system, index, answer);
            }
            Action::Settle(index) => self.settle(system, index),
            Action::Die(index) => {
                system.faults_left -= 1;
                let attempt = system.attempts.remove(index);
                system.lose(&attempt);
            }
            Action::ObjectDies => {
                system.faults_left -= 1;
                let (lost, left) = core::mem::take(&mut system.attempts)
                    .into_iter()
                    .partition(|it| it.is_of_object);
                system.attempts = left;
                let lost: Vec<Attempt> = lost;
                for attempt in &lost {
                    system.lose(attempt);
                }
            }
            Action::Ring => self.ring(system),
            Action::Look => {
                system.looks_left -= 1;
                self.look(system);
            }
            Action::Make => {
                self.make(system);
                system.is_ripe = false;
            }
            Action::MakeInVain => {
                system.faults_left -= 1;
                self.make(system);
            }
            Action::ReconcilerDies => {
                system.faults_left -= 1;
                system.is_ripe = false;
            }
            Action::Tick => {
                system.ticks_left -= 1;
                if !tick(system) {
                    return false;
                }
            }
        }
        system.note_losses();
        true
    }

    fn call(&self, system: &mut System, call: Call) -> Reply {
        (self.object.call)(&mut system.store, call, &self.policy, system.now_ms)
    }

    fn send(&self, system: &mut System) {
        let (key, meta) = (GENUINE.to_owned(), meta("job.succeeded"));
        let reply = self.call(
            system,
            if self.is_durable {
                Call::Accept {
                    key,
                    meta,
                    head: "{}".to_owned(),
                    body_bytes: 1,
                    correlation_id: None,
                }
            } else {
                Call::Claim { key, meta, correlation_id: None }
            },
        );
        match reply {
            Reply::Granted { token, .. } => begin(system, GENUINE, token, false),
            Reply::Accepted { token, .. } => {
                (system.is_acknowledged, system.genuine.is_promised) = (true, true);
                begin(system, GENUINE, token, false);
            }
            Reply::Stored => (system.is_acknowledged, system.genuine.is_promised) = (true, true),
            Reply::Duplicate => {
                system.is_acknowledged = true;
                system.is_absorbed |= !system.store.rows.contains_key(GENUINE);
            }
            Reply::InFlight { remaining_ms } => assert!(remaining_ms >= 1),
            reply => panic!("{reply:?}"),
        }
    }

    fn answer(&self, system: &mut System, index: usize, answer: Answer) {
        let key = system.attempts[index].key;
        if matches!(answer, Answer::Accepted | Answer::Cut) {
            system.take(key, self.ends);
        }
        system.history(key).unknown += u8::from(answer == Answer::Cut);
        system.attempts[index].answer = Some(answer);
    }

    fn settle(&self, system: &mut System, index: usize) {
        let Attempt { key, token, answer, is_of_object, .. } = system.attempts.remove(index);
        let (job_id, counts) = (Some(JOB.to_owned()), "".into());
        let status = match answer {
            Some(Answer::Accepted) => 200,
            Some(Answer::Failed) => 500,
            Some(Answer::Refused) => 400,
            _ => 0,
        };
        let key_text = key.to_owned();
        let reply = self.call(
            system,
            if status == 200 {
                Call::Commit {
                    job_id,
                    key: key_text,
                    token,
                    counts,
                    status: None,
                    correlation_id: None,
                }
            } else {
                Call::Release {
                    job_id,
                    key: key_text,
                    token,
                    outcome: "origin_failed".to_owned(),
                    status: Some(status).filter(|status| *status > 0),
                    retry_after_ms: None,
                    jitter: 0,
                    counts,
                    correlation_id: None,
                }
            },
        );
        if status == 200 && reply != Reply::Ok {
            system.history(key).unknown += 1;
        }
        // With `through`, the Worker answers the provider now.
        let is_through = !self.is_durable && !is_of_object && key == GENUINE;
        system.is_acknowledged |= is_through && status == 200;
    }

    /// One attempt at a time, as many as are due.
    fn ring(&self, system: &mut System) {
        alarm::set_successor(&mut system.store, Some(&self.policy), system.now_ms);
        match outbox::take(&mut system.store, &self.policy, system.now_ms).unwrap() {
            Some(taken) => {
                let key = if taken.key == GENUINE { GENUINE } else { MADE };
                begin(system, key, taken.entry.attempts, true);
            }
            None => alarm::rest(&mut system.store, &self.policy, system.now_ms).unwrap(),
        }
    }

    fn observation(&self) -> Observation {
        let status = if self.ends == Ends::Agree { "succeeded" } else { "failed" };
        Observation {
            job_id: JOB.to_owned(),
            status: status.to_owned(),
            credits: Credits::parse("1.05"),
            estimated: None,
            created_ms: None,
            is_known_only: true,
        }
    }

    fn look(&self, system: &mut System) {
        match self.call(system, Call::Observe(vec![self.observation()])) {
            Reply::Observed { ripe, .. } => system.is_ripe |= !ripe.is_empty(),
            reply => panic!("{reply:?}"),
        }
    }

    fn make(&self, system: &mut System) {
        let observation = self.observation();
        let meta = meta(&format!("job.{}", observation.status));
        let (key, head) = (MADE.to_owned(), "{}".to_owned());
        let reply =
            self.call(system, Call::MakeEnd { observation, key, meta, head, body_bytes: 1 });
        system.made.is_promised |= reply == Reply::Stored;
    }

    /// Whether an end reaches the origin, or is dead, once nothing fails and the provider is silent.
    pub(super) fn recovers(&self, system: &System) -> bool {
        let mut system = system.clone();
        for _ in 0..RECOVERY_TICKS {
            while !system.attempts.is_empty() {
                if system.attempts[0].answer.is_none() {
                    self.answer(&mut system, 0, Answer::Accepted);
                }
                self.settle(&mut system, 0);
            }
            let is_dead = system.store.rows.values().any(|entry| entry.state == EventState::Dead);
            if system.genuine.taken > 0 || system.made.taken > 0 || is_dead {
                return true;
            }
            if let Reply::DueJobs { jobs, .. } = self.call(&mut system, Call::DueJobs { limit: 1 })
                && !jobs.is_empty()
            {
                self.look(&mut system);
            }
            if core::mem::take(&mut system.is_ripe) {
                self.make(&mut system);
            }
            if system.store.alarm_ms().is_some_and(|ms| ms <= system.now_ms) {
                self.ring(&mut system);
            }
            system.now_ms += TICK_MS;
        }
        false
    }
}

fn begin(system: &mut System, key: &'static str, token: u64, is_of_object: bool) {
    let end_ms = system.now_ms + TICK_MS;
    system.attempts.push(Attempt { key, token, is_of_object, end_ms, answer: None });
}

/// Lets a tick pass, unless an attempt should have ended before.
fn tick(system: &mut System) -> bool {
    let now_ms = system.now_ms;
    if system.attempts.iter().any(|it| it.end_ms <= now_ms) {
        return false;
    }
    system.now_ms += TICK_MS;
    true
}
