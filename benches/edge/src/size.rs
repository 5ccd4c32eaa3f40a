//! How large the worker is.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Sizes in bytes, but for the upload, which wrangler gives in KiB.
#[derive(Clone, Debug, Default)]
pub(crate) struct Size {
    /// The WASM module.
    pub(crate) wasm: u64,
    /// The JavaScript around it.
    pub(crate) javascript: u64,
    /// All that is uploaded, as wrangler compresses it, in KiB.
    pub(crate) upload_kib: f64,
}

/// Looks at the bundle, and asks wrangler what it would upload.
///
/// # Errors
/// If the worker is not built or wrangler not installed.
pub(crate) fn measure(edge_dir: &Path) -> anyhow::Result<Size> {
    let bytes =
        |name: &str| Ok::<_, std::io::Error>(edge_dir.join("build").join(name).metadata()?.len());
    let output = Command::new("node_modules/.bin/wrangler")
        .args(["deploy", "--dry-run"])
        .current_dir(edge_dir)
        .env("WRANGLER_SEND_METRICS", "false")
        .output()
        .context("cannot run wrangler")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrangler: {printed}");
    // `Total Upload: 289.00 KiB / gzip: 114.00 KiB`
    let upload = printed.split_once("gzip: ").and_then(|(_, rest)| rest.split(' ').next());
    let upload_kib = upload.context("wrangler does not say how large the upload is")?.parse()?;
    Ok(Size { wasm: bytes("nextapi_edge_bg.wasm")?, javascript: bytes("index.js")?, upload_kib })
}
