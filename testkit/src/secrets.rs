//! Webhook secrets, from the environment or a file.

use core::fmt;
use std::env;
use std::path::Path;

use anyhow::{Context as _, bail};
use nextapi_webhook::{Key, Tolerance, Verifier};
use zeroize::Zeroizing;

/// How many secrets may be active at once: during a rotation there are two.
pub const MAX_SECRETS: usize = 8;

/// One or several secrets, newest first. `Debug` does not show them, and they are wiped from memory
/// on drop.
///
/// They are never taken from the command line: arguments can be read by every process of the
/// machine, and stay in the shell's history.
pub struct Secrets(Vec<Zeroizing<Vec<u8>>>);

impl Secrets {
    /// The environment variable that [`load`](Self::load) reads.
    pub const VARIABLE: &'static str = "NEXTAPI_WEBHOOK_SECRET";

    /// Reads the secrets from `file`; without one, from the variable
    /// [`NEXTAPI_WEBHOOK_SECRET`](Self::VARIABLE). White space separates several, newest first, so
    /// a line feed at the end does no harm.
    ///
    /// # Errors
    /// If the file cannot be read, the variable is not set, or there is no secret in it. The error
    /// names the source and never what was found there.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = file else {
            let Some(value) = env::var_os(Self::VARIABLE) else {
                bail!(
                    "no secret: set the environment variable {} or give --secret-file FILE",
                    Self::VARIABLE
                );
            };
            let text = Zeroizing::new(value.into_encoded_bytes());
            return Self::parse(&text)
                .with_context(|| format!("the environment variable {}", Self::VARIABLE));
        };
        Self::read(path)
    }

    /// Reads the secrets from a file, as [`load`](Self::load) does.
    ///
    /// # Errors
    /// If the file cannot be read or there is no secret in it.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path)
            .map(Zeroizing::new)
            .with_context(|| format!("cannot read the secret file {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("the secret file {}", path.display()))
    }

    /// The secrets' bytes, newest first.
    pub fn raw(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|secret| secret.as_slice())
    }

    /// Takes the secrets from a text, where white space separates them, newest first.
    ///
    /// # Errors
    /// If there is none, or more than [`MAX_SECRETS`].
    pub fn parse(text: &[u8]) -> anyhow::Result<Self> {
        let secrets: Vec<_> = text
            .split(u8::is_ascii_whitespace)
            .filter(|secret| !secret.is_empty())
            .map(|secret| Zeroizing::new(secret.to_vec()))
            .collect();
        match secrets.len() {
            0 => bail!("is empty; it must hold at least one secret"),
            1..=MAX_SECRETS => Ok(Self(secrets)),
            count => bail!("holds {count} secrets; at most {MAX_SECRETS} can be active at once"),
        }
    }

    /// The key that signs: that of the first, newest secret.
    ///
    /// # Errors
    /// None in practice: secrets that were read are not empty.
    pub fn signing_key(&self) -> anyhow::Result<Key> {
        let newest = self.0.first().context("no secret")?;
        Ok(Key::new(newest)?)
    }

    /// A verifier that accepts every one of the secrets.
    ///
    /// # Errors
    /// None in practice: secrets that were read are not empty, and not too many.
    pub fn verifier(&self, tolerance: Tolerance) -> anyhow::Result<Verifier<MAX_SECRETS>> {
        let keys: Result<Vec<_>, _> = self.0.iter().map(|secret| Key::new(secret)).collect();
        Ok(Verifier::new(keys?, tolerance)?)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} redacted)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use nextapi_webhook::UnixTime;

    use super::*;

    #[test]
    fn white_space_separates_and_the_first_one_signs() {
        let secrets = Secrets::parse(b"  whsec_new\r\n\twhsec_old\n").unwrap();
        let now = UnixTime::from_secs(7);
        let expected = Key::new(b"whsec_new").unwrap().sign(now, b"x");
        let signed = secrets.signing_key().unwrap().sign(now, b"x");
        assert_eq!(signed.to_string(), expected.to_string());

        let old = Key::new(b"whsec_old").unwrap().sign(now, b"x").to_string();
        let verifier = secrets.verifier(Tolerance::DEFAULT).unwrap();
        assert_eq!(verifier.verify(old, b"x", now).unwrap().key_index(), 1);
    }

    #[test]
    fn nothing_but_white_space_is_empty() {
        let error = Secrets::parse(b" \n\t ").unwrap_err();
        assert!(error.to_string().contains("empty"), "{error}");
    }

    #[test]
    fn too_many_are_refused_without_showing_one() {
        let error = Secrets::parse(&b"canary ".repeat(9)).unwrap_err();
        assert!(error.to_string().contains("9 secrets"), "{error}");
        assert!(!format!("{error:?}").contains("canary"));
    }

    #[test]
    fn debug_is_redacted() {
        let secrets = Secrets::parse(b"canary").unwrap();
        assert_eq!(format!("{secrets:?}"), "Secrets(1 redacted)");
    }
}
