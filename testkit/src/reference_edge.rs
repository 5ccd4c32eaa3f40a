//! A small edge in plain JavaScript, to try the tools with.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::{LocalEdge, LocalEdgeBuilder, Origin};

const MODULE: &str = include_str!("../reference_edge/index.js");
const SETTINGS: &str = include_str!("../reference_edge/wrangler.jsonc");
/// Where npm has installed the engine.
const NODE_MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../edge-worker/node_modules");

/// A folder like the edge worker's, with a small edge in it that does what the design says, except
/// for one fault on purpose. It shows that tools accept a good edge and notice a bad one. The folder
/// goes when this is dropped.
pub struct ReferenceEdge(TempDir);

impl ReferenceEdge {
    /// An edge with this fault, which may be empty. `reference_edge/index.js` has the names.
    ///
    /// # Errors
    /// If the engine is not installed, or the folder cannot be made.
    pub fn new(fault: &str) -> anyhow::Result<Self> {
        ensure!(Path::new(NODE_MODULES).is_dir(), "run `npm ci` in the folder edge-worker first");
        let folder = tempfile::tempdir().context("cannot make a temporary directory")?;
        let settings = SETTINGS.replace("\"FAULT\": \"\"", &format!("\"FAULT\": \"{fault}\""));
        let build = folder.path().join("build");
        fs::create_dir(&build)
            .and_then(|()| fs::write(folder.path().join("wrangler.jsonc"), settings))
            .and_then(|()| fs::write(build.join("index.js"), MODULE))
            .and_then(|()| symlink(NODE_MODULES, folder.path().join("node_modules")))
            .context("cannot fill the edge's folder")?;
        Ok(Self(folder))
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The edge with this webhook secret, in front of an origin. The provider retries.
    #[must_use]
    pub fn builder(&self, secret: &str, origin: &Origin) -> LocalEdgeBuilder {
        LocalEdge::builder(self.path())
            .setting("WEBHOOK_SECRETS", secret)
            .setting("EDGE_SIGNING_SECRET", "edge-secret")
            .setting("DELIVERY", "through")
            .setting("ORIGIN_URL", origin.url())
    }
}
