//! API keys.

use alloc::string::String;
use core::fmt;

use zeroize::Zeroizing;

use crate::{Environment, Fingerprint};

/// An API key: `nxa_live_sk_…` or `nxa_test_sk_…`. It is wiped when it is dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct ApiKey {
    key: Zeroizing<String>,
    environment: Environment,
}

/// Why a text is not taken as an API key. It does not show the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// It does not begin with `nxa_live_sk_` or `nxa_test_sk_`, or something else than visible ASCII follows, or
    /// nothing.
    Malformed,
    /// It belongs to this environment, and the other one was asked for.
    OtherEnvironment(Environment),
}

impl ApiKey {
    /// Takes an API key, if it is one of the environment that is asked for. White space around it is dropped.
    ///
    /// # Errors
    /// [`ApiKeyError`], which does not show the key.
    pub fn new(text: &str, environment: Environment) -> Result<Self, ApiKeyError> {
        let text = text.trim();
        let (of, rest) = [("nxa_live_sk_", Environment::Live), ("nxa_test_sk_", Environment::Test)]
            .into_iter()
            .find_map(|(prefix, of)| Some((of, text.strip_prefix(prefix)?)))
            .ok_or(ApiKeyError::Malformed)?;
        if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ApiKeyError::Malformed);
        }
        if of != environment {
            return Err(ApiKeyError::OtherEnvironment(of));
        }
        Ok(Self { key: Zeroizing::new(text.into()), environment })
    }

    /// The environment that it belongs to.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// By which a journal knows it again, and nobody can use it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of("nextapi-client api key", self.key.as_bytes())
    }

    /// The value of `Authorization`. A driver adds it to a request for the provider's own host, to no other, and
    /// marks it as sensitive.
    #[must_use]
    pub fn authorization(&self) -> Zeroizing<String> {
        // In one piece: growing would leave copies behind.
        let mut value = Zeroizing::new(String::with_capacity(self.key.len().saturating_add(7)));
        value.push_str("Bearer ");
        value.push_str(&self.key);
        value
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}, redacted)", self.environment)
    }
}

impl fmt::Display for ApiKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("an API key begins with nxa_live_sk_ or nxa_test_sk_"),
            Self::OtherEnvironment(of) => write!(f, "the API key belongs to the environment {of}"),
        }
    }
}

impl core::error::Error for ApiKeyError {}
