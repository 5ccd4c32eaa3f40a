//! `nextapi-hook edge`

mod settings;
mod vars_file;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use nextapi_testkit::LocalEdge;

use crate::output::line;
use crate::secret_argument::SecretArgument;
use crate::signals::Signals;
use crate::{End, help};
use settings::{Assignment, Settings};

/// Where the worker takes deliveries if it is not told otherwise.
const WEBHOOK_PATH: &str = "/webhook";

/// Be the edge: run the built worker in the real engine on this machine, until interrupted
#[derive(Args)]
#[command(long_about = help::EDGE, after_long_help = help::AFTER_EDGE)]
pub(crate) struct Edge {
    #[command(flatten)]
    secret: SecretArgument,
    /// The folder of the built edge worker
    #[arg(long, value_name = "DIR", default_value = "edge-worker")]
    edge_dir: PathBuf,
    /// The port on 127.0.0.1; 0 takes any that is free
    #[arg(long)]
    port: u16,
    /// Keep the ledger in this folder, and go on from it [default: one that is removed at the end]
    #[arg(long, value_name = "DIR")]
    storage: Option<PathBuf>,
    /// A setting that is no secret, in place of the one in wrangler.jsonc
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<Assignment>,
    /// Read settings and secrets from this file, one NAME="value" a line, as `.dev.vars` has them
    #[arg(long, value_name = "FILE")]
    vars_file: Option<PathBuf>,
}

impl Edge {
    pub(crate) async fn run(self) -> anyhow::Result<End> {
        let mut settings = Settings::read(self.vars_file.as_deref())?;
        settings.assign(self.set);
        if !settings.has_webhook_secrets() {
            settings.take_webhook_secrets(&self.secret.load()?)?;
        }
        let mut builder = LocalEdge::builder(&self.edge_dir).port(self.port);
        for (name, value) in settings.iter() {
            builder = builder.setting(name, value);
        }
        if let Some(folder) = &self.storage {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
            builder = builder.storage(folder);
        }
        let mut signals = Signals::catch()?;
        let mut edge = tokio::select! {
            edge = builder.start() => edge?,
            _ = signals.wait() => return Ok(End::Good),
        };
        let origin = edge.setting("ORIGIN_URL");
        let origin = origin.context("where should events go? Give --set ORIGIN_URL=URL")?;
        let path = edge.setting("WEBHOOK_PATH").unwrap_or(WEBHOOK_PATH);
        line(format_args!("webhook  {}{path}", edge.url().trim_end_matches('/')))?;
        line(format_args!("origin   {origin}"))?;
        match &self.storage {
            Some(folder) => line(format_args!("storage  {}", folder.display()))?,
            None => line("storage  until this ends")?,
        }
        // Ctrl-C reaches the engine, too, which then ends by itself.
        tokio::select! {
            biased;
            _ = signals.wait() => {}
            // Should nobody read our output any more, deliveries are forwarded all the same.
            () = edge.follow(|printed| drop(line(printed))) => bail!("the engine has ended"),
        }
        edge.kill().await;
        Ok(End::Good)
    }
}
