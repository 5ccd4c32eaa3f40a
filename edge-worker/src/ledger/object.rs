//! The ledger's object: a thin layer between the platform's storage and
//! [`protocol`](super::protocol).
//!
//! # Why a transition is atomic
//!
//! There is one instance of each object in the world, and it runs one thread. A transition reads
//! the row, decides and writes the row without an `await` in between, so no other call of the same
//! object can come in between; SQLite's statements here are synchronous. Nothing rests on the
//! platform's input gate, which would only hold other calls back while storage is being awaited.
//!
//! The *output* gate is needed: an answer leaves the object only after everything written before it
//! is on disk. So a claim that somebody was told of survives a crash, and a write that fails takes
//! its answer with it. Writes that no `await` separates are committed together or not at all.
//!
//! No row is cached, so memory cannot disagree with the disk. An error of the storage is answered
//! as an error, never as "not seen": the delivery gets a 503 and comes again.
//!
//! A claim whose answer gets lost on its way is no harm: its lease runs out, and the next claim is
//! granted.

#![allow(missing_docs, reason = "the attribute on the class makes methods without documentation")]

use core::cell::Cell;

use worker::js_sys::Date;
// The attribute on the class expects `wasm_bindgen` by this name.
use worker::wasm_bindgen::{self, JsValue};
use worker::{
    DurableObject, Env, Request, Response, ScheduledTime, SqlStorage, SqlStorageValue, State,
    durable_object,
};

use super::message::{Answer, Call};
use super::sql_store::{self, Columns, Database, SqlStore};
use super::{protocol, retention};
use crate::platform;
use crate::settings::Settings;

/// One shard of the ledger, a Durable Object with SQLite storage. The platform makes it; nothing
/// else can.
#[durable_object(alarm)]
pub struct Ledger {
    state: State,
    env: Env,
    /// Whether the tables are known to be there and of our version.
    is_prepared: Cell<bool>,
    /// Whether an alarm is known to be pending. False means unknown.
    has_alarm: Cell<bool>,
}

impl DurableObject for Ledger {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, is_prepared: Cell::new(false), has_alarm: Cell::new(false) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let text = request.text().await?;
        match self.answer(&text).await {
            Ok(answer) => Response::ok(answer.encode()),
            Err(error) => Response::error(error.to_string(), 500),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        // An alarm that rings is no longer pending; if this fails, the platform rings again.
        self.has_alarm.set(false);
        let now_ms = self.now_ms();
        let next_ms = match self.settings() {
            Ok(settings) => {
                let swept = protocol::sweep(&mut self.store()?, settings.retention_ms, now_ms)?;
                #[cfg(feature = "planted")]
                crate::planted::note_swept(swept.deleted);
                swept.next_ms
            }
            Err(_) => Some(now_ms.saturating_add(retention::PAUSE_WITHOUT_SETTINGS_MS)),
        };
        if let Some(next_ms) = next_ms {
            self.set_alarm(next_ms).await?;
        }
        Response::empty()
    }
}

impl Ledger {
    async fn answer(&self, text: &str) -> worker::Result<Answer> {
        let call = Call::decode(text).ok_or("the call makes no sense")?;
        let settings = self.settings()?;
        if matches!(call, Call::Claim { .. }) {
            // Before the row, so that there is no row without an alarm that will delete it.
            self.set_first_alarm(settings).await?;
        }
        #[cfg(feature = "planted")]
        crate::planted::strike_object(&call)?;
        // From here on nothing waits, and that is the point: see the module's documentation.
        let mut store = self.store()?;
        Ok(protocol::answer(&mut store, call, settings.policy, self.now_ms())?)
    }

    /// The rows; their tables are made sure of once in an object's life.
    fn store(&self) -> worker::Result<SqlStore<Sqlite>> {
        let database = Sqlite(self.state.storage().sql());
        if !self.is_prepared.get() {
            sql_store::prepare(&database)?;
            self.is_prepared.set(true);
        }
        Ok(SqlStore(database))
    }

    /// Sets an alarm unless one is pending. The storage is asked once in an object's life; after
    /// that its memory knows.
    async fn set_first_alarm(&self, settings: &Settings) -> worker::Result<()> {
        if self.has_alarm.get() {
            return Ok(());
        }
        if self.state.storage().get_alarm().await?.is_some() {
            self.has_alarm.set(true);
            return Ok(());
        }
        self.set_alarm(retention::first_alarm_ms(self.now_ms(), settings.retention_ms)).await
    }

    /// The object's clock, in milliseconds since 1970.
    #[cfg_attr(
        not(feature = "planted"),
        allow(clippy::unused_self, reason = "tests plant a clock")
    )]
    fn now_ms(&self) -> u64 {
        let now_ms = platform::now_ms();
        #[cfg(feature = "planted")]
        let now_ms = crate::planted::fast_ms(&self.env, now_ms);
        now_ms
    }

    async fn set_alarm(&self, time_ms: u64) -> worker::Result<()> {
        #[cfg(feature = "planted")]
        let time_ms = crate::planted::real_ms(&self.env, time_ms);
        #[allow(clippy::cast_precision_loss, reason = "a time is far below 2^53")]
        let time = Date::new(&JsValue::from_f64(time_ms as f64));
        self.state.storage().set_alarm(ScheduledTime::new(time)).await?;
        self.has_alarm.set(true);
        Ok(())
    }

    fn settings(&self) -> worker::Result<&'static Settings> {
        platform::settings(&self.env).as_ref().map_err(|_| "the settings are refused".into())
    }
}

/// The object's own database.
struct Sqlite(SqlStorage);

impl Database for Sqlite {
    fn query(&self, query: &str, values: Vec<SqlStorageValue>) -> Result<Vec<Columns>, String> {
        let cursor = self.0.exec(query, values).map_err(|error| error.to_string())?;
        let rows: worker::Result<_> = cursor.raw().collect();
        rows.map_err(|error| error.to_string())
    }

    fn bytes(&self) -> u64 {
        u64::try_from(self.0.database_size()).unwrap_or(u64::MAX)
    }
}
