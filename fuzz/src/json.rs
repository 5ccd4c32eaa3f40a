//! A JSON document as `serde_json` reads it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The depth at which `serde_json` gives up.
const SERDE_DEPTH: usize = 128;

/// A value. What is inside of one is read when it is asked for.
#[derive(Clone, Debug)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// A number as it stands in the document.
    Number(&'a str),
    /// A string, its escapes resolved.
    Text(Cow<'a, str>),
    /// An object, as it stands in the document.
    Object(&'a str),
    /// An array, `true` or `false`.
    Other,
}

impl<'a> Json<'a> {
    /// Reads a document, if all of it is one and it is not too deep for `serde_json`.
    #[must_use]
    pub fn read(document: &'a [u8]) -> Option<Self> {
        if depth(document) >= SERDE_DEPTH {
            return None;
        }
        let Sound = serde_json::from_slice(document).ok()?;
        Self::of(serde_json::from_slice(document).ok()?)
    }

    fn of(value: &'a RawValue) -> Option<Self> {
        let text = value.get();
        Some(match text.as_bytes().first()? {
            b'n' => Self::Null,
            b'"' => Self::Text(serde_json::from_str::<Text<'a>>(text).ok()?.0),
            b'{' => Self::Object(text),
            b'[' | b't' | b'f' => Self::Other,
            _ => Self::Number(text),
        })
    }
}

/// The names of the members that events are read from.
const NAMES: [&str; 9] =
    ["id", "type", "status", "data", "job", "job_id", "video_id", "cost_credits", "credits"];

/// The members of an object that have one of the names, and how many there are of each.
#[derive(Debug, Default)]
pub struct Members<'a>([(usize, Option<&'a RawValue>); NAMES.len()]);

impl<'a> Members<'a> {
    /// The members of a value, of which there are none if it is not an object.
    #[must_use]
    pub fn of(value: Option<&Json<'a>>) -> Self {
        match value {
            Some(Json::Object(text)) => serde_json::from_str(text).unwrap_or_default(),
            _ => Self::default(),
        }
    }

    /// The last member of one of the names that are read.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<Json<'a>> {
        Json::of(self.entry(name)?.1?)
    }

    /// How many members have that name, which is one of those that are read.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.entry(name).map_or(0, |entry| entry.0)
    }

    fn entry(&self, name: &str) -> Option<&(usize, Option<&'a RawValue>)> {
        NAMES.iter().position(|other| *other == name).map(|place| &self.0[place])
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(Text(name)) = map.next_key()? {
                    match NAMES.iter().position(|other| *other == name) {
                        Some(place) => {
                            let (count, last) = &mut members.0[place];
                            *count += 1;
                            *last = Some(map.next_value()?);
                        }
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A string, borrowed if it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Characters;
        impl<'de> Visitor<'de> for Characters {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Characters)
    }
}

/// Any value, read to its end and dropped. `IgnoredAny` lets escapes pass that are none.
struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self, A::Error> {
        while values.next_element::<Self>()?.is_some() {}
        Ok(Self)
    }

    /// A number comes here, too, as a map of one text.
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<Self, Self>()?.is_some() {}
        Ok(Self)
    }
}

/// Whether a text is written like a number.
#[must_use]
pub fn is_number(text: &str) -> bool {
    let is_value = serde_json::from_str::<&RawValue>(text).is_ok_and(|value| value.get() == text);
    is_value && text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
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
