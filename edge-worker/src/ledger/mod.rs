//! The ledger: which events the origin has, and which one is being forwarded right now.
//!
//! [`entry`] and [`order`] decide, [`protocol`] does one step on a [`store`], and [`message`] is what
//! worker and object say to each other. [`retention`] decides what is forgotten and [`shard`] where
//! an event belongs; [`audit`] and [`figures`] are what an operator sees. [`sql`], [`row`] and
//! [`sql_store`] are the store on SQLite. [`object`] and [`client`] only carry: the object's side of
//! the platform, and the worker's.

pub(crate) mod audit;
pub(crate) mod client;
pub(crate) mod entry;
pub(crate) mod figures;
pub(crate) mod message;
mod object;
pub(crate) mod order;
mod protocol;
mod retention;
mod row;
pub(crate) mod shard;
mod sql;
mod sql_store;
mod store;
#[cfg(test)]
mod tests;

pub use object::Ledger;
