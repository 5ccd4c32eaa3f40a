//! `nextapi-hook sign`

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;
use nextapi_testkit::SignatureHeader;
use nextapi_webhook::{Label, UnixTime};

use crate::output::line;
use crate::secret_argument::SecretArgument;
use crate::{End, help};

/// Print the signature header's value for a body; the first secret signs
#[derive(Args)]
#[command(long_about = help::SIGN, after_long_help = help::AFTER_SIGN)]
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
        value_parser = PossibleValuesParser::new(Label::ALL.iter().map(|label| label.as_str()))
    )]
    label: String,
    /// Print a curl command line that sends the file to this URL
    #[arg(long, value_name = "URL")]
    curl: Option<String>,
    /// The body, or - for the standard input
    file: PathBuf,
}

impl Sign {
    pub(crate) fn run(self) -> anyhow::Result<End> {
        let key = self.secret.load()?.signing_key()?;
        let body = read_body(&self.file)?;
        let timestamp = self.timestamp.map_or_else(UnixTime::now, UnixTime::from_secs);
        let label = Label::ALL.iter().copied().find(|label| label.as_str() == self.label);
        let label = label.context("there is no such label")?;
        let signature = key.sign(timestamp, &body).with_label(label);
        match self.curl {
            None => line(signature)?,
            Some(url) => line(curl(&url, &self.file, &signature.to_string())?)?,
        }
        Ok(End::Good)
    }
}

/// A command line for a POSIX shell. The bytes go as they are: `--data` would take line ends away.
fn curl(url: &str, file: &Path, signature: &str) -> anyhow::Result<String> {
    if file == Path::new("-") {
        bail!("--curl needs the body in a file, for curl to send it");
    }
    let file = file.to_str().context("the file's name is not text, so it cannot be printed")?;
    let header = SignatureHeader::NextApi.name();
    Ok(format!(
        "curl --data-binary {} -H 'Content-Type: application/json' -H '{header}: {signature}' {}",
        quoted(&format!("@{file}")),
        quoted(url),
    ))
}

/// One word of a POSIX shell, whatever is in it.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
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
