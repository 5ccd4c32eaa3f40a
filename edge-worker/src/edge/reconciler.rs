//! Drives a round of the reconciler.

use nextapi_edge_core::{Round, RoundInput, RoundOutput, Settings, TransportError};
use wasm_bindgen::prelude::*;

use super::Edge;
use crate::time;

#[wasm_bindgen]
impl Edge {
    /// Whether the settings ask for reconciliation.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn reconciles(&self) -> bool {
        self.isolate.settings().is_ok_and(Settings::reconciles)
    }

    /// Begins a round of the reconciler's with what the one before has left, or with an empty text. Outputs are JSON:
    /// `RoundOutput` in `border.ts`.
    #[wasm_bindgen(js_name = beginRound)]
    pub fn begin_round(&mut self, memory: &str, now_ms: f64) -> String {
        let random = self.random.take();
        let turn = Round::begin(&self.isolate, memory, &random, time::from_js(now_ms));
        self.turn(turn)
    }

    /// The memory of the round is kept.
    ///
    /// # Errors
    /// If there is no round, as after a panic.
    #[wasm_bindgen(js_name = roundKept)]
    pub fn round_kept(&mut self, now_ms: f64) -> Result<String, JsError> {
        self.go_round(RoundInput::Kept, now_ms)
    }

    /// The ledger has replied to the round, as for a request.
    ///
    /// # Errors
    /// As above.
    #[wasm_bindgen(js_name = roundLedgerReplied)]
    pub fn round_ledger_replied(
        &mut self,
        replies: String,
        now_ms: f64,
    ) -> Result<String, JsError> {
        self.go_round(RoundInput::LedgerReplies(replies), now_ms)
    }

    /// The API has answered. `headers` is a list of pairs, as JSON.
    ///
    /// # Errors
    /// As above.
    #[wasm_bindgen(js_name = roundApiAnswered)]
    pub fn round_api_answered(
        &mut self,
        status: u16,
        headers: &str,
        body: Vec<u8>,
        now_ms: f64,
    ) -> Result<String, JsError> {
        self.go_round(RoundInput::answer(status, headers, body), now_ms)
    }

    /// The API has not answered: `timed_out`, `too_large`, or anything else for a connection that broke.
    ///
    /// # Errors
    /// As above.
    #[wasm_bindgen(js_name = roundApiFailed)]
    pub fn round_api_failed(&mut self, reason: &str, now_ms: f64) -> Result<String, JsError> {
        let error = match reason {
            "timed_out" => TransportError::TimedOut,
            "too_large" => TransportError::TooLarge,
            _ => TransportError::Broken,
        };
        self.go_round(RoundInput::NoAnswer(error), now_ms)
    }
}

impl Edge {
    fn go_round(&mut self, input: RoundInput, now_ms: f64) -> Result<String, JsError> {
        let round = self.round.take().ok_or_else(|| JsError::new("there is no round"))?;
        let turn = round.handle(input, time::from_js(now_ms));
        Ok(self.turn(turn))
    }

    fn turn(&mut self, (round, output): (Option<Round>, RoundOutput)) -> String {
        self.round = round;
        // As for a request's output.
        serde_json::to_string(&output).unwrap_or_default()
    }
}
