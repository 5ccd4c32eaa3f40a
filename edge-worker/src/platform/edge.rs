//! What the entry module calls.

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::database::ObjectDatabase;
use super::random::RandomSupply;
use super::steps;
use crate::course::{Course, Effect, Event, Head};
use crate::isolate::{Bindings, Isolate};
use crate::ledger::message::Call;
use crate::ledger::sql_store::{self, SqlStore};
use crate::ledger::{protocol, reply, retention, sql};
use crate::outcome::{OriginResult, Outcome};
use crate::record::{DataPoint, Record};
use crate::settings::Settings;
use crate::time::rfc3339;
use crate::trace;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn log_error(line: &str);
}

/// The worker, as the entry module sees it. There is one in an isolate; after a panic a new one takes
/// its place.
#[wasm_bindgen]
pub struct Edge {
    isolate: Isolate,
    courses: Vec<(u32, Course)>,
    random: RandomSupply,
    point: Option<DataPoint>,
}

#[wasm_bindgen]
impl Edge {
    /// Reads the settings through `lookup`, a function from a name to a text or undefined, and notes
    /// which bindings there are.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(lookup: &Function, has_analytics: bool, has_rate_limiter: bool) -> Self {
        let lookup = |name: &str| {
            let value = lookup.call1(&JsValue::UNDEFINED, &JsValue::from_str(name));
            value.ok().and_then(|value| value.as_string())
        };
        // What a panic says would be lost otherwise: it traps, and a trap has no text.
        std::panic::set_hook(Box::new(|panic| log_error(&panic.to_string())));
        #[cfg(feature = "planted")]
        crate::planted::read_clock_speed(&lookup);
        let bindings = Bindings { analytics: has_analytics, rate_limiter: has_rate_limiter };
        Self {
            isolate: Isolate::new(Settings::read(&lookup), bindings),
            courses: Vec::new(),
            random: RandomSupply::new(),
            point: None,
        }
    }

    /// The headers that [`begin`](Self::begin) needs, divided by commas.
    #[wasm_bindgen(getter, js_name = wantedHeaders)]
    #[must_use]
    pub fn wanted_headers(&self) -> String {
        let signature_headers = self.isolate.settings.iter().flat_map(|it| &it.signature_headers);
        let names = Head::WANTED.iter().copied().chain(signature_headers.map(String::as_str));
        names.collect::<Vec<_>>().join(",")
    }

    /// Begins the course of a request under a number, and gives the first effect: its name and its
    /// arguments, divided by NUL. The head is text: a line with method, space and URL, then
    /// `name:value` lines.
    pub fn begin(&mut self, course: u32, head: &str, now_ms: f64) -> String {
        let random = self.random.take();
        let head = Head::new(head);
        let (begun, effect) = Course::begin(&mut self.isolate, head, random, time(now_ms));
        if !matches!(effect, Effect::Answer { .. }) {
            self.courses.push((course, begun));
        }
        self.encode(effect)
    }

    /// The body was read.
    pub fn body(&mut self, course: u32, bytes: Vec<u8>, is_cut: bool, now_ms: f64) -> String {
        self.resume(course, Event::Body { bytes, is_cut }, now_ms)
    }

    /// The body is longer than the limit.
    #[wasm_bindgen(js_name = bodyTooLarge)]
    pub fn body_too_large(&mut self, course: u32, now_ms: f64) -> String {
        self.resume(course, Event::BodyTooLarge, now_ms)
    }

    /// All headers, as `name:value` lines.
    pub fn headers(&mut self, course: u32, headers: String, now_ms: f64) -> String {
        self.resume(course, Event::Headers(headers), now_ms)
    }

    /// The objects have replied, in the order in which they were called; the replies are divided by
    /// NUL.
    pub fn replied(&mut self, course: u32, replies: &str, now_ms: f64) -> String {
        let answers = replies.split(steps::DIVIDER).map(reply::read).collect();
        self.resume(course, Event::Answered(answers), now_ms)
    }

    /// The origin has answered with this status.
    pub fn originated(&mut self, course: u32, status: u16, now_ms: f64) -> String {
        self.resume(course, Event::Origin(OriginResult::Status(status)), now_ms)
    }

    /// The origin has not answered: not in time, or not at all.
    #[wasm_bindgen(js_name = notOriginated)]
    pub fn not_originated(&mut self, course: u32, is_timeout: bool, now_ms: f64) -> String {
        let result = if is_timeout { OriginResult::TimedOut } else { OriginResult::Unreachable };
        self.resume(course, Event::Origin(result), now_ms)
    }

    /// The pause is over.
    pub fn paused(&mut self, course: u32, now_ms: f64) -> String {
        self.resume(course, Event::Paused, now_ms)
    }

    /// The rate limiter has answered, or the reason why it has not.
    pub fn limited(
        &mut self,
        course: u32,
        is_within_limit: bool,
        error: Option<String>,
        now_ms: f64,
    ) -> String {
        let answer = error.map_or(Ok(is_within_limit), Err);
        self.resume(course, Event::Limited(answer), now_ms)
    }

    /// Forgets a course that was broken off.
    pub fn forget(&mut self, course: u32) {
        self.take(course);
    }

    /// The answer to a request that has failed, perhaps in another instance, which has panicked.
    /// `offered` is the sender's correlation id or empty.
    pub fn failed(&mut self, offered: &str, now_ms: f64) -> String {
        let outcome = Outcome::InternalError;
        self.isolate.count(outcome);
        let correlation_id = trace::correlation_id(Some(offered), &self.random.take());
        let mut record = Record::new(rfc3339(time(now_ms)), correlation_id.clone());
        let log = Some(record.line(outcome));
        let answer = outcome.answer();
        self.encode(Effect::Answer { answer, correlation_id, log, point: None })
    }

    /// The texts of the data point that the last answer has left, eight of them, then its numbers, divided
    /// by NUL.
    #[wasm_bindgen(js_name = takePoint)]
    pub fn take_point(&mut self) -> Option<String> {
        let DataPoint { blobs, doubles } = self.point.take()?;
        Some(steps::join(blobs.iter().chain(&doubles).map(String::as_str)))
    }

    /// The statements that an object's database is asked for by their places, divided by NUL.
    #[wasm_bindgen(getter, js_name = frequentStatements)]
    #[must_use]
    pub fn frequent_statements(&self) -> String {
        steps::join(sql::FREQUENT)
    }

    /// Makes sure of the tables of an object that has started, and has it note how many shards there
    /// are now: another number comes with another deployment, and that starts all objects.
    ///
    /// # Errors
    /// If the settings are refused, or what SQLite has to say.
    #[wasm_bindgen(js_name = prepareLedger)]
    pub fn prepare_ledger(&self, database: &ObjectDatabase, now_ms: f64) -> Result<(), JsError> {
        let shards = self.settings()?.ledger_shards;
        sql_store::prepare(&database)
            .and_then(|()| protocol::start(&mut SqlStore(database), shards, ledger_time(now_ms)))
            .map_err(|error| JsError::new(&error))
    }

    /// Whether a call may write a row, which an alarm will have to delete one day.
    #[wasm_bindgen(js_name = needsAlarm)]
    #[must_use]
    pub fn needs_alarm(&self, call: &str) -> bool {
        matches!(Call::decode(call), Some(Call::Claim { .. }))
    }

    /// When the first alarm of an object is to ring.
    ///
    /// # Errors
    /// If the settings are refused.
    #[wasm_bindgen(js_name = firstAlarm)]
    pub fn first_alarm(&self, now_ms: f64) -> Result<f64, JsError> {
        let settings = self.settings()?;
        Ok(alarm(retention::first_alarm_ms(ledger_time(now_ms), settings.retention_ms)))
    }

    /// Does what a call asks of an object, and gives the answer.
    ///
    /// # Errors
    /// What is wrong with the call, the settings or the database. The call may then have had its
    /// effect or not.
    #[wasm_bindgen(js_name = answerCall)]
    pub fn answer_call(
        &self,
        database: &ObjectDatabase,
        call: &str,
        now_ms: f64,
    ) -> Result<String, JsError> {
        let settings = self.settings()?;
        let call = Call::decode(call).ok_or_else(|| JsError::new("the call makes no sense"))?;
        #[cfg(feature = "planted")]
        crate::planted::strike_object(&call).map_err(|error| JsError::new(&error))?;
        let now_ms = ledger_time(now_ms);
        let answer = protocol::answer(&mut SqlStore(database), call, settings.policy, now_ms);
        answer.map(|answer| answer.encode()).map_err(|error| JsError::new(&error))
    }

    /// Deletes what is due, and says when the next alarm is to ring, if there is to be one.
    ///
    /// # Errors
    /// What SQLite has to say.
    pub fn sweep(&self, database: &ObjectDatabase, now_ms: f64) -> Result<Option<f64>, JsError> {
        let now_ms = ledger_time(now_ms);
        let Ok(settings) = &self.isolate.settings else {
            return Ok(Some(alarm(now_ms.saturating_add(retention::PAUSE_WITHOUT_SETTINGS_MS))));
        };
        let swept = protocol::sweep(&mut SqlStore(database), settings.retention_ms, now_ms)
            .map_err(|error| JsError::new(&error))?;
        #[cfg(feature = "planted")]
        crate::planted::note_swept(swept.deleted);
        Ok(swept.next_ms.map(alarm))
    }
}

