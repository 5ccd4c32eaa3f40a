//! `nextapi-hook verify`

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use nextapi_hook::{CapturedRequest, Diagnosis, time_in_words};
use nextapi_testkit::Secrets;
use nextapi_webhook::{Error, Tolerance, UnixTime, Verified};
use serde_json::{Value, json};

use crate::End;
use crate::help;
use crate::output::{BAD, GOOD, line};
use crate::secret_argument::SecretArgument;
use crate::sign::read_body;

/// Check a signature, and explain what is wrong with it; prints one JSON object
#[derive(Args)]
#[command(long_about = help::VERIFY, after_long_help = help::AFTER_VERIFY)]
pub(crate) struct Verify {
    #[command(flatten)]
    secret: SecretArgument,
    /// The value of the signature header: `t=…,v=…`
    #[arg(long, value_name = "VALUE")]
    header: Option<String>,
    /// Read header and body from a captured HTTP request, or - for the standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["header", "file"])]
    request: Option<PathBuf>,
    /// The signature header's name in the captured request [default: X-NextAPI-Signature, then
    /// X-Webhook-Signature]
    #[arg(long, value_name = "NAME", requires = "request")]
    header_name: Option<String>,
    /// The time of the clock, in Unix seconds [default: now]
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
    /// Accept ages below this
    #[arg(long, value_name = "SECONDS", default_value_t = Tolerance::DEFAULT.past_secs())]
    tolerance_past: u64,
    /// Accept timestamps less than this ahead of the clock
    #[arg(long, value_name = "SECONDS", default_value_t = Tolerance::DEFAULT.future_secs())]
    tolerance_future: u64,
    /// Print sentences instead of JSON
    #[arg(long)]
    text: bool,
    /// Also print the expected MAC of a rejected delivery: whoever sees it can forge this delivery
    #[arg(long)]
    unsafe_show_mac: bool,
    /// The body, or - for the standard input
    file: Option<PathBuf>,
}

/// What is to be verified.
struct Given {
    /// Nothing if the request has no such header.
    header: Option<Vec<u8>>,
    body: Vec<u8>,
    notes: Vec<String>,
}

impl Verify {
    pub(crate) fn run(self) -> anyhow::Result<End> {
        let tolerance = Tolerance::new(self.tolerance_past, self.tolerance_future);
        let given = self.given()?;
        let secrets = self.secret.load()?;
        let now = self.now.map_or_else(UnixTime::now, UnixTime::from_secs);
        let (end, report) = self.judge(&secrets, tolerance, given, now)?;
        if self.text {
            line(in_words(&report))?;
        } else {
            line(report)?;
        }
        Ok(end)
    }

    fn given(&self) -> anyhow::Result<Given> {
        let Some(request) = &self.request else {
            // A message of our own: clap's would not name the other way.
            let (Some(header), Some(file)) = (&self.header, &self.file) else {
                let missing = match (&self.header, &self.file) {
                    (None, None) => "nothing to verify",
                    (None, Some(_)) => "no signature",
                    (Some(_), _) => "no body",
                };
                bail!(
                    "{missing}: give --header VALUE and the body's FILE, or --request FILE with a \
                     whole captured request; each FILE may be - for the standard input"
                );
            };
            let header = Some(header.clone().into_bytes());
            return Ok(Given { header, body: read_body(file)?, notes: Vec::new() });
        };
        let bytes = read_body(request)?;
        let captured = CapturedRequest::parse(&bytes).context("the captured request")?;
        let header = captured.signature(self.header_name.as_deref());
        let mut notes = captured.notes().to_vec();
        if header.is_none() {
            let names = captured.signature_names();
            notes.push(if names.is_empty() {
                "No header of the request has `signature` in its name.".to_owned()
            } else {
                format!("The request has {}; choose with --header-name.", names.join(", "))
            });
        }
        Ok(Given { header, body: captured.body().to_vec(), notes })
    }

    fn judge(
        &self,
        secrets: &Secrets,
        tolerance: Tolerance,
        given: Given,
        now: UnixTime,
    ) -> anyhow::Result<(End, Value)> {
        let Given { header, body, notes: mut explanation } = given;
        let Some(header) = header else {
            let expected = self.header_name.as_deref();
            let expected = expected.unwrap_or("X-NextAPI-Signature or X-Webhook-Signature");
            let message = format!("the request has no header {expected}");
            return Ok((End::Bad, rejected("signature_missing", &message, &explanation)));
        };
        let error = match secrets.verifier(tolerance)?.verify(&header, &body, now) {
            Ok(proof) => return Ok((End::Good, accepted(&proof, &explanation))),
            Err(error) => error,
        };
        let diagnosis = Diagnosis { header: &header, body: &body, now, tolerance, secrets };
        explanation.extend(diagnosis.findings().iter().map(ToString::to_string));
        let mut report = rejected(error.code(), &message(error), &explanation);
        if let (true, Value::Object(fields)) = (self.unsafe_show_mac, &mut report) {
            fields.insert("expected_macs".to_owned(), diagnosis.expected_macs().into());
        }
        Ok((End::Bad, report))
    }
}

fn accepted(proof: &Verified<&[u8]>, explanation: &[String]) -> Value {
    let event = proof.event();
    let (message, event) = match &event {
        Ok(event) => ("the signature holds".to_owned(), Some(event)),
        Err(error) => (format!("the signature holds; no event: {error}"), None),
    };
    json!({
        "accepted": true,
        "code": null,
        "message": message,
        "explanation": explanation,
        "key_index": proof.key_index(),
        "age_seconds": proof.age_secs(),
        "event": event.map(|event| json!({
            "id": event.id(),
            "type": event.event_type(),
            "status": event.status(),
            "job_id": event.job_id(),
        })),
        "event_key": proof.event_key().to_string(),
    })
}

/// The reason in a sentence, with times in words.
fn message(error: Error) -> String {
    match error {
        Error::TimestampExpired { age, tolerance, .. } => format!(
            "the signature is {}; only ages below {tolerance} s are accepted",
            time_in_words(age, "old")
        ),
        Error::TimestampAhead { ahead, tolerance, .. } => format!(
            "the signature is {}; only less than {tolerance} s is accepted",
            time_in_words(ahead, "ahead of the clock")
        ),
        other => other.to_string(),
    }
}

/// Nothing is said about a body that is not known to be authentic and fresh.
fn rejected(code: &str, message: &str, explanation: &[String]) -> Value {
    json!({
        "accepted": false,
        "code": code,
        "message": message,
        "explanation": explanation,
        "key_index": null,
        "age_seconds": null,
        "event": null,
        "event_key": null,
    })
}

/// The same for people.
fn in_words(report: &Value) -> String {
    let text = |name| report.get(name).and_then(Value::as_str).unwrap_or("-");
    let list = |name| report.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut words = match text("code") {
        "-" => format!("{GOOD}accepted{GOOD:#}: {}", text("message")),
        code => format!("{BAD}rejected{BAD:#} ({code}): {}", text("message")),
    };
    for sentence in list("explanation").filter_map(Value::as_str) {
        words.push_str("\n- ");
        words.push_str(sentence);
    }
    for mac in list("expected_macs").filter_map(Value::as_str) {
        words.push_str("\nexpected: ");
        words.push_str(mac);
    }
    words
}
