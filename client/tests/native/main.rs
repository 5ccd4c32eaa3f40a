//! The driver, on real sockets.

#![allow(clippy::arithmetic_side_effects, reason = "a test may stop at the first surprise")]

// As a test module throughout, so that helpers may stop at the first surprise, too.
#[cfg(test)]
mod canaries;
#[cfg(test)]
mod log;
#[cfg(test)]
mod server;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod sockets;
