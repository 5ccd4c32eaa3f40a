//! The C interface of [`nextapi_webhook`]. Its conventions and the documentation of every function
//! stand in the header, `include/nextapi_webhook.h`, which is generated from this crate.
//!
//! What this crate adds to the verifier is the crossing: pointers become references, errors become
//! numbers. It decides nothing about deliveries.

#![no_std]
#![expect(unsafe_code, reason = "pointers of C are what this crate is for; no other one has any")]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![allow(
    clippy::doc_markdown,
    clippy::missing_safety_doc,
    reason = "the documentation is the header's, where the conventions stand once for all functions"
)]

mod argument;
#[cfg(feature = "panic-handler")]
mod panic_handler;
mod slot;
mod stack;

// In the order of the header, with lines between them so that they stay so.
mod result;

mod verified;

mod verifier;

mod stream;

mod pending;

mod event;

mod event_key;

mod replay_window;

mod signature;

mod version;

pub use event::{
    CREDITS_SIZE, EventFacts, ID_SIZE, STATUS_SIZE, TYPE_SIZE, nextapi_webhook_event_read,
    nextapi_webhook_event_read_unverified,
};
pub use event_key::{
    EVENT_KEY_SIZE, EVENT_KEY_TEXT_SIZE, EventKey, nextapi_webhook_event_key_of,
    nextapi_webhook_event_key_of_unverified, nextapi_webhook_event_key_text,
};
pub use pending::{
    MAC_SIZE, MESSAGE_PARTS, PENDING_SIZE, Part, PendingStorage, nextapi_webhook_pending_begin,
    nextapi_webhook_pending_finish, nextapi_webhook_pending_message, nextapi_webhook_pending_offer,
    nextapi_webhook_pending_wipe,
};
pub use replay_window::{
    nextapi_webhook_replay_window_contains, nextapi_webhook_replay_window_insert,
    nextapi_webhook_replay_window_remove,
};
pub use result::{Outcome, nextapi_webhook_result_code, nextapi_webhook_result_text};
pub use signature::{SIGNATURE_SIZE, nextapi_webhook_sign};
pub use stream::{
    STREAM_SIZE, StreamStorage, nextapi_webhook_stream_begin, nextapi_webhook_stream_finish,
    nextapi_webhook_stream_update, nextapi_webhook_stream_wipe,
};
pub use verified::{Verified, nextapi_webhook_verified_set_body};
pub use verifier::{
    MAX_KEYS, Secret, TOLERANCE_SECONDS, VERIFIER_SIZE, VerifierStorage,
    nextapi_webhook_verifier_init, nextapi_webhook_verifier_wipe, nextapi_webhook_verify,
};
pub use version::nextapi_webhook_version;
