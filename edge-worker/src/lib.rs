//! A Cloudflare Worker that stands between NextAPI's webhooks and the server that handles them: it
//! verifies each delivery, lets each event through once, and forwards the signed bytes.
//!
//! What decides is pure and runs in ordinary tests; what touches the platform only carries.
//!
//! | module | |
//! | --- | --- |
//! | `settings` | all settings, checked as a whole |
//! | `delivery` | what is decided on the way of one delivery, step by step |
//! | `ledger` | which events the origin has: rows, transitions, messages, and the object |
//! | `operator` | the paths for whoever operates the worker |
//! | `forward`, `trace` | the headers that the origin gets, and the names of a delivery |
//! | `client_address`, `forgeries` | who may deliver, and who is not listened to for a while |
//! | `outcome` | how a delivery can end, and the answer to it |
//! | `record`, `tally` | the log line of a delivery, and how often each outcome occurred |
//! | `course` | the course of one request: what the platform has to do, step by step |
//! | `isolate` | what is kept from request to request |
//! | `platform` | what the entry module in `entry/` calls |

mod client_address;
mod course;
mod delivery;
mod forgeries;
mod forward;
mod isolate;
mod ledger;
mod operator;
mod outcome;
#[cfg(feature = "planted")]
mod planted;
mod platform;
mod record;
mod settings;
mod tally;
mod time;
mod trace;

pub use platform::Edge;

/// Constant time for each allocation, in a few instructions.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
