#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "reqwest"))]
extern crate std;

mod api_key;
mod cost;
mod credits;
mod environment;
mod error;
mod exchange;
mod fingerprint;
mod http;
mod idempotency_key;
mod job;
pub mod json;
mod limits;
mod list_page;
#[cfg(feature = "reqwest")]
mod native;
mod operation;
mod outcome;
mod poller;
mod rate_limit;
mod request;
mod retrieve;
mod retry;
mod status;
mod submit;
mod timestamp;
mod verdict;
mod violation;
mod walk;

pub use api_key::{ApiKey, ApiKeyError};
pub use cost::{Costs, percentile};
pub use credits::Credits;
pub use environment::Environment;
pub use error::{Cap, Disposition, Error, ErrorKind};
pub use fingerprint::Fingerprint;
pub use http::{HttpRequest, HttpResponse, Method, TransportError};
pub use idempotency_key::{IdempotencyKey, IdempotencyKeyError, Intent};
pub use job::{Job, JobPage};
pub use limits::KeyLimits;
pub use list_page::{ListPage, PageRequest};
#[cfg(feature = "reqwest")]
pub use native::{
    Client, ClientBuilder, ClientError, DriveError, Moment, Preflight, PreflightFinding,
    PreflightProblem,
};
pub use operation::{Operation, Options, Step, Veto, WaitReason};
pub use outcome::{ErrorCode, Outcome};
pub use poller::{PollConfig, Poller, PollerState};
pub use rate_limit::RateLimit;
pub use request::{GenerationRequest, Reference, ValidRequest};
pub use retrieve::Retrieve;
pub use retry::RetryConfig;
pub use status::{BlockedReason, Bucket, Ending, Status};
pub use submit::{RESEND_WITHIN, Submit, SubmitState, Submitted};
pub use verdict::{Call, History, Verdict, classify};
pub use violation::{Problem, Violation};
pub use walk::{JobWalk, WalkError, WalkState, Watermark};

/// Milliseconds: a duration, or, where a moment is meant, those since 1970-01-01T00:00:00Z.
pub type Millis = u64;
