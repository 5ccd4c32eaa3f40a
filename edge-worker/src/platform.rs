//! The platform's clock, randomness, log and settings. Nothing is decided here.
//!
//! The clock is JavaScript's: `std::time` panics in WASM. While code runs, that clock stands still;
//! it moves only across calls to the outside, so a time that is spent computing reads as 0.

use std::sync::OnceLock;

use worker::js_sys::{Date, JSON, Reflect};
use worker::wasm_bindgen::JsValue;
use worker::{Env, console_log};

use crate::settings::{Refused, Settings};
use crate::trace::Random;

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    worker::Date::now().as_millis()
}

/// The time as RFC 3339 has it.
pub(crate) fn now_text() -> String {
    String::from(Date::new_0().to_iso_string())
}

/// Writes one line to the log.
pub(crate) fn log(line: &str) {
    console_log!("{line}");
}

/// Random bytes for one delivery's ids.
pub(crate) fn random() -> worker::Result<Random> {
    let mut bytes = [0; 40];
    getrandom::fill(&mut bytes).map_err(|error| worker::Error::RustError(error.to_string()))?;
    let mut random = Random { correlation: [0; 16], trace: [0; 16], span: [0; 8] };
    let targets = random.correlation.iter_mut().chain(&mut random.trace).chain(&mut random.span);
    targets.zip(bytes).for_each(|(target, byte)| *target = byte);
    Ok(random)
}

/// The settings, read once for each isolate: a change of them comes with a new isolate.
pub(crate) fn settings(env: &Env) -> &'static Result<Settings, Refused> {
    static SETTINGS: OnceLock<Result<Settings, Refused>> = OnceLock::new();
    SETTINGS.get_or_init(|| Settings::read(&|name| variable(env, name)))
}

/// A variable or secret as text, `None` if it is not there.
///
/// `Env::var` will not do: it takes a variable that is not a string, such as a number in
/// `wrangler.toml`, for one that is not set, and the default would silently stand in for it.
fn variable(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env, &JsValue::from_str(name)).unwrap_or(JsValue::NULL);
    if value.is_undefined() {
        return None;
    }
    let text = value.as_string();
    // What has no text is blank, and set but blank is refused.
    Some(text.or_else(|| JSON::stringify(&value).ok()?.as_string()).unwrap_or_default())
}
