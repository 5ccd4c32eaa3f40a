//! The ledger: which events the origin has, and which one is being forwarded right now.
//!
//! [`entry`] and [`order`] decide, [`protocol`] does one step on a [`store`], and [`message`] is what
//! worker and object say to each other. [`retention`] decides what is forgotten and [`shard`] where
//! an event belongs; [`audit`] and [`figures`] are what an operator sees. [`sql`], [`row`],
//! [`value`] and [`sql_store`] are the store on SQLite, and [`reply`] is what the platform hands over.
//!
//! # Why a transition is atomic
//!
//! There is one instance of each object in the world, and it runs one thread. A transition reads the
//! row, decides and writes the row in one call, without a pause in which another call of the same
//! object could come in between; SQLite's statements here are synchronous. Nothing rests on the
//! platform's input gate, which would only hold other calls back while storage is being awaited.
//!
//! The *output* gate is needed: an answer leaves the object only after everything written before it is
//! on disk. So a claim that somebody was told of survives a crash, and a write that fails takes its
//! answer with it. Writes that nothing separates are committed together or not at all.
//!
//! No row is cached, so memory cannot disagree with the disk. An error of the storage is answered as an
//! error, never as "not seen": the delivery gets a 503 and comes again.
//!
//! A claim whose answer gets lost on its way is no harm: its lease runs out, and the next claim is
//! granted.

pub(crate) mod audit;
pub(crate) mod entry;
pub(crate) mod figures;
pub(crate) mod latest;
pub(crate) mod message;
pub(crate) mod order;
pub(crate) mod protocol;
pub(crate) mod reply;
pub(crate) mod retention;
mod row;
pub(crate) mod shard;
pub(crate) mod sql;
pub(crate) mod sql_store;
mod store;
#[cfg(test)]
mod tests;
pub(crate) mod value;
