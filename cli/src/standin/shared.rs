//! What the API and the dispatcher share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::engine::Engine;
use super::keys::ApiKeys;
use super::moment::Moment;
use super::record::DeliveryRecord;

/// Is told of every attempt that has ended.
pub(crate) type Observer = dyn Fn(&DeliveryRecord) + Send + Sync;

/// The engine, who may use it, and the clock that it is asked with.
pub(crate) struct Shared {
    engine: Mutex<Engine>,
    /// There may be something to do.
    pub(crate) changed: Notify,
    pub(crate) keys: ApiKeys,
    /// Part of every correlation id, so that no two runs share one.
    pub(crate) run: String,
    pub(crate) observer: Box<Observer>,
    clock: Clock,
}

impl Shared {
    pub(crate) fn new(engine: Engine, keys: ApiKeys, run: String, observer: Box<Observer>) -> Self {
        let (engine, changed, clock) = (Mutex::new(engine), Notify::new(), Clock::start());
        Self { engine, changed, keys, run, observer, clock }
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// When a moment is, for tokio's timers.
    pub(crate) fn instant(&self, moment: Moment) -> Instant {
        let clock = self.clock;
        clock.began.checked_add(moment.since(clock.wall)).unwrap_or(clock.began)
    }

    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        // No code that may panic runs while the lock is held, so a poisoned one is still sound.
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The wall clock's time at the start, and what has passed since: it never jumps.
#[derive(Clone, Copy)]
struct Clock {
    wall: Moment,
    began: Instant,
}

impl Clock {
    fn start() -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let wall = Moment::from_millis(0).after(wall);
        Self { wall, began: Instant::now() }
    }

    fn now(self) -> Moment {
        self.wall.after(self.began.elapsed())
    }
}
