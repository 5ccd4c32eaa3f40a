//! What the entry modules call.

use js_sys::Uint8Array;
use nextapi_edge_core::ledger::Attempt;
use nextapi_edge_core::{
    Bindings, Input, Isolate, Machine, OriginResult, Output, REPORT_AFTER_MS, RawSettings, Request,
    Round, RoundInput, RoundOutput, Settings, Step, TransportError, WatchInput, WatchOutput,
    WatchPage, WatchRound, ledger, watch_page,
};
use wasm_bindgen::prelude::*;

use crate::random::RandomSupply;
use crate::storage::ObjectStorage;
use crate::{time, url};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn log_error(line: &str);
}

/// The worker, as the entry modules see it. There is one in an isolate; after a panic a new one takes
/// its place.
///
/// A request is driven under an id of the caller's, by the contract of `nextapi_edge_core`. Outputs are
/// JSON: `Output` in `border.ts`.
#[wasm_bindgen]
pub struct Edge {
    isolate: Isolate,
    /// Machines that wait for an input. There are never more than an isolate's requests under way.
    machines: Vec<(u32, Machine)>,
    /// The reconciler's round. There is one reconciler in the world, and it makes one round at a time.
    round: Option<Round>,
    /// The watch's round. There is one watch in the world as well.
    watch: Option<WatchRound>,
    random: RandomSupply,
    /// The bytes of the secrets, until they are taken; none if the settings are refused.
    secrets: Vec<Uint8Array>,
}

#[wasm_bindgen]
impl Edge {
    /// Reads the settings: JSON, as `RawSettings` of the core has it. The flags say which optional bindings
    /// there are.
    ///
    /// # Errors
    /// If `settings` is no such object.
    #[wasm_bindgen(constructor)]
    pub fn new(
        settings: String,
        has_analytics: bool,
        has_rate_limiter: bool,
    ) -> Result<Self, JsError> {
        // What a panic says would be lost otherwise: it traps, and a trap has no text.
        std::panic::set_hook(Box::new(|panic| log_error(&panic.to_string())));
        let settings = zeroize::Zeroizing::new(settings);
        let raw = RawSettings::from_json(&settings).map_err(JsError::new)?;
        let bindings = Bindings { analytics: has_analytics, rate_limiter: has_rate_limiter };
        let isolate = Isolate::new(Settings::read(&raw, &url::parse), bindings);
        let mut secrets = Vec::new();
        if let Ok(settings) = isolate.settings() {
            make_room(settings.max_body_bytes());
            let bytes = |secret: &str| Uint8Array::new_from_slice(secret.as_bytes());
            secrets.extend(raw.webhook_secrets().map(bytes));
        }
        Ok(Self {
            isolate,
            machines: Vec::new(),
            round: None,
            watch: None,
            random: RandomSupply::new(),
            secrets,
        })
    }

    /// The bytes of the secrets, in their order, for keys of the platform's: once. They are the caller's
    /// to wipe.
    #[wasm_bindgen(js_name = takeSecrets)]
    pub fn take_secrets(&mut self) -> Vec<Uint8Array> {
        core::mem::take(&mut self.secrets)
    }

    /// Warnings, for the log, about names that resemble a setting's but are not one.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.isolate.warnings().to_vec()
    }

    /// Begins with a request: JSON, `RequestHead` in `border.ts`.
    pub fn begin(&mut self, id: u32, request: &str, now_ms: f64) -> String {
        let Some(request) = Request::from_json(request) else { return self.lost(None, now_ms) };
        let random = self.random.take();
        let step = Machine::begin(&mut self.isolate, request, random, time::from_js(now_ms));
        self.go_on(id, step)
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

    /// The early response is on its way.
    pub fn responded(&mut self, id: u32, now_ms: f64) -> String {
        self.handle(id, Input::Responded, now_ms)
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

    /// The wait is over.
    pub fn waited(&mut self, id: u32, now_ms: f64) -> String {
        self.handle(id, Input::Waited, now_ms)
    }

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

    /// Whether this isolate has counted something that it has not passed on yet.
    #[wasm_bindgen(getter, js_name = hasCounts)]
    #[must_use]
    pub fn has_counts(&self) -> bool {
        self.isolate.has_counts()
    }

    /// How long it waits for another call to take that along, in milliseconds.
    #[wasm_bindgen(getter, js_name = reportAfterMs)]
    #[must_use]
    pub fn report_after_ms(&self) -> u32 {
        REPORT_AFTER_MS
    }

    /// The call that reports what this isolate has counted, `LedgerCall` in `border.ts`; none if that is nothing.
    #[wasm_bindgen(js_name = report)]
    pub fn report(&mut self, now_ms: f64) -> Option<String> {
        let random = self.random.take();
        let call = self.isolate.report(&random, time::from_js(now_ms))?;
        serde_json::to_string(&call).ok()
    }

    /// The reply to the report, or the error in its place.
    pub fn reported(&mut self, reply: &str) {
        self.isolate.reported(reply);
    }

    /// Calls that make sure of the alarm of every shard in use: a list of `LedgerCall` in `border.ts`.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn revivals(&self) -> String {
        // As for a request's output.
        serde_json::to_string(&self.isolate.revivals()).unwrap_or_default()
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
    fn handle(&mut self, id: u32, input: Input, now_ms: f64) -> String {
        let Some(machine) = self.take(id) else { return self.lost(None, now_ms) };
        let step = machine.handle(&mut self.isolate, input, time::from_js(now_ms));
        self.go_on(id, step)
    }

    fn go_on(&mut self, id: u32, (machine, output): Step) -> String {
        self.machines.extend(machine.map(|machine| (id, machine)));
        encode(&output)
    }

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

    fn take(&mut self, id: u32) -> Option<Machine> {
        let index = self.machines.iter().position(|(other, _)| *other == id)?;
        Some(self.machines.swap_remove(index).1)
    }

    fn settings(&self) -> Result<&Settings, JsError> {
        self.isolate.settings().map_err(|_| JsError::new("the settings are refused"))
    }
}

/// Makes room for the longest body at once: there is never more than one in WASM. The allocator does not
/// join what it asks the platform for at different times, so bodies that grow would each take memory of
/// their own, and no other WASM memory is ever given back.
fn make_room(max_body_bytes: usize) {
    /// For what is allocated there and stays.
    const MARGIN: usize = 256 * 1024;
    let room = Vec::<u8>::with_capacity(max_body_bytes.saturating_add(MARGIN));
    // Else the compiler would leave out an allocation that nobody uses.
    drop(core::hint::black_box(room));
}

fn encode(output: &Output) -> String {
    // An output is texts and numbers, which can always be written as JSON. Were that to change, the entry
    // module would take the empty text for a failure.
    serde_json::to_string(output).unwrap_or_default()
}
