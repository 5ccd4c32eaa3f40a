//! `nextapi-hook verify`

use std::path::PathBuf;

use clap::Args;
use nextapi_webhook::{Error, Event, EventKey, Tolerance, UnixTime, Verified};
use serde_json::{Value, json};

use crate::End;
use crate::output::line;
use crate::secret_argument::SecretArgument;
use crate::sign::read_body;

/// Check a signature header's value against a body; prints one JSON object
#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    secret: SecretArgument,
    /// The value of the signature header: `t=…,v=…`
    #[arg(long, value_name = "VALUE")]
    header: String,
    /// The time of the clock, in Unix seconds [default: now]
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
    /// Accept ages below this
    #[arg(long, value_name = "SECONDS", default_value_t = Tolerance::DEFAULT.past_secs())]
    tolerance_past: u64,
    /// Accept timestamps less than this ahead of the clock
    #[arg(long, value_name = "SECONDS", default_value_t = Tolerance::DEFAULT.future_secs())]
    tolerance_future: u64,
    /// The body, or - for the standard input
    file: PathBuf,
}

impl Verify {
    pub(crate) fn run(self) -> anyhow::Result<End> {
        let tolerance = Tolerance::new(self.tolerance_past, self.tolerance_future);
        let verifier = self.secret.load()?.verifier(tolerance)?;
        let body = read_body(&self.file)?;
        let now = self.now.map_or_else(UnixTime::now, UnixTime::from_secs);
        match verifier.verify(&self.header, &body, now) {
            Ok(proof) => {
                line(accepted(proof, &body))?;
                Ok(End::Good)
            }
            Err(error) => {
                line(rejected(error))?;
                Ok(End::Bad)
            }
        }
    }
}

fn accepted(proof: Verified, body: &[u8]) -> Value {
    let event = Event::read(body);
    let (message, event) = match &event {
        Ok(event) => ("the signature holds".to_owned(), Some(event)),
        Err(error) => (format!("the signature holds; no event: {error}"), None),
    };
    json!({
        "accepted": true,
        "code": null,
        "message": message,
        "key_index": proof.key_index(),
        "age_seconds": proof.age_secs(),
        "event": event.map(|event| json!({
            "id": event.id(),
            "type": event.event_type(),
            "status": event.status(),
            "job_id": event.job_id(),
        })),
        "event_key": EventKey::of(body).to_string(),
    })
}

/// Nothing is said about a body that is not known to be authentic and fresh.
fn rejected(error: Error) -> Value {
    json!({
        "accepted": false,
        "code": error.code(),
        "message": error.to_string(),
        "key_index": null,
        "age_seconds": null,
        "event": null,
        "event_key": null,
    })
}
