//! An origin on axum.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Router, routing::post};
use nextapi_webhook::{Key, Tolerance, UnixTime, Verifier};

mod store;

/// `Bytes` are the raw bytes: `Json` would parse them first.
async fn receive(
    State(verifier): State<Arc<Verifier<1>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(key), Some(signature)) = (header("idempotency-key"), header("x-edge-signature"))
    else {
        return StatusCode::UNAUTHORIZED;
    };
    if verifier.verify(signature, &body, UnixTime::now()).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    match store::store(key, &body).await {
        Ok(()) => StatusCode::OK,
        // The event comes again.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let key = Key::new(std::env::var("EDGE_SIGNING_SECRET")?.as_bytes())?;
    let verifier = Arc::new(Verifier::new([key], Tolerance::DEFAULT)?);
    let app = Router::new()
        .route("/events", post(receive))
        .layer(DefaultBodyLimit::max(4 * 1024 * 1024))
        .with_state(verifier);
    let port = std::env::var("PORT").unwrap_or_else(|_| "9000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/events", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
