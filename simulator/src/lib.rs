//! NextAPI, simulated: its HTTP API, its jobs and its webhooks, on this machine.
//!
//! A [`Simulator`] takes jobs over HTTP, lets them run, and sends signed webhooks about them, which
//! are retried and, on purpose, lost or sent twice. A [`Client`] submits jobs and asks about them.
//!
//! What decides (`engine` and everything it uses) is plain code with time as an argument. Around it
//! there are `router`, `api` and `control`, which carry requests to it, `dispatcher`, which carries
//! its deliveries out, and `store`, which keeps what it has changed.

mod account;
mod api;
mod api_faults;
mod behaviour;
mod books;
mod budget;
mod chance;
mod client;
mod clock;
mod control;
mod dispatcher;
mod engine;
mod error;
mod event_record;
mod faults;
mod idempotency;
mod keys;
mod lifecycle;
mod limits;
mod moderation;
mod moment;
mod outbox;
mod page;
mod rate_limit;
mod record;
mod request;
mod response;
mod retry;
mod router;
mod rows;
mod server;
mod shared;
mod simulator;
mod spoil;
mod store;
mod submission;
mod timers;
mod usage;

pub use account::Account;
pub use api_faults::{ApiFaults, ResetForm, RetryAfterForm};
pub use behaviour::Behaviour;
pub use books::{Amounts, Books, JobBook, Total};
pub use budget::SpendLimits;
pub use client::{Client, Response};
pub use clock::Clock;
pub use event_record::EventRecord;
pub use faults::{Faults, Shapes};
pub use keys::{ApiKeys, Environment};
pub use moderation::Moderation;
pub use record::{DeliveryOutcome, DeliveryReason, DeliveryRecord};
pub use simulator::{Simulator, SimulatorBuilder};
pub use usage::ApiUsage;
