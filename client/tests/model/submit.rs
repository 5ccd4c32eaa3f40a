//! A submission whose process is killed and gone on with, by whoever, whenever.
//!
//! | bounds | |
//! | --- | --- |
//! | requests in a run, in all | 3, 5 |
//! | kills, each followed by another run | 1 |
//! | time between two runs | none, 22 h 50 min, 23 h, 23 h 59 min, 24 h 1 min |
//! | API keys | 2 |

use core::hash::{Hash, Hasher};
use std::sync::Arc;

use nextapi_client::{
    ApiKey, Disposition, Environment, Fingerprint, HttpRequest, Millis, Operation as _, Options,
    RESEND_WITHIN, RetryConfig, Step, Submit, SubmitState, TransportError,
};
use stateright::{Checker as _, Model, Property};

use super::support::{NOW, Reply, deliver, key, request};

const MAX_ATTEMPTS: u8 = 3;
const MAX_SENDS: usize = 5;
const TIMEOUT: Millis = 120_000;
const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Answer(Answer),
    /// The process is killed, or has ended. Another one goes on.
    Rerun {
        after: Millis,
        rotated: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Answer {
    Job,
    Cut,
    Status(u16),
    Lost,
    NotSent,
}

use Answer::{Cut, Job, Lost, NotSent, Status};

const ANSWERS: [Answer; 11] = [
    Job,
    Cut,
    Status(400),
    Status(402),
    Status(404),
    Status(409),
    Status(429),
    Status(500),
    Status(503),
    Lost,
    NotSent,
];

impl Answer {
    fn reply(self) -> Reply {
        match self {
            Job => Reply::job("queued"),
            Cut => Reply::of(200, "{\"id\":"),
            Status(429) => Reply::error(429, "rate_limit_exceeded").header("retry-after", "30"),
            Status(status) => Reply::of(status, ""),
            Lost => Reply::Lost(TransportError::TimedOut),
            NotSent => Reply::Lost(TransportError::NotSent),
        }
    }

    /// Whether the provider may have made the job: what the client cannot know, and must not deny.
    const fn may_have_acted(self) -> bool {
        matches!(self, Job | Cut | Status(500 | 503) | Lost)
    }
}

const CAPS: &str = "no run sends more often or for longer than it may";
const FINAL: &str = "nothing follows the end of a run";
const CONSTANT: &str = "every request has the same bytes and the same key";
const NO_SECOND_JOB: &str = "nothing is sent that the provider could take for another job";
const HONEST: &str = "what may have been acted on is never said to have done nothing";
const PATIENT: &str = "nothing is sent before the provider takes it";
const JOURNAL: &str = "the state counts a request before it is sent";
const PROMISES: [&str; 7] = [CAPS, FINAL, CONSTANT, NO_SECOND_JOB, HONEST, PATIENT, JOURNAL];

/// What has happened.
#[derive(Debug, Default)]
struct Trace {
    broken: Vec<&'static str>,
    sent: usize,
    reruns: usize,
    under_way: bool,
    end: Option<Option<Disposition>>,
    resent_with_success: bool,
}

struct World {
    now: Millis,
    submit: Submit,
    journal: Option<SubmitState>,
    started: Millis,
    run_sends: u8,
    first: Option<(HttpRequest, Millis, Fingerprint)>,
    key: Fingerprint,
    acted: bool,
    not_before: Millis,
    timeout: Millis,
    trace: Trace,
    entropy: u64,
}

fn api_key(text: &str) -> Fingerprint {
    ApiKey::new(text, Environment::Live).unwrap().fingerprint()
}

fn options() -> Options {
    let retry = RetryConfig {
        max_attempts: MAX_ATTEMPTS,
        attempt_timeout: 50_000,
        operation_timeout: TIMEOUT,
        ..RetryConfig::default()
    };
    Options { retry, correlation_id: Some("constant".into()), ..Options::new(Environment::Live) }
}

impl World {
    fn new(entropy: u64) -> Self {
        let key_a = api_key("nxa_live_sk_a");
        let mut world = Self {
            now: NOW,
            submit: Submit::new(&request(), key(), key_a, options()),
            journal: None,
            started: NOW,
            run_sends: 0,
            first: None,
            key: key_a,
            acted: false,
            not_before: 0,
            timeout: 0,
            trace: Trace::default(),
            entropy,
        };
        world.go_on();
        world
    }

    fn check(&mut self, holds: bool, promise: &'static str) {
        if !holds {
            self.trace.broken.push(promise);
        }
    }

    /// Steps until an answer is wanted, or it is over.
    fn go_on(&mut self) {
        loop {
            match self.submit.step(self.now, self.entropy) {
                Step::Send(request) => return self.sends(&request),
                Step::Wait { until, .. } => self.now = until,
                Step::Done(result) => {
                    let disposition = result.as_ref().err().map(|error| error.disposition);
                    let denies = disposition.is_some_and(|it| it != Disposition::Unknown);
                    self.check(!(denies && self.acted), HONEST);
                    self.trace.resent_with_success |= result.is_ok_and(|it| it.resent);
                    self.trace.end = Some(disposition);
                    self.trace.under_way = false;
                    let again = self.submit.step(self.now + HOUR, self.entropy);
                    self.check(matches!(again, Step::Done(Err(_))), FINAL);
                    return;
                }
            }
        }
    }

    fn sends(&mut self, request: &HttpRequest) {
        self.trace.sent += 1;
        self.trace.under_way = true;
        self.run_sends += 1;
        self.timeout = request.timeout;
        let in_time = self.now + request.timeout <= self.started + TIMEOUT;
        self.check(self.run_sends <= MAX_ATTEMPTS && in_time, CAPS);
        self.check(self.now >= self.not_before, PATIENT);
        let state = self.submit.state().clone();
        self.check(
            state.sends as usize == self.trace.sent && state.last_sent_at == Some(self.now),
            JOURNAL,
        );
        self.journal = Some(state);
        let (first, first_at, first_key) =
            self.first.get_or_insert_with(|| (request.clone(), self.now, self.key)).clone();
        self.check(first.body == request.body && first.headers == request.headers, CONSTANT);
        self.check(self.now < first_at + RESEND_WITHIN && self.key == first_key, NO_SECOND_JOB);
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Answer(answer) => {
                if answer == Status(429) {
                    self.not_before = self.now + 30_000;
                }
                if answer == Lost {
                    self.now += self.timeout;
                }
                self.acted |= answer.may_have_acted();
                deliver(&mut self.submit, self.now, &answer.reply());
            }
            Action::Rerun { after, rotated } => {
                // What was under way when it was killed may have arrived.
                self.acted |= self.trace.under_way;
                self.trace.under_way = false;
                self.trace.end = None;
                self.trace.reruns += 1;
                self.now += after;
                (self.started, self.run_sends) = (self.now, 0);
                self.key = api_key(if rotated { "nxa_live_sk_b" } else { "nxa_live_sk_a" });
                let state = self.journal.clone().unwrap();
                self.submit = Submit::resume(state, &request(), self.key, options());
                // Another process does not know what this one was told.
                self.not_before = 0;
            }
        }
        self.go_on();
    }
}

