//! The variables and bindings of a deployment, as the platform gives them.

use zeroize::Zeroizing;

use crate::json::{self, FromJson, Object, from_json_enum};

/// The setting that holds the keys of deliveries.
pub(super) const WEBHOOK_SECRETS: &str = "WEBHOOK_SECRETS";

/// The secrets in the text of a setting, each of which makes a key.
pub(super) fn split_secrets(text: &str) -> impl Iterator<Item = &str> {
    text.split_ascii_whitespace()
}

/// The variables and bindings of a deployment, by name.
#[derive(Default)]
pub struct RawSettings(Vec<(String, RawValue)>);

/// One of them.
pub(crate) enum RawValue {
    /// A text. It may be a secret, and is wiped when dropped.
    Text(Zeroizing<String>),
    /// A number, as JavaScript writes it.
    Number(String),
    /// Something else: a binding, or JSON of another type.
    Other,
}

from_json_enum!(RawValue { "text" => Text(value), "number" => Number(value), "other" => Other });

impl FromJson for RawSettings {
    fn from_json(raw: &str) -> Option<Self> {
        let mut settings = Vec::new();
        for (name, value) in Object::read(raw)?.iter() {
            settings.push((name.to_owned(), RawValue::from_json(value)?));
        }
        Some(Self(settings))
    }
}

impl RawSettings {
    /// Reads a JSON object: from name to `{"text":"…"}`, `{"number":"…"}` or, for anything else, `"other"`.
    ///
    /// # Errors
    /// If the text is not such an object.
    pub fn from_json(json: &str) -> Result<Self, &'static str> {
        let malformed = "malformed settings: expected an object of texts and numbers";
        json::read(json).ok_or(malformed)
    }

    /// The secrets of `WEBHOOK_SECRETS`, newest first, for another engine than the verifier. Whether they can
    /// be used, [`Settings::read`](crate::Settings::read) says.
    pub fn webhook_secrets(&self) -> impl Iterator<Item = &str> {
        let text = self.get(WEBHOOK_SECRETS).and_then(|value| match value {
            RawValue::Text(text) => Some(text.as_str()),
            RawValue::Number(_) | RawValue::Other => None,
        });
        text.into_iter().flat_map(split_secrets)
    }

    /// The value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().rfind(|(it, _)| it == name).map(|(_, value)| value)
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}
