//! The variables and bindings of a deployment, as the platform gives them.

use std::collections::BTreeMap;

use serde_json::Value;
use zeroize::Zeroizing;

/// The variables and bindings of a deployment, by name.
#[derive(Default)]
pub struct RawSettings(BTreeMap<String, RawValue>);

/// One of them.
#[derive(Clone)]
pub(crate) enum RawValue {
    /// A text. It may be a secret, and is wiped when dropped.
    Text(Zeroizing<String>),
    /// A number, as it is written.
    Number(String),
    /// Something else: a binding, or JSON of another type.
    Other,
}

impl RawSettings {
    /// Reads a JSON object from name to text or number. Whatever else a variable or binding is may stand
    /// there as `null`.
    ///
    /// # Errors
    /// That it is no such object.
    pub fn from_json(json: &str) -> Result<Self, &'static str> {
        let values: BTreeMap<String, Value> =
            serde_json::from_str(json).map_err(|_| "malformed settings: expected a JSON object")?;
        let raw = |value| match value {
            Value::String(text) => RawValue::Text(Zeroizing::new(text)),
            Value::Number(number) => RawValue::Number(number.to_string()),
            _ => RawValue::Other,
        };
        Ok(Self(values.into_iter().map(|(name, value)| (name, raw(value))).collect()))
    }

    /// The value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.get(name)
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
