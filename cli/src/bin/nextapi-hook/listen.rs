//! `nextapi-hook listen`

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clap::Args;
use http::StatusCode;
use nextapi_hook::{MAX_SECRETS, Origin, Received, Reply, Secrets};
use nextapi_webhook::{Event, EventKey, Tolerance, UnixTime, Verifier};

use crate::End;
use crate::output::line;
use crate::signals::Signals;

/// Be the origin: print a line for every request and answer 200, until interrupted
#[derive(Args)]
pub(crate) struct Listen {
    /// The port on 127.0.0.1; 0 takes any that is free
    #[arg(long)]
    port: u16,
    /// Refuse with 401 what does not carry a fresh X-Edge-Signature made with the secret in this
    /// file
    #[arg(long, value_name = "FILE")]
    edge_secret_file: Option<PathBuf>,
}

impl Listen {
    pub(crate) async fn run(self) -> anyhow::Result<End> {
        let desk = Desk::new(self.edge_secret_file.as_deref())?;
        let mut signals = Signals::catch()?;
        let origin = Origin::builder().port(self.port).record(false).start().await?;
        origin.reply_with(move |request| desk.receive(request));
        line(format_args!("listening on {}", origin.url()))?;
        signals.wait().await;
        line(format_args!("received {} requests", origin.count()))?;
        Ok(End::Good)
    }
}

/// Where requests are looked at.
struct Desk {
    edge: Option<Verifier<MAX_SECRETS>>,
    /// How often each event came.
    seen: Mutex<HashMap<String, u64>>,
}

impl Desk {
    fn new(edge_secret_file: Option<&Path>) -> anyhow::Result<Self> {
        let secrets = edge_secret_file.map(Secrets::read).transpose()?;
        let edge = secrets.map(|secrets| secrets.verifier(Tolerance::DEFAULT)).transpose()?;
        Ok(Self { edge, seen: Mutex::default() })
    }

    fn receive(&self, request: &Received) -> Reply {
        let key = request
            .idempotency_key()
            .map_or_else(|| EventKey::of(request.body()).to_string(), str::to_owned);
        let (signature, duplicates, reply) = match self.check(request) {
            Ok(verdict) => (verdict, self.count(&key), Reply::default()),
            // Anybody may have sent it, so it does not count.
            Err(code) => (code, 0, Reply::status(StatusCode::UNAUTHORIZED)),
        };
        // Should nobody read our output any more, requests are answered all the same.
        let _ = line(format_args!(
            "{} key={key} bytes={} duplicates={duplicates} edge-signature={signature}",
            facts(request),
            request.body().len(),
        ));
        reply
    }

    /// Whether the request came through the edge; if not, the code that says why.
    fn check(&self, request: &Received) -> Result<&'static str, &'static str> {
        let Some(edge) = &self.edge else { return Ok("not-checked") };
        let header = request.edge_signature().ok_or("signature_missing")?;
        match edge.verify(header, request.body(), UnixTime::now()) {
            Ok(_) => Ok("ok"),
            Err(error) => Err(error.code()),
        }
    }

    /// How often the event came before.
    fn count(&self, key: &str) -> u64 {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let count = seen.entry(key.to_owned()).or_default();
        let before = *count;
        *count = before.saturating_add(1);
        before
    }
}

fn facts(request: &Received) -> String {
    let event = Event::read(request.body()).ok();
    let event = event.as_ref();
    let kind = event.and_then(|event| event.event_type().or(event.status()));
    let attempt = request.attempt().map(|attempt| attempt.to_string());
    format!(
        "{} {} {} id={} job={} attempt={}",
        request.method(),
        request.path(),
        kind.unwrap_or("unreadable"),
        event.and_then(Event::id).unwrap_or("-"),
        event.and_then(Event::job_id).unwrap_or("-"),
        attempt.as_deref().unwrap_or("-"),
    )
}
