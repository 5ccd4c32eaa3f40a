//! Everything that the edge worker decides, without a platform: no wasm-bindgen, no clock, no I/O.
//!
//! # How a request is driven
//!
//! A [`Machine`] takes one request from its head to the response. [`Machine::begin`] gives the first
//! [`Output`], and so does [`Machine::handle`] for every [`Input`] after that:
//!
//! 1. The driver does what the output says, and nothing else for this request.
//! 2. It calls `handle` once with the result; every output but [`Output::Respond`] says with which
//!    inputs. Failures are inputs too. An input of another kind counts as the output's failure.
//! 3. After `Respond`, `RespondPage` or `End` there is no machine any more. `RespondEarly` is no end: the client gets its
//!    response, and the driver goes on.
//!
//! The driver keeps the body: it is what [`Output::Forward`] sends, and what [`Output::ComputeMacs`] is
//! about. A short one is given to the machine at once. A long one is first judged by MACs that the platform
//! computes over `prefix` and body, with a key for each of [`RawSettings::webhook_secrets`]. The machine takes
//! a body of any length either way, and falls back on hashing it if there are no MACs: so a driver without
//! such a platform hands over every body, or answers with their failure.
//!
//! Until it has responded, the driver goes on even if the client has hung up: otherwise a provider that
//! loses patience could part the origin's 2xx from its commit, and the event would come a second time.
//!
//! Times are arguments, in milliseconds since 1970; each is read when the input has come. Random bytes
//! are an argument too. What one isolate keeps from request to request is its [`Isolate`].
//!
//! # How an object is driven
//!
//! An object of the ledger calls [`ledger::start`] once in its life, before the first [`ledger::call`], and
//! [`ledger::ring`] when its alarm rings. Each is one step on the object's [`ledger::Storage`], during
//! which nothing else may happen to it. Replies leave the object only after everything written before
//! them is on disk.
//!
//! | module | |
//! | --- | --- |
//! | `machine` | one request, step by step |
//! | `authentic` | from a signature and a body to an event with a key |
//! | `ledger` | which events the origin has: rows, transitions, messages |
//! | `reconciler` | the ends of jobs whose webhooks never came |
//! | `watch` | figures minute by minute, and alerts |
//! | `settings` | all settings, checked as a whole |
//! | `admin` | the paths for admins |
//! | `forward`, `trace`, `header_names` | the headers that the origin gets, and the names of a delivery |
//! | `client_address`, `blocked_clients` | who may deliver, and who is blocked for a while |
//! | `outcome`, `response` | how a delivery can end, and the response to it |
//! | `record`, `counts` | the log line of a delivery, and how often each outcome occurred |
//! | `isolate` | what is kept from request to request |

mod admin;
mod authentic;
mod blocked_clients;
#[cfg(test)]
mod border;
mod client_address;
mod counts;
mod forward;
mod header_names;
mod isolate;
mod json;
mod machine;
mod merge;
mod outcome;
mod reconciler;
mod record;
mod request;
mod response;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "times of a test")]
mod round_driver;
mod settings;
mod time;
mod trace;
mod watch;

pub mod ledger;

pub use isolate::{Bindings, Isolate, REPORT_AFTER_MS};
pub use machine::{Input, LedgerCall, Machine, Output, Step};
pub use nextapi_client::TransportError;
pub use outcome::OriginResult;
pub use reconciler::{Round, RoundCall, RoundInput, RoundOutput};
pub use record::DataPoint;
pub use request::Request;
pub use response::Response;
pub use settings::{InvalidSettings, RawSettings, Settings, Url};
pub use trace::Random;
pub use watch::{WatchInput, WatchOutput, WatchPage, WatchRound, page as watch_page};
