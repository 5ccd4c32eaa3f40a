//! What the platform is told to do, and what it comes back with.

use crate::ledger::message::{Answer as LedgerAnswer, Call, Unanswered};
use crate::outcome::{Answer, OriginResult};
use crate::record::DataPoint;

/// What the platform has to do next.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub(crate) enum Effect {
    /// Read the body, but no more than `limit` bytes of it.
    Read {
        /// The longest body that is wanted, in bytes.
        limit: usize,
        /// Whether the platform itself sees to it that the body is not longer, so that it can be read
        /// in one go.
        is_bounded: bool,
    },
    /// Give all headers of the request. Until then there are those of [`Head::WANTED`] only.
    ///
    /// [`Head::WANTED`]: super::Head::WANTED
    Headers,
    /// Make calls of the ledger, all at once, each of the shard of this name.
    Ask(Vec<(String, Call)>),
    /// Send the body to the origin.
    Forward {
        /// Where it goes.
        url: String,
        /// The request's headers.
        headers: Vec<(String, String)>,
        /// When to give up, in milliseconds from now.
        deadline_ms: u32,
    },
    /// Wait.
    Pause {
        /// How long, in milliseconds.
        ms: u32,
    },
    /// Ask the rate limiter, which counts the question.
    Limit {
        /// The client, as the limiter knows it.
        key: String,
    },
    /// Answer the request. That is the end.
    Answer {
        /// The answer.
        answer: Answer,
        /// The name of the request, which the answer carries.
        correlation_id: String,
        /// A line for the log.
        log: Option<String>,
        /// A point for the dataset.
        point: Option<DataPoint>,
    },
}

/// What came of an effect.
#[derive(Debug)]
pub(crate) enum Event {
    /// The body.
    Body {
        /// The bytes, exactly as they were received.
        bytes: Vec<u8>,
        /// Whether the connection broke before the end.
        is_cut: bool,
    },
    /// The body is longer than what was wanted of it.
    BodyTooLarge,
    /// All headers, as `name:value` lines.
    Headers(String),
    /// What the ledger has answered, in the order of the calls.
    Answered(Vec<Result<LedgerAnswer, Unanswered>>),
    /// What became of the request to the origin.
    Origin(OriginResult),
    /// The pause is over.
    Paused,
    /// Whether the client is still within the limit, or why nobody knows.
    Limited(Result<bool, String>),
}
