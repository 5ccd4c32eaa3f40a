//! JSON whose values stay raw text until somebody asks for them: amounts keep their digits, and no reader is generated
//! per struct, which counts in WASM. The edge reads its own messages with it as well.
//!
//! `serde_json` says where a value ends and whether it is sound. Its visitors stay out: with their messages about values
//! of the wrong kind come two ways to write floating point numbers, a tenth of the edge's code.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::Chars;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

/// The members of an object, in their order: names, and values as they stand in the text. `None` if the document is
/// none, or not sound.
#[must_use]
pub fn members(document: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    let mut members = Vec::new();
    for_each(document, ['{', '}'], &mut |rest| {
        let (name, rest) = split_name(rest)?;
        let (value, rest) = split_value(trim_start(rest).strip_prefix(':')?)?;
        members.push((unescape(name)?, value));
        Some(rest)
    })?;
    Some(members)
}

/// The values of an array, as they stand in the text. `None` as for [`members`].
#[must_use]
pub fn items(document: &str) -> Option<Vec<&str>> {
    let mut items = Vec::new();
    for_each(document, ['[', ']'], &mut |rest| {
        let (item, rest) = split_value(rest)?;
        items.push(item);
        Some(rest)
    })?;
    Some(items)
}

/// A text, without a copy where it has no escapes. `None` as for [`members`].
#[must_use]
pub fn text(document: &str) -> Option<Cow<'_, str>> {
    unescape(document.trim_matches(WHITE_SPACE))
}

/// The document without the white space around it. `None` if it is not sound.
#[must_use]
pub fn value(document: &str) -> Option<&str> {
    let (value, rest) = split_value(document)?;
    trim_start(rest).is_empty().then_some(value)
}

/// Goes through what stands between two brackets with commas. `take` takes one element off the front, and returns the
/// rest.
fn for_each<'a>(
    document: &'a str,
    [open, close]: [char; 2],
    take: &mut dyn FnMut(&'a str) -> Option<&'a str>,
) -> Option<()> {
    let mut rest = trim_start(trim_start(document).strip_prefix(open)?);
    if !rest.starts_with(close) {
        rest = trim_start(take(rest)?);
        while let Some(after) = rest.strip_prefix(',') {
            rest = trim_start(take(after)?);
        }
    }
    trim_start(rest.strip_prefix(close)?).is_empty().then_some(())
}

/// The first value, which is sound, and what follows it.
fn split_value(text: &str) -> Option<(&str, &str)> {
    let text = trim_start(text);
    let mut values = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    text.split_at_checked(values.byte_offset())
}

/// The name in front and what follows it. Whether it is sound, [`unescape`] sees: names are many, and `serde_json` would
/// look at each once more.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let text = trim_start(text);
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    text.split_at_checked(end.checked_add(2)?)
}

const WHITE_SPACE: [char; 4] = [' ', '\n', '\r', '\t'];

fn trim_start(text: &str) -> &str {
    match text.as_bytes() {
        [b' ' | b'\n' | b'\r' | b'\t', ..] => text.trim_start_matches(WHITE_SPACE),
        // As nearly always.
        _ => text,
    }
}

/// A value as a text. `None` if it is none, or is not sound, or has half of a surrogate pair.
fn unescape(value: &str) -> Option<Cow<'_, str>> {
    let mut rest = value.strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = |text: &str| text.bytes().all(|byte| byte >= b' ' && byte != b'"');
    if !rest.contains('\\') {
        return is_plain(rest).then_some(Cow::Borrowed(rest));
    }
    let mut text = String::with_capacity(rest.len());
    while let Some((plain, escape)) = rest.split_once('\\') {
        if !is_plain(plain) {
            return None;
        }
        text.push_str(plain);
        let mut characters = escape.chars();
        let character = match characters.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => utf16(&mut characters)?,
            itself @ ('"' | '\\' | '/') => itself,
            _ => return None,
        };
        text.push(character);
        rest = characters.as_str();
    }
    text.push_str(rest);
    is_plain(rest).then_some(Cow::Owned(text))
}

/// The character that stands behind `\u`, in one escape or in two.
fn utf16(characters: &mut Chars<'_>) -> Option<char> {
    let unit = |text: &str| {
        let digits = text.get(..4)?;
        // `from_str_radix` would take a sign.
        let is_unit = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_unit.then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let (first, rest) = characters.as_str().split_at_checked(4)?;
    let pair = [unit(first)?, rest.strip_prefix("\\u").and_then(unit).unwrap_or_default()];
    let character = char::decode_utf16(pair).next()?.ok()?;
    let second = if character.len_utf16() == 2 { 6 } else { 0 };
    *characters = rest.get(second..)?.chars();
    Some(character)
}

/// The fields of an object. Of two with one name, the last one counts.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Object<'a> {
    /// Reads the document, if it is an object.
    pub(crate) fn read(document: &'a [u8]) -> Option<Self> {
        members(str::from_utf8(document).ok()?).map(Self)
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

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

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

    /// What a document is as an object, as an array, and as a text.
    type Reading = (Option<Vec<(String, String)>>, Option<Vec<String>>, Option<String>);

    /// By `serde_json` alone.
    fn by_serde(document: &str) -> Reading {
        struct Members;
        impl<'de> serde::de::Visitor<'de> for Members {
            type Value = Vec<(String, String)>;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    members.push((name, value.get().into()));
                }
                Ok(members)
            }
        }
        let mut reader = Deserializer::from_str(document);
        let members = serde::Deserializer::deserialize_map(&mut reader, Members);
        let items = serde_json::from_str::<Vec<&RawValue>>(document).ok();
        (
            members.ok().filter(|_| reader.end().is_ok()),
            items.map(|items| items.iter().map(|item| item.get().into()).collect()),
            serde_json::from_str(document).ok(),
        )
    }

    fn by_us(document: &str) -> Reading {
        let members = members(document);
        (
            members.map(|it| {
                it.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
            }),
            items(document).map(|items| items.into_iter().map(String::from).collect()),
            text(document).map(Cow::into_owned),
        )
    }

    /// Documents, and whatever one wrong byte makes of them.
    #[test]
    fn serde_json_reads_the_same() {
        let documents = [
            r#" {"a": -1.5e+3, "b\u0063":"x\n","":[{}, [] ,null],"d":{"e":"}\""},"f":true,"f":false} "#,
            r#"{"\\":1,"c\"\\":[2]}"#,
            "[ ]",
            "{ }",
            r#"["a\\", 10 ,0.1E-7,{"b":[1,2]},"\ud83d\ude00é",false]"#,
            r#"  "\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00 é" "#,
        ];
        let bytes = b"{}[]\",:\\u0dDeE+-.1tn \n\x01";
        let mut sound = 0;
        for document in documents {
            assert_ne!(by_us(document), (None, None, None), "{document}");
            for (at, _) in document.char_indices() {
                let (before, after) = document.split_at(at);
                let rest = after.get(1..).unwrap_or(after);
                let changed = bytes.iter().map(|it| char::from(*it));
                let changed = changed.flat_map(|it| {
                    [alloc::format!("{before}{it}{rest}"), alloc::format!("{before}{it}{after}")]
                });
                for document in changed.chain([alloc::format!("{before}{rest}"), before.into()]) {
                    let ours = by_us(&document);
                    assert_eq!(ours, by_serde(&document), "{document}");
                    sound += usize::from(ours != (None, None, None));
                }
            }
        }
        assert!(sound > 1_000, "{sound}");
    }
}
