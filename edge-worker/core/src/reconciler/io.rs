//! What a round asks the driver to do, and the results it takes back.

use core::fmt;

use nextapi_client::TransportError;
use serde::Serialize;

use crate::json;

/// What the driver has to do next. As JSON it is an object with the variant's name as `type`.
#[derive(Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum RoundOutput {
    /// Make calls of the ledger, all at once. Answer with [`RoundInput::LedgerReplies`].
    CallLedger {
        /// The calls.
        calls: Vec<RoundCall>,
        /// When to give up on each, in milliseconds from now.
        deadline_ms: u32,
    },
    /// Ask the API by GET; follow no redirect. Answer with [`RoundInput::Answer`] or [`RoundInput::NoAnswer`].
    AskApi {
        /// Where.
        url: String,
        /// The request's headers. They hold the API key.
        headers: Vec<(&'static str, String)>,
        /// When to give up, in milliseconds from now.
        deadline_ms: u64,
        /// The longest body that is read, in bytes.
        limit: usize,
    },
    /// Keep the memory before going on. Answer with [`RoundInput::Kept`].
    Keep {
        /// What the next round begins with if this one is cut off.
        memory: String,
    },
    /// Keep the memory, set the alarm, and write to the log. That is the end.
    End {
        /// What the next round begins with.
        memory: String,
        /// When the next round begins, in milliseconds since 1970; none if there is nothing to do.
        alarm_ms: Option<u64>,
        /// Lines for the log.
        log: Vec<String>,
    },
}

/// A call of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RoundCall {
    /// Name of the object.
    pub shard: String,
    /// The RPC message.
    pub message: String,
    /// The bytes that go along, as text.
    pub body: Option<String>,
}

/// The result of carrying out an output.
#[derive(Clone, PartialEq, Eq)]
pub enum RoundInput {
    /// The ledger's replies in the order of the calls, an RPC message a line, with
    /// `{"error":{"message":…,"overloaded":…,"retryable":…}}` in place of each that did not come.
    LedgerReplies(String),
    /// The API's answer.
    Answer {
        /// The status.
        status: u16,
        /// The headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Why there is no whole answer.
    NoAnswer(TransportError),
    /// The memory is on disk.
    Kept,
}

impl RoundInput {
    /// The API's answer, with its headers as a list of pairs in JSON. Without them nothing is known of the API's limit;
    /// the answer counts all the same.
    #[must_use]
    pub fn answer(status: u16, headers: &str, body: Vec<u8>) -> Self {
        Self::Answer { status, headers: json::read(headers).unwrap_or_default(), body }
    }
}

/// Without headers, of which one holds the API key, and without what is stored.
impl fmt::Debug for RoundOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallLedger { calls, deadline_ms } => {
                write!(f, "CallLedger({} calls in {deadline_ms} ms)", calls.len())
            }
            Self::AskApi { url, deadline_ms, .. } => write!(f, "AskApi({url} in {deadline_ms} ms)"),
            Self::Keep { .. } => f.write_str("Keep"),
            Self::End { alarm_ms, .. } => write!(f, "End({alarm_ms:?})"),
        }
    }
}
