//! The worker's settings, on their way into the engine.

use std::collections::BTreeMap;

use anyhow::Context as _;
use zeroize::Zeroizing;

use crate::workerd::{self, Setting};
use crate::wrangler::Wrangler;

/// What the engine is told about settings: the configuration names them, the environment has the
/// texts.
#[derive(Default)]
pub(crate) struct EdgeSettings {
    /// What the configuration says of each setting.
    pub(crate) configured: BTreeMap<String, Setting>,
    /// The engine's environment.
    pub(crate) environment: Vec<(String, Zeroizing<String>)>,
}

impl EdgeSettings {
    /// Merges the variables of `wrangler.jsonc` with what the builder was told.
    pub(crate) fn merge(
        wrangler: &Wrangler,
        chosen: BTreeMap<String, Option<Zeroizing<String>>>,
    ) -> anyhow::Result<Self> {
        let mut settings = Self::default();
        for (name, value) in &wrangler.vars {
            if chosen.contains_key(name) {
                continue;
            }
            if let Some(text) = value.as_str() {
                settings.add_text(name.clone(), Zeroizing::new(text.to_owned()));
            } else {
                let json = serde_json::to_string(value)
                    .with_context(|| format!("the variable {name} of wrangler.jsonc"))?;
                settings.configured.insert(name.clone(), Setting::Json(json));
            }
        }
        for (name, value) in chosen {
            if let Some(text) = value {
                settings.add_text(name, text);
            }
        }
        Ok(settings)
    }

    fn add_text(&mut self, name: String, text: Zeroizing<String>) {
        self.environment.push((workerd::variable(&name), text));
        self.configured.insert(name, Setting::Text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_replaces_what_is_in_the_file() {
        let wrangler = Wrangler::parse(
            r#"{
              "name": "e", "compatibility_date": "2026-04-01",
              "vars": { "A": "a", "B": "b", "C": "c", "N": 5 }
            }"#,
        )
        .unwrap();
        let chosen = BTreeMap::from([
            ("B".to_owned(), Some(Zeroizing::new("chosen".to_owned()))),
            ("C".to_owned(), None),
            ("D".to_owned(), Some(Zeroizing::new("new".to_owned()))),
        ]);
        let settings = EdgeSettings::merge(&wrangler, chosen).unwrap();
        let names: Vec<_> = settings.configured.keys().map(String::as_str).collect();
        assert_eq!(names, ["A", "B", "D", "N"]);
        assert!(matches!(&settings.configured["N"], Setting::Json(json) if json == "5"));
        let environment: BTreeMap<_, _> = settings
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let expected =
            [("EDGE_SETTING_A", "a"), ("EDGE_SETTING_B", "chosen"), ("EDGE_SETTING_D", "new")];
        assert_eq!(environment, BTreeMap::from(expected));
    }
}
