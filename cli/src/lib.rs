//! What the command `nextapi-hook` is made of, apart from its arguments and its output.
//!
//! - A [`Diagnosis`] says why a delivery was rejected, with the mistake that would explain it. A
//!   [`CapturedRequest`] is a delivery that somebody has saved to a file.
//! - A [`Scenario`] is a short story of deliveries, in [`Step`]s, with the answers that the edge's
//!   design promises.
//! - A [`Journal`] keeps on disk what is known about each submission; [`submit`] submits with it.
//! - A [`Load`] is one kind of delivery many times, and gives a [`LoadReport`].

mod captured_request;
mod diagnosis;
mod expectation;
mod journal;
mod load;
mod load_report;
mod scenario;
mod step;
mod submission;
mod time_in_words;

pub use captured_request::CapturedRequest;
pub use diagnosis::{Diagnosis, Finding};
pub use expectation::{Expectation, Statuses, is_edge_answer};
pub use journal::{Boundary, Claim, ClaimError, Conflict, JobIntent, Journal, Phase, Record};
pub use load::Load;
pub use load_report::LoadReport;
pub use scenario::Scenario;
pub use step::{Step, summary};
pub use submission::{Accepted, SubmissionError, submit};
pub use time_in_words::time_in_words;
