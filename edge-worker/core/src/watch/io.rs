//! What a round of the watch asks the driver to do, and the results it takes back.

use core::fmt;

use serde::Serialize;

use crate::outcome::OriginResult;
use crate::reconciler::RoundCall;

/// What the driver has to do next. As JSON it is an object with the variant's name as `type`.
#[derive(Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum WatchOutput {
    /// Make calls of the ledger, all at once. Answer with [`WatchInput::LedgerReplies`].
    CallLedger {
        /// The calls.
        calls: Vec<RoundCall>,
        /// When to give up on each, in milliseconds from now.
        deadline_ms: u32,
    },
    /// Keep the memory and write to the log before going on. Answer with [`WatchInput::Kept`].
    Keep {
        /// What the next round begins with if this one is cut off.
        memory: String,
        /// Lines for the log, about what is in the memory.
        log: Vec<String>,
    },
    /// Send a notification by POST; follow no redirect. Answer with [`WatchInput::Posted`].
    Post {
        /// Where it goes. It is a secret.
        url: String,
        /// The request's headers.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: String,
        /// When to give up, in milliseconds from now.
        deadline_ms: u32,
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

/// The result of carrying out an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchInput {
    /// The ledger's replies in the order of the calls, as for a round of the reconciler.
    LedgerReplies(String),
    /// The memory is on disk.
    Kept,
    /// What became of the POST.
    Posted {
        /// The answer, or why there is none.
        result: OriginResult,
        /// The value of `Retry-After`.
        retry_after: Option<String>,
    },
}

/// Without the URL, which is a secret, headers, and what is stored.
impl fmt::Debug for WatchOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallLedger { calls, deadline_ms } => {
                write!(f, "CallLedger({} calls in {deadline_ms} ms)", calls.len())
            }
            Self::Keep { .. } => f.write_str("Keep"),
            Self::Post { body, deadline_ms, .. } => write!(f, "Post({body} in {deadline_ms} ms)"),
            Self::End { alarm_ms, .. } => write!(f, "End({alarm_ms:?})"),
        }
    }
}
