//! Faults of an answer, on its way to the client.

use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse as _, Response};
use nextapi_testkit::ReplyBody;

use crate::api_faults::ApiFault;
use crate::error::ApiError;
use crate::server::NoAnswer;
use crate::shared::Shared;

/// Far above any answer: a hundred jobs.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// What becomes of an answer.
pub(crate) async fn spoil(
    mut answer: Response,
    fault: Option<ApiFault>,
    shared: &Shared,
) -> Response {
    match fault {
        Some(ApiFault::FailAfter(status)) => ApiError::on_purpose(status).into_response(),
        Some(ApiFault::LoseAnswer) => {
            answer.extensions_mut().insert(NoAnswer);
            answer
        }
        Some(ApiFault::CutAnswer) => cut(answer).await,
        // What was refused was not done.
        Some(ApiFault::Hang(until)) if answer.status().is_success() => {
            tokio::select! {
                () = shared.clock.wait_until(until) => {}
                // Nobody moves the clock any more.
                () = shared.closing.wait() => {}
            }
            answer
        }
        // The one was answered before it came here, the other is the answer.
        None | Some(ApiFault::FailBefore(_) | ApiFault::StoreError { .. } | ApiFault::Hang(_)) => {
            answer
        }
    }
}

/// Half of an answer.
async fn cut(answer: Response) -> Response {
    let (parts, body) = answer.into_parts();
    match to_bytes(body, MAX_ANSWER_BYTES).await {
        Ok(whole) => Response::from_parts(parts, Body::new(ReplyBody::half(whole))),
        Err(_) => ApiError::internal("the answer is too long to be cut").into_response(),
    }
}
