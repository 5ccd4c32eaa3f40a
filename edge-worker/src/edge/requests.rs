//! Drives a request, or an attempt that an object owes, under an id of the caller's.

use nextapi_edge_core::ledger::Attempt;
use nextapi_edge_core::{Input, Machine, OriginResult, Output, Request, Step};
use wasm_bindgen::prelude::*;

use super::Edge;
use crate::time;

#[wasm_bindgen]
impl Edge {
    /// Begins with a request: JSON, `RequestHead` in `border.ts`.
    pub fn begin(&mut self, id: u32, request: &str, now_ms: f64) -> String {
        let Some(request) = Request::from_json(request) else { return self.lost(None, now_ms) };
        let random = self.random.take();
        let step = Machine::begin(&mut self.isolate, request, random, time::from_js(now_ms));
        self.go_on(id, step)
    }

    /// Makes an attempt that an object owes: JSON, `Attempt` in `border.ts`, and the event's body.
    ///
    /// # Errors
    /// If `attempt` is no such object, or the settings are refused.
    pub fn attempt(
        &mut self,
        id: u32,
        attempt: &str,
        body: &[u8],
        now_ms: f64,
    ) -> Result<String, JsError> {
        let attempt = Attempt::from_json(attempt).ok_or_else(|| JsError::new("no attempt"))?;
        let (random, now_ms) = (self.random.take(), time::from_js(now_ms));
        let step = Machine::attempt(&self.isolate, attempt, body, &random, now_ms);
        step.map(|step| self.go_on(id, step)).map_err(JsError::new)
    }

    /// The body was read, or is handed over.
    #[wasm_bindgen(js_name = bodyRead)]
    pub fn body_read(&mut self, id: u32, bytes: Vec<u8>, now_ms: f64) -> String {
        self.handle(id, Input::Body(bytes), now_ms)
    }

    /// The body was read and is kept; it has so many bytes.
    #[wasm_bindgen(js_name = longBodyRead)]
    pub fn long_body_read(&mut self, id: u32, bytes: usize, now_ms: f64) -> String {
        self.handle(id, Input::LongBody(bytes), now_ms)
    }

    /// The body is longer than the limit.
    #[wasm_bindgen(js_name = bodyTooLarge)]
    pub fn body_too_large(&mut self, id: u32, now_ms: f64) -> String {
        self.handle(id, Input::BodyTooLarge, now_ms)
    }

    /// The body was not there in time.
    #[wasm_bindgen(js_name = bodyTimedOut)]
    pub fn body_timed_out(&mut self, id: u32, now_ms: f64) -> String {
        self.handle(id, Input::BodyTimedOut, now_ms)
    }

    /// The connection broke before the body's end.
    #[wasm_bindgen(js_name = bodyCut)]
    pub fn body_cut(&mut self, id: u32, now_ms: f64) -> String {
        self.handle(id, Input::BodyCut, now_ms)
    }

    /// The platform has computed the MACs: those of all secrets, one after the other.
    #[wasm_bindgen(js_name = macsComputed)]
    pub fn macs_computed(&mut self, id: u32, macs: Vec<u8>, now_ms: f64) -> String {
        self.handle(id, Input::Macs(Ok(macs)), now_ms)
    }

    /// The platform has computed no MACs, for this reason.
    #[wasm_bindgen(js_name = macsFailed)]
    pub fn macs_failed(&mut self, id: u32, error: String, now_ms: f64) -> String {
        self.handle(id, Input::Macs(Err(error)), now_ms)
    }

    /// The rate limiter has answered.
    #[wasm_bindgen(js_name = rateLimitChecked)]
    pub fn rate_limit_checked(&mut self, id: u32, is_within: bool, now_ms: f64) -> String {
        self.handle(id, Input::RateLimit(Ok(is_within)), now_ms)
    }

    /// The rate limiter has not answered, for this reason.
    #[wasm_bindgen(js_name = rateLimitFailed)]
    pub fn rate_limit_failed(&mut self, id: u32, error: String, now_ms: f64) -> String {
        self.handle(id, Input::RateLimit(Err(error)), now_ms)
    }