impl Edge {
    fn resume(&mut self, course: u32, event: Event, now_ms: f64) -> String {
        let Some(mut running) = self.take(course) else {
            return self.failed("", now_ms);
        };
        let effect = running.resume(&mut self.isolate, event, time(now_ms));
        if !matches!(effect, Effect::Answer { .. }) {
            self.courses.push((course, running));
        }
        self.encode(effect)
    }

    /// Takes a course out of the list of those that wait for something. There are never more than an
    /// isolate's requests under way.
    fn take(&mut self, course: u32) -> Option<Course> {
        let index = self.courses.iter().position(|(number, _)| *number == course)?;
        let (_, course) = self.courses.swap_remove(index);
        Some(course)
    }

    fn encode(&mut self, mut effect: Effect) -> String {
        if let Effect::Answer { point, .. } = &mut effect {
            self.point = point.take();
        }
        steps::encode(effect)
    }

    fn settings(&self) -> Result<&Settings, JsError> {
        let settings = self.isolate.settings.as_deref();
        settings.map_err(|_| JsError::new("the settings are refused"))
    }
}

/// A time of the platform's clock.
fn time(now_ms: f64) -> u64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time is a whole number, and such casts saturate"
    )]
    let now_ms = now_ms as u64;
    now_ms
}

/// A time of the object's clock, which is the platform's unless a test wants it fast.
fn ledger_time(now_ms: f64) -> u64 {
    #[cfg(feature = "planted")]
    return crate::planted::fast_ms(time(now_ms));
    #[cfg(not(feature = "planted"))]
    time(now_ms)
}

/// A time of the object's clock as one of the platform's, for an alarm.
fn alarm(time_ms: u64) -> f64 {
    #[cfg(feature = "planted")]
    let time_ms = crate::planted::real_ms(time_ms);
    #[allow(clippy::cast_precision_loss, reason = "a time is far below 2^53")]
    let time_ms = time_ms as f64;
    time_ms
}
