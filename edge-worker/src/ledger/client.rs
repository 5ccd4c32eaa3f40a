//! The worker's side of the ledger: one call, one answer, or the reason why there is none.

use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use worker::js_sys::Reflect;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::{Request, RequestInit};
use worker::{Delay, Env};

use super::message::{Answer, Call, Unanswered};
use crate::settings::LEDGER_TIMEOUT_MS;

/// The name of the binding in `wrangler.toml`.
const BINDING: &str = "LEDGER";

/// An object takes no notice of host and path, but a request needs a URL.
const URL: &str = "https://ledger/";

/// Asks the object `shard`. Whatever is not a whole answer in time is an error, and the caller must
/// then assume that the call may or may not have had its effect.
pub(crate) async fn ask(env: &Env, shard: &str, call: &Call) -> Result<Answer, Unanswered> {
    let answer = pin!(exchange(env, shard, call));
    let deadline = pin!(Delay::from(Duration::from_millis(u64::from(LEDGER_TIMEOUT_MS))));
    match select(answer, deadline).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(format!("no answer within {LEDGER_TIMEOUT_MS} ms").into()),
    }
}

async fn exchange(env: &Env, shard: &str, call: &Call) -> Result<Answer, Unanswered> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&JsValue::from_str(&call.encode()));
    let (status, text) = send(env, shard, &init).await.map_err(|error| unanswered(&error))?;
    match status {
        200 => Answer::decode(&text).ok_or_else(|| "the answer makes no sense".to_owned().into()),
        _ => Err(format!("status {status}: {text}").into()),
    }
}

/// What an exception says. The platform marks those of an object that has too much to do.
fn unanswered(error: &worker::Error) -> Unanswered {
    let is_overloaded = match error {
        worker::Error::UnknownJsError { original, .. } => {
            let mark = Reflect::get(original, &JsValue::from_str("overloaded"));
            mark.is_ok_and(|mark| mark.is_truthy())
        }
        _ => false,
    };
    Unanswered { text: error.to_string(), is_overloaded }
}

async fn send(env: &Env, shard: &str, init: &RequestInit) -> worker::Result<(u16, String)> {
    let object = env.durable_object(BINDING)?.get_by_name(shard)?;
    let request = Request::new_with_str_and_init(URL, init)?;
    let mut response = object.fetch_with_request(request.into()).await?;
    Ok((response.status_code(), response.text().await?))
}
