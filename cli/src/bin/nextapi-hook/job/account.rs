//! Whose jobs, and where.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use nextapi_client::{ApiKey, ApiKeyError, Client, Environment};
use zeroize::Zeroizing;

/// The environment variable with the API key.
const API_KEY: &str = "NEXTAPI_API_KEY";

const API_URL: &str = "https://api.nextapi.top/v1";

#[derive(Args)]
pub(super) struct Account {
    /// Read the API key from this file instead of the environment variable `NEXTAPI_API_KEY`
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// The environment; the API key must be one of it. In `live`, jobs cost money
    #[arg(long, default_value = "test")]
    environment: EnvironmentArgument,
    /// Where the API is
    #[arg(long, value_name = "URL", default_value = API_URL)]
    api_url: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum EnvironmentArgument {
    Live,
    Test,
}

impl Account {
    pub(super) const fn environment(&self) -> Environment {
        match self.environment {
            EnvironmentArgument::Live => Environment::Live,
            EnvironmentArgument::Test => Environment::Test,
        }
    }

    /// The API's URL, always the same text for the same place.
    pub(super) fn base_url(&self) -> &str {
        self.api_url.trim_end_matches('/')
    }

    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let (text, source) = secret(self.api_key_file.as_deref(), API_KEY, "--api-key-file")?;
        let asked = self.environment();
        let key = match ApiKey::new(&text, asked) {
            Ok(key) => key,
            Err(ApiKeyError::OtherEnvironment(of)) => bail!(
                "{source}: the API key belongs to the environment {of}, and {asked} was asked for; say \
                 --environment {of} if you mean it"
            ),
            Err(error) => return Err(error).context(source),
        };
        // The URL is not repeated: it may hold a password.
        Client::builder(key).base_url(self.base_url()).build().context("--api-url")
    }

    /// The options that another command needs to find the same account, apart from the API key.
    pub(super) fn as_options(&self) -> String {
        let mut options = String::new();
        if let EnvironmentArgument::Live = self.environment {
            options.push_str(" --environment live");
        }
        if self.base_url() != API_URL {
            options.push_str(" --api-url ");
            options.push_str(self.base_url());
        }
        options
    }
}

/// A secret from a file, or without one from an environment variable, and what to call that source. Neither it nor an
/// error shows the secret.
pub(super) fn secret(
    file: Option<&Path>,
    variable: &str,
    option: &str,
) -> anyhow::Result<(Zeroizing<String>, String)> {
    let (bytes, source) = match (file, env::var_os(variable)) {
        (Some(path), _) => {
            let source = format!("the file {} of {option}", path.display());
            (fs::read(path).with_context(|| format!("cannot read {source}"))?, source)
        }
        (None, Some(value)) => {
            (value.into_encoded_bytes(), format!("the environment variable {variable}"))
        }
        (None, None) => bail!("set the environment variable {variable} or give {option} FILE"),
    };
    let bytes = Zeroizing::new(bytes);
    let text =
        core::str::from_utf8(&bytes).ok().with_context(|| format!("{source} is not text"))?;
    Ok((Zeroizing::new(text.trim().to_owned()), source))
}
