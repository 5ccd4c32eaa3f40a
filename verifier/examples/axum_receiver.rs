//! A receiver on axum: verifies, recognises duplicates, answers.
//!
//! ```text
//! WEBHOOK_SECRETS=whsec_… cargo run -p nextapi-webhook -F std --example axum_receiver -- 127.0.0.1:8080
//! ```
//!
//! | answer | when |
//! | --- | --- |
//! | 200 | the event has been dealt with, now or before |
//! | 400 | no signature header, or one that cannot be read |
//! | 401 | the signature does not match, or is not fresh |
//! | 413 | the body is longer than 256 KiB |
//! | 500 | the event could not be dealt with; the provider will try again |

use core::error::Error;
use std::env;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use nextapi_webhook::{EventKey, Key, ReplayWindow, Tolerance, UnixTime, Verifier};
use tokio::net::TcpListener;

const MAX_BODY_BYTES: usize = 256 * 1024;

/// The provider documents the first name in one place and the second in another.
const SIGNATURE_HEADERS: [&str; 2] = ["x-nextapi-signature", "x-webhook-signature"];

struct Receiver {
    verifier: Verifier,
    /// The events that were dealt with. It is forgotten when the process ends, and the provider repeats
    /// itself for hours: who must not deal with an event twice keeps the keys in a database.
    done: Mutex<ReplayWindow<1024>>,
}

impl Receiver {
    /// `body` is the raw bytes, as they were signed. An extractor that parses them, such as `Json`, has
    /// no place before this.
    fn receive(&self, headers: &HeaderMap, body: &[u8]) -> (StatusCode, &'static str) {
        let Some(header) = SIGNATURE_HEADERS.iter().find_map(|name| headers.get(*name)) else {
            return (StatusCode::BAD_REQUEST, "signature_missing");
        };
        let delivery = match self.verifier.verify(header, body, UnixTime::now()) {
            Ok(delivery) => delivery,
            Err(error) => {
                let status = match error.code() {
                    "signature_malformed" => StatusCode::BAD_REQUEST,
                    _ => StatusCode::UNAUTHORIZED,
                };
                return (status, error.code());
            }
        };

        // From here on the delivery is authentic. It comes at least once, and perhaps twice at the same
        // moment. So the lock is held until the outcome is known: the second waits, and is not told that
        // all is well while the first may still fail. And the key is remembered only after success:
        // otherwise the retry after a failure would be answered as a duplicate, and the event be lost.
        let key = delivery.event_key();
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.contains(&key) {
            return (StatusCode::OK, "duplicate");
        }
        if let Err(error) = deal_with(&key, delivery.body()) {
            eprintln!("{key}: {error}");
            return (StatusCode::INTERNAL_SERVER_ERROR, "failed");
        }
        done.insert(key);
        (StatusCode::OK, "received")
    }
}

/// The work. Here it is quick and does not wait, so that a provider that hangs up cannot stop it half
/// way. Work that waits belongs into a task of its own (`tokio::spawn`), under a lock that may be held
/// while waiting (`tokio::sync::Mutex`), and has to end before the provider gives up, after ten seconds.
fn deal_with(key: &EventKey, body: &[u8]) -> io::Result<()> {
    // The key and the size, not the body: what users wrote has no place in a log.
    writeln!(io::stdout(), "{key}: {} bytes", body.len())
}

async fn webhook(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    receiver.receive(&headers, &body)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // One secret or more, newest first, white space between them. None at all is an error below.
    let secrets = env::var("WEBHOOK_SECRETS").map_err(|_| "WEBHOOK_SECRETS is not set")?;
    let keys: Vec<Key> = secrets
        .split_whitespace()
        .map(|secret| Key::new(secret.as_bytes()))
        .collect::<Result<_, _>>()?;
    let verifier = Verifier::new(keys, Tolerance::DEFAULT)
        .map_err(|error| format!("WEBHOOK_SECRETS: {error}"))?;
    let receiver = Arc::new(Receiver { verifier, done: Mutex::new(ReplayWindow::new()) });

    let app = Router::new()
        .route("/webhook", post(webhook))
        // Reading stops here, with 413, whether or not the length was announced.
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(receiver);
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("listening on http://{}/webhook", listener.local_addr()?);
    // Ctrl-C lets the deliveries that have begun end.
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app).with_graceful_shutdown(interrupted).await?;
    Ok(())
}
