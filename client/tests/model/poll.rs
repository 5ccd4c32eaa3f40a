//! A poller, whatever it is told about the job, and killed once.
//!
//! Five answers at most, in a configuration in which each of its ends is within reach of that.

use core::hash::{Hash, Hasher};
use std::sync::Arc;

use nextapi_client::{
    Bucket, Environment, Millis, Operation as _, Options, PollConfig, Poller, RetryConfig, Status,
    Step, TransportError,
};
use stateright::{Checker as _, Model, Property};

use super::support::{NOW, Reply, deliver, job};

const MAX_ANSWERS: usize = 5;
const CONFIG: PollConfig =
    PollConfig { first: 40_000, max: 40_000, deadline: 180_000, stall_after: 120_000 };

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Job(&'static str),
    NoUrl,
    Status(u16),
    Lost,
    Kill,
}

const ACTIONS: [Action; 11] = [
    Action::Job("queued"),
    Action::Job("running"),
    Action::Job("paused"),
    Action::Job("succeeded"),
    Action::Job("failed"),
    Action::NoUrl,
    Action::Status(401),
    Action::Status(404),
    Action::Status(503),
    Action::Lost,
    Action::Kill,
];

const FORWARD: &str = "the job never goes backwards";
const BUCKET: &str = "a bucket is never left but for a later one";
const DEADLINE: &str = "nothing happens after the deadline";
const FINAL: &str = "nothing follows the end";
const TRUE: &str = "an end is one that the provider has told of";

#[derive(Debug, Default)]
struct Trace {
    broken: Vec<&'static str>,
    answers: usize,
    kills: usize,
    end: Option<Result<(), nextapi_client::ErrorKind>>,
}

struct World {
    now: Millis,
    poller: Poller,
    status: Option<Status>,
    bucket: Bucket,
    told: Vec<&'static str>,
    trace: Trace,
}

fn options() -> Options {
    let retry = RetryConfig { max_attempts: 1, ..RetryConfig::default() };
    Options { retry, ..Options::new(Environment::Live) }
}

const fn rank(bucket: Bucket) -> u8 {
    match bucket {
        Bucket::InProgress => 0,
        Bucket::Blocked(_) => 1,
        Bucket::Terminal(_) => 2,
    }
}

impl World {
    fn new() -> Self {
        let poller = Poller::new("job_1", true, CONFIG, options());
        let (bucket, trace) = (poller.bucket(), Trace::default());
        let mut world = Self { now: NOW, poller, status: None, bucket, told: Vec::new(), trace };
        world.go_on();
        world
    }

    fn check(&mut self, holds: bool, promise: &'static str) {
        if !holds {
            self.trace.broken.push(promise);
        }
    }

    fn go_on(&mut self) {
        loop {
            self.check(self.now <= NOW + CONFIG.deadline, DEADLINE);
            match self.poller.step(self.now, 20_000) {
                Step::Send(request) => {
                    self.check(self.now + request.timeout <= NOW + CONFIG.deadline, DEADLINE);
                    return self.look();
                }
                Step::Wait { until, .. } => self.now = until,
                Step::Done(result) => {
                    self.look();
                    let told =
                        result.as_ref().is_ok_and(|job| self.told.contains(&job.status.as_str()));
                    self.check(told || result.is_err(), TRUE);
                    self.trace.end = Some(result.map(|_| ()).map_err(|error| error.kind));
                    let again = self.poller.step(self.now + 1, 20_000);
                    self.check(matches!(again, Step::Done(Err(_))), FINAL);
                    return;
                }
            }
            self.look();
        }
    }

    fn look(&mut self) {
        let status =
            self.poller.job().map(|job| job.status.clone()).or_else(|| self.status.clone());
        if let (Some(earlier), Some(later)) = (&self.status, &status) {
            let forward = later.may_follow(earlier);
            self.check(forward, FORWARD);
        }
        self.status = status;
        let bucket = self.poller.bucket();
        self.check(
            rank(bucket) >= rank(self.bucket) && (rank(self.bucket) < 2 || bucket == self.bucket),
            BUCKET,
        );
        self.bucket = bucket;
    }

    fn act(&mut self, action: Action) {
        self.trace.answers += 1;
        let reply = match action {
            Action::Job(status) => {
                self.told.push(status);
                Reply::of(200, job(status))
            }
            Action::NoUrl => Reply::of(200, r#"{"id":"job_1","status":"succeeded"}"#),
            Action::Status(status) => Reply::of(status, ""),
            Action::Lost => Reply::Lost(TransportError::TimedOut),
            Action::Kill => {
                self.trace.kills += 1;
                self.poller = Poller::resume(self.poller.state().clone(), CONFIG, options());
                return self.go_on();
            }
        };
        deliver(&mut self.poller, self.now, &reply);
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

struct Waiting;

fn state(path: Vec<Action>) -> State {
    let mut world = World::new();
    for action in &path {
        world.act(*action);
    }
    State { path, trace: Arc::new(world.trace) }
}

impl Model for Waiting {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![state(Vec::new())]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.trace.end.is_none() && state.trace.answers < MAX_ANSWERS {
            let killed = state.trace.kills > 0;
            actions.extend(ACTIONS.into_iter().filter(|action| *action != Action::Kill || !killed));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        Some(state(last.path.iter().copied().chain([action]).collect()))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        use nextapi_client::ErrorKind as K;
        fn holds(state: &State, promise: &str) -> bool {
            !state.trace.broken.contains(&promise)
        }
        fn ended(state: &State, kind: K) -> bool {
            state.trace.end == Some(Err(kind))
        }
        vec![
            Property::always(FORWARD, |_, state: &State| holds(state, FORWARD)),
            Property::always(BUCKET, |_, state: &State| holds(state, BUCKET)),
            Property::always(DEADLINE, |_, state: &State| holds(state, DEADLINE)),
            Property::always(FINAL, |_, state: &State| holds(state, FINAL)),
            Property::always(TRUE, |_, state: &State| holds(state, TRUE)),
            Property::sometimes("over", |_, state: &State| state.trace.end == Some(Ok(()))),
            Property::sometimes("not over in time", |_, state: &State| ended(state, K::NotOver)),
            Property::sometimes("stalled", |_, state: &State| ended(state, K::Stalled)),
            Property::sometimes("blocked", |_, state: &State| ended(state, K::Unauthorized)),
            Property::sometimes("unknown status", |_, state: &State| {
                ended(state, K::UnknownStatus)
            }),
            Property::sometimes("no URL", |_, state: &State| ended(state, K::NoUrl)),
        ]
    }
}

#[test]
fn no_sequence_of_looks_breaks_a_promise() {
    let checker = Waiting.checker().threads(2).spawn_dfs().join();
    checker.assert_properties();
    println!("{} states", checker.unique_state_count());
    assert!(checker.unique_state_count() > 10_000, "{}", checker.unique_state_count());
}
