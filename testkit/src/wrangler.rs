//! The parts of `wrangler.jsonc` that a local run needs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use jsonc_parser::{ParseOptions, parse_to_serde_value};
use serde::Deserialize;
use serde_json::Value;

/// The parts of `wrangler.jsonc` that a local run needs. What else is in the file is ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct Wrangler {
    pub(crate) name: String,
    pub(crate) compatibility_date: String,
    #[serde(default)]
    pub(crate) compatibility_flags: Vec<String>,
    #[serde(default)]
    pub(crate) vars: BTreeMap<String, Value>,
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
        Self::parse(&text).with_context(|| format!("{} is malformed", path.display()))
    }

    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        // What wrangler itself takes: JSON with comments and trailing commas, and nothing looser.
        let options = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        Ok(parse_to_serde_value(text, &options)?)
    }

    pub(crate) fn durable_objects(&self) -> &[DurableObject] {
        &self.durable_objects.bindings
    }

    /// Takes the binding of a Durable Object out.
    pub(crate) fn remove_durable_object(&mut self, name: &str) {
        self.durable_objects.bindings.retain(|object| object.name != name);
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
        let wrangler = Wrangler::parse(
            r#"
            // A comment.
            {
              "name": "edge",
              "main": "build/index.js",
              "compatibility_date": "2026-04-01",
              "vars": {
                "ORIGIN_URL": "http://127.0.0.1:1/", // Another one.
                /* "WEBHOOK_PATH": "/", */
                "RETENTION_HOURS": 72,
              },
              "durable_objects": { "bindings": [{ "name": "LEDGER", "class_name": "Ledger" }] },
              "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Ledger"] }],
              "observability": { "enabled": true }
            }
            "#,
        )
        .unwrap();
        assert_eq!(wrangler.name, "edge");
        assert!(wrangler.compatibility_flags.is_empty());
        assert_eq!(wrangler.vars["ORIGIN_URL"].as_str(), Some("http://127.0.0.1:1/"));
        assert_eq!(wrangler.vars["RETENTION_HOURS"].as_u64(), Some(72));
        assert_eq!(wrangler.vars.len(), 2);
        assert_eq!(wrangler.durable_objects()[0].name, "LEDGER");
        assert!(wrangler.has_sqlite("Ledger"));
        assert!(!wrangler.has_sqlite("Other"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Wrangler::read(Path::new("nowhere/wrangler.jsonc")).unwrap_err();
        assert!(error.to_string().contains("nowhere/wrangler.jsonc"), "{error}");
    }

    #[test]
    fn what_wrangler_would_refuse_is_refused() {
        for text in ["", "{", "name = 'edge'", "{name: 'edge'}", r#"{"name": 5}"#] {
            assert!(Wrangler::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_worker_s_own_file_is_read() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../edge-worker/wrangler.jsonc");
        let wrangler = Wrangler::read(&file).unwrap();
        assert_eq!(wrangler.compatibility_flags, ["global_fetch_strictly_public"]);
        assert!(wrangler.has_sqlite("Ledger"));
    }

    /// Whoever takes the slashes from an example gets a file that can be read.
    #[test]
    fn every_example_in_the_worker_s_own_file_is_well_formed() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../edge-worker/wrangler.jsonc");
        let text = std::fs::read_to_string(file).unwrap();
        let example = "\n    // \"";
        let wrangler = Wrangler::parse(&text.replace(example, "\n    \"")).unwrap();
        assert_eq!(wrangler.vars.len(), text.matches(example).count());
        assert_eq!(wrangler.vars["LEDGER_SHARDS"].as_u64(), Some(16));
    }
}
