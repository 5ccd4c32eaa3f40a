//! A provider that repeats each delivery until it is answered 2xx, and more often than it should.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use fastrand::Rng;
use nextapi_testkit::{Deliverer, Delivery, EventBody, Gate, SignatureHeader};
use nextapi_webhook::{Key, Label, UnixTime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::history::{EventNumber, Recorder, Step};
use crate::origin::correlation_id;
use crate::plan::Event;

/// Deliveries under way at the same moment, at most. What waits for its next try is not one.
const UNDER_WAY: usize = 48;
/// Events that are not delivered yet at the same moment, at most.
const OPEN_EVENTS: usize = 128;
/// The documented schedule (1 min, 5 min, 30 min, 2 h, 12 h) compressed: it grows as steeply at
/// first, and ends with what lets a try come soon after a lease of 6 s has run out.
const WAITS: [Duration; 5] = [
    Duration::from_millis(40),
    Duration::from_millis(200),
    Duration::from_millis(800),
    Duration::from_millis(1_600),
    Duration::from_millis(2_400),
];
/// The documented schedule ends after five retries. This one repeats its last wait, so that what does
/// not arrive was lost by the edge, not given up by the provider; but not for ever.
const MAX_TRIES: usize = 40;
/// A wait is up to this much shorter or longer.
const JITTER: f64 = 0.2;
/// Less than the origin may take.
const HASTE: Duration = Duration::from_millis(100);
/// Calls and replies as another version would have them, each in one of so many deliveries.
const SKEWS: [&str; 4] =
    ["call-of-older-version", "unknown-call", "reply-of-newer-version", "unknown-reply"];
const SKEW_IN: usize = 200;
/// The documented 10 s, compressed.
const PATIENCE: Duration = Duration::from_secs(3);

/// The provider.
pub(crate) struct Provider(Arc<Shared>);

struct Shared {
    patient: Deliverer,
    hasty: Deliverer,
    key: Key,
    bodies: Arc<Vec<EventBody>>,
    /// How many deliveries of each event have begun.
    begun: Vec<AtomicUsize>,
    under_way: Semaphore,
    open: Arc<Semaphore>,
    recorder: Recorder,
    /// The event of the same job that has to be answered 2xx before the provider begins with this one.
    after: Vec<Option<EventNumber>>,
    /// Open once an event was answered 2xx.
    answered: Vec<Gate>,
    /// Whether some deliveries meet an object of another version, which the bundle with faults plays.
    has_skew: bool,
}

impl Provider {
    pub(crate) fn new(
        url: &str,
        key: Key,
        bodies: Arc<Vec<EventBody>>,
        recorder: Recorder,
        after: Vec<Option<EventNumber>>,
        has_skew: bool,
    ) -> Self {
        Self(Arc::new(Shared {
            patient: Deliverer::with_timeout(url, PATIENCE).unwrap(),
            hasty: Deliverer::with_timeout(url, HASTE).unwrap(),
            key,
            begun: bodies.iter().map(|_| AtomicUsize::new(0)).collect(),
            answered: bodies.iter().map(|_| Gate::new()).collect(),
            after,
            bodies,
            under_way: Semaphore::new(UNDER_WAY),
            open: Arc::new(Semaphore::new(OPEN_EVENTS)),
            recorder,
            has_skew,
        }))
    }

    /// Delivers all events as planned. `ended` is called after each.
    pub(crate) async fn deliver(&self, events: &[Event], ended: impl Fn()) {
        let mut tasks = JoinSet::new();
        for (number, event) in events.iter().cloned().enumerate() {
            let open = Arc::clone(&self.0.open).acquire_owned().await.unwrap();
            let shared = Arc::clone(&self.0);
            tasks.spawn(async move {
                if let Some(before) = shared.after[number] {
                    shared.answered[before].wait().await;
                }
                shared.copies(number, &event).await;
                shared.answered[number].open();
                drop(open);
                if let Some(wait) = event.echo {
                    tokio::time::sleep(wait).await;
                    let mut random = Rng::with_seed(event.seed.rotate_left(32));
                    shared.repeat(number, false, &mut random).await;
                }
            });
            while let Some(task) = tasks.try_join_next() {
                task.unwrap();
                ended();
            }
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
            ended();
        }
    }

    /// Delivers every event once more.
    pub(crate) async fn deliver_again(&self) {
        let mut tasks = JoinSet::new();
        for number in 0..self.0.bodies.len() {
            let shared = Arc::clone(&self.0);
            tasks.spawn(async move {
                let mut random = Rng::with_seed(number as u64);
                shared.repeat(number, false, &mut random).await;
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
    }
}

impl Shared {
    /// All copies of an event, which begin at the same moment.
    async fn copies(self: &Arc<Self>, number: EventNumber, event: &Event) {
        let mut copies = JoinSet::new();
        for copy in 0..event.copies {
            let shared = Arc::clone(self);
            let mut random = Rng::with_seed(event.seed.wrapping_add(copy as u64));
            let is_hasty = event.is_hasty && copy == 0;
            copies.spawn(async move { shared.repeat(number, is_hasty, &mut random).await });
        }
        while let Some(copy) = copies.join_next().await {
            copy.unwrap();
        }
    }

    /// Sends until the answer is 2xx or there have been too many tries, which the verdict will see.
    async fn repeat(&self, number: EventNumber, is_hasty: bool, random: &mut Rng) {
        for tries in 0..MAX_TRIES {
            let provider = if is_hasty && tries == 0 { &self.hasty } else { &self.patient };
            if self.send(number, provider, random).await {
                return;
            }
            tokio::time::sleep(wait_after(tries, random)).await;
        }
    }

    /// Whether the answer was 2xx.
    async fn send(&self, number: EventNumber, provider: &Deliverer, random: &mut Rng) -> bool {
        let _permit = self.under_way.acquire().await.unwrap();
        let delivery = self.begun[number].fetch_add(1, Ordering::Relaxed);
        // Signed anew for each try.
        let signed = Delivery::unsigned(self.bodies[number].clone())
            .unwrap()
            .sign(&self.key, UnixTime::now(), header(random), label(random))
            .unwrap()
            .with_header("x-correlation-id", correlation_id(number, delivery))
            .unwrap();
        let signed = match SKEWS.get(random.usize(..SKEW_IN)) {
            Some(skew) if self.has_skew => signed.with_header("x-fault", skew).unwrap(),
            _ => signed,
        };
        self.recorder.note_step(number, delivery, Step::Sent);
        let answer = provider.send(&signed).await;
        let is_success = answer.as_ref().is_ok_and(|answer| (200..300).contains(&answer.status()));
        let step = match answer {
            Ok(answer) => Step::Answered {
                status: answer.status(),
                code: answer.code().unwrap_or_else(|| "without a code".to_owned()),
            },
            Err(_) => Step::Unanswered,
        };
        self.recorder.note_step(number, delivery, step);
        is_success
    }
}

fn wait_after(tries: usize, random: &mut Rng) -> Duration {
    let wait = WAITS.get(tries).or(WAITS.last()).unwrap();
    wait.mul_f64(1.0 + JITTER * (2.0 * random.f64() - 1.0))
}

fn header(random: &mut Rng) -> SignatureHeader {
    if random.bool() { SignatureHeader::NextApi } else { SignatureHeader::Webhook }
}

fn label(random: &mut Rng) -> Label {
    *random.choice(&[Label::V, Label::V1, Label::Sha256]).unwrap()
}
