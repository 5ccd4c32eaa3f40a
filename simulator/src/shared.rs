//! What the API and the dispatcher share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use nextapi_testkit::Gate;
use tokio::sync::{Notify, SetOnce};

use crate::api_faults::ApiFaults;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::error::ApiError;
use crate::keys::ApiKeys;
use crate::moment::Moment;
use crate::record::DeliveryRecord;
use crate::store::Store;

/// Is told of every attempt that has ended.
pub(crate) type Observer = dyn Fn(&DeliveryRecord) + Send + Sync;

/// The engine, who may use it, and the clock that it is asked with.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// There may be something to do.
    pub(crate) changed: Notify,
    pub(crate) keys: ApiKeys,
    /// Part of every correlation id.
    pub(crate) run: String,
    pub(crate) observer: Box<Observer>,
    /// Why it cannot go on.
    pub(crate) failure: SetOnce<String>,
    pub(crate) clock: Clock,
    /// Opens when the simulator ends.
    pub(crate) closing: Gate,
    api_faults: ApiFaults,
}

struct State {
    engine: Engine,
    /// Without one, nothing outlives the process.
    store: Option<Store>,
    /// Why nothing is to happen any more.
    closed: Option<ApiError>,
}

impl Shared {
    pub(crate) fn new(
        engine: Engine,
        store: Option<Store>,
        keys: ApiKeys,
        observer: Box<Observer>,
        clock: Clock,
    ) -> Self {
        let (run, api_faults) = (engine.run().to_owned(), engine.api_faults());
        let state = Mutex::new(State { engine, store, closed: None });
        let (changed, failure) = (Notify::new(), SetOnce::new());
        Self {
            state,
            changed,
            keys,
            run,
            observer,
            failure,
            clock,
            closing: Gate::new(),
            api_faults,
        }
    }

    pub(crate) const fn api_faults(&self) -> ApiFaults {
        self.api_faults
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.moment()
    }

    /// Lets the engine do something. When this ends, what it has changed is on the disk: nobody is
    /// told of anything that a crash could undo.
    ///
    /// # Errors
    /// If it cannot be written; from then on, always. The engine is ahead of the file then, and
    /// nothing may be seen of it.
    pub(crate) fn change<T>(&self, act: impl FnOnce(&mut Engine) -> T) -> Result<T, ApiError> {
        let mut state = self.open()?;
        let done = act(&mut state.engine);
        // It waits for the disk with the lock held. Nothing else could be done in the meantime:
        // every request and every delivery asks the engine.
        if let Err(error) = state.write() {
            let error = ApiError::internal(format!("{error:#}"));
            state.close(error.clone());
            // Nothing can fail a second time, and the dispatcher is to learn of it.
            let _ = self.failure.set(error.message.clone());
            self.changed.notify_one();
            return Err(error);
        }
        Ok(done)
    }

    /// Asks the engine something.
    ///
    /// # Errors
    /// If it was closed.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Engine) -> T) -> Result<T, ApiError> {
        self.open().map(|state| question(&state.engine))
    }

    /// Asks the engine something, even if it was closed.
    pub(crate) fn look<T>(&self, question: impl FnOnce(&Engine) -> T) -> T {
        question(&self.lock().engine)
    }

    /// Lets nothing happen any more, and closes the file.
    pub(crate) fn close(&self) {
        self.lock().close(ApiError::internal("the simulator has ended"));
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, ApiError> {
        let state = self.lock();
        match &state.closed {
            None => Ok(state),
            Some(why) => Err(why.clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that may panic runs while the lock is held, so a poisoned one is still sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write(&mut self) -> anyhow::Result<()> {
        if let Some(store) = &self.store {
            let changes = self.engine.changes()?;
            if !changes.is_empty() {
                store.write(&changes)?;
            }
        }
        self.engine.written();
        Ok(())
    }

    fn close(&mut self, why: ApiError) {
        self.closed.get_or_insert(why);
        self.store = None;
    }
}
