//! What the provider has not, and a developer needs: paths that look inside and act by hand.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::books::{Books, JobBook};
use crate::engine::Engine;
use crate::error::ApiError;
use crate::keys::Environment;
use crate::request;
use crate::response;
use crate::shared::Shared;
use crate::usage::ApiUsage;

/// A hundred years, in seconds.
const MAX_ADVANCE: u64 = 3_155_760_000;

/// The delivery log, newest first; `job_id` and `event_id` choose.
pub(crate) async fn deliveries(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<HashMap<String, String>>, QueryRejection>,
) -> Result<Response, ApiError> {
    let page = request::page(&query)?;
    let field = |name: &str| query.as_ref().ok().and_then(|query| query.get(name));
    let (job, event) = (field("job_id"), field("event_id"));
    let log = shared.ask(|engine| {
        let chosen = engine.log().iter().rev().filter(|record| {
            job.is_none_or(|job| record.job_id == *job)
                && event.is_none_or(|event| record.event_id == *event)
        });
        page.of(chosen, |record| record.to_json(&shared.run))
    })?;
    Ok(response::json(StatusCode::OK, &log))
}

/// The events, newest first; `job_id` and `dropped` choose.
pub(crate) async fn events(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<HashMap<String, String>>, QueryRejection>,
) -> Result<Response, ApiError> {
    let page = request::page(&query)?;
    let field = |name: &str| query.as_ref().ok().and_then(|query| query.get(name));
    let job = field("job_id");
    let dropped = field("dropped").map(|dropped| dropped.parse::<bool>()).transpose();
    let dropped = dropped.map_err(|_| ApiError::invalid("dropped must be true or false"))?;
    let events = shared.ask(|engine| {
        let chosen = engine.events().rev().filter(|event| {
            job.is_none_or(|job| event.job_id == *job)
                && dropped.is_none_or(|dropped| event.dropped == dropped)
        });
        page.of(chosen, |event| event.to_json())
    })?;
    Ok(response::json(StatusCode::OK, &events))
}

/// Each environment's credits.
pub(crate) async fn accounts(State(shared): State<Arc<Shared>>) -> Result<Response, ApiError> {
    let accounts =
        shared.ask(|engine| Environment::ALL.map(|name| (name, engine.account(name))))?;
    let accounts: Map<String, Value> = accounts
        .into_iter()
        .map(|(environment, account)| {
            let account = json!({
                "available": account.available().to_json(),
                "reserved": account.reserved().to_json(),
                "spent": account.spent().to_json(),
            });
            (environment.as_str().to_owned(), account)
        })
        .collect();
    Ok(response::json(StatusCode::OK, &Value::Object(accounts)))
}

/// What each environment and each job has cost; the jobs newest first.
pub(crate) async fn books(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<HashMap<String, String>>, QueryRejection>,
) -> Result<Response, ApiError> {
    let page = request::page(&query)?;
    let books = Books(shared.ask(|engine| engine.books().collect())?);
    let totals = Environment::ALL.map(|name| (name.as_str().to_owned(), books.of(name).to_json()));
    let mut answer: Map<String, Value> = totals.into_iter().collect();
    answer.insert("jobs".to_owned(), page.of(books.jobs().iter().rev(), JobBook::to_json));
    Ok(response::json(StatusCode::OK, &Value::Object(answer)))
}

/// How often each key has asked.
pub(crate) async fn usage(State(shared): State<Arc<Shared>>) -> Result<Response, ApiError> {
    let usage = shared.ask(Engine::usage)?;
    let usage: Vec<_> = usage.iter().map(ApiUsage::to_json).collect();
    Ok(response::json(StatusCode::OK, &json!({ "data": usage })))
}

/// One more delivery of an event.
pub(crate) async fn redeliver(
    State(shared): State<Arc<Shared>>,
    event_id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let event_id = request::path(event_id)?;
    let now = shared.now();
    shared.change(|engine| engine.redeliver(&event_id, now))??;
    shared.changed.notify_one();
    Ok(response::json(StatusCode::ACCEPTED, &json!({ "event_id": event_id, "status": "planned" })))
}

/// What the clock shows.
pub(crate) async fn clock(State(shared): State<Arc<Shared>>) -> Response {
    response::json(StatusCode::OK, &json!({ "now": shared.now().to_rfc_3339() }))
}

/// Moves the clock: `{"advance_seconds":86400}`.
pub(crate) async fn advance_clock(
    State(shared): State<Arc<Shared>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let body: Option<Value> = body.ok().and_then(|body| serde_json::from_slice(&body).ok());
    let seconds = body.as_ref().and_then(|body| body.get("advance_seconds")?.as_u64());
    let seconds = seconds.filter(|seconds| *seconds <= MAX_ADVANCE).ok_or_else(|| {
        let message = format!("advance_seconds must be a whole number from 0 to {MAX_ADVANCE}");
        ApiError::invalid(message)
    })?;
    shared.clock.advance(Duration::from_secs(seconds));
    Ok(clock(State(shared)).await)
}
