//! Naive models of the verifier, which the fuzz targets hold it against.
//!
//! They are written from the verifier's documentation, not from its code: iterators instead of loops
//! with state, an element looked for again instead of remembered. Limits stand here as numbers, so
//! that a change of one in the verifier is noticed.
//!
//! They run a thousand million times, and so they allocate nothing. `serde_json` does, for its errors,
//! for escapes and for numbers.

pub mod engine;
pub mod event;
pub mod header;
pub mod json;
pub mod mac;
pub mod refusal;
pub mod verdict;

/// Whether every target has its small fault: with the feature `planted-fault`, the targets must
/// fail. A target that never fails proves nothing.
pub const PLANTED_FAULT: bool = cfg!(feature = "planted-fault");
