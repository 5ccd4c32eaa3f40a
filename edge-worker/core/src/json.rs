//! Reading JSON: messages, rows and settings, which this crate or the platform's half has written.
//!
//! Values stay raw text until somebody asks for them by name, and an error says no more than that there is one. In
//! WASM that takes a fifth of what serde's readers take, which are generated for each struct.

use std::borrow::Cow;

use nextapi_client::json::{items, members, text, value};
use zeroize::Zeroizing;

/// A type that is read from JSON.
pub(crate) trait FromJson: Sized {
    /// Reads a value that is sound JSON; none if it is another one than expected.
    fn from_json(raw: &str) -> Option<Self>;
}

/// Reads a document.
pub(crate) fn read<T: FromJson>(text: &str) -> Option<T> {
    // Of what lies within, each part is looked at when it is asked for; the whole has to be sound.
    T::from_json(value(text)?)
}

/// The members of an object, in their order. Of two with one name, the last one counts.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Object<'a> {
    pub(crate) fn read(raw: &'a str) -> Option<Self> {
        members(raw).map(Self)
    }

    /// All names, each with its value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, raw)| (name.as_ref(), *raw))
    }

    /// A member as it stands in the text.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rfind(|(it, _)| it == name).map(|(_, raw)| *raw)
    }

    /// A member that must be there.
    pub(crate) fn required<T: FromJson>(&self, name: &str) -> Option<T> {
        T::from_json(self.raw(name)?)
    }

    /// A member that has a default. One that is there has to be sound.
    pub(crate) fn or_default<T: FromJson + Default>(&self, name: &str) -> Option<T> {
        self.raw(name).map_or_else(|| Some(T::default()), T::from_json)
    }
}

/// A variant of an enum, as serde writes it: its name alone, or an object from its name to its content.
pub(crate) fn variant(raw: &str) -> Option<(Cow<'_, str>, &str)> {
    if raw.starts_with('"') {
        return Some((text(raw)?, "null"));
    }
    let [(name, content)] = Object::read(raw)?.0.try_into().ok()?;
    Some((name, content))
}

/// Implements [`FromJson`] for a struct: by its members, which are `required` or `or_default`, under their own
/// names or others.
macro_rules! from_json {
    ($type:ty { $($field:ident $(as $name:literal)? = $how:ident),* $(,)? }) => {
        impl $crate::json::FromJson for $type {
            fn from_json(raw: &str) -> Option<Self> {
                let object = $crate::json::Object::read(raw)?;
                Some(Self {
                    $($field: object.$how($crate::json::from_json!(@name $field $($name)?))?,)*
                })
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
}
pub(crate) use from_json;

/// The same for an enum, whose variants are units, structs, or have one value.
macro_rules! from_json_enum {
    ($type:ty { $($name:literal => $variant:ident $({ $($field:ident = $how:ident),* $(,)? })? $(($value:ident))?),* $(,)? }) => {
        impl $crate::json::FromJson for $type {
            fn from_json(raw: &str) -> Option<Self> {
                let (name, content) = $crate::json::variant(raw)?;
                match name.as_ref() {
                    $($name => $crate::json::from_json_enum!(
                        @ content $variant $({ $($field = $how),* })? $(($value))?
                    ),)*
                    _ => None,
                }
            }
        }
    };
    (@ $content:ident $variant:ident) => { ($content == "null").then_some(Self::$variant) };
    (@ $content:ident $variant:ident ($value:ident)) => {
        $crate::json::FromJson::from_json($content).map(Self::$variant)
    };
    (@ $content:ident $variant:ident { $($field:ident = $how:ident),* }) => {{
        let object = $crate::json::Object::read($content)?;
        Some(Self::$variant { $($field: object.$how(stringify!($field))?),* })
    }};
}
pub(crate) use from_json_enum;

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl FromJson for $number {
            fn from_json(raw: &str) -> Option<Self> {
                raw.parse().ok()
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64, i64, usize);

impl FromJson for bool {
    fn from_json(raw: &str) -> Option<Self> {
        raw.parse().ok()
    }
}

impl FromJson for String {
    fn from_json(raw: &str) -> Option<Self> {
        text(raw).map(Cow::into_owned)
    }
}

impl FromJson for Box<str> {
    fn from_json(raw: &str) -> Option<Self> {
        text(raw).map(Into::into)
    }
}

impl FromJson for Zeroizing<String> {
    fn from_json(raw: &str) -> Option<Self> {
        String::from_json(raw).map(Self::new)
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(raw: &str) -> Option<Self> {
        if raw == "null" { Some(None) } else { T::from_json(raw).map(Some) }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(raw: &str) -> Option<Self> {
        let mut values = Self::new();
        for value in items(raw)? {
            values.push(T::from_json(value)?);
        }
        Some(values)
    }
}

impl<A: FromJson, B: FromJson> FromJson for (A, B) {
    fn from_json(raw: &str) -> Option<Self> {
        let [first, second] = items(raw)?.try_into().ok()?;
        Some((A::from_json(first)?, B::from_json(second)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Sample {
        id: String,
        count: u32,
        flags: Vec<bool>,
        pair: Option<(u64, i64)>,
    }

    from_json!(Sample { id as "name" = required, count = required, flags = or_default, pair = or_default });

    #[test]
    fn members_are_read_by_name_and_others_are_passed_over() {
        let text = r#" {"x":[{}], "na\u006de":"a\n", "count":1, "count":7, "flags":[true,false], "pair":[1,-2]} "#;
        let expected = Sample {
            id: "a\n".to_owned(),
            count: 7,
            flags: vec![true, false],
            pair: Some((1, -2)),
        };
        assert_eq!(read(text), Some(expected));
        let least = Sample { id: "a".to_owned(), ..Sample::default() };
        assert_eq!(read(r#"{"name":"a","count":0,"pair":null}"#), Some(least));
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_refused() {
        for text in [
            "",
            "null",
            "[]",
            r#"{"name":"a"}"#,
            r#"{"count":1}"#,
            r#"{"name":null,"count":1}"#,
            r#"{"name":7,"count":1}"#,
            r#"{"name":"a","count":-1}"#,
            r#"{"name":"a","count":1.0}"#,
            r#"{"name":"a","count":"1"}"#,
            r#"{"name":"a","count":4294967296}"#,
            r#"{"name":"a","count":1,"flags":null}"#,
            r#"{"name":"a","count":1,"flags":[1]}"#,
            r#"{"name":"a","count":1,"pair":[1]}"#,
            r#"{"name":"a","count":1} x"#,
            r#"{"name":"a","count":1,"x":}"#,
            r#"{"name":"a","count":1,"x":tru}"#,
            "{\"name\":\"\u{1}\",\"count\":1}",
        ] {
            assert_eq!(read::<Sample>(text), None, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read::<Sample>(&deep), None);
    }

    #[test]
    fn a_variant_has_a_name_and_perhaps_a_content() {
        assert_eq!(variant(r#""ok""#), Some(("ok".into(), "null")));
        assert_eq!(
            variant(r#"{"in_flight":{"remaining_ms":5}}"#),
            Some(("in_flight".into(), r#"{"remaining_ms":5}"#))
        );
        for raw in ["{}", "7", r#"{"a":1,"b":2}"#, "[]"] {
            assert_eq!(variant(raw), None, "{raw}");
        }
    }
}
