//! Drives a round of the watch, and shows its pages.

use nextapi_edge_core::{
    OriginResult, Settings, WatchInput, WatchOutput, WatchPage, WatchRound, watch_page,
};
use wasm_bindgen::prelude::*;

use super::Edge;
use crate::time;

#[wasm_bindgen]
impl Edge {
    /// Whether figures are taken minute by minute.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn watches(&self) -> bool {
        self.isolate.settings().is_ok_and(Settings::watches)
    }

    /// Begins a round of the watch with what the one before has left, or with an empty text, and with the
    /// deployment's scheme and host, if they are known. Outputs are JSON: `WatchOutput` in `border.ts`.
    #[wasm_bindgen(js_name = beginWatch)]
    pub fn begin_watch(&mut self, memory: &str, site: Option<String>, now_ms: f64) -> String {
        let random = self.random.take();
        let now_ms = time::from_js(now_ms);
        let turn = WatchRound::begin(&self.isolate, memory, site, &random, now_ms);
        self.watch_turn(turn)
    }

    /// The memory of the watch is kept.
    ///
    /// # Errors
    /// If there is no round, as after a panic.
    #[wasm_bindgen(js_name = watchKept)]
    pub fn watch_kept(&mut self, now_ms: f64) -> Result<String, JsError> {
        self.go_watch(WatchInput::Kept, now_ms)
    }

    /// The ledger has replied to the watch, as for a request.
    ///
    /// # Errors
    /// As above.
    #[wasm_bindgen(js_name = watchLedgerReplied)]
    pub fn watch_ledger_replied(
        &mut self,
        replies: String,
        now_ms: f64,
    ) -> Result<String, JsError> {
        self.go_watch(WatchInput::LedgerReplies(replies), now_ms)
    }

    /// Whoever receives alerts has answered with this status, and perhaps with `Retry-After`.
    ///
    /// # Errors
    /// As above.
    #[wasm_bindgen(js_name = watchPosted)]
    pub fn watch_posted(
        &mut self,
        status: u16,
        retry_after: Option<String>,
        now_ms: f64,
    ) -> Result<String, JsError> {
        let result = OriginResult::Status(status);
        self.go_watch(WatchInput::Posted { result, retry_after }, now_ms)
    }

    /// Whoever receives alerts has not answered: `timed_out`, or anything else for a connection that broke.
    ///
    /// # Errors
    /// As above.
    #[wasm_bindgen(js_name = watchNotPosted)]
    pub fn watch_not_posted(&mut self, reason: &str, now_ms: f64) -> Result<String, JsError> {
        let result = match reason {
            "timed_out" => OriginResult::TimedOut,
            _ => OriginResult::Unreachable,
        };
        self.go_watch(WatchInput::Posted { result, retry_after: None }, now_ms)
    }

    /// A page of the watch, `history` or `alerts`, from what its last round has left.
    ///
    /// # Errors
    /// If there is no such page.
    #[wasm_bindgen(js_name = watchPage)]
    pub fn watch_page(&self, name: &str, memory: &str) -> Result<String, JsError> {
        let page = WatchPage::named(name).ok_or_else(|| JsError::new("there is no such page"))?;
        Ok(watch_page(page, memory, self.isolate.settings().ok()))
    }
}

impl Edge {
    fn go_watch(&mut self, input: WatchInput, now_ms: f64) -> Result<String, JsError> {
        let round = self.watch.take().ok_or_else(|| JsError::new("there is no round"))?;
        let turn = round.handle(input, time::from_js(now_ms));
        Ok(self.watch_turn(turn))
    }

    fn watch_turn(&mut self, (round, output): (Option<WatchRound>, WatchOutput)) -> String {
        self.watch = round;
        // As for a request's output.
        serde_json::to_string(&output).unwrap_or_default()
    }
}
