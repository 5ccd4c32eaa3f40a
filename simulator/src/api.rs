//! The HTTP API: who calls, how often, and which of the engine's answers is theirs.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, Method, StatusCode, header};

use crate::api_faults::ApiFault;
use crate::error::ApiError;
use crate::keys::{ApiKeys, Caller, Environment};
use crate::limits;
use crate::request::{page, path};
use crate::response::json;
use crate::shared::Shared;
use crate::spoil::spoil;

/// Far above any request that is valid.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// The description of this API: an `OpenAPI` 3.1 document.
const OPENAPI: &str = include_str!("openapi.json");

const ENVIRONMENT: HeaderName = HeaderName::from_static("x-nextapi-environment");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// What `Retry-After` says with a 503.
const UNAVAILABLE_FOR: Duration = Duration::from_secs(1);

/// What goes wrong with a request, for its handler.
#[derive(Clone, Copy)]
pub(crate) struct Drawn(Option<ApiFault>);

/// Lets a request through if its key is known and its limit not used up.
pub(crate) async fn admit(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match authenticate(&shared.keys, request.headers()) {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let keyed = request.method() == Method::POST && request.headers().contains_key(IDEMPOTENCY_KEY);
    let now = shared.now();
    let (allowance, fault) = match shared.change(|engine| engine.admit(caller, keyed, now)) {
        Ok(admitted) => admitted,
        Err(error) => return error.into_response(),
    };
    let mut response = if !allowance.granted {
        ApiError::rate_limited().into_response()
    } else if let Err(error) = check_environment(caller, request.headers()) {
        error.into_response()
    } else if let Some(ApiFault::FailBefore(status)) = fault {
        ApiError::on_purpose(status).into_response()
    } else {
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(Drawn(fault));
        spoil(next.run(request).await, fault, &shared).await
    };
    limits::set(response.headers_mut(), allowance, shared.api_faults(), now);
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let soon = now.after(UNAVAILABLE_FOR);
        limits::set_retry_after(response.headers_mut(), soon, shared.api_faults(), now);
    }
    response
}

fn authenticate(keys: &ApiKeys, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, key) = authorization.and_then(|value| value.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::unauthorized("send Authorization: Bearer and your API key"));
    }
    keys.find(key.trim()).ok_or_else(|| ApiError::unauthorized("the API key is not known"))
}

fn check_environment(caller: Caller, headers: &HeaderMap) -> Result<(), ApiError> {
    // Without the header, the key says which environment is meant.
    let Some(named) = headers.get(ENVIRONMENT) else { return Ok(()) };
    let named: Option<Environment> = named.to_str().ok().and_then(|name| name.parse().ok());
    match named {
        None => Err(ApiError::invalid("X-NextAPI-Environment must be live or test")),
        Some(named) if named == caller.environment => Ok(()),
        Some(_) => {
            let message = format!(
                "the API key belongs to the environment {}, and X-NextAPI-Environment names the \
                 other",
                caller.environment.as_str()
            );
            Err(ApiError::unauthorized(message))
        }
    }
}

pub(crate) async fn submit(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Extension(Drawn(fault)): Extension<Drawn>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| {
        let message = format!("the body is larger than {MAX_BODY_BYTES} bytes, or broke off");
        ApiError::invalid_with(StatusCode::PAYLOAD_TOO_LARGE, message)
    })?;
    let idempotency_key = headers.get(IDEMPOTENCY_KEY).map(|value| {
        // What is not text is not visible ASCII either, and will be refused as that.
        value.to_str().unwrap_or_default()
    });
    let now = shared.now();
    let answer =
        shared.change(|engine| engine.submit(caller, idempotency_key, &body, fault, now))?;
    // Also if it is refused: there may be an event about that, or a job behind a stored error.
    shared.changed.notify_one();
    Ok(json(StatusCode::OK, &answer?))
}

pub(crate) async fn retrieve(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let id = path(id)?;
    let now = shared.now();
    let job = shared.change(|engine| engine.retrieve(caller.environment, &id, now))??;
    Ok(json(StatusCode::OK, &job))
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<HashMap<String, String>>, QueryRejection>,
) -> Result<Response, ApiError> {
    let (page, now) = (page(&query)?, shared.now());
    let jobs = shared.change(|engine| engine.list(caller.environment, page, now))?;
    Ok(json(StatusCode::OK, &jobs))
}

pub(crate) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}
