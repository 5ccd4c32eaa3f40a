#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
extern crate std;

mod decimal;
mod engine;
mod error;
mod event;
mod event_key;
mod header;
mod json;
mod key;
mod mac;
mod pending;
#[cfg(feature = "embedded-io")]
mod read_error;
mod replay_window;
mod sha256;
mod signature;
mod stream;
mod time;
#[cfg(test)]
mod vectors;
mod verdict;
mod verified;
mod verifier;

pub use engine::{Engine, EngineError, verify_with};
pub use error::{Error, EventError, KeyError};
pub use event::Event;
pub use event_key::EventKey;
pub use header::{MAX_HEADER_BYTES, MAX_SIGNATURES};
pub use json::MAX_DEPTH;
pub use key::Key;
pub use mac::Mac;
pub use pending::Pending;
#[cfg(feature = "embedded-io")]
pub use read_error::ReadError;
pub use replay_window::ReplayWindow;
pub use signature::{Label, Signature};
pub use stream::Stream;
pub use time::{Tolerance, UnixTime};
pub use verified::Verified;
pub use verifier::Verifier;