    /// The ledger has replied: a message a line in the order of the calls, with
    /// `{"error":{"message":…,"overloaded":…,"retryable":…}}` in place of each that did not come.
    #[wasm_bindgen(js_name = ledgerReplied)]
    pub fn ledger_replied(&mut self, id: u32, replies: String, now_ms: f64) -> String {
        self.handle(id, Input::LedgerReplies(replies), now_ms)
    }

    /// The origin has answered with this status, and perhaps with `Retry-After`.
    #[wasm_bindgen(js_name = originAnswered)]
    pub fn origin_answered(
        &mut self,
        id: u32,
        status: u16,
        retry_after: Option<String>,
        now_ms: f64,
    ) -> String {
        let input = match retry_after {
            Some(retry_after) => Input::OriginBusy { status, retry_after },
            None => Input::Origin(OriginResult::Status(status)),
        };
        self.handle(id, input, now_ms)
    }

    /// The origin did not answer in time.
    #[wasm_bindgen(js_name = originTimedOut)]
    pub fn origin_timed_out(&mut self, id: u32, now_ms: f64) -> String {
        self.handle(id, Input::Origin(OriginResult::TimedOut), now_ms)
    }

    /// There was no connection to the origin, or it broke.
    #[wasm_bindgen(js_name = originUnreachable)]
    pub fn origin_unreachable(&mut self, id: u32, now_ms: f64) -> String {
        self.handle(id, Input::Origin(OriginResult::Unreachable), now_ms)
    }

    /// The watch has answered with a page.
    #[wasm_bindgen(js_name = watchAnswered)]
    pub fn watch_answered(&mut self, id: u32, page: String, now_ms: f64) -> String {
        self.handle(id, Input::Watch(Ok(page)), now_ms)
    }

    /// The watch has not answered, for this reason.
    #[wasm_bindgen(js_name = watchFailed)]
    pub fn watch_failed(&mut self, id: u32, error: String, now_ms: f64) -> String {
        self.handle(id, Input::Watch(Err(error)), now_ms)
    }

    /// The early response is on its way.
    pub fn responded(&mut self, id: u32, now_ms: f64) -> String {
        self.handle(id, Input::Responded, now_ms)
    }

    /// The wait is over.
    pub fn waited(&mut self, id: u32, now_ms: f64) -> String {
        self.handle(id, Input::Waited, now_ms)
    }

    /// Gives up a request that failed outside of this instance.
    pub fn abandon(&mut self, id: u32) {
        self.take(id);
    }

    /// The response to a request that has failed, perhaps in an earlier instance, which has panicked.
    /// `offered` is the sender's correlation id.
    #[allow(clippy::needless_pass_by_value, reason = "what wasm-bindgen takes")]
    pub fn lost(&mut self, offered: Option<String>, now_ms: f64) -> String {
        let random = self.random.take();
        let offered = offered.as_deref();
        encode(&Machine::lost(&mut self.isolate, offered, &random, time::from_js(now_ms)))
    }
}

impl Edge {
    fn handle(&mut self, id: u32, input: Input, now_ms: f64) -> String {
        let Some(machine) = self.take(id) else { return self.lost(None, now_ms) };
        let step = machine.handle(&mut self.isolate, input, time::from_js(now_ms));
        self.go_on(id, step)
    }

    fn go_on(&mut self, id: u32, (machine, output): Step) -> String {
        self.machines.extend(machine.map(|machine| (id, machine)));
        encode(&output)
    }

    fn take(&mut self, id: u32) -> Option<Machine> {
        let index = self.machines.iter().position(|(other, _)| *other == id)?;
        Some(self.machines.swap_remove(index).1)
    }
}

fn encode(output: &Output) -> String {
    // An output is texts and numbers, which can always be written as JSON. Were that to change, the entry
    // module would take the empty text for a failure.
    serde_json::to_string(output).unwrap_or_default()
}
