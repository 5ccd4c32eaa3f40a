//! `nextapi-hook listen`

mod arrival;
mod behaviour;
mod recent;
mod totals;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::Args;
use http::StatusCode;
use nextapi_testkit::{MAX_SECRETS, Origin, Received, Reply, Secrets};
use nextapi_webhook::{EventKey, Tolerance, UnixTime, Verifier};
use serde_json::json;

use crate::output::line;
use crate::signals::Signals;
use crate::{End, help};
use arrival::{Answered, Arrival, NOT_CHECKED};
use behaviour::Behaviour;
use recent::Recent;
use totals::Totals;

/// How many events are remembered to tell duplicates: less than two megabytes.
const REMEMBERED: usize = 10_000;

/// Be the origin: print a line for every request and answer 200, until interrupted
#[derive(Args)]
#[command(long_about = help::LISTEN, after_long_help = help::AFTER_LISTEN)]
pub(crate) struct Listen {
    /// The port on 127.0.0.1; 0 takes any that is free
    #[arg(long)]
    port: u16,
    /// Refuse with 401 what does not carry a fresh X-Edge-Signature made with the secret in this
    /// file
    #[arg(long, value_name = "FILE")]
    edge_secret_file: Option<PathBuf>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    behaviour: Behaviour,
}

impl Listen {
    pub(crate) async fn run(self) -> anyhow::Result<End> {
        let edge = edge_verifier(self.edge_secret_file.as_deref())?;
        let mut signals = Signals::catch()?;
        let origin = Origin::builder().port(self.port).record(false).start().await?;
        let json = self.json;
        let desk = Desk { edge, json, behaviour: self.behaviour, seen: Mutex::default() };
        let desk = Arc::new(desk);
        let receiver = Arc::clone(&desk);
        origin.reply_with(move |request| receiver.receive(request));
        let url = origin.url();
        if json {
            line(json!({ "kind": "listening", "url": url }))?;
        } else {
            line(format_args!("listening on {url}"))?;
        }
        signals.wait().await;
        // Whatever arrives from here on is not counted, and gets no answer any more.
        drop(origin);
        let seen = desk.seen();
        if json {
            line(seen.totals.to_json())?;
        } else {
            line(&seen.totals)?;
        }
        Ok(End::Good)
    }
}

fn edge_verifier(file: Option<&Path>) -> anyhow::Result<Option<Verifier<MAX_SECRETS>>> {
    let secrets = file.map(Secrets::read).transpose()?;
    secrets.map(|secrets| secrets.verifier(Tolerance::DEFAULT)).transpose()
}

/// Where requests are looked at.
struct Desk {
    edge: Option<Verifier<MAX_SECRETS>>,
    json: bool,
    behaviour: Behaviour,
    seen: Mutex<Seen>,
}

/// What has been seen so far.
struct Seen {
    events: Recent,
    totals: Totals,
}

impl Default for Seen {
    fn default() -> Self {
        Self { events: Recent::new(REMEMBERED), totals: Totals::default() }
    }
}

impl Desk {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing in here may panic half-way, so a poisoned lock is still sound.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, request: &Received) -> Reply {
        let key = request
            .idempotency_key()
            .map_or_else(|| EventKey::of_unverified(request.body()).to_string(), str::to_owned);
        let verdict = self.check(request);
        let mut seen = self.seen();
        let (edge_signature, duplicates, answered, reply) = match verdict {
            Ok(verdict) => {
                let (answered, reply) = self.behaviour.reply(seen.totals.let_in());
                (verdict, seen.events.count(&key), answered, reply)
            }
            // Anybody may have sent it, so it does not count.
            Err(code) => {
                let status = StatusCode::UNAUTHORIZED;
                (code, 0, Answered::Refused(status), Reply::status(status))
            }
        };
        let order = seen.totals.requests().saturating_add(1);
        let arrival = Arrival::new(order, request, key, duplicates, edge_signature, answered);
        seen.totals.add(&arrival);
        // Should nobody read our output any more, requests are answered all the same. Still
        // locked, so that the lines come in the order that they tell.
        let _ = if self.json { line(arrival.to_json()) } else { line(&arrival) };
        reply
    }

    /// Whether the request came through the edge; if not, the code that says why.
    fn check(&self, request: &Received) -> Result<&'static str, &'static str> {
        let Some(edge) = &self.edge else { return Ok(NOT_CHECKED) };
        let header = request.edge_signature().ok_or("signature_missing")?;
        match edge.verify(header, request.body(), UnixTime::now()) {
            Ok(_) => Ok("ok"),
            Err(error) => Err(error.code()),
        }
    }
}
