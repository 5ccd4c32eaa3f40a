//! The origin of one contender: it answers 200, at once or later, and knows which events it got.

use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, ensure};
use http::StatusCode;
use nextapi_testkit::{Origin, Reply};
use tokio::sync::watch;

use crate::event;

/// How long the last events may take. Only a worker that loses one takes as long.
const PATIENCE: Duration = Duration::from_mins(1);

/// An origin that counts how often it got each event.
pub(crate) struct CountingOrigin {
    origin: Origin,
    counting: Arc<Counting>,
}

#[derive(Default)]
struct Counting {
    counts: Mutex<Counts>,
    /// How many were answered 200.
    answered: watch::Sender<u64>,
    /// Milliseconds until an answer.
    delay_ms: AtomicU32,
}

#[derive(Default)]
struct Counts {
    /// By the event's number.
    events: HashMap<Option<u64>, u32>,
    /// Events that nobody waits for any more, and that may come late.
    abandoned: Vec<Range<u64>>,
    /// How often events were expected or abandoned.
    generation: u64,
}

impl CountingOrigin {
    /// Starts to listen on a free loopback port.
    ///
    /// # Errors
    /// If no port is free.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let origin = Origin::builder().record(false).start().await?;
        let counting = Arc::new(Counting::default());
        let answering = Arc::clone(&counting);
        origin.reply_with(move |received| answer(&answering, event::number(received.body())));
        Ok(Self { origin, counting })
    }

    /// From now on takes so long for an answer.
    pub(crate) fn delay(&self, milliseconds: u32) {
        self.counting.delay_ms.store(milliseconds, Ordering::Relaxed);
    }

    /// Fails the next so many requests.
    pub(crate) fn fail_next(&self, requests: u32) {
        for _ in 0..requests {
            self.origin.reply_next(Reply::status(StatusCode::SERVICE_UNAVAILABLE));
        }
    }

    /// Waits until so many answers of 200 are on their way since the last time that events were expected.
    ///
    /// # Errors
    /// If they take too long.
    pub(crate) async fn answered(&self, count: u64) -> anyhow::Result<()> {
        let mut answered = self.counting.answered.subscribe();
        let enough = tokio::time::timeout(PATIENCE, answered.wait_for(|it| *it >= count)).await;
        let enough = enough.map(|enough| enough.is_ok());
        let enough = enough.with_context(|| format!("the origin got no {count} events"))?;
        ensure!(enough, "the origin has stopped");
        Ok(())
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        self.origin.url()
    }

    /// Takes no account of these events, which may come or not.
    pub(crate) fn abandon(&self, numbers: Range<u64>) {
        lock(&self.counting).abandoned.push(numbers);
        self.restart();
    }

    /// Counts from the beginning; how often which events came until now.
    fn restart(&self) -> HashMap<Option<u64>, u32> {
        let mut counts = lock(&self.counting);
        counts.generation = counts.generation.saturating_add(1);
        self.counting.answered.send_replace(0);
        core::mem::take(&mut counts.events)
    }

    /// Makes sure that exactly the events of these numbers came, each of them once, since the last time.
    ///
    /// # Errors
    /// If it was not so.
    pub(crate) fn expect(&self, numbers: Range<u64>) -> anyhow::Result<()> {
        let counts = self.restart();
        for number in numbers.clone() {
            let count = counts.get(&Some(number)).copied().unwrap_or(0);
            ensure!(count == 1, "the origin got the event {number} {count} times");
        }
        let wanted = numbers.end.saturating_sub(numbers.start);
        ensure!(
            u64::try_from(counts.len()).ok() == Some(wanted),
            "the origin got {} events, of which {wanted} were meant for it",
            counts.len()
        );
        Ok(())
    }
}

/// Counts an event, and answers 200.
fn answer(counting: &Arc<Counting>, number: Option<u64>) -> Reply {
    let mut counts = lock(counting);
    let is_abandoned = number
        .is_some_and(|number| counts.abandoned.iter().any(|abandoned| abandoned.contains(&number)));
    if !is_abandoned {
        let count = counts.events.entry(number).or_default();
        *count = count.saturating_add(1);
    }
    let generation = counts.generation;
    drop(counts);
    let answering = Arc::clone(counting);
    let answered = move || {
        if !is_abandoned && lock(&answering).generation == generation {
            answering.answered.send_modify(|it| *it = it.saturating_add(1));
        }
    };
    let reply = Reply::default().on_answer(answered);
    match counting.delay_ms.load(Ordering::Relaxed) {
        0 => reply,
        delay_ms => reply.after(Duration::from_millis(delay_ms.into())),
    }
}

fn lock(counting: &Counting) -> MutexGuard<'_, Counts> {
    // No code that may panic runs while the lock is held.
    counting.counts.lock().unwrap_or_else(PoisonError::into_inner)
}
