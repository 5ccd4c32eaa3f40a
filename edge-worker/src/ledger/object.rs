//! The ledger's object: a thin layer between the platform's storage and [`entry`](super::entry).
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
//! Nothing is cached, so memory cannot disagree with the disk. An error of the storage is answered
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
    DurableObject, Env, Request, Response, ScheduledTime, SqlCursor, SqlStorage, SqlStorageValue,
    State, durable_object,
};

use super::entry::{self, Change, Claim, Entry};
use super::message::{Answer, Call};
use super::{retention, row};
use crate::platform;
use crate::settings::Settings;

/// The version of the tables that this code reads and writes.
const SCHEMA_VERSION: u64 = 1;

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
        self.sweep().await?;
        Response::empty()
    }
}

impl Ledger {
    async fn answer(&self, text: &str) -> worker::Result<Answer> {
        let call = Call::decode(text).ok_or("the call makes no sense")?;
        let settings = self.settings()?;
        self.prepare()?;
        if matches!(call, Call::Claim { .. }) {
            // Before the row, so that there is no row without an alarm that will delete it.
            self.set_first_alarm(settings).await?;
        }
        self.transition(call, platform::now_ms(), settings)
    }

    /// One transition. Not `async`, and that is the point: see the module's documentation.
    fn transition(&self, call: Call, now_ms: u64, settings: &Settings) -> worker::Result<Answer> {
        match call {
            Call::Claim { key, facts } => {
                match entry::claim(self.read(&key)?, facts, now_ms, settings.lease_ms) {
                    Claim::Granted(entry) => {
                        let token = entry.attempts;
                        self.write(&key, entry)?;
                        Ok(Answer::Granted { token })
                    }
                    Claim::InFlight { remaining_ms } => Ok(Answer::InFlight { remaining_ms }),
                    Claim::Duplicate => Ok(Answer::Duplicate),
                }
            }
            Call::Commit { key, token } => {
                self.change(&key, entry::commit(self.read(&key)?, token, now_ms))
            }
            Call::Release { key, token, outcome } => {
                self.change(&key, entry::release(self.read(&key)?, token, &outcome, now_ms))
            }
        }
    }

    fn change(&self, key: &str, change: Change) -> worker::Result<Answer> {
        match change {
            Change::Store(entry) => {
                self.write(key, entry)?;
                Ok(Answer::Ok)
            }
            Change::Unchanged => Ok(Answer::Ok),
            Change::Refused => Ok(Answer::Refused),
        }
    }

    fn read(&self, key: &str) -> worker::Result<Option<Entry>> {
        let rows = self.query(row::SELECT, vec![key.into()])?;
        Ok(rows.into_iter().next().map(row::entry).transpose()?)
    }

    fn write(&self, key: &str, entry: Entry) -> worker::Result<()> {
        self.query(row::REPLACE, row::values(key, entry)?).map(drop)
    }

    /// Deletes what is due and sets the next alarm.
    async fn sweep(&self) -> worker::Result<()> {
        self.prepare()?;
        let now_ms = platform::now_ms();
        let next_ms = match self.settings() {
            Ok(settings) => {
                let due_ms = retention::due_before_ms(now_ms, settings.retention_ms);
                let limits = vec![row::number(due_ms)?, row::number(retention::BATCH.into())?];
                let deleted = self.query(row::DELETE_DUE, limits)?.len();
                let deleted = u64::try_from(deleted).unwrap_or(u64::MAX);
                let oldest_ms = self.query_number(row::SELECT_OLDEST)?;
                retention::next_alarm_ms(now_ms, settings.retention_ms, deleted, oldest_ms)
            }
            Err(_) => Some(now_ms.saturating_add(retention::PAUSE_WITHOUT_SETTINGS_MS)),
        };
        match next_ms {
            Some(next_ms) => self.set_alarm(next_ms).await,
            None => Ok(()),
        }
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
        self.set_alarm(retention::first_alarm_ms(platform::now_ms(), settings.retention_ms)).await
    }

    async fn set_alarm(&self, time_ms: u64) -> worker::Result<()> {
        #[allow(clippy::cast_precision_loss, reason = "a time is far below 2^53")]
        let time = Date::new(&JsValue::from_f64(time_ms as f64));
        self.state.storage().set_alarm(ScheduledTime::new(time)).await?;
        self.has_alarm.set(true);
        Ok(())
    }

    /// Makes sure of the tables, once in an object's life.
    fn prepare(&self) -> worker::Result<()> {
        if self.is_prepared.get() {
            return Ok(());
        }
        self.query(include_str!("schema.sql"), Vec::new())?;
        if self.query_number(row::SELECT_VERSION)? != Some(SCHEMA_VERSION) {
            return Err("the tables are of another version".into());
        }
        self.is_prepared.set(true);
        Ok(())
    }

    fn query_number(&self, query: &str) -> worker::Result<Option<u64>> {
        let rows = self.query(query, Vec::new())?;
        Ok(rows.first().and_then(|columns| columns.first()).map_or(Ok(None), row::integer)?)
    }

    /// Runs a statement to its end.
    fn query(
        &self,
        query: &str,
        values: Vec<SqlStorageValue>,
    ) -> worker::Result<Vec<Vec<SqlStorageValue>>> {
        let sql: SqlStorage = self.state.storage().sql();
        let cursor: SqlCursor = sql.exec(query, values)?;
        cursor.raw().collect::<worker::Result<_>>()
    }

    fn settings(&self) -> worker::Result<&'static Settings> {
        platform::settings(&self.env).as_ref().map_err(|_| "the settings are refused".into())
    }
}
