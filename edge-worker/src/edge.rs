//! What the entry modules call.
//!
//! | file | methods for |
//! | --- | --- |
//! | `edge` | an isolate: its settings, secrets and counts |
//! | `requests` | one request, or one attempt that an object owes |
//! | `reconciler` | a round of the reconciler |
//! | `watch` | a round of the watch |
//! | `object` | an object of the ledger |

mod object;
mod reconciler;
mod requests;
mod watch;

use js_sys::Uint8Array;
use nextapi_edge_core::{
    Bindings, Isolate, Machine, REPORT_AFTER_MS, RawSettings, Round, Settings, WatchRound,
};
use wasm_bindgen::prelude::*;

use crate::random::RandomSupply;
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
