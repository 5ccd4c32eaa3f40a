//! The engine's configuration, written from the worker's own `wrangler.jsonc`.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::wrangler::Wrangler;

/// The name of the configuration file.
pub(crate) const CONFIG: &str = "edge.capnp";
/// The module that exports the worker.
const MAIN_MODULE: &str = "index.js";

/// A binding that is not a Durable Object.
pub(crate) enum Setting {
    /// A text. It reaches the engine through an environment variable, so that no secret is written
    /// to a file.
    Text,
    /// A JSON value, as variables in `wrangler.jsonc` are that are not texts.
    Json(String),
}

/// The environment variable of the engine's process that carries a setting.
pub(crate) fn variable(setting: &str) -> String {
    format!("EDGE_SETTING_{setting}")
}

/// The file that holds the module of a service.
pub(crate) fn service_module(name: &str) -> String {
    format!("service-{name}.js")
}

/// Finds the engine that npm has installed for this platform.
pub(crate) fn find_engine(edge_dir: &Path) -> anyhow::Result<PathBuf> {
    let scope = edge_dir.join("node_modules/@cloudflare");
    let is_engine = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str);
        name.is_some_and(|name| name.starts_with("workerd-"))
    };
    fs::read_dir(&scope)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_engine)
        .map(|package| package.join("bin/workerd"))
        .find(|engine| engine.is_file())
        .with_context(|| {
            format!(
                "no engine at {}/workerd-*/bin/workerd: run `npm ci` in {}",
                scope.display(),
                edge_dir.display()
            )
        })
}

/// Copies the bundle from `build` into `target` and gives the modules' names, the main one first. A
/// copy, because the engine embeds files only from below its configuration, and because a build
/// that runs at the same time must not change what is being tested.
pub(crate) fn copy_modules(build: &Path, target: &Path) -> anyhow::Result<Vec<String>> {
    let not_built =
        || format!("no bundle at {}: build the worker first", build.join(MAIN_MODULE).display());
    let mut modules = Vec::new();
    for entry in fs::read_dir(build).with_context(not_built)? {
        let path = entry.with_context(not_built)?.path();
        let Some(name) = path.file_name().and_then(OsStr::to_str) else { continue };
        if module_kind(name).is_some() {
            fs::copy(&path, target.join(name))
                .with_context(|| format!("cannot copy {}", path.display()))?;
            modules.push(name.to_owned());
        }
    }
    modules.sort_by_key(|name| (name != MAIN_MODULE, name.clone()));
    if modules.first().is_none_or(|name| name != MAIN_MODULE) {
        bail!(not_built());
    }
    Ok(modules)
}

fn module_kind(name: &str) -> Option<&'static str> {
    match Path::new(name).extension()?.to_str()? {
        "js" | "mjs" => Some("esModule"),
        "wasm" => Some("wasm"),
        _ => None,
    }
}

/// The configuration: one worker, the services bound to it, one socket (its address comes on the
/// command line), one directory for the Durable Objects (so does its path), and a way out to any host,
/// this one included.
pub(crate) fn config(
    wrangler: &Wrangler,
    modules: &[String],
    settings: &BTreeMap<String, Setting>,
    services: &[&str],
) -> anyhow::Result<String> {
    let modules: Vec<_> = modules
        .iter()
        .filter_map(|name| {
            let name_text = text(name);
            module_kind(name)
                .map(|kind| format!("(name = {name_text}, {kind} = embed {name_text})"))
        })
        .collect();

    let mut bindings = Vec::new();
    let mut namespaces = Vec::new();
    for object in wrangler.durable_objects() {
        let class = text(&object.class_name);
        bindings.push(format!("(name = {}, durableObjectNamespace = {class})", text(&object.name)));
        namespaces.push(format!(
            "(className = {class}, uniqueKey = {}, enableSql = {})",
            text(&format!("{}-{}", wrangler.name, object.class_name)),
            wrangler.has_sqlite(&object.class_name)
        ));
    }
    for (name, setting) in settings {
        check_name(name)?;
        let value = match setting {
            Setting::Text => format!("fromEnvironment = {}", text(&variable(name))),
            Setting::Json(json) => format!("json = {}", text(json)),
        };
        bindings.push(format!("(name = {}, {value})", text(name)));
    }
    let mut workers = String::new();
    for name in services {
        check_name(name)?;
        let (name, module) = (text(name), text(&service_module(name)));
        bindings.push(format!("(name = {name}, service = {name})"));
        let worker = format!(
            "(modules = [(name = {module}, esModule = embed {module})], compatibilityDate = {})",
            text(&wrangler.compatibility_date)
        );
        // Writing to a `String` cannot fail.
        let _ = write!(workers, "(name = {name}, worker = {worker}),\n    ");
    }

    let storage = if namespaces.is_empty() { "none = void" } else { "localDisk = \"storage\"" };
    let flags: Vec<_> = wrangler.compatibility_flags.iter().map(|flag| text(flag)).collect();
    // A reference needs a space before its dot: `worker = .edge`.
    Ok(format!(
        r#"using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "storage", disk = (writable = true)),
    {workers}(name = "network", network = (allow = ["public", "private"],
      tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", http = (), service = "edge")],
);

const edge :Workerd.Worker = (
  modules = [{}],
  compatibilityDate = {},
  compatibilityFlags = [{}],
  bindings = [{}],
  durableObjectNamespaces = [{}],
  durableObjectStorage = ({storage}),
  globalOutbound = "network",
);
"#,
        modules.join(", "),
        text(&wrangler.compatibility_date),
        flags.join(", "),
        bindings.join(", "),
        namespaces.join(", "),
    ))
}

fn check_name(name: &str) -> anyhow::Result<()> {
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        bail!("{name:?} cannot be the name of a binding: only letters, digits and _ can");
    }
    Ok(())
}

