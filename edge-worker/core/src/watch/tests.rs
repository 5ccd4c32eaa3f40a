//! Rounds beside shards and an endpoint that are played, with a clock that the tests move, and the rules beside a naive
//! model of them.

mod model;
mod pauses;
mod rounds;
mod rules;
mod sending;
mod world;
