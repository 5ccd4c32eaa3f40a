#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
extern crate std;

mod decimal;
mod error;
mod event;
mod event_key;
mod header;
mod json;
mod key;
mod message;
mod replay_window;
mod signature;
mod time;
#[cfg(test)]
mod vectors;
mod verdict;
mod verifier;

pub use error::{Error, EventError, KeyError};
pub use event::Event;
pub use event_key::EventKey;
pub use header::{MAX_HEADER_BYTES, MAX_SIGNATURES};
pub use json::MAX_DEPTH;
pub use key::Key;
pub use replay_window::ReplayWindow;
pub use signature::{Label, Signature};
pub use time::{Tolerance, UnixTime};
pub use verifier::{Stream, Verified, Verifier};
