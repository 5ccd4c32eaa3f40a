//! The choices before a local edge starts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::LocalEdge;
use crate::edge_settings::{Chosen, EdgeSettings};
use crate::local_edge::Storage;
use crate::workerd::{self, CONFIG};
use crate::wrangler::Wrangler;

/// The choices that have to be made before a [`LocalEdge`] starts.
pub struct LocalEdgeBuilder {
    edge_dir: PathBuf,
    bundle: PathBuf,
    services: BTreeMap<String, String>,
    settings: BTreeMap<String, Chosen>,
    removed: Vec<String>,
    storage: Option<PathBuf>,
    port: u16,
    has_file_limits: bool,
}

impl LocalEdgeBuilder {
    pub(crate) fn new(edge_dir: &Path) -> Self {
        Self {
            edge_dir: edge_dir.to_owned(),
            bundle: PathBuf::from("build"),
            services: BTreeMap::new(),
            settings: BTreeMap::new(),
            removed: Vec::new(),
            storage: None,
            port: 0,
            has_file_limits: false,
        }
    }

    /// Sets a setting, in place of the one in `wrangler.jsonc` if that has it. Secrets are set in the
    /// same way. They reach the engine through its environment and are not written to any file.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), Chosen::Text(Zeroizing::new(value.into())));
        self
    }

    /// Sets a setting to a JSON value instead of a text, as a number in `wrangler.jsonc` would. The
    /// worker gets what `JSON.parse` gives. It is written to a file that only its owner can read, so
    /// a true secret must not be set in this way.
    #[must_use]
    pub fn json_setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), Chosen::Json(value.into()));
        self
    }

    /// Removes a setting, even if it is in `wrangler.jsonc`.
    #[must_use]
    pub fn without_setting(mut self, name: impl Into<String>) -> Self {
        self.settings.insert(name.into(), Chosen::Nothing);
        self
    }

    /// Leaves out the binding of a Durable Object, as a `wrangler.jsonc` does that is older than the worker.
    #[must_use]
    pub fn without_durable_object(mut self, name: impl Into<String>) -> Self {
        self.removed.push(name.into());
        self
    }

    /// Runs the bundle in this directory, below the worker's own, instead of the one in `build`.
    #[must_use]
    pub fn bundle(mut self, directory: impl Into<PathBuf>) -> Self {
        self.bundle = directory.into();
        self
    }

    /// Binds another worker under this name, made of one JavaScript module, whose default export is
    /// a `WorkerEntrypoint`. It takes the place of a binding that only the platform has.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>, module: impl Into<String>) -> Self {
        self.services.insert(name.into(), module.into());
        self
    }

    /// Keeps the Durable Objects' data in this directory, which must exist. The default is a
    /// directory that goes when the edge goes.
    #[must_use]
    pub fn storage(mut self, directory: impl Into<PathBuf>) -> Self {
        self.storage = Some(directory.into());
        self
    }

    /// The loopback port to listen on. The default is 0: any that is free.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Lets the engine live on when its files cannot grow: see [`LocalEdge::limit_files`]. Needs GNU's `env`.
    #[must_use]
    pub const fn with_file_limits(mut self) -> Self {
        self.has_file_limits = true;
        self
    }

    /// Starts the engine and waits until it listens.
    ///
    /// # Errors
    /// If the worker is not built, the engine not installed, `wrangler.jsonc` not readable, the port
    /// taken, or if the engine does not accept the worker; the error then has what it printed.
    pub async fn start(self) -> anyhow::Result<LocalEdge> {
        let mut wrangler = Wrangler::read(&self.edge_dir.join("wrangler.jsonc"))?;
        self.removed.iter().for_each(|name| wrangler.remove_durable_object(name));
        let engine = workerd::find_engine(&self.edge_dir)?;
        // A directory of `tempfile` is open to its owner only.
        let files = tempfile::tempdir().context("cannot make a temporary directory")?;
        let modules = workerd::copy_modules(&self.edge_dir.join(self.bundle), files.path())?;
        let settings = EdgeSettings::merge(&wrangler, self.settings);
        let services: Vec<_> = self.services.keys().map(String::as_str).collect();
        let config = workerd::config(&wrangler, &modules, &settings.configured, &services)?;
        for (name, module) in &self.services {
            fs::write(files.path().join(workerd::service_module(name)), module)
                .with_context(|| format!("cannot write the module of the service {name}"))?;
        }
        fs::write(files.path().join(CONFIG), config).context("cannot write the configuration")?;
        let storage = match self.storage {
            Some(directory) => Storage::Kept(
                directory
                    .canonicalize()
                    .with_context(|| format!("cannot use {} as storage", directory.display()))?,
            ),
            None => Storage::Temporary(
                tempfile::tempdir().context("cannot make a temporary directory")?,
            ),
        };
        // The engine is run in another directory.
        let engine = engine.canonicalize().context("cannot find the engine")?;
        let environment = settings.environment;
        LocalEdge::start(engine, files, storage, environment, self.port, self.has_file_limits).await
    }
}
