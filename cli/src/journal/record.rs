//! What the journal knows about one job.

use core::fmt;
use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use nextapi_client::{Credits, Fingerprint, Millis, SubmitState, ValidRequest};
use serde::{Deserialize, Serialize};

use super::JobIntent;

/// The form that is written. Another one is refused: a newer version may know more than this one.
const VERSION: u32 = 1;

/// What the journal knows about one job.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// Which job it is.
    pub intent: JobIntent,
    /// When it was intended, in milliseconds since 1970: its body's 24 hours count from here.
    pub intended_at: Millis,
    /// Where it is submitted.
    pub base_url: String,
    /// What decides whether it may be sent again: the idempotency key, the fingerprints of API key and body, how
    /// often it was sent, and when.
    pub state: SubmitState,
    /// What is sent, until the job is accepted, refused, or 24 hours old.
    pub body: Option<String>,
    /// How far it has come.
    pub phase: Phase,
}

/// How far a submission has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Phase {
    /// It is meant to be sent. Nothing was, or the provider has said that it did nothing.
    Intended,
    /// It was sent, or was about to be; nobody knows the answer.
    Sent,
    /// There is a job.
    Accepted {
        /// Its id.
        id: String,
        /// What was reserved for it.
        estimated_credits: Option<Credits>,
    },
    /// The provider has refused it, and done nothing.
    Refused {
        /// Why, as [`ErrorKind::as_str`](nextapi_client::ErrorKind::as_str) names it.
        kind: String,
    },
    /// It was sent, and the attempts have ended without anybody knowing what became of it.
    Unknown {
        /// What went wrong last.
        kind: String,
    },
}

/// Why a request cannot be submitted under this name. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Another request was sent under it.
    OtherRequest,
    /// It was sent to another place.
    OtherUrl,
}

impl Record {
    pub(super) fn new(
        intent: JobIntent,
        base_url: &str,
        api_key: Fingerprint,
        request: &ValidRequest,
        now: SystemTime,
    ) -> anyhow::Result<Self> {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let intended_at = since.as_millis().try_into().unwrap_or(Millis::MAX);
        let body = String::from_utf8(request.body().to_vec()).context("the request is not text")?;
        let state = SubmitState {
            key: intent.key(request),
            api_key,
            body: request.fingerprint(),
            sends: 0,
            first_sent_at: None,
            last_sent_at: None,
        };
        let base_url = base_url.to_owned();
        let (version, body, phase) = (VERSION, Some(body), Phase::Intended);
        Ok(Self { version, intent, intended_at, base_url, state, body, phase })
    }

    pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        // What serde says could quote the body.
        let record = serde_json::from_slice::<Self>(bytes).ok();
        let record = record.context("a file in it is not one that this version has written")?;
        ensure!(record.version == VERSION, "it was written by another version");
        Ok(record)
    }

    /// Whether nothing was done under this name, so that another request may take its place.
    pub(super) const fn is_free(&self) -> bool {
        matches!(self.phase, Phase::Intended | Phase::Refused { .. })
    }

    /// Whether this request is the one that was sent.
    pub(super) fn check(&self, base_url: &str, request: &ValidRequest) -> Result<(), Conflict> {
        if self.state.body != request.fingerprint() {
            Err(Conflict::OtherRequest)
        } else if self.base_url != base_url {
            Err(Conflict::OtherUrl)
        } else {
            Ok(())
        }
    }

    /// What to send, unless it was deleted.
    #[must_use]
    pub fn request(&self) -> Option<ValidRequest> {
        self.body.as_ref().map(|body| ValidRequest::from_frozen(body.clone().into_bytes()))
    }

    /// Nothing was done: the next attempt is the first one.
    pub(crate) const fn forget_attempts(&mut self) {
        self.state.sends = 0;
        self.state.first_sent_at = None;
        self.state.last_sent_at = None;
    }

    /// When it was intended, as the time of its file.
    pub(super) fn time(&self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.intended_at)).unwrap_or(UNIX_EPOCH)
    }
}

/// The body is not shown.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("intent", &self.intent)
            .field("base_url", &self.base_url)
            .field("state", &self.state)
            .field("body_bytes", &self.body.as_ref().map(String::len))
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherRequest => {
                "another request was submitted under this name; choose another --name, or --take 2 for another \
                 video"
            }
            Self::OtherUrl => {
                "this job was submitted to another --api-url; use that one, or choose another --name"
            }
        })
    }
}

impl core::error::Error for Conflict {}
