//! The platform's side, thin: what the entry module calls, and the object's database.
//!
//! `entry/` holds the other half, in JavaScript. It knows requests, objects, clocks and timers, and
//! decides nothing: it begins a [`Course`](crate::course::Course), does what the course says, and tells
//! it what came of that. One call goes into WASM for each step of a request, with texts and bytes, and
//! none goes out but to the object's database, and now and then for random bytes. Each call between
//! JavaScript and WASM takes time of its own.

mod database;
mod edge;
mod random;
mod steps;

pub use edge::Edge;
