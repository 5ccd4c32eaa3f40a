//! The parts of `wrangler.toml` that a local run needs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

/// The parts of `wrangler.toml` that a local run needs. What else is in the file is ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct Wrangler {
    pub(crate) name: String,
    pub(crate) compatibility_date: String,
    #[serde(default)]
    pub(crate) compatibility_flags: Vec<String>,
    #[serde(default)]
    pub(crate) vars: BTreeMap<String, toml::Value>,
    #[serde(default)]
    durable_objects: DurableObjects,
    #[serde(default)]
    migrations: Vec<Migration>,
}

#[derive(Debug, Default, Deserialize)]
struct DurableObjects {
    #[serde(default)]
    bindings: Vec<DurableObject>,
}

/// A Durable Object class and the name it is bound to.
#[derive(Debug, Deserialize)]
pub(crate) struct DurableObject {
    pub(crate) name: String,
    pub(crate) class_name: String,
}

#[derive(Debug, Deserialize)]
struct Migration {
    #[serde(default)]
    new_sqlite_classes: Vec<String>,
}

impl Wrangler {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the worker's settings {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot make sense of {}", path.display()))
    }

    pub(crate) fn durable_objects(&self) -> &[DurableObject] {
        &self.durable_objects.bindings
    }

    /// Whether the class was created with SQLite storage.
    pub(crate) fn has_sqlite(&self, class: &str) -> bool {
        self.migrations
            .iter()
            .any(|migration| migration.new_sqlite_classes.iter().any(|sqlite| sqlite == class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_local_run_needs() {
        let wrangler: Wrangler = toml::from_str(
            r#"
            name = "edge"
            main = "build/index.js"
            compatibility_date = "2026-04-01"
            [vars]
            ORIGIN_URL = "http://127.0.0.1:1/"
            [[durable_objects.bindings]]
            name = "LEDGER"
            class_name = "Ledger"
            [[migrations]]
            tag = "v1"
            new_sqlite_classes = ["Ledger"]
            [observability]
            enabled = true
            "#,
        )
        .unwrap();
        assert_eq!(wrangler.name, "edge");
        assert!(wrangler.compatibility_flags.is_empty());
        assert_eq!(wrangler.vars["ORIGIN_URL"].as_str(), Some("http://127.0.0.1:1/"));
        assert_eq!(wrangler.durable_objects()[0].name, "LEDGER");
        assert!(wrangler.has_sqlite("Ledger"));
        assert!(!wrangler.has_sqlite("Other"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Wrangler::read(Path::new("nowhere/wrangler.toml")).unwrap_err();
        assert!(error.to_string().contains("nowhere/wrangler.toml"), "{error}");
    }
}
