//! Rounds beside a made-up API and shards that are played, with a clock that the tests move.

mod api;
mod clocks;
mod ledger;
mod limits;
mod listing;
mod names;
mod rounds;
mod silence;
mod world;
