//! The built worker, end to end: real workerd, real SQLite on disk, real sockets. The provider and
//! the origin are those of `nextapi-testkit`.
//!
//! The worker must have been built before: `make end-to-end` sees to that.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod admin;
mod alarms;
mod analytics;
mod answers;
mod bodies;
mod chunked_bodies;
mod duplicates;
mod durable;
mod faults;
mod forwarding;
mod hostile;
mod hostile_headers;
mod hostile_requests;
mod jobs;
mod log;
mod long_bodies;
mod memory;
mod order;
mod origin_faults;
mod platform_errors;
mod rate_limit;
mod raw;
mod reconcile;
mod restarts;
mod settings;
mod setup;
mod source_addresses;
mod steps;
mod tokens;
mod upgrade;
mod watch;
