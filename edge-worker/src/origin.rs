//! The call of the origin.

use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use worker::js_sys::{Uint8Array, futures::JsFuture};
use worker::web_sys::{self, RequestInit, RequestRedirect};
use worker::{AbortController, Delay, Fetch, Headers, Response, ResponseBody};

use crate::outcome::OriginResult;

/// Sends the body, byte for byte, and waits for the head of the answer until the deadline.
///
/// Errors are told apart no further than reachable or not, and their texts are dropped: they may
/// repeat the URL, and a URL's query must not reach the log.
pub(crate) async fn send(
    url: &str,
    headers: Vec<(String, String)>,
    body: &[u8],
    deadline_ms: u32,
) -> OriginResult {
    // This is not the `RequestInit` of the platform's crate, which would bring along the code for
    // options that are not used here.
    let init = RequestInit::new();
    init.set_method("POST");
    // A header that the platform will not send is left out: better than an event that can never be
    // delivered. Ours are all sound; the delivery's are not signed anyway.
    init.set_headers(headers.into_iter().collect::<Headers>().as_ref());
    init.set_redirect(RequestRedirect::Manual);
    init.set_body(&Uint8Array::from(body));
    let Ok(request) = web_sys::Request::new_with_str_and_init(url, &init) else {
        return OriginResult::Unreachable;
    };

    let controller = AbortController::default();
    let signal = controller.signal();
    let fetch = Fetch::Request(request.into());
    let answer = pin!(fetch.send_with_signal(&signal));
    let deadline = pin!(Delay::from(Duration::from_millis(u64::from(deadline_ms))));
    match select(answer, deadline).await {
        Either::Left((Ok(response), _)) => {
            let status = response.status_code();
            discard(&response).await;
            OriginResult::Status(status)
        }
        Either::Left((Err(_), _)) => OriginResult::Unreachable,
        Either::Right(_) => {
            controller.abort();
            OriginResult::TimedOut
        }
    }
}

/// Tells the platform that the answer's body is not wanted: the status has said everything, and a
/// body that nobody reads would hold its connection.
async fn discard(response: &Response) {
    if let ResponseBody::Stream(stream) = response.body() {
        // It settles at once. Whether it works does not matter: a broken stream is none either.
        let _ = JsFuture::from(stream.cancel()).await;
    }
}
