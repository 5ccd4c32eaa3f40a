//! The platform's side, thin: what the entry module calls, and the object's database.
//!
//! `entry/` holds the other half, in JavaScript. It knows requests, objects, clocks and timers, and
//! decides nothing: it begins a [`Course`](crate::course::Course), does what the course says, and tells
//! it what came of that. One call goes into WASM for each step of a request, with texts and bytes, and
//! none goes out but to the object's database. Calls between JavaScript and WASM are what a worker's
//! time goes to otherwise.

mod database;
mod edge;
mod steps;

pub use edge::Edge;
