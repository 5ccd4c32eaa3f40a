//! The caller's name for a job, and the journal that knows it.

use std::path::PathBuf;

use clap::Args;
use nextapi_client::Environment;
use nextapi_hook::{JobIntent, Journal};

use super::account::Account;

/// What keeps these names apart from those of other programs.
const NAMESPACE: &str = "nextapi-hook";

#[derive(Args)]
pub(super) struct Name {
    /// Your own name for the job, an order's number for one: the same name is the same job [default: derived from
    /// the request]
    #[arg(long)]
    pub(super) name: Option<String>,
    /// 1 for the first video of this name, 2 for another one, and so on: each is a job of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    take: u32,
    /// Keeps the names of different programs apart
    #[arg(long, value_name = "TEXT", default_value = NAMESPACE)]
    namespace: String,
    /// The folder of the journal [default: nextapi-hook/jobs in `$XDG_STATE_HOME` or ~/.local/state]
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
}

impl Name {
    pub(super) fn journal(&self) -> anyhow::Result<Journal> {
        Journal::open(self.journal.clone().map_or_else(Journal::default_folder, Ok)?)
    }

    pub(super) fn intent(&self, name: &str, environment: Environment) -> JobIntent {
        let (namespace, name, take) = (self.namespace.clone(), name.to_owned(), self.take);
        JobIntent { namespace, name, take, environment }
    }

    /// A command line that goes on with the job of this name.
    pub(super) fn resume(&self, name: &str, account: &Account) -> String {
        let take = (self.take != 1).then(|| format!(" --take {}", self.take));
        let namespace = (self.namespace != NAMESPACE)
            .then(|| format!(" --namespace {}", quoted(&self.namespace)));
        let folder = self.journal.as_ref().map(|folder| folder.display().to_string());
        let journal = folder.map(|folder| format!(" --journal {}", quoted(&folder)));
        let options: String = [take, namespace, journal].into_iter().flatten().collect();
        let name = quoted(name);
        format!("nextapi-hook job wait --name {name}{options}{}", account.as_options())
    }
}

/// A word for a shell, in quotation marks only if it needs them.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        crate::sign::quoted(word)
    }
}
