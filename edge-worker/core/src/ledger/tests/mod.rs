//! The ledger without the platform: every transition, random histories, the store in memory and on
//! a real SQLite, and the model checker.

#![allow(clippy::arithmetic_side_effects, reason = "an overflow fails the test")]

mod agreement;
mod audit;
mod bodies;
mod breaker;
mod costs;
mod durable_model;
mod expiry;
mod figures;
mod histories;
mod jobs;
mod kept;
mod memory_jobs;
pub(crate) mod memory_store;
mod model;
mod plans;
mod reconcile_model;
mod replays;
mod retention;
mod room;
mod shards;
pub(crate) mod sqlite;
mod steps;
mod time_to_live;
mod trail;
mod transitions;
mod upgrade;
mod walk;
