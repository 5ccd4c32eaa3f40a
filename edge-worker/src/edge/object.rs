//! Drives an object of the ledger.

use nextapi_edge_core::{Settings, ledger};
use wasm_bindgen::prelude::*;

use super::Edge;
use crate::storage::ObjectStorage;
use crate::time;

#[wasm_bindgen]
impl Edge {
    /// SQL statements that an object's database is asked for by their index.
    #[wasm_bindgen(getter, js_name = frequentStatements)]
    #[must_use]
    pub fn frequent_statements(&self) -> Vec<String> {
        ledger::FREQUENT.map(str::to_owned).to_vec()
    }

    /// The statement that reads the body of an event by its key.
    #[wasm_bindgen(getter, js_name = bodyStatement)]
    #[must_use]
    pub fn body_statement(&self) -> String {
        ledger::SELECT_BODY.to_owned()
    }

    /// Starts an object: once in its life, before anything else.
    ///
    /// # Errors
    /// If the settings are refused, or SQLite's message.
    #[wasm_bindgen(js_name = startObject)]
    pub fn start_object(&self, storage: &ObjectStorage, now_ms: f64) -> Result<(), JsError> {
        ledger::start(&storage, self.settings()?, time::from_js(now_ms))
            .map_err(|error| JsError::new(&error))
    }

    /// Applies a call to an object, and gives the reply; both are RPC messages.
    ///
    /// # Errors
    /// What is wrong with the call, the settings or the database. The call then had no effect.
    #[wasm_bindgen(js_name = callObject)]
    pub fn call_object(
        &self,
        storage: &ObjectStorage,
        message: &str,
        now_ms: f64,
    ) -> Result<String, JsError> {
        ledger::call(&storage, self.settings()?, message, time::from_js(now_ms))
            .map_err(|error| JsError::new(&error))
    }

    /// An object's alarm rings. Its successor is set before anything else.
    ///
    /// # Errors
    /// SQLite's message. The platform need not try again.
    ///
    /// Gives lines for the log: one for each event that was deleted undelivered.
    #[wasm_bindgen(js_name = ringAlarm)]
    pub fn ring_alarm(
        &self,
        storage: &ObjectStorage,
        is_started: bool,
        now_ms: f64,
    ) -> Result<Vec<String>, JsError> {
        ledger::ring(&storage, self.isolate.settings().ok(), is_started, time::from_js(now_ms))
            .map_err(|error| JsError::new(&error))
    }

    /// Claims up to `limit` events that an object owes and that are due: a list of `Attempt` in `border.ts`,
    /// as JSON. Without sound settings there is none.
    ///
    /// # Errors
    /// SQLite's message. No attempt was then begun.
    #[wasm_bindgen(js_name = takeAttempts)]
    pub fn take_attempts(
        &self,
        storage: &ObjectStorage,
        limit: usize,
        now_ms: f64,
    ) -> Result<String, JsError> {
        let Ok(settings) = self.isolate.settings() else { return Ok("[]".to_owned()) };
        let attempts = ledger::take(&storage, settings, limit, time::from_js(now_ms))
            .map_err(|error| JsError::new(&error))?;
        serde_json::to_string(&attempts).map_err(|error| JsError::new(&error.to_string()))
    }

    /// Sets the alarm for what an object owes next.
    ///
    /// # Errors
    /// If the settings are refused, or SQLite's message. The alarm that was pending then stands.
    #[wasm_bindgen(js_name = restObject)]
    pub fn rest_object(&self, storage: &ObjectStorage, now_ms: f64) -> Result<(), JsError> {
        ledger::rest(&storage, self.settings()?, time::from_js(now_ms))
            .map_err(|error| JsError::new(&error))
    }
}

impl Edge {
    fn settings(&self) -> Result<&Settings, JsError> {
        self.isolate.settings().map_err(|_| JsError::new("the settings are refused"))
    }
}
