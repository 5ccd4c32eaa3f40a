//! The ledger: which events the origin has, and which one is being forwarded right now.
//!
//! [`entry`] decides, [`message`] is what worker and object say to each other, [`row`] and
//! `schema.sql` are what is stored, [`retention`] decides what is forgotten and [`shard`] where an
//! event belongs. [`object`] and [`client`] only carry: the object's side of the platform, and the
//! worker's.

pub(crate) mod client;
pub(crate) mod entry;
pub(crate) mod message;
mod object;
mod retention;
mod row;
pub(crate) mod shard;

pub use object::Ledger;
