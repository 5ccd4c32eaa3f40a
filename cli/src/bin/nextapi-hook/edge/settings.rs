//! The settings that the worker is given.

use core::str::FromStr;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use nextapi_testkit::Secrets;
use zeroize::Zeroizing;

use super::vars_file;

/// The settings that are secrets, which arguments are not for.
const SECRETS: [&str; 7] = [
    WEBHOOK_SECRETS,
    "ORIGIN_AUTHORIZATION",
    "EDGE_SIGNING_SECRET",
    "ADMIN_TOKEN",
    "ADMIN_TOKENS",
    "SUBMIT_TOKEN",
    "NEXTAPI_API_KEY",
];
const WEBHOOK_SECRETS: &str = "WEBHOOK_SECRETS";

/// The worker's settings by name.
#[derive(Default)]
pub(super) struct Settings(BTreeMap<String, Zeroizing<String>>);

impl Settings {
    /// The settings in a file, if there is one.
    pub(super) fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text = fs::read_to_string(file).map(Zeroizing::new);
        let settings = text.map_err(anyhow::Error::from).and_then(|text| vars_file::parse(&text));
        settings.map(Self).with_context(|| format!("cannot read {}", file.display()))
    }

    pub(super) fn assign(&mut self, assignments: Vec<Assignment>) {
        for Assignment { name, value } in assignments {
            self.0.insert(name, Zeroizing::new(value));
        }
    }

    pub(super) fn has_webhook_secrets(&self) -> bool {
        self.0.contains_key(WEBHOOK_SECRETS)
    }

    /// Takes those that the other commands sign and verify with.
    pub(super) fn take_webhook_secrets(&mut self, secrets: &Secrets) -> anyhow::Result<()> {
        let mut joined = Zeroizing::new(String::new());
        for secret in secrets.raw() {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(core::str::from_utf8(secret).context("a webhook secret is not text")?);
        }
        self.0.insert(WEBHOOK_SECRETS.to_owned(), joined);
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// `NAME=VALUE`, of a setting that is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    name: String,
    value: String,
}

impl FromStr for Assignment {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, value) = text.split_once('=').context("malformed: expected NAME=VALUE")?;
        if SECRETS.contains(&name) {
            bail!("{name} is a secret, and every process can read arguments: use --vars-file");
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_assigned_by_arguments() {
        for name in SECRETS {
            let error = format!("{name}=canary").parse::<Assignment>().unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains("canary"), "{error}");
        }
        assert!("ORIGIN_URL".parse::<Assignment>().is_err());
        let assignment: Assignment = "ORIGIN_URL=http://a/?b=c".parse().unwrap();
        assert_eq!(assignment.value, "http://a/?b=c");
    }

    #[test]
    fn an_argument_replaces_what_the_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vars");
        fs::write(&file, "A=file\nB=file\n").unwrap();
        let mut settings = Settings::read(Some(&file)).unwrap();
        settings.assign(vec!["B=argument".parse().unwrap()]);
        settings.take_webhook_secrets(&Secrets::parse(b"new\nold").unwrap()).unwrap();
        let expected = [("A", "file"), ("B", "argument"), ("WEBHOOK_SECRETS", "new old")];
        assert_eq!(settings.iter().collect::<Vec<_>>(), expected);
        assert!(settings.has_webhook_secrets());
    }
}
