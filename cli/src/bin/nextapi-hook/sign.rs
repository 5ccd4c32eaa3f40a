//! `nextapi-hook sign`

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use clap::builder::PossibleValuesParser;
use nextapi_webhook::{Label, UnixTime};

use crate::End;
use crate::output::line;
use crate::secret_argument::SecretArgument;

/// Print the signature header's value for a body; the first secret signs
#[derive(Args)]
pub(crate) struct Sign {
    #[command(flatten)]
    secret: SecretArgument,
    /// When the body is said to be sent, in Unix seconds [default: now]
    #[arg(long, value_name = "SECONDS")]
    timestamp: Option<u64>,
    /// What stands in front of the signature
    #[arg(
        long,
        default_value = Label::V.as_str(),
        value_parser = PossibleValuesParser::new(Label::ALL.map(Label::as_str))
    )]
    label: String,
    /// The body, or - for the standard input
    file: PathBuf,
}

impl Sign {
    pub(crate) fn run(self) -> anyhow::Result<End> {
        let key = self.secret.load()?.signing_key()?;
        let body = read_body(&self.file)?;
        let timestamp = self.timestamp.map_or_else(UnixTime::now, UnixTime::from_secs);
        let label = Label::ALL.into_iter().find(|label| label.as_str() == self.label);
        let label = label.context("there is no such label")?;
        line(key.sign(timestamp, &body).with_label(label))?;
        Ok(End::Good)
    }
}

/// Reads a body, byte for byte.
pub(crate) fn read_body(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut body = Vec::new();
        io::stdin().read_to_end(&mut body).context("cannot read the standard input")?;
        return Ok(body);
    }
    fs::read(file).with_context(|| format!("cannot read the body from {}", file.display()))
}
