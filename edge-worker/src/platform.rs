//! The platform's clock, randomness, log and settings. Nothing is decided here.
//!
//! The clock is JavaScript's: `std::time` panics in WASM. While code runs, that clock stands still;
//! it moves only across calls to the outside, so a time that is spent computing reads as 0.

use core::cell::Cell;
use std::sync::OnceLock;

use worker::js_sys::{JSON, Reflect};
use worker::wasm_bindgen::JsValue;
use worker::{AnalyticsEngineDataPointBuilder, Env, console_log};

use crate::outcome::Outcome;
use crate::record::DataPoint;
use crate::settings::{Refused, Settings};
use crate::tally::Tally;
use crate::trace::Random;

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    worker::Date::now().as_millis()
}

/// Writes one line to the log.
pub(crate) fn log(line: &str) {
    console_log!("{line}");
}

/// The name of the Analytics Engine dataset's binding in `wrangler.toml`.
const ANALYTICS: &str = "ANALYTICS";

/// Writes a data point, if a dataset is bound.
pub(crate) fn write_data_point(env: &Env, point: &DataPoint) -> Result<(), String> {
    static IS_BOUND: OnceLock<bool> = OnceLock::new();
    let is_bound = || Reflect::has(env, &JsValue::from_str(ANALYTICS)).unwrap_or(false);
    if !IS_BOUND.get_or_init(is_bound) {
        return Ok(());
    }
    let write = || {
        let blobs = point.blobs.iter().map(String::as_str);
        let point = AnalyticsEngineDataPointBuilder::new()
            .indexes([point.index])
            .doubles(point.doubles)
            .blobs(blobs.collect::<Vec<_>>())
            .build();
        env.analytics_engine(ANALYTICS)?.write_data_point(&point)
    };
    write().map_err(|error: worker::Error| error.to_string())
}

thread_local! {
    /// What this isolate has counted and not passed on yet.
    static TALLY: Cell<Tally> = const { Cell::new(Tally::new()) };
}

/// Counts an outcome.
pub(crate) fn count(outcome: Outcome) {
    let mut tally = take_tally();
    tally.count(outcome.code());
    TALLY.set(tally);
}

/// Takes what was counted since the last time.
pub(crate) fn take_tally() -> Tally {
    TALLY.take()
}

/// Gives back what could not be passed on.
pub(crate) fn give_back(tally: &Tally) {
    let mut all = take_tally();
    all.merge(tally);
    TALLY.set(all);
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
