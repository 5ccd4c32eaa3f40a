//! All paths of the API, and who serves them.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use http::StatusCode;

use crate::error::ApiError;
use crate::shared::Shared;
use crate::{api, control, response};

/// All paths.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let jobs = Router::new()
        .route("/v1/video/generations", post(api::submit).get(api::list))
        .route("/v1/video/generations/{id}", get(api::retrieve))
        .route_layer(from_fn_with_state(Arc::clone(shared), api::admit));
    Router::new()
        .merge(jobs)
        .route("/openapi.json", get(api::openapi))
        .route("/_provider/deliveries", get(control::deliveries))
        .route("/_provider/accounts", get(control::accounts))
        .route("/_provider/books", get(control::books))
        .route("/_provider/usage", get(control::usage))
        .route("/_provider/clock", get(control::clock).post(control::advance_clock))
        .route("/_provider/events", get(control::events))
        .route("/_provider/events/{id}/redeliver", post(control::redeliver))
        .fallback(|| async { ApiError::not_found("there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            let message = "this path does not take this method";
            ApiError::invalid_with(StatusCode::METHOD_NOT_ALLOWED, message)
        })
        .layer(from_fn_with_state(Arc::clone(shared), response::date))
        .with_state(Arc::clone(shared))
}
