//! Where the webhook secrets come from.

use std::path::PathBuf;

use clap::Args;
use nextapi_testkit::Secrets;

#[derive(Args)]
pub(crate) struct SecretArgument {
    /// Read the secrets from this file instead of the environment variable `NEXTAPI_WEBHOOK_SECRET`
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl SecretArgument {
    pub(crate) fn load(&self) -> anyhow::Result<Secrets> {
        Secrets::load(self.secret_file.as_deref())
    }
}
