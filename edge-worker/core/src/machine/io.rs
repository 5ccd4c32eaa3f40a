//! What the machine asks the driver to do, and the results it takes back.

use core::fmt;

use serde::Serialize;

use crate::outcome::OriginResult;
use crate::record::DataPoint;
use crate::response::Response;
use crate::watch::WatchPage;

/// What the driver has to do next. As JSON it is an object with the variant's name as `type`.
#[derive(Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub enum Output {
    /// Read the body. Answer with [`Input::Body`], [`Input::LongBody`], [`Input::BodyTooLarge`],
    /// [`Input::BodyTimedOut`] or [`Input::BodyCut`].
    ReadBody {
        /// The longest body that is accepted, in bytes.
        limit: usize,
        /// The exact length in bytes, if it was declared; never more than the limit.
        length: Option<usize>,
        /// What is signed is this text, followed by the body. A long body should be read to a place behind
        /// it: then its MACs are computed without a copy.
        prefix: String,
        /// The longest body that is handed over at once, in bytes. Keep a longer one.
        hand_over_limit: usize,
        /// When to give up, in milliseconds from now.
        deadline_ms: u32,
    },
    /// Compute the HMAC-SHA256 of prefix and body with each secret's key. Answer with [`Input::Macs`].
    ComputeMacs {
        /// When to give up, in milliseconds from now.
        deadline_ms: u32,
    },
    /// Hand over the body that was kept. Answer with [`Input::Body`].
    HandOverBody,
    /// Make calls of the ledger, all at once. Answer with [`Input::LedgerReplies`].
    CallLedger {
        /// The calls.
        calls: Vec<LedgerCall>,
        /// When to give up on each, in milliseconds from now.
        deadline_ms: u32,
    },
    /// Send the body to the origin by POST; follow no redirect. Answer with [`Input::Origin`].
    Forward {
        /// Where it goes.
        url: String,
        /// The request's headers.
        headers: Vec<(String, String)>,
        /// When to give up, in milliseconds from now.
        deadline_ms: u32,
    },
    /// Wait. Answer with [`Input::Waited`].
    Wait {
        /// How long, in milliseconds.
        ms: u32,
    },
    /// Ask the rate limiter, which counts the question. Answer with [`Input::RateLimit`].
    CheckRateLimit {
        /// The client, as the limiter knows it.
        key: String,
        /// When to give up, in milliseconds from now.
        deadline_ms: u32,
    },
    /// Ask the watch for a page. Answer with [`Input::Watch`].
    AskWatch {
        /// Which one.
        page: WatchPage,
        /// When to give up, in milliseconds from now.
        deadline_ms: u32,
    },
    /// Respond to the request, and go on: there is work left that the client need not wait for. Answer with
    /// [`Input::Responded`].
    RespondEarly {
        /// The response.
        response: Response,
        /// A line for the log.
        log: Option<String>,
        /// A point for the dataset.
        data_point: Option<DataPoint>,
    },
    /// Nothing is left to do. The client has had its response, or there is none.
    End {
        /// A line for the log.
        log: Option<String>,
        /// A point for the dataset.
        data_point: Option<DataPoint>,
    },
    /// Respond with 200 and the operator's page: the text and the policy that were built into the driver. That is
    /// the end.
    RespondPage {
        /// The response's headers, names in lower case.
        headers: Vec<(&'static str, String)>,
    },
    /// Respond to the request. That is the end.
    Respond {
        /// The response.
        response: Response,
        /// A line for the log.
        log: Option<String>,
        /// A point for the dataset.
        data_point: Option<DataPoint>,
    },
}

/// A call of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct LedgerCall {
    /// Name of the object.
    pub shard: String,
    /// The RPC message.
    pub message: String,
    /// Whether the body goes along.
    pub with_body: bool,
}

impl LedgerCall {
    /// A call without a body.
    pub(crate) const fn new(shard: String, message: String) -> Self {
        Self { shard, message, with_body: false }
    }
}

/// The result of carrying out an output.
#[derive(Clone, PartialEq, Eq)]
pub enum Input {
    /// The body, exactly as it was received.
    Body(Vec<u8>),
    /// The length of a body that is kept, in bytes.
    LongBody(usize),
    /// The body is longer than the limit.
    BodyTooLarge,
    /// The body was not there in time.
    BodyTimedOut,
    /// The connection broke before the body's end.
    BodyCut,
    /// The MACs, 32 bytes for each secret, in the order of the secrets; or why the platform gave none.
    Macs(Result<Vec<u8>, String>),
    /// The ledger's replies in the order of the calls, an RPC message a line, with
    /// `{"error":{"message":…,"overloaded":…,"retryable":…}}` in place of each that did not come.
    LedgerReplies(String),
    /// What became of the request to the origin.
    Origin(OriginResult),
    /// The origin has answered with this status, and said in `Retry-After` how long it wants to be left alone.
    OriginBusy {
        /// The status.
        status: u16,
        /// The header's value.
        retry_after: String,
    },
    /// The response is on its way.
    Responded,
    /// The wait is over.
    Waited,
    /// Whether the client is still within its limit, or why the limiter did not say.
    RateLimit(Result<bool, String>),
    /// The watch's page, or why there is none.
    Watch(Result<String, String>),
}

/// Without URLs and header values, which may hold secrets.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadBody { limit, length, deadline_ms, .. } => {
                write!(f, "ReadBody({length:?} of {limit} bytes in {deadline_ms} ms)")
            }
            Self::ComputeMacs { deadline_ms } => write!(f, "ComputeMacs(in {deadline_ms} ms)"),
            Self::HandOverBody => f.write_str("HandOverBody"),
            Self::CallLedger { calls, deadline_ms } => {
                write!(f, "CallLedger({calls:?} in {deadline_ms} ms)")
            }
            Self::Forward { deadline_ms, .. } => write!(f, "Forward(in {deadline_ms} ms)"),
            Self::Wait { ms } => write!(f, "Wait({ms} ms)"),
            Self::CheckRateLimit { key, .. } => write!(f, "CheckRateLimit({key})"),
            Self::AskWatch { page, deadline_ms } => {
                write!(f, "AskWatch({page:?} in {deadline_ms} ms)")
            }
            Self::Respond { response, .. } => write!(f, "Respond({response:?})"),
            Self::RespondEarly { response, .. } => write!(f, "RespondEarly({response:?})"),
            Self::RespondPage { headers } => write!(f, "RespondPage({headers:?})"),
            Self::End { .. } => f.write_str("End"),
        }
    }
}

/// Without the body and its MACs.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Self::LongBody(bytes) => write!(f, "LongBody({bytes} bytes)"),
            Self::BodyTooLarge => f.write_str("BodyTooLarge"),
            Self::BodyTimedOut => f.write_str("BodyTimedOut"),
            Self::BodyCut => f.write_str("BodyCut"),
            Self::Macs(Ok(macs)) => write!(f, "Macs({} bytes)", macs.len()),
            Self::Macs(Err(error)) => write!(f, "Macs({error})"),
            Self::LedgerReplies(messages) => write!(f, "LedgerReplies({messages})"),
            Self::Origin(result) => write!(f, "Origin({result:?})"),
            Self::OriginBusy { status, .. } => write!(f, "OriginBusy({status})"),
            Self::Responded => f.write_str("Responded"),
            Self::Waited => f.write_str("Waited"),
            Self::RateLimit(answer) => write!(f, "RateLimit({answer:?})"),
            Self::Watch(Ok(page)) => write!(f, "Watch({} bytes)", page.len()),
            Self::Watch(Err(error)) => write!(f, "Watch({error})"),
        }
    }
}