/// A text literal of the configuration language, which has the escapes of C.
fn text(value: &str) -> String {
    let mut literal = String::from("\"");
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => {
                literal.push('\\');
                literal.push(char::from(byte));
            }
            b' '..=b'~' => literal.push(char::from(byte)),
            // Writing to a `String` cannot fail.
            _ => drop(write!(literal, "\\x{byte:02x}")),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrangler() -> Wrangler {
        Wrangler::parse(
            r#"{"name": "edge", "compatibility_date": "2026-04-01", "compatibility_flags": ["a_flag"]}"#,
        )
        .unwrap()
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(text("a\"b\\c\nü"), r#""a\"b\\c\x0a\xc3\xbc""#);
    }

    #[test]
    fn texts_come_from_the_environment() {
        let settings = BTreeMap::from([
            ("WEBHOOK_SECRETS".to_owned(), Setting::Text),
            ("LIMIT".to_owned(), Setting::Json("5".to_owned())),
        ]);
        let config = config(&wrangler(), &["index.js".to_owned()], &settings, &[]).unwrap();
        assert!(config.contains(r#"fromEnvironment = "EDGE_SETTING_WEBHOOK_SECRETS""#), "{config}");
        assert!(config.contains(r#"(name = "LIMIT", json = "5")"#), "{config}");
    }

    #[test]
    fn compatibility_flags_are_passed_on() {
        let config = config(&wrangler(), &[], &BTreeMap::new(), &[]).unwrap();
        assert!(config.contains(r#"compatibilityFlags = ["a_flag"],"#), "{config}");
    }

    #[test]
    fn a_bad_name_is_refused() {
        let settings = BTreeMap::from([("A B".to_owned(), Setting::Text)]);
        let error = config(&wrangler(), &[], &settings, &[]).unwrap_err();
        assert!(error.to_string().contains("\"A B\""), "{error}");
        let error = config(&wrangler(), &[], &BTreeMap::new(), &["../A"]).unwrap_err();
        assert!(error.to_string().contains("\"../A\""), "{error}");
    }

    #[test]
    fn a_service_is_a_worker_and_a_binding() {
        let config = config(&wrangler(), &[], &BTreeMap::new(), &["OTHER"]).unwrap();
        assert!(config.contains(r#"(name = "OTHER", service = "OTHER")"#), "{config}");
        assert!(config.contains(r#"embed "service-OTHER.js")]"#), "{config}");
    }

    #[test]
    fn the_main_module_comes_first_and_must_be_there() {
        let build = tempfile::tempdir().unwrap();
        let target = tempfile::tempdir().unwrap();
        for name in ["a.wasm", "a.js", "index.d.ts"] {
            fs::write(build.path().join(name), "").unwrap();
        }
        let error = copy_modules(build.path(), target.path()).unwrap_err();
        assert!(error.to_string().contains("build the worker first"), "{error}");

        fs::write(build.path().join("index.js"), "").unwrap();
        let modules = copy_modules(build.path(), target.path()).unwrap();
        assert_eq!(modules, ["index.js", "a.js", "a.wasm"]);
        assert!(target.path().join("a.wasm").is_file());
    }

    #[test]
    fn a_missing_engine_says_what_to_do() {
        let error = find_engine(Path::new("nowhere")).unwrap_err();
        assert!(error.to_string().contains("npm ci"), "{error}");
    }
}
