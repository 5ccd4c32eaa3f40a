//! The platform's rate limiter, where one is bound, and the clients that it has said no to.
//!
//! It protects, and must not harm: whatever goes wrong with it is logged and counts as a yes.

use core::net::IpAddr;
use core::pin::pin;
use core::time::Duration;
use std::sync::{Mutex, OnceLock, PoisonError};

use futures_util::future::{Either, select};
use worker::js_sys::{Object, Reflect, futures::JsFuture};
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::worker_sys::RateLimiter as Binding;
use worker::{Delay, Env, Error};

use crate::forgeries::Forgeries;
use crate::{client_address, platform};

/// The name of the binding in `wrangler.toml`.
const BINDING: &str = "RATE_LIMITER";

/// How long the limiter may take. It answers from memory in the same place.
const TIMEOUT_MS: u64 = 500;

/// Who is refused: for each isolate its own.
static FORGERIES: Mutex<Forgeries> = Mutex::new(Forgeries::new());

/// The limiter of a deployment that has one, for one client.
pub(crate) struct RateLimiter {
    binding: Binding,
    client: IpAddr,
}

impl RateLimiter {
    /// Whether a limiter is bound. Bindings do not change in an isolate's life.
    pub(crate) fn is_bound(env: &Env) -> bool {
        static IS_BOUND: OnceLock<bool> = OnceLock::new();
        *IS_BOUND.get_or_init(|| !binding(env).is_undefined())
    }

    /// The limiter that is bound, for whoever has this address.
    pub(crate) fn of(env: &Env, address: IpAddr) -> Self {
        let client = client_address::client(address);
        Self { binding: binding(env).unchecked_into(), client }
    }

    /// Seconds for which the client is refused from now on; none if it is not.
    pub(crate) fn refused_seconds(&self) -> Option<u64> {
        let forgeries = FORGERIES.lock().unwrap_or_else(PoisonError::into_inner);
        forgeries.refused_seconds(self.client, platform::now_ms())
    }

    /// Counts a delivery that had no valid signature, and remembers its client if that was too many.
    ///
    /// # Errors
    /// Why the limiter did not answer; the client is not remembered then.
    pub(crate) async fn count(&self) -> Result<(), String> {
        let answer = pin!(self.limit());
        let deadline = pin!(Delay::from(Duration::from_millis(TIMEOUT_MS)));
        let is_within_limit = match select(answer, deadline).await {
            // An error's text is the platform's, and says nothing of the delivery.
            Either::Left((answer, _)) => answer.map_err(|error| Error::from(error).to_string())?,
            Either::Right(_) => return Err(format!("no answer within {TIMEOUT_MS} ms")),
        };
        if !is_within_limit {
            let mut forgeries = FORGERIES.lock().unwrap_or_else(PoisonError::into_inner);
            forgeries.note(self.client, platform::now_ms());
        }
        Ok(())
    }

    /// Not by the crate's own type, which insists on the name of a class, and brings along a second
    /// way to turn values into JavaScript's.
    async fn limit(&self) -> Result<bool, JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"key".into(), &self.client.to_string().into())?;
        let answer = JsFuture::from(self.binding.limit(options)?).await?;
        Reflect::get(&answer, &"success".into())?
            .as_bool()
            .ok_or_else(|| JsValue::from_str("the answer makes no sense"))
    }
}

fn binding(env: &Env) -> JsValue {
    Reflect::get(env, &JsValue::from_str(BINDING)).unwrap_or(JsValue::UNDEFINED)
}
