//! JSON whose values stay raw text until somebody asks for them: amounts keep their digits, and no reader is generated
//! per struct, which counts in WASM. The edge reads its own messages with it as well.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, in their order: names, and values as they stand in the text. `None` if the document is
/// none, or not sound.
#[must_use]
pub fn members(document: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    serde_json::from_str(document).ok().map(|Object(members)| members)
}

/// The values of an array, as they stand in the text. `None` as for [`members`].
#[must_use]
pub fn items(document: &str) -> Option<Vec<&str>> {
    serde_json::from_str(document).ok().map(|Array(items)| items)
}

/// A text, without a copy where it has no escapes. `None` as for [`members`].
#[must_use]
pub fn text(document: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str(document).ok().map(|Text(text)| text)
}

/// The fields of an object. Of two with one name, the last one counts.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Object<'a> {
    /// Reads the document, if it is an object.
    pub(crate) fn read(document: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(document).ok()
    }

    /// The raw value of a field. `null` is as good as absent.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().rfind(|(it, _)| it == name)?;
        (*value != "null").then_some(*value)
    }

    pub(crate) fn object(&self, name: &str) -> Option<Self> {
        Self::read(self.raw(name)?.as_bytes())
    }

    /// The items of an array, raw.
    pub(crate) fn array(&self, name: &str) -> Option<Vec<&'a str>> {
        items(self.raw(name)?)
    }

    /// A text that is not empty: an empty one counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<Box<str>> {
        let text = text(self.raw(name)?)?;
        (!text.is_empty()).then(|| text.into())
    }

    pub(crate) fn whole_number(&self, name: &str) -> Option<u64> {
        self.raw(name)?.parse().ok()
    }
}

struct Text<'a>(Cow<'a, str>);
struct Array<'a>(Vec<&'a str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(Text(name)) = map.next_key()? {
                    fields.push((name, map.next_value::<&RawValue>()?.get()));
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl<'de> Deserialize<'de> for Array<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Array<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Array<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element::<&RawValue>()? {
                    items.push(item.get());
                }
                Ok(Array(items))
            }
        }
        deserializer.deserialize_seq(Items)
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Characters;
        impl<'de> Visitor<'de> for Characters {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.into())))
            }
        }
        deserializer.deserialize_str(Characters)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn values_keep_their_digits_and_escapes_are_resolved() {
        let object = Object::read(
            br#" {"a": 1.050, "b\u0063":"x\n", "e":"", "n":null, "o":{"p":[1, {}]}} "#,
        );
        let object = object.unwrap();
        assert_eq!(object.raw("a"), Some("1.050"));
        assert_eq!(object.text("bc").as_deref(), Some("x\n"));
        assert_eq!((object.text("e"), object.raw("n")), (None, None));
        assert_eq!(object.object("o").unwrap().array("p"), Some(alloc::vec!["1", "{}"]));
    }

    #[test]
    fn the_last_field_of_a_name_counts_and_other_documents_are_none() {
        assert_eq!(Object::read(br#"{"a":1,"a":2}"#).unwrap().whole_number("a"), Some(2));
        for document in ["", "[]", "1", "{", r#"{"a":}"#, r#"{"a":1}x"#, "{\"a\":\"\x01\"}"] {
            assert!(Object::read(document.as_bytes()).is_none(), "{document}");
        }
        let deep: String = "[".repeat(100_000);
        assert!(Object::read(alloc::format!("{{\"a\":{deep}}}").as_bytes()).is_none());
    }
}
