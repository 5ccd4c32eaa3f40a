//! The ledger: which events the origin has, and which one is being forwarded right now.
//!
//! | file | |
//! | --- | --- |
//! | `entry`, `order`, `event_meta` | one event's row, its transitions, and whether it is late |
//! | `trail` | what was done about an event, for who looks at it |
//! | `owed`, `outbox`, `lane` | events whose bytes are on disk, and their order |
//! | `retry`, `statuses`, `breaker`, `gate` | when they are tried again, and what holds them back |
//! | `protocol`, `policy` | one step on a `store`, and the settings it goes by |
//! | `alarm`, `walk`, `expired` | when the alarm rings, and what is forgotten then |
//! | `bulk_replay`, `replays` | events that an admin has delivered anew, many at a time |
//! | `kept` | bytes of events that the origin has |
//! | `job`, `job_row`, `jobs`, `expired_job` | what is known of jobs, and what is forgotten of them |
//! | `look`, `end_slot`, `made_end` | when the API is asked, and how a job has one end, whichever way it comes |
//! | `credits`, `costs`, `audit` | money, and who did what |
//! | `object`, `transaction` | what the platform calls: a call, an alarm; each step as a whole or not at all |
//! | `message` | RPC messages |
//! | `shard` | which object an event belongs to |
//! | `listing`, `search`, `figures` | what an admin sees |
//! | `sql`, `row`, `value`, `sqlite_store`, and the files that end in `_sql` | the store on SQLite |
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
//! answer with it. Writes that nothing separates are committed together or not at all if the machine
//! crashes, and a step that fails between two statements is undone as a whole: it is one transaction.
//!
//! No row is cached, so memory cannot disagree with the disk. Of two things that are remembered, the bytes that are owed
//! are never too few, and what all jobs cost is only shown. An error of the storage is answered as an
//! error, never as "not seen": the delivery gets a 503 and comes again.
//!
//! A claim whose answer gets lost on its way is no harm: its lease runs out, and the next claim is
//! granted.

mod alarm;
pub(crate) mod attempt;
pub(crate) mod audit;
mod audit_sql;
pub(crate) mod breaker;
pub(crate) mod bulk_replay;
pub(crate) mod costs;
mod costs_sql;
pub(crate) mod credits;
mod end_slot;
pub(crate) mod entry;
pub(crate) mod event_meta;
pub(crate) mod expired;
pub(crate) mod expired_job;
pub(crate) mod figures;
pub(crate) mod gate;
pub(crate) mod job;
pub(crate) mod job_row;
mod job_sql;
pub(crate) mod jobs;
pub(crate) mod kept;
mod kept_sql;
mod lane;
pub(crate) mod listing;
mod look;
pub(crate) mod made_end;
pub(crate) mod message;
mod object;
pub(crate) mod order;
mod outbox;
pub(crate) mod owed;
pub(crate) mod policy;
pub(crate) mod protocol;
mod replay_sql;
pub(crate) mod replays;
pub(crate) mod retry;
mod row;
pub(crate) mod search;
mod search_sql;
pub(crate) mod shard;
mod sql;
pub(crate) mod sqlite_store;
pub(crate) mod statuses;
pub(crate) mod store;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod trail;
mod transaction;
mod value;
pub(crate) mod walk;

pub use attempt::Attempt;
pub use object::{call, rest, ring, start, take};
pub use sql::{FREQUENT, SELECT_BODY};
pub use sqlite_store::{Columns, Storage};
pub use value::Value;
