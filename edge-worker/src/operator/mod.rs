//! The paths for whoever operates the worker: what it does, what became of each event, and a way to
//! let one through again.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /_edge/status` | settings without secrets, outcomes, the ledger shard by shard, warnings |
//! | `GET /_edge/metrics` | the same figures for Prometheus |
//! | `GET /_edge/events?state=&job=&type=&limit=&offset=` | the audit trail, the latest first |
//! | `GET /_edge/events/{key}` | one event |
//! | `POST /_edge/events/{key}/forget` | has the event's next delivery forwarded |
//!
//! All of them take the bearer token `ADMIN_TOKEN`. Without it they are answered like a path that
//! does not exist, so that nobody learns that there is something to guess.
//!
//! [`page`] reads what is asked for, [`overview`] and [`trail`] put together what the shards
//! answer, [`status`] and [`metrics`] write it down. [`inquiry`] goes from one to the other.

mod inquiry;
mod metrics;
mod overview;
mod page;
mod status;
mod trail;

pub(crate) use inquiry::Inquiry;
pub(crate) use page::is_operators;