#[derive(Clone, Debug)]
struct State {
    path: Vec<Action>,
    trace: Arc<Trace>,
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.path.hash(hasher);
    }
}

struct Submission {
    /// What every wait is drawn from: the shortest, the longest, and one between.
    entropy: u64,
}

impl Submission {
    fn state(&self, path: Vec<Action>) -> State {
        let mut world = World::new(self.entropy);
        for action in &path {
            world.act(*action);
        }
        State { path, trace: Arc::new(world.trace) }
    }
}

impl Model for Submission {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.state(Vec::new())]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.trace.under_way {
            actions.extend(ANSWERS.map(Action::Answer));
        }
        let succeeded = state.trace.end == Some(None);
        if state.trace.reruns == 0 && !succeeded {
            for after in
                [0, 23 * HOUR - 10 * MINUTE, 23 * HOUR, 24 * HOUR - MINUTE, 24 * HOUR + MINUTE]
            {
                for rotated in [false, true] {
                    actions.push(Action::Rerun { after, rotated });
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let path = last.path.iter().copied().chain([action]).collect();
        Some(self.state(path)).filter(|state| state.trace.sent <= MAX_SENDS)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn holds(state: &State, promise: &str) -> bool {
            !state.trace.broken.contains(&promise)
        }
        fn ended(state: &State, disposition: Disposition) -> bool {
            state.trace.end == Some(Some(disposition))
        }
        vec![
            Property::always(CAPS, |_, state: &State| holds(state, CAPS)),
            Property::always(FINAL, |_, state: &State| holds(state, FINAL)),
            Property::always(CONSTANT, |_, state: &State| holds(state, CONSTANT)),
            Property::always(NO_SECOND_JOB, |_, state: &State| holds(state, NO_SECOND_JOB)),
            Property::always(HONEST, |_, state: &State| holds(state, HONEST)),
            Property::always(PATIENT, |_, state: &State| holds(state, PATIENT)),
            Property::always(JOURNAL, |_, state: &State| holds(state, JOURNAL)),
            Property::sometimes("refused", |_, state: &State| ended(state, Disposition::Refused)),
            Property::sometimes("blocked", |_, state: &State| ended(state, Disposition::Blocked)),
            Property::sometimes("exhausted", |_, state: &State| {
                ended(state, Disposition::Exhausted)
            }),
            Property::sometimes("unknown", |_, state: &State| ended(state, Disposition::Unknown)),
            Property::sometimes("resent with success", |_, state: &State| {
                state.trace.resent_with_success
            }),
            Property::sometimes("gone on with", |_, state: &State| {
                state.trace.reruns == 1 && state.trace.sent == MAX_SENDS
            }),
        ]
    }
}

#[test]
fn no_sequence_of_answers_and_kills_breaks_a_promise() {
    for entropy in [0, 7_919, 120_099_989_999] {
        let checker = Submission { entropy }.checker().threads(2).spawn_dfs().join();
        checker.assert_properties();
        println!("{} states", checker.unique_state_count());
        assert!(checker.unique_state_count() > 50_000, "{}", checker.unique_state_count());
    }
    assert_eq!(PROMISES.len(), 7);
}
