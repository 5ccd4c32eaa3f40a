//! The worker's settings, on their way into the engine.

use std::collections::BTreeMap;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::workerd::{self, Setting};
use crate::wrangler::Wrangler;

/// What a setting was set to, in place of what the file says.
pub(crate) enum Chosen {
    Text(Zeroizing<String>),
    Json(Value),
    Nothing,
}

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
    pub(crate) fn merge(wrangler: &Wrangler, chosen: BTreeMap<String, Chosen>) -> Self {
        let mut settings = Self::default();
        for (name, value) in &wrangler.vars {
            if chosen.contains_key(name) {
                continue;
            }
            match value.as_str() {
                Some(text) => settings.add_text(name.clone(), Zeroizing::new(text.to_owned())),
                None => settings.add_json(name.clone(), value),
            }
        }
        for (name, value) in chosen {
            match value {
                Chosen::Text(text) => settings.add_text(name, text),
                Chosen::Json(value) => settings.add_json(name, &value),
                Chosen::Nothing => {}
            }
        }
        settings
    }

    fn add_text(&mut self, name: String, text: Zeroizing<String>) {
        self.environment.push((workerd::variable(&name), text));
        self.configured.insert(name, Setting::Text);
    }

    fn add_json(&mut self, name: String, value: &Value) {
        self.configured.insert(name, Setting::Json(value.to_string()));
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
            ("B".to_owned(), Chosen::Text(Zeroizing::new("chosen".to_owned()))),
            ("C".to_owned(), Chosen::Nothing),
            ("D".to_owned(), Chosen::Text(Zeroizing::new("new".to_owned()))),
            ("E".to_owned(), Chosen::Json(Value::from("a text"))),
        ]);
        let settings = EdgeSettings::merge(&wrangler, chosen);
        let names: Vec<_> = settings.configured.keys().map(String::as_str).collect();
        assert_eq!(names, ["A", "B", "D", "E", "N"]);
        assert!(matches!(&settings.configured["N"], Setting::Json(json) if json == "5"));
        assert!(matches!(&settings.configured["E"], Setting::Json(json) if json == "\"a text\""));
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
