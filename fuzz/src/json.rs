//! A JSON document as `serde_json` reads it.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The depth at which `serde_json` gives up.
const SERDE_DEPTH: usize = 128;

/// A value, with its members in order, repeated ones included, and its numbers as they are written.
/// `serde_json::Value` keeps neither.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number as it stands in the document.
    Number(String),
    /// A string, its escapes resolved.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a document, if it is one and is not too deep for `serde_json`.
    ///
    /// # Panics
    /// If what is read here value by value is not what `serde_json` reads in one go.
    #[must_use]
    pub fn read(document: &[u8]) -> Option<Self> {
        if depth(document) >= SERDE_DEPTH {
            return None;
        }
        let json = Self::read_value(document);
        match serde_json::from_slice::<serde_json::Value>(document) {
            Ok(_) => assert!(json.is_some(), "serde_json reads it"),
            Err(error) if error.to_string().starts_with("number out of range") => {}
            // Names that mean something to serde_json alone.
            Err(_) if document.windows(11).any(|name| name == b"$serde_json") => {}
            Err(error) => assert!(json.is_none(), "serde_json does not read it: {error}"),
        }
        json
    }

    fn read_value(text: &[u8]) -> Option<Self> {
        let text = serde_json::from_slice::<&RawValue>(text).ok()?.get();
        Some(match text.as_bytes().first()? {
            b'n' => Self::Null,
            b't' | b'f' => Self::Bool,
            b'"' => Self::Text(serde_json::from_str(text).ok()?),
            b'[' => {
                let values: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                let values =
                    values.into_iter().map(|value| Self::read_value(value.get().as_bytes()));
                Self::Array(values.collect::<Option<_>>()?)
            }
            b'{' => {
                let Members(members) = serde_json::from_str(text).ok()?;
                let members = members
                    .into_iter()
                    .map(|(name, value)| Some((name, Self::read_value(value.get().as_bytes())?)));
                Self::Object(members.collect::<Option<_>>()?)
            }
            _ => Self::Number(text.to_owned()),
        })
    }
}

/// The members of an object, repeated ones included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// How deep brackets and braces outside of strings are nested, at most. For what is not JSON it is
/// the depth that a reader can have come to before it noticed, or more.
#[must_use]
pub fn depth(document: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut inside_string = false;
    let mut bytes = document.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if inside_string => {
                bytes.next();
            }
            b'"' => inside_string = !inside_string,
            b'[' | b'{' if !inside_string => depth += 1,
            b']' | b'}' if !inside_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
