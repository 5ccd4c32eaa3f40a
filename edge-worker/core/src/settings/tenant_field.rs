//! The field of signed bodies that names the tenant: `TENANT_FIELD`.

use core::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

use super::Reader;

/// How deep the field may be. The deepest one of the known shapes, `data.job.metadata.tenant`, is at 4.
const MOST_NAMES: usize = 8;

/// How long a tenant's name may be, in bytes. Longer ones are not taken for one.
pub(crate) const MAX_TENANT_BYTES: usize = 128;

/// A path into a JSON document: the names of members, from the outside in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TenantField(Vec<String>);

pub(super) fn read(reader: &mut Reader<'_>) -> Option<TenantField> {
    const SETTING: &str = "TENANT_FIELD";
    let text = reader.text(SETTING)?;
    let names: Vec<String> = text.split('.').map(str::to_owned).collect();
    let is_name = |name: &String| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    if names.len() > MOST_NAMES || !names.iter().all(is_name) {
        let text = format!(
            "is not a path of up to {MOST_NAMES} names with dots between, such as \
             `data.job.metadata.tenant`: correct it, or remove it"
        );
        reader.refuse(SETTING, text);
        return None;
    }
    Some(TenantField(names))
}

impl TenantField {
    /// The tenant that a body names: a text, or a whole number as a text. None if it names none, or one that is
    /// empty, longer than [`MAX_TENANT_BYTES`] or has control characters.
    pub(crate) fn read(&self, body: &[u8]) -> Option<String> {
        let mut document = serde_json::Deserializer::from_slice(body);
        let tenant = Path(&self.0).deserialize(&mut document).ok()??;
        document.end().ok()?;
        is_tenant(&tenant).then_some(tenant)
    }
}

impl fmt::Display for TenantField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// Whether a text can name a tenant.
pub(crate) fn is_tenant(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TENANT_BYTES && !text.contains(char::is_control)
}

/// Reads what stands at the end of a path, and skips everything else.
#[derive(Clone, Copy)]
struct Path<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Path<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// What is of another kind than the path expects holds no tenant.
impl<'de> Visitor<'de> for Path<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<String>()? {
            match self.0.split_first() {
                // As everywhere, the last of two members of one name counts.
                Some((wanted, rest)) if *wanted == name => {
                    found = map.next_value_seed(Path(rest))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| number.to_string()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::tests::{problems_with, settings_with};

    fn tenant(field: &str, body: &str) -> Option<String> {
        settings_with(&[("TENANT_FIELD", field)]).tenant_field.unwrap().read(body.as_bytes())
    }

    #[test]
    fn the_tenant_is_read_from_the_end_of_the_path() {
        const FIELD: &str = "data.job.metadata.tenant";
        let body = r#"{"tenant":"x","data":{"job":{"id":"job_1","metadata":{"other":[{"tenant":1}],"tenant":"acme"}}}}"#;
        assert_eq!(tenant(FIELD, body).as_deref(), Some("acme"));
        assert_eq!(tenant("tenant", r#"{"tenant":42}"#).as_deref(), Some("42"));
        assert_eq!(tenant("tenant", r#"{"tenant":"a","tenant":"b"}"#).as_deref(), Some("b"));
        assert_eq!(tenant("tenant", r#"{"tenant":"a\u0062"}"#).as_deref(), Some("ab"));
        for body in [
            "",
            "not JSON",
            "[]",
            "7",
            r#""tenant""#,
            "{}",
            r#"{"data":7}"#,
            r#"{"data":{"job":[{"metadata":{"tenant":"acme"}}]}}"#,
            r#"{"data":{"job":{"metadata":"acme"}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":{"id":"acme"}}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":["acme"]}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":null}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":1.5}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":true}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":""}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":"a\nb"}}}}"#,
            r#"{"data":{"job":{"metadata":{"tenant":"acme"}}}} x"#,
        ] {
            assert_eq!(tenant(FIELD, body), None, "{body}");
        }
        let long = |bytes| format!("{{\"tenant\":\"{}\"}}", "x".repeat(bytes));
        assert!(tenant("tenant", &long(128)).is_some());
        assert_eq!(tenant("tenant", &long(129)), None);
        assert_eq!(tenant("tenant", &"[".repeat(100_000)), None, "nested too deeply");
    }

    #[test]
    fn a_field_that_is_no_path_is_refused() {
        for value in [".", "a.", ".a", "a..b", "a b", "$.a", "a[0]", "a.b.c.d.e.f.g.h.i"] {
            let problems = problems_with(&[("TENANT_FIELD", value)]);
            assert!(problems[0].starts_with("TENANT_FIELD is not a path"), "{problems:?}");
        }
        settings_with(&[("TENANT_FIELD", "a.b.c.d.e.f.g.h")]);
    }
}
