//! The API keys that the simulator knows.

use core::fmt;
use core::str::FromStr;
use std::env;
use std::path::Path;

use anyhow::{Context as _, bail};
use nextapi_testkit::random_hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The environment that a key, a job and an account belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Where videos cost money.
    Live,
    /// Where they do not.
    Test,
}

impl Environment {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Live, Self::Test];

    /// As it stands in `X-NextAPI-Environment`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

impl FromStr for Environment {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let found = Self::ALL.into_iter().find(|environment| environment.as_str() == text);
        found.context("an environment is live or test")
    }
}

/// The SHA-256 of an API key: what limits and idempotency keys are counted by. It is the same in
/// another run with the same keys, in whatever order they stand.
pub(crate) type KeyDigest = [u8; 32];

/// Who makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) key: KeyDigest,
    pub(crate) environment: Environment,
    pub(crate) admin: bool,
}

/// The API keys that the simulator knows, each of one environment. Of keys that were given to it,
/// only the SHA-256 is kept; `Debug` shows none.
pub struct ApiKeys {
    known: Vec<Known>,
    generated: Vec<(Environment, Zeroizing<String>)>,
}

struct Known {
    /// Keys are compared by their hashes: the time that takes says nothing about the key.
    digest: KeyDigest,
    environment: Environment,
    admin: bool,
}

impl ApiKeys {
    /// The environment variable that [`load`](Self::load) reads.
    pub const VARIABLE: &'static str = "NEXTAPI_PROVIDER_KEYS";

    /// Reads the keys from `file`; without one, from the variable
    /// [`NEXTAPI_PROVIDER_KEYS`](Self::VARIABLE); if that is not set either, makes new ones.
    ///
    /// Keys are separated by white space and have their environment in front: `live:KEY` or
    /// `test:KEY`; `live-admin:KEY` and `test-admin:KEY` are admin keys.
    ///
    /// # Errors
    /// If the file cannot be read, or there is no key in it, or one without an environment. The
    /// error names the source and never what was found there.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map(Zeroizing::new);
            let source = || format!("the key file {}", path.display());
            return Self::parse(&text.with_context(source)?).with_context(source);
        }
        let source = || format!("the environment variable {}", Self::VARIABLE);
        match env::var(Self::VARIABLE).map(Zeroizing::new) {
            Ok(text) => Self::parse(&text).with_context(source),
            Err(env::VarError::NotPresent) => Self::generate(),
            Err(env::VarError::NotUnicode(_)) => bail!("{} is not text", source()),
        }
    }

    /// New random keys, one for each environment. They can be had from
    /// [`generated`](Self::generated), to be handed to whoever is to use the simulator.
    ///
    /// # Errors
    /// If the system's random generator fails.
    pub fn generate() -> anyhow::Result<Self> {
        let mut keys = Self { known: Vec::new(), generated: Vec::new() };
        for environment in Environment::ALL {
            let key = format!("nxa_{}_sk_{}", environment.as_str(), random_hex::<24>()?);
            keys.known.push(Known { digest: digest(&key), environment, admin: false });
            keys.generated.push((environment, Zeroizing::new(key)));
        }
        Ok(keys)
    }

    /// Reads keys in the form that [`load`](Self::load) explains.
    ///
    /// # Errors
    /// If there is none, or one without an environment. The error does not show it.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let known: anyhow::Result<Vec<_>> = text.split_whitespace().map(Known::parse).collect();
        let known = known?;
        if known.is_empty() {
            bail!("is empty; it must hold at least one key, as in live:KEY");
        }
        Ok(Self { known, generated: Vec::new() })
    }

    /// The keys that were made for this run, if any: the only ones that are kept as they are.
    pub fn generated(&self) -> impl Iterator<Item = (Environment, &str)> {
        self.generated.iter().map(|(environment, key)| (*environment, key.as_str()))
    }

    /// Whose key this is.
    pub(crate) fn find(&self, key: &str) -> Option<Caller> {
        let digest = digest(key);
        let known = self.known.iter().find(|known| known.digest == digest)?;
        Some(Caller { key: digest, environment: known.environment, admin: known.admin })
    }
}

impl Known {
    fn parse(word: &str) -> anyhow::Result<Self> {
        let (scope, key) = word.split_once(':').unwrap_or_default();
        let (environment, admin) =
            scope.strip_suffix("-admin").map_or((scope, false), |environment| (environment, true));
        if key.is_empty() {
            bail!("holds a key without an environment; write live:KEY or test:KEY");
        }
        let environment = environment.parse().context("holds a key of an unknown environment")?;
        Ok(Self { digest: digest(key), environment, admin })
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeys({} redacted)", self.known.len())
    }
}

/// A name for an API key that does not tell it: the first 16 digits of its SHA-256.
pub(crate) fn key_label(digest: &KeyDigest) -> String {
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("key_{digits}")
}

fn digest(key: &str) -> KeyDigest {
    Sha256::digest(key).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_environment_and_rank() {
        let keys = ApiKeys::parse(" live:one\n test-admin:two:2 \n").unwrap();
        let live = Caller { key: digest("one"), environment: Environment::Live, admin: false };
        assert_eq!(keys.find("one"), Some(live));
        let admin = Caller { key: digest("two:2"), environment: Environment::Test, admin: true };
        assert_eq!(keys.find("two:2"), Some(admin));
        for unknown in ["", "on", "live:one", "two"] {
            assert_eq!(keys.find(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused_without_showing_it() {
        for text in ["", "  ", "canary", "live:", "canary:canary", ":canary", "admin:canary"] {
            let error = ApiKeys::parse(text).unwrap_err();
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        assert!(!format!("{:?}", ApiKeys::parse("live:canary").unwrap()).contains("canary"));
    }

    #[test]
    fn generated_keys_are_new_and_work() {
        let (keys, others) = (ApiKeys::generate().unwrap(), ApiKeys::generate().unwrap());
        assert_eq!(keys.generated().count(), 2);
        for (environment, key) in keys.generated() {
            assert!(key.starts_with(&format!("nxa_{}_sk_", environment.as_str())));
            assert_eq!(keys.find(key).unwrap().environment, environment);
            assert_eq!(others.find(key), None);
        }
    }
}
