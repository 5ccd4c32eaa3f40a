//! Idempotency keys, derived from what a job is meant to be.

use alloc::string::String;
use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::{Environment, ValidRequest};

/// Which job is meant: the same intent is the same job, however often it is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Intent<'a> {
    /// Keeps the names of different programs apart: 16 bytes, random once and then constant.
    pub namespace: [u8; 16],
    /// The caller's own name for the job: an order's number, for one.
    pub name: &'a str,
    /// 1 for the first video, 2 for another one of the same request, and so on: each is a job of its own.
    pub take: u32,
}

/// The `Idempotency-Key` of a submission. Under one key, and one API key, the provider makes one job in 24 hours.
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct IdempotencyKey(String);

/// A text that cannot be an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKeyError;

const MAX_BYTES: usize = 255;

impl IdempotencyKey {
    /// Derives the key of an intent. It depends on nothing else, so a process that was killed, or another one,
    /// derives the same.
    ///
    /// The key is `nxk1_` and the lower-case hexadecimal SHA-256 over, in this order: the 24 bytes
    /// `nextapi-client idem v1` and two zeros; the namespace; the name's length in bytes (u64, big-endian) and the
    /// name in UTF-8; one byte, 1 for live and 2 for test; the take (u32, big-endian); the SHA-256 of the body.
    #[must_use]
    pub fn derive(intent: &Intent<'_>, environment: Environment, request: &ValidRequest) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"nextapi-client idem v1\0\0");
        hash.update(intent.namespace);
        hash.update((intent.name.len() as u64).to_be_bytes());
        hash.update(intent.name);
        hash.update([match environment {
            Environment::Live => 1,
            Environment::Test => 2,
        }]);
        hash.update(intent.take.to_be_bytes());
        hash.update(Sha256::digest(request.body()));
        let mut key = String::from("nxk1_");
        key.push_str(&base16ct::lower::encode_string(&hash.finalize()));
        Self(key)
    }

    /// A key of the caller's own: 1 to 255 visible ASCII characters.
    ///
    /// # Errors
    /// If it is not.
    pub fn from_text(text: impl Into<String>) -> Result<Self, IdempotencyKeyError> {
        let text = text.into();
        let fits = (1..=MAX_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text)) } else { Err(IdempotencyKeyError) }
    }

    /// As it stands in the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdempotencyKey({})", self.0)
    }
}

impl fmt::Display for IdempotencyKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an idempotency key is 1 to {MAX_BYTES} visible ASCII characters")
    }
}

impl core::error::Error for IdempotencyKeyError {}

impl TryFrom<String> for IdempotencyKey {
    type Error = IdempotencyKeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_text(text)
    }
}

impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> Self {
        key.0
    }
}
