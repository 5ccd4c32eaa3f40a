//! The provider in person: its HTTP API, its jobs and its webhooks, on this machine.
//!
//! What decides (`engine` and everything it uses) is plain code with time as an argument. Around it
//! there is `api`, which carries requests to it, `dispatcher`, which carries its deliveries out, and
//! `store`, which keeps what it has changed.

mod api;
mod behaviour;
mod chance;
mod control;
mod credits;
mod dispatcher;
mod engine;
mod error;
mod faults;
mod generation;
mod idempotency;
mod keys;
mod lifecycle;
mod moment;
mod outbox;
mod page;
mod rate_limit;
mod record;
mod retry;
mod rows;
mod server;
mod shared;
mod store;
mod timers;

pub use behaviour::Behaviour;
pub use credits::{Account, Credits};
pub use faults::{Faults, Shapes};
pub(crate) use generation::Generation;
pub use keys::{ApiKeys, Environment};
pub use record::{DeliveryOutcome, DeliveryReason, DeliveryRecord};
pub use server::{StandIn, StandInBuilder};
