//! A Worker in the ordinary style of the crate `worker`: it verifies each delivery and passes it on.
//!
//! `WEBHOOK_SECRETS` (a secret: one signing secret or more, newest first, white space between them) and
//! `ORIGIN_URL` (a variable) are its settings. It remembers nothing, so the origin has to know an event again by
//! its `Idempotency-Key`; the edge worker of this project does that with a ledger.

use std::sync::OnceLock;

use nextapi_webhook::{Key, Tolerance, UnixTime, Verified, Verifier};
use worker::js_sys::Uint8Array;
use worker::{
    Context, Date, Env, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response,
    Result, event,
};

const MAX_BODY_BYTES: u64 = 256 * 1024;

#[event(fetch)]
async fn fetch(mut request: Request, env: Env, _context: Context) -> Result<Response> {
    if request.method() != Method::Post {
        return Response::error("method_not_allowed", 405);
    }
    let headers = request.headers();
    let Some(signature) =
        headers.get("x-nextapi-signature")?.or(headers.get("x-webhook-signature")?)
    else {
        return Response::error("signature_missing", 400);
    };
    // What does not say how long it is, is refused as well: it would be read to its end.
    let length = headers.get("content-length")?.and_then(|length| length.parse().ok());
    if length.is_none_or(|length: u64| length > MAX_BODY_BYTES) {
        return Response::error("body_too_large", 413);
    }

    // The raw bytes: a body that was parsed and written again does not verify.
    let body = request.bytes().await?;
    let now = UnixTime::from_secs(Date::now().as_millis() / 1000);
    let delivery = match verifier(&env)?.verify(&signature, &body, now) {
        Ok(delivery) => delivery,
        Err(error) => {
            let status = if error.code() == "signature_malformed" { 400 } else { 401 };
            return Response::error(error.code(), status);
        }
    };

    // From here on the delivery is authentic. Anything but 2xx makes the provider try again.
    match forward(&env, delivery).await {
        Ok(200..=299) => Response::ok("forwarded"),
        Ok(status) => Response::error(format!("the origin answered {status}"), 502),
        Err(_) => Response::error("the origin cannot be reached", 502),
    }
}

/// Made once for each isolate. An error is answered with 500: nothing passes without a secret.
fn verifier(env: &Env) -> Result<&'static Verifier<2>> {
    static VERIFIER: OnceLock<Verifier<2>> = OnceLock::new();
    if let Some(verifier) = VERIFIER.get() {
        return Ok(verifier);
    }
    let secrets = env.secret("WEBHOOK_SECRETS")?.to_string();
    let keys = secrets.split_whitespace().filter_map(|secret| Key::new(secret.as_bytes()).ok());
    let verifier = Verifier::new(keys, Tolerance::DEFAULT).map_err(|error| error.to_string())?;
    Ok(VERIFIER.get_or_init(|| verifier))
}

/// Passes the same bytes on. Gives the origin's status.
async fn forward(env: &Env, delivery: Verified<&[u8]>) -> Result<u16> {
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set("idempotency-key", &delivery.event_key().to_string())?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(Uint8Array::from(delivery.body()).into()));
    let request = Request::new_with_init(&env.var("ORIGIN_URL")?.to_string(), &init)?;
    Ok(Fetch::Request(request).send().await?.status_code())
}
